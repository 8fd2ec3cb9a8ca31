use iris_local_blob::auth::Account;
use iris_local_blob::http::{Options, serve};
use iris_local_blob::store::*;
use iris_local_blob::*;
#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let t = std::time::Instant::now();
    let store = Store::open(&args[1]).unwrap();
    eprintln!("open {:?}", t.elapsed());
    let faults = iris_local_blob::http::Faults::default();
    if args.len() > 3 && args[3] == "fill" {
        let c = ContainerName::new("filled").unwrap();
        store.ensure_container(&c).await.unwrap();
        let t = std::time::Instant::now();
        let mut set = tokio::task::JoinSet::new();
        for w in 0..64 { let store = store.clone(); let c = c.clone(); set.spawn(async move { for i in 0..1563 { store.put(&c, &BlobName::new(format!("f/{w}/{i}")).unwrap(), vec![1u8;1024], PutOptions::default()).await.unwrap(); } }); }
        while set.join_next().await.is_some() {}
        eprintln!("filled 100k in {:?}", t.elapsed());
        return;
    }
    if args.len() > 3 && args[3] == "bench" {
        let c = ContainerName::new("bench").unwrap();
        store.ensure_container(&c).await.unwrap();
    }
    let l = tokio::net::TcpListener::bind(("127.0.0.1", args[2].parse::<u16>().unwrap())).await.unwrap();
    eprintln!("{}", Account::development().endpoint(l.local_addr().unwrap()).connection_string());
    serve(l, [(Account::development(), store)], Options { faults }, async { tokio::signal::ctrl_c().await.unwrap(); }).await.unwrap();
}
