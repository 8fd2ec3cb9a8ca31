//! Faults on demand, and clients that go away.

use tokio::io::AsyncWriteExt as _;

use crate::harness::{CONTAINER, Endpoint, blob, container, failure, header};

#[tokio::test(flavor = "multi_thread")]
async fn unavailable_and_cut_as_often_as_asked() {
    let endpoint = Endpoint::start().await;
    endpoint.put("f", vec![1; 3_000_000]).await;
    endpoint.faults.answer_unavailable(2);
    for expected in [503, 503, 200] {
        assert_eq!(endpoint.get("f", &[]).await.status(), expected);
    }
    endpoint.faults.cut_downloads(1, 1_500_000);
    let cut = endpoint.get("f", &[]).await;
    assert_eq!(header(&cut, "content-length"), "3000000");
    assert!(cut.bytes().await.is_err());
    assert_eq!(endpoint.get("f", &[]).await.bytes().await.unwrap().len(), 3_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_written_upload_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::with_store(iris_local_blob::store::Store::open(folder.path()).unwrap()).await;
    let mut events = endpoint.store.subscribe();
    let expiry = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let terms = iris_local_blob::auth::SasTerms { permissions: "cw".to_owned(), expiry };
    let url = endpoint.account.endpoint(endpoint.address).blob_sas_url(&container(), &blob("half"), &terms);
    let target = url.split_once("//").unwrap().1.split_once('/').unwrap().1.to_owned();
    let mut stream = tokio::net::TcpStream::connect(endpoint.address).await.unwrap();
    let head =
        format!("PUT /{target} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: BlockBlob\r\nContent-Length: 9000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![0; 4_000_000]).await.unwrap();
    drop(stream);
    endpoint.put("whole", "x").await;
    assert_eq!(events.recv().await.unwrap().name, blob("whole"));
    assert_eq!(failure(&endpoint.get("half", &[]).await), (404, "BlobNotFound"));
    endpoint.stop().await;
    let files = || {
        let shards = std::fs::read_dir(folder.path().join("content")).unwrap();
        shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum::<usize>()
    };
    while files() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_requests_and_closes_idle_connections() {
    let endpoint = Endpoint::start().await;
    endpoint.put("x", "x").await;
    let address = endpoint.address;
    endpoint.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_loopback_is_served() {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = iris_local_blob::http::serve(listener, Vec::new(), Default::default(), std::future::pending()).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upload_is_answered_after_it_was_sent() {
    let endpoint = Endpoint::start().await;
    let big = vec![0; 20_000_000];
    let refused = endpoint.send("PUT", "missing-container/x", &[("x-ms-blob-type", "BlockBlob")], big).await;
    assert_eq!(failure(&refused), (404, "ContainerNotFound"));
    let refused = endpoint.send("PUT", &format!("{CONTAINER}/x"), &[], vec![0; 20_000_000]).await;
    assert_eq!(failure(&refused), (400, "MissingRequiredHeader"));
}
