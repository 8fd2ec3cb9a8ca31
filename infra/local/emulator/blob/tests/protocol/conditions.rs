//! Conditional requests.

use crate::harness::{CONTAINER, Endpoint, failure, header};

const TYPE: (&str, &str) = ("x-ms-blob-type", "BlockBlob");
const PAST: &str = "Fri, 01 Jan 2021 00:00:00 GMT";
const FUTURE: &str = "Fri, 01 Jan 2100 00:00:00 GMT";

#[tokio::test(flavor = "multi_thread")]
async fn writes() {
    let endpoint = Endpoint::start().await;
    let path = format!("{CONTAINER}/c");
    let put = async |name: &str, value: &str| endpoint.send("PUT", &path, &[TYPE, (name, value)], "x").await;
    assert_eq!(failure(&put("if-match", "*").await), (412, "ConditionNotMet"));
    let first = put("if-none-match", "*").await;
    let etag = header(&first, "etag").to_owned();
    assert_eq!(first.status(), 201);
    assert_eq!(failure(&put("if-none-match", "*").await), (409, "BlobAlreadyExists"));
    assert_eq!(failure(&put("if-none-match", &etag).await), (412, "ConditionNotMet"));
    assert_eq!(failure(&put("if-match", "\"0x1\"").await), (412, "ConditionNotMet"));
    assert_eq!(failure(&put("if-modified-since", FUTURE).await), (412, "ConditionNotMet"));
    assert_eq!(failure(&put("if-unmodified-since", PAST).await), (412, "ConditionNotMet"));
    assert_eq!(failure(&put("if-unmodified-since", "soon").await), (400, "InvalidHeaderValue"));
    let second = put("if-match", etag.trim_matches('"')).await;
    assert_eq!(second.status(), 201, "without quotes");
    let etag = header(&second, "etag").to_owned();
    assert_eq!(put("if-match", &format!("\"0x1\", {etag}")).await.status(), 201, "one of several");

    for method in ["PUT", "DELETE"] {
        let path = if method == "PUT" { format!("{path}?comp=metadata") } else { path.clone() };
        let refused = endpoint.send(method, &path, &[("if-match", "\"0x1\"")], "").await;
        assert_eq!(failure(&refused), (412, "ConditionNotMet"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads() {
    let endpoint = Endpoint::start().await;
    let etag = header(&endpoint.put("c", "x").await, "etag").to_owned();
    for (name, value, status) in [
        ("if-match", etag.as_str(), 200),
        ("if-match", "\"0x1\"", 412),
        ("if-none-match", etag.as_str(), 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"0x1\"", 200),
        ("if-modified-since", FUTURE, 304),
        ("if-modified-since", PAST, 200),
        ("if-unmodified-since", PAST, 412),
        ("if-unmodified-since", FUTURE, 200),
    ] {
        for method in ["GET", "HEAD"] {
            let got = endpoint.send(method, &format!("{CONTAINER}/c"), &[(name, value)], "").await;
            assert_eq!(got.status(), status, "{method} {name} {value}");
            if status == 304 {
                assert_eq!(got.bytes().await.unwrap(), "", "no body with 304");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_commit_and_on_a_copys_source() {
    let endpoint = Endpoint::start().await;
    endpoint.put("c", "x").await;
    let commit = format!("{CONTAINER}/c?comp=blocklist");
    let refused = endpoint.send("PUT", &commit, &[("if-none-match", "*")], "<BlockList/>").await;
    assert_eq!(failure(&refused), (409, "BlobAlreadyExists"));
    let source = endpoint.url(&format!("{CONTAINER}/c")).to_string();
    let headers = [("x-ms-copy-source", source.as_str()), ("x-ms-source-if-match", "\"0x1\"")];
    let refused = endpoint.send("PUT", &format!("{CONTAINER}/d"), &headers, "").await;
    assert_eq!(failure(&refused), (412, "SourceConditionNotMet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_wins_every_round() {
    let endpoint = std::sync::Arc::new(Endpoint::start().await);
    let mut etag = header(&endpoint.put("race", "0").await, "etag").to_owned();
    for _ in 0..5 {
        let writers: Vec<_> = (0..16)
            .map(|_| {
                let (endpoint, etag) = (std::sync::Arc::clone(&endpoint), etag.clone());
                tokio::spawn(async move {
                    let put =
                        endpoint.send("PUT", &format!("{CONTAINER}/race"), &[TYPE, ("if-match", &etag)], "x").await;
                    (put.status().as_u16(), header(&put, "etag").to_owned())
                })
            })
            .collect();
        let mut winners = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                (201, etag) => winners.push(etag),
                (status, _) => assert_eq!(status, 412),
            }
        }
        assert_eq!(winners.len(), 1);
        etag = winners.remove(0);
    }
}
