//! Put, get, properties, metadata, copies.

use reqwest::StatusCode;

use crate::harness::{CONTAINER, Endpoint, blob, container, failure, header};

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_comes_back_with_everything_it_was_given() {
    let endpoint = Endpoint::start().await;
    let headers = [
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-blob-content-type", "text/csv"),
        ("x-ms-blob-content-encoding", "identity"),
        ("x-ms-blob-content-language", "en"),
        ("x-ms-blob-cache-control", "no-store"),
        ("x-ms-blob-content-disposition", "attachment"),
        ("x-ms-meta-kind", "drop"),
        ("x-ms-tags", "site=7&a+b=c%2Fd"),
        ("x-ms-client-request-id", "my-request"),
        ("x-ms-version", "2022-11-02"),
    ];
    let path = format!("{CONTAINER}/a.csv");
    let put = endpoint.send("PUT", &path, &headers, "LocalId\n1\n").await;
    assert_eq!(put.status(), StatusCode::CREATED);
    assert_eq!((header(&put, "x-ms-version"), header(&put, "x-ms-client-request-id")), ("2022-11-02", "my-request"));
    assert!(header(&put, "etag").starts_with("\"0x8D") && !header(&put, "x-ms-request-id").is_empty());
    assert_eq!(header(&put, "content-md5"), "mA/pztkGY8VWTM9mknpeJw==");

    for method in ["GET", "HEAD"] {
        let got = endpoint.send(method, &path, &[], "").await;
        assert_eq!(got.status(), StatusCode::OK);
        for (name, expected) in [
            ("content-type", "text/csv"),
            ("content-encoding", "identity"),
            ("content-language", "en"),
            ("cache-control", "no-store"),
            ("content-disposition", "attachment"),
            ("x-ms-meta-kind", "drop"),
            ("x-ms-tag-count", "2"),
            ("content-length", "10"),
            ("content-md5", header(&put, "content-md5")),
            ("etag", header(&put, "etag")),
            ("x-ms-blob-type", "BlockBlob"),
            ("x-ms-lease-state", "available"),
            ("accept-ranges", "bytes"),
        ] {
            assert_eq!(header(&got, name), expected, "{method} {name}");
        }
        assert_eq!(got.text().await.unwrap(), if method == "GET" { "LocalId\n1\n" } else { "" });
    }
    let tags = endpoint.send("GET", &format!("{path}?comp=tags"), &[], "").await.text().await.unwrap();
    assert!(tags.contains("<Key>a b</Key><Value>c/d</Value>"), "{tags}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_names_keep_their_case_and_digests_are_checked() {
    let endpoint = Endpoint::start().await;
    let path = format!("{CONTAINER}/m");
    let stored = async |request: &str| {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(endpoint.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    };
    let expiry = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let terms = iris_local_blob::auth::SasTerms { permissions: "rcwl".to_owned(), expiry };
    let url = endpoint.account.endpoint(endpoint.address).blob_sas_url(&container(), &blob("m"), &terms);
    let target = url.split_once("//").unwrap().1.split_once('/').unwrap().1.to_owned();
    let request = format!(
        "PUT /{target} HTTP/1.1\r\nHost: x\r\nX-MS-Blob-Type: BlockBlob\r\nX-Ms-Meta-PatientKind: \
         A\r\nx-ms-meta-lower: b\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    );
    assert!(stored(&request).await.starts_with("HTTP/1.1 201"));
    let found = endpoint.store.properties(&container(), &blob("m"), &Default::default()).await.unwrap();
    let mut names: Vec<_> = found.metadata().iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["PatientKind", "lower"]);
    let head = stored(&format!("HEAD /{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    assert!(head.contains("x-ms-meta-PatientKind: A\r\n") && head.contains("x-ms-meta-lower: b\r\n"), "{head}");

    for (name, value, code) in [
        ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "Md5Mismatch"),
        ("content-md5", "AAAA", "InvalidMd5"),
        ("x-ms-blob-content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "Md5Mismatch"),
        ("x-ms-content-crc64", "AAAAAAAAAAA=", "Crc64Mismatch"),
    ] {
        let refused = endpoint.send("PUT", &path, &[("x-ms-blob-type", "BlockBlob"), (name, value)], "y").await;
        assert_eq!(failure(&refused), (400, code), "{name}");
    }
    assert_eq!(endpoint.get("m", &[]).await.text().await.unwrap(), "x");
    let crc64 = [("x-ms-blob-type", "BlockBlob"), ("x-ms-content-crc64", "iJh5CoYUi64=")];
    assert_eq!(endpoint.send("PUT", &path, &crc64, "123456789").await.status(), StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges() {
    let endpoint = Endpoint::start().await;
    endpoint.put("r", "0123456789").await;
    endpoint.put("none", "").await;
    for (headers, range, body) in [
        (vec![("range", "bytes=2-4")], "bytes 2-4/10", "234"),
        (vec![("x-ms-range", "bytes=8-")], "bytes 8-9/10", "89"),
        (vec![("range", "bytes=0-0"), ("x-ms-range", "bytes=5-500")], "bytes 5-9/10", "56789"),
    ] {
        let got = endpoint.get("r", &headers).await;
        assert_eq!((got.status(), header(&got, "content-range")), (StatusCode::PARTIAL_CONTENT, range));
        assert_eq!((header(&got, "content-md5"), header(&got, "x-ms-blob-content-md5").len()), ("", 24));
        assert_eq!(got.text().await.unwrap(), body);
    }
    let digest = endpoint.get("r", &[("x-ms-range", "bytes=0-0"), ("x-ms-range-get-content-md5", "true")]).await;
    assert_eq!(header(&digest, "content-md5"), "z80ghJXVZe9m59/5+Ydk2g==");
    for (name, range, length) in [("r", "bytes=10-", "bytes */10"), ("none", "bytes=0-0", "bytes */0")] {
        let got = endpoint.get(name, &[("x-ms-range", range)]).await;
        assert_eq!((failure(&got), header(&got, "content-range")), ((416, "InvalidRange"), length));
    }
    assert_eq!(endpoint.get("none", &[]).await.text().await.unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_headers_change_without_the_content() {
    let endpoint = Endpoint::start().await;
    let before = header(&endpoint.put("c", "content").await, "etag").to_owned();
    let path = format!("{CONTAINER}/c");
    let changed = endpoint.send("PUT", &format!("{path}?comp=metadata"), &[("x-ms-meta-a", "1")], "").await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(header(&changed, "etag"), before);
    let headers = [("x-ms-blob-content-type", "text/plain"), ("x-ms-blob-cache-control", "private")];
    assert_eq!(endpoint.send("PUT", &format!("{path}?comp=properties"), &headers, "").await.status(), StatusCode::OK);
    let got = endpoint.get("c", &[]).await;
    assert_eq!(
        (header(&got, "content-type"), header(&got, "x-ms-meta-a"), header(&got, "content-md5")),
        ("text/plain", "1", "")
    );
    assert_eq!(got.text().await.unwrap(), "content");
    let tags = "<?xml version=\"1.0\"?><Tags><TagSet><Tag><Key>k</Key><Value>v &amp; w</Value></Tag></TagSet></Tags>";
    assert_eq!(failure(&endpoint.send("PUT", &format!("{path}?comp=tags"), &[], tags).await), (400, "InvalidTag"));
    let tags = tags.replace("&amp;", "+");
    assert_eq!(endpoint.send("PUT", &format!("{path}?comp=tags"), &[], tags).await.status(), StatusCode::NO_CONTENT);
    let tier = async |tier| endpoint.send("PUT", &format!("{path}?comp=tier"), &[("x-ms-access-tier", tier)], "").await;
    assert_eq!(tier("Cool").await.status(), StatusCode::OK);
    let head = endpoint.send("HEAD", &path, &[], "").await;
    assert_eq!((header(&head, "x-ms-access-tier"), header(&head, "x-ms-access-tier-inferred")), ("Cool", ""));
    assert_eq!(failure(&tier("Archive").await), (501, "NotImplemented"));
    assert_eq!(failure(&tier("Warm").await), (400, "InvalidHeaderValue"));
    let bad = endpoint.send("PUT", &format!("{path}?comp=metadata"), &[("x-ms-meta-a-b", "1")], "").await;
    assert_eq!(failure(&bad), (400, "InvalidMetadata"));
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_inside_the_account() {
    let endpoint = Endpoint::start().await;
    endpoint.put("from", "content").await;
    let mut events = endpoint.store.subscribe();
    let source = endpoint.url(&format!("{CONTAINER}/from")).to_string();
    let path = format!("{CONTAINER}/to");
    let copied = endpoint.send("PUT", &path, &[("x-ms-copy-source", &source)], "").await;
    assert_eq!((copied.status(), header(&copied, "x-ms-copy-status")), (StatusCode::ACCEPTED, "success"));
    let event = events.recv().await.unwrap();
    assert_eq!((event.api.as_str(), event.name.as_str(), event.content_length), ("CopyBlob", "to", 7));
    assert_eq!(event.request_id.to_string(), header(&copied, "x-ms-request-id"));
    assert_eq!(format!("\"{}\"", event.etag), header(&copied, "etag"));
    let url = endpoint.account.endpoint(endpoint.address).blob_url(&event.container, &event.name);
    let message = iris_local_blob::event_grid::cloud_event(&event, endpoint.account.name(), &url).unwrap();
    assert!(
        message.contains(&format!(r#""url":"http://{}/irislocal/harborview-drops/to""#, endpoint.address)),
        "{message}"
    );
    let got = endpoint.get("to", &[]).await;
    assert_eq!(header(&got, "x-ms-copy-id"), header(&copied, "x-ms-copy-id"));
    assert_eq!(header(&got, "x-ms-copy-progress"), "7/7");
    let from_url = [("x-ms-copy-source", source.as_str()), ("x-ms-blob-type", "BlockBlob")];
    assert_eq!(endpoint.send("PUT", &path, &from_url, "").await.status(), StatusCode::CREATED);
    let id = "AAAA";
    let block = format!("{CONTAINER}/block?comp=block&blockid={id}");
    let range = [("x-ms-copy-source", source.as_str()), ("x-ms-source-range", "bytes=1-3")];
    assert_eq!(endpoint.send("PUT", &block, &range, "").await.status(), StatusCode::CREATED);
    let list = format!("<BlockList><Latest>{id}</Latest></BlockList>");
    endpoint.send("PUT", &format!("{CONTAINER}/block?comp=blocklist"), &[], list).await;
    assert_eq!(endpoint.get("block", &[]).await.text().await.unwrap(), "ont");

    for (source, expected) in [
        (source.replace("from", "gone"), (404, "BlobNotFound")),
        ("https://example.com/irislocal/harborview-drops/from".to_owned(), (404, "CannotVerifyCopySource")),
        (source.replace("irislocal", "devstoreaccount1"), (404, "CannotVerifyCopySource")),
        ("::".to_owned(), (400, "InvalidHeaderValue")),
    ] {
        let refused = endpoint.send("PUT", &path, &[("x-ms-copy-source", &source)], "").await;
        assert_eq!(failure(&refused), expected, "{source}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_says_so() {
    let endpoint = Endpoint::start().await;
    endpoint.put("x", "x").await;
    for (method, query, headers, expected) in [
        ("PUT", "", vec![("x-ms-blob-type", "PageBlob")], (501, "NotImplemented")),
        ("PUT", "", vec![], (400, "MissingRequiredHeader")),
        ("PUT", "?comp=snapshot", vec![], (501, "NotImplemented")),
        ("GET", "?snapshot=2026-11-20T09:15:02.5314827Z", vec![], (501, "NotImplemented")),
        ("GET", "?comp=nonsense", vec![], (400, "InvalidQueryParameterValue")),
        ("POST", "", vec![], (405, "UnsupportedHttpVerb")),
        ("GET", "", vec![("x-ms-if-tags", "a=b")], (501, "NotImplemented")),
    ] {
        let refused = endpoint.send(method, &format!("{CONTAINER}/x{query}"), &headers, "").await;
        assert_eq!(failure(&refused), expected, "{method} {query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answered_means_stored_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::with_store(iris_local_blob::store::Store::open(folder.path()).unwrap()).await;
    let etag = header(&endpoint.put("kept", vec![7; 300_000]).await, "etag").to_owned();
    endpoint.stop().await;
    let endpoint = Endpoint::with_store(iris_local_blob::store::Store::open(folder.path()).unwrap()).await;
    let got = endpoint.get("kept", &[]).await;
    assert_eq!(header(&got, "etag"), etag);
    assert_eq!(got.bytes().await.unwrap(), vec![7; 300_000]);
}
