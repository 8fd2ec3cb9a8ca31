//! Requests that nobody sends by accident. Each is answered or its connection closed; the endpoint keeps working.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{CONTAINER, Endpoint, container, failure};
use iris_local_blob::auth::SasTerms;
use iris_local_blob::store::ListQuery;

/// Sends bytes and reads at least the head of the answer, or until the connection is closed.
async fn raw(endpoint: &Endpoint, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(endpoint.address).await.unwrap();
    // The endpoint may hang up while a hostile request is still being sent.
    let _ = stream.write_all(request).await;
    read_head(&mut stream).await
}

/// Sends an incomplete request, and nothing more.
async fn raw_and_close(endpoint: &Endpoint, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(endpoint.address).await.unwrap();
    let _ = stream.write_all(request).await;
    let _ = stream.shutdown().await;
    read_head(&mut stream).await
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n")
        && stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0)
    {}
    String::from_utf8_lossy(&answer).into_owned()
}

fn query(endpoint: &Endpoint) -> String {
    let expiry = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let terms = SasTerms { permissions: "rcwdl".to_owned(), expiry };
    let url = endpoint.account.endpoint(endpoint.address).container_sas_url(&container(), &terms);
    url.split_once('?').unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_are_names_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::with_store(iris_local_blob::store::Store::open(folder.path().join("data")).unwrap()).await;
    let sas = query(&endpoint);
    let put = async |path: &str| {
        let head =
            format!("PUT /irislocal/{CONTAINER}/{path}?{sas} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: BlockBlob\r\n");
        raw(&endpoint, format!("{head}Content-Length: 1\r\nConnection: close\r\n\r\nx").as_bytes()).await
    };
    for (path, name) in [
        ("..", ".."),
        ("../../../etc/passwd", "../../../etc/passwd"),
        ("%2e%2e%2fescape", "../escape"),
        ("a//b", "a//b"),
        ("back%5Cslash", "back/slash"),
        ("CON", "CON"),
        ("%252e", "%2e"),
        ("bad%zzescape", "bad%zzescape"),
        ("%F0%9F%91%81", "\u{1f441}"),
        ("trailing./", "trailing./"),
    ] {
        let answer = put(path).await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{path}: {answer}");
        let page = endpoint.store.list_blobs(&container(), ListQuery::default()).await.unwrap();
        assert!(page.blobs().any(|blob| blob.name.as_str() == name), "{path}");
    }
    for (path, code) in [
        ("nul%00byte", "InvalidResourceName"),
        ("line%0Abreak", "InvalidResourceName"),
        ("%ff%fe", "InvalidUri"),
        (&"x".repeat(1025), "OutOfRangeInput"),
        (&"a/".repeat(300), "InvalidResourceName"),
    ] {
        assert!(put(path).await.contains(code), "{path}");
    }
    let entries: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(entries, ["data"], "nothing is written beside the store");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_do_not_hurt() {
    let endpoint = Endpoint::start().await;
    let sas = query(&endpoint);
    let long = format!("GET /irislocal/{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    let many: String = (0..5000).map(|n| format!("x-ms-meta-h{n}: v\r\n")).collect();
    let many = format!("PUT /irislocal/{CONTAINER}/x?{sas} HTTP/1.1\r\nHost: x\r\n{many}\r\n");
    let heavy: String = (0..100).map(|n| format!("x-ms-meta-h{n}: {}\r\n", "v".repeat(100))).collect();
    let heavy = format!(
        "PUT /irislocal/{CONTAINER}/x?{sas} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: \
         BlockBlob\r\n{heavy}Content-Length: 1\r\n\r\nx"
    );
    let bytes = |text: &str| text.as_bytes().to_vec();
    for request in [vec![], bytes("\r\n\r\n\r\n"), bytes("GET"), bytes("GET / HTTP/1.1\r\nHost"), bytes(&long[..5000])]
    {
        assert_eq!(raw_and_close(&endpoint, &request).await, "");
    }
    let requests: Vec<Vec<u8>> = vec![
        vec![0xff; 4096],
        bytes("GET / HTTP/9.9\r\n\r\n"),
        bytes("GET http://evil.example/irislocal/x HTTP/1.1\r\nHost: y\r\n\r\n"),
        bytes("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"),
        bytes("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
        bytes("GET //// HTTP/1.1\r\nHost: x\r\n\r\n"),
        bytes("GET /irislocal//blob HTTP/1.1\r\nHost: x\r\n\r\n"),
        bytes("GET /irislocal/%ff/%00?%ff=%00&comp=%00 HTTP/1.1\r\nHost: x\r\n\r\n"),
        bytes("PUT /irislocal/c-1/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        bytes("PUT /irislocal/c-1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        bytes("PUT /irislocal/c-1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        bytes("PUT /irislocal/c-1/x HTTP/1.1\r\nHost: x\r\nAuthorization: SharedKey\r\n\r\n"),
        bytes("PUT /irislocal/c-1/x HTTP/1.1\r\nHost: x\r\nAuthorization: SharedKey :::\r\nx-ms-date: x\r\n\r\n"),
        bytes("GET /irislocal/c-1/x?sv=2030-01-01&sr=b&sig=x&se=99999-99-99 HTTP/1.1\r\nHost: x\r\n\r\n"),
        bytes(&format!("GET /irislocal/{CONTAINER}/x?{sas}&{} HTTP/1.1\r\nHost: x\r\n\r\n", "a=b&".repeat(5000))),
        bytes(&long),
        bytes(&many),
        bytes(&heavy),
    ];
    for request in requests {
        let answer = raw(&endpoint, &request).await;
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 4"), "{shown}: {answer}");
    }
    endpoint.put("still-here", "x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_requests_do_not_hurt() {
    let endpoint = Endpoint::start().await;
    let sas = query(&endpoint);
    let own = format!("/irislocal/{CONTAINER}/x");
    let list = "<BlockList><Latest>AAAA</Latest></BlockList>";
    let requests = [
        format!(
            "PUT {own}?{sas} HTTP/1.1\r\nHost: x\r\nx-ms-blob-type: BlockBlob\r\nx-ms-meta-A: b\r\nContent-Length: \
             3\r\n\r\nabc"
        ),
        format!("PUT {own}?comp=block&blockid=AAAA&{sas} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
        format!("PUT {own}?comp=blocklist&{sas} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{list}", list.len()),
        format!("GET {own}?{sas} HTTP/1.1\r\nHost: x\r\nx-ms-range: bytes=0-1\r\nIf-None-Match: \"0x1\"\r\n\r\n"),
        format!(
            "GET /irislocal/{CONTAINER}?restype=container&comp=list&prefix=a&delimiter=/&{sas} HTTP/1.1\r\nHost: \
             x\r\n\r\n"
        ),
    ];
    // A fixed sequence of pseudo-random damage: bytes are changed, removed, doubled.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for round in 0..400 {
        let mut request = requests[round % requests.len()].clone().into_bytes();
        for _ in 0..=random(4) {
            let at = random(request.len());
            match random(3) {
                0 => request[at] = random(256) as u8,
                1 => drop(request.remove(at)),
                _ => request.insert(at, request[at]),
            }
        }
        let answer = raw_and_close(&endpoint, &request).await;
        assert!(!answer.starts_with("HTTP/1.1 5") || answer.starts_with("HTTP/1.1 501"), "{answer}");
    }
    endpoint.put("still-here", "x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_and_recursive_xml() {
    let endpoint = Endpoint::start().await;
    let deep = "<a>".repeat(100_000);
    for path in ["x?comp=blocklist", "x?comp=tags"] {
        let refused = endpoint.send("PUT", &format!("{CONTAINER}/{path}"), &[], deep.clone()).await;
        assert_eq!(refused.status().as_u16() / 100, 4);
    }
    let bomb =
        "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><BlockList><Latest>&b;</Latest></BlockList>";
    let refused = endpoint.send("PUT", &format!("{CONTAINER}/x?comp=blocklist"), &[], bomb).await;
    assert_eq!(failure(&refused), (400, "InvalidXmlDocument"));
    let large = endpoint.send("PUT", &format!("{CONTAINER}/x?comp=tags"), &[], vec![b' '; 200_000]).await;
    assert_eq!(failure(&large), (413, "RequestBodyTooLarge"));
}
