use iris_local_blob::auth::*;
use iris_local_blob::*;
use futures::StreamExt;
use std::time::Instant;
#[tokio::main]
async fn main() {
    let addr: std::net::SocketAddr = std::env::args().nth(1).unwrap().parse().unwrap();
    let a = Account::development();
    let c = ContainerName::new("bench").unwrap();
    let url = a.endpoint(addr).container_sas_url(&c, &SasTerms { permissions: "rcwdl".into(), expiry: jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1) });
    let (base, sas) = url.split_once('?').unwrap();
    let cl = reqwest::Client::new();
    let small = |n: usize| { let (cl, u) = (cl.clone(), format!("{base}/small/{n}?{sas}")); async move { let t = Instant::now(); let r = cl.put(u).header("x-ms-blob-type","BlockBlob").body(vec![1u8;1024]).send().await.unwrap(); assert_eq!(r.status(), 201); t.elapsed() } };
    for round in 0..3 {
        let t = Instant::now();
        let mut l: Vec<_> = futures::stream::iter(0..5000).map(|n| small(n + round * 5000)).buffer_unordered(32).collect().await;
        let e = t.elapsed(); l.sort();
        println!("small puts {:.0}/s p50 {:?} p99 {:?}", 5000.0 / e.as_secs_f64(), l[2500], l[4950]);
        let t = Instant::now();
        futures::stream::iter(0..5000).map(|n| { let (cl, u) = (cl.clone(), format!("{base}/small/{n}?{sas}")); async move { cl.get(u).send().await.unwrap().bytes().await.unwrap() } }).buffer_unordered(32).collect::<Vec<_>>().await;
        println!("small gets {:.0}/s", 5000.0 / t.elapsed().as_secs_f64());
        let data = bytes::Bytes::from(vec![7u8; 4 << 20]);
        let t = Instant::now();
        let ids: Vec<String> = (0..25).map(|i| format!("{i:04}")).collect();
        futures::stream::iter(ids.clone()).map(|i| { let (cl, u, d) = (cl.clone(), format!("{base}/big?comp=block&blockid={i}&{sas}"), data.clone()); async move { assert_eq!(cl.put(u).body(d).send().await.unwrap().status(), 201); } }).buffer_unordered(8).collect::<Vec<_>>().await;
        let list: String = ids.iter().map(|i| format!("<Latest>{i}</Latest>")).collect();
        assert_eq!(cl.put(format!("{base}/big?comp=blocklist&{sas}")).body(format!("<BlockList>{list}</BlockList>")).send().await.unwrap().status(), 201);
        println!("up blocks {:.0} MB/s", 104.8576 / t.elapsed().as_secs_f64());
        let t = Instant::now();
        assert_eq!(cl.put(format!("{base}/one?{sas}")).header("x-ms-blob-type","BlockBlob").body(vec![7u8; 100 << 20]).send().await.unwrap().status(), 201);
        println!("up one {:.0} MB/s", 104.8576 / t.elapsed().as_secs_f64());
        for b in ["big", "one"] {
        let t = Instant::now();
        let mut s = cl.get(format!("{base}/{b}?{sas}")).send().await.unwrap().bytes_stream(); let mut n = 0; while let Some(x) = s.next().await { n += x.unwrap().len(); }
        println!("down {b} one stream {:.0} MB/s", n as f64 / 1e6 / t.elapsed().as_secs_f64()); }
        let t = Instant::now();
        futures::stream::iter(0..25u64).map(|i| { let (cl, u) = (cl.clone(), format!("{base}/big?{sas}")); async move { let r = cl.get(u).header("range", format!("bytes={}-{}", i * (4 << 20), (i + 1) * (4 << 20) - 1)).send().await.unwrap(); assert_eq!(r.bytes().await.unwrap().len(), 4 << 20); } }).buffer_unordered(8).collect::<Vec<_>>().await;
        println!("down ranges {:.0} MB/s", 104.8576 / t.elapsed().as_secs_f64());
        let t = Instant::now();
        let x = cl.get(format!("{url}&restype=container&comp=list&prefix=small")).send().await.unwrap().text().await.unwrap();
        println!("list 5000 {:?} ({} kB)", t.elapsed(), x.len() / 1000);
    }
}
