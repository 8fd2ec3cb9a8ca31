//! What clients of other languages send and expect, in cases where a server is easily stricter or laxer than the
//! service.

use iris_local_blob::NotOffered;
use reqwest::StatusCode;

use crate::harness::{CONTAINER, Endpoint, failure, header};

const BLOCK_BLOB: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_head_does_not_announce_a_body() {
    let endpoint = Endpoint::start().await;
    for path in [format!("{CONTAINER}/none"), "harborview-none?restype=container".to_owned()] {
        let head = endpoint.send("HEAD", &path, &[], "").await;
        assert_eq!((head.status(), header(&head, "content-type")), (StatusCode::NOT_FOUND, ""), "{path}");
        assert!(!header(&head, "x-ms-error-code").is_empty());
    }
    let get = endpoint.get("none", &[]).await;
    assert_eq!(header(&get, "content-type"), "application/xml");
}

#[tokio::test(flavor = "multi_thread")]
async fn protection_that_is_not_given_is_refused_by_name() {
    let endpoint = Endpoint::start().await;
    let path = format!("{CONTAINER}/p");
    for (name, offer) in [
        ("x-ms-encryption-key", NotOffered::CustomerKeys),
        ("x-ms-encryption-key-sha256", NotOffered::CustomerKeys),
        ("x-ms-encryption-scope", NotOffered::EncryptionScopes),
        ("x-ms-legal-hold", NotOffered::Immutability),
        ("x-ms-immutability-policy-until-date", NotOffered::Immutability),
        ("x-ms-if-tags", NotOffered::TagConditions),
        ("x-ms-structured-body", NotOffered::StructuredBodies),
    ] {
        let refused = endpoint.send("PUT", &path, &[BLOCK_BLOB, (name, "true")], "x").await;
        assert_eq!(failure(&refused), (501, "NotImplemented"), "{name}");
        let text = refused.text().await.unwrap();
        assert!(text.contains(offer.what()), "{text}");
    }
    let scoped = [("x-ms-default-encryption-scope", "mine")];
    let refused = endpoint.send("PUT", "harborview-scoped?restype=container", &scoped, "").await;
    assert_eq!(failure(&refused), (501, "NotImplemented"));
    assert_eq!(endpoint.get("p", &[]).await.status(), StatusCode::NOT_FOUND, "nothing was written");
    let bearer = endpoint.client.get(endpoint.url(&path)).header("authorization", "Bearer x").send().await.unwrap();
    assert_eq!(failure(&bearer), (403, "AuthenticationFailed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_a_date() {
    let endpoint = Endpoint::start().await;
    for version in ["nonsense", "2026-13-01", "2026-04-06T00:00", "20260406"] {
        let refused = endpoint.get("x", &[("x-ms-version", version)]).await;
        assert_eq!(failure(&refused), (400, "InvalidHeaderValue"), "{version}");
    }
    let newer = endpoint.get("x", &[("x-ms-version", "2031-10-06")]).await;
    assert_eq!((failure(&newer).0, header(&newer, "x-ms-version")), (404, "2031-10-06"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_id_has_many_forms() {
    let endpoint = Endpoint::start().await;
    endpoint.put("l", "x").await;
    let path = format!("{CONTAINER}/l");
    const ID: &str = "1f812371-a41d-49e6-b123-f4b542e851c5";
    for target in [format!("{path}?comp=lease"), format!("{CONTAINER}?restype=container&comp=lease")] {
        let acquire = [
            ("x-ms-lease-action", "acquire"),
            ("x-ms-lease-duration", "-1"),
            ("x-ms-proposed-lease-id", "{1F812371-A41D-49E6-B123-F4B542E851C5}"),
        ];
        let acquired = endpoint.send("PUT", &target, &acquire, "").await;
        assert_eq!((acquired.status().as_u16(), header(&acquired, "x-ms-lease-id")), (201, ID));
    }
    for form in [ID, "1f812371a41d49e6b123f4b542e851c5", "(1F812371-A41D-49E6-B123-F4B542E851C5)"] {
        let written = endpoint.send("PUT", &path, &[BLOCK_BLOB, ("x-ms-lease-id", form)], "y").await;
        assert_eq!(written.status(), StatusCode::CREATED, "{form}");
        let container = format!("{CONTAINER}?restype=container&comp=metadata");
        let written = endpoint.send("PUT", &container, &[("x-ms-lease-id", form)], "").await;
        assert_eq!(written.status(), StatusCode::OK, "{form}");
    }
    let refused = endpoint.get("l", &[("x-ms-lease-id", "not-an-id")]).await;
    assert_eq!(failure(&refused), (400, "InvalidHeaderValue"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_that_cannot_be_read_are_ignored() {
    let endpoint = Endpoint::start().await;
    endpoint.put("r", "0123456789").await;
    for range in ["bytes=-3", "bytes=5-2", "items=0-1", "bytes=0-1,4-5", "nonsense"] {
        for name in ["range", "x-ms-range"] {
            let got = endpoint.get("r", &[(name, range)]).await;
            assert_eq!((got.status(), header(&got, "content-range")), (StatusCode::OK, ""), "{name}: {range}");
            assert_eq!(got.text().await.unwrap(), "0123456789");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn content_headers_are_kept_as_they_are_given() {
    let endpoint = Endpoint::start().await;
    endpoint.put("h", "content").await;
    let (path, properties) = (format!("{CONTAINER}/h"), format!("{CONTAINER}/h?comp=properties"));
    assert_eq!(header(&endpoint.get("h", &[]).await, "content-type"), "application/octet-stream");
    let set = endpoint.send("PUT", &properties, &[("x-ms-blob-content-md5", "AQIDBA==")], "").await;
    assert_eq!(set.status(), StatusCode::OK);
    assert_eq!(header(&endpoint.send("HEAD", &path, &[], "").await, "content-md5"), "AQIDBA==");
    assert_eq!(endpoint.send("PUT", &properties, &[], "").await.status(), StatusCode::OK);
    let got = endpoint.send("HEAD", &path, &[], "").await;
    assert_eq!((header(&got, "content-type"), header(&got, "content-md5")), ("", ""), "all of them are gone");
    let bad = endpoint.send("PUT", &properties, &[("x-ms-blob-content-md5", "~")], "").await;
    assert_eq!(failure(&bad), (400, "InvalidMd5"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_say_since_when() {
    let endpoint = Endpoint::start().await;
    endpoint.put("t", "x").await;
    let path = format!("{CONTAINER}/t");
    let since = "x-ms-access-tier-change-time";
    assert_eq!(header(&endpoint.send("HEAD", &path, &[], "").await, since), "");
    for (tier, smart) in [("Cool", ""), ("Smart", "Hot")] {
        let set = endpoint.send("PUT", &format!("{path}?comp=tier"), &[("x-ms-access-tier", tier)], "").await;
        assert_eq!(set.status(), StatusCode::OK);
        let head = endpoint.send("HEAD", &path, &[], "").await;
        assert_eq!((header(&head, "x-ms-access-tier"), header(&head, "x-ms-smart-access-tier")), (tier, smart));
        assert!(header(&head, since).ends_with(" GMT"));
    }
    let put = endpoint.send("PUT", &path, &[BLOCK_BLOB, ("x-ms-access-tier", "Cold")], "x").await;
    assert_eq!(put.status(), StatusCode::CREATED);
    assert!(!header(&endpoint.send("HEAD", &path, &[], "").await, since).is_empty());
    let list = format!("{CONTAINER}?restype=container&comp=list");
    let list = endpoint.send("GET", &list, &[], "").await.text().await.unwrap();
    assert!(list.contains("<AccessTier>Cold</AccessTier><AccessTierChangeTime>"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_digest_is_checked_and_crc64_is_told() {
    const MD5: (&str, &str) = ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==");
    const CRC64: (&str, &str) = ("x-ms-content-crc64", "iJh5CoYUi64=");
    let endpoint = Endpoint::start().await;
    let (path, block) = (format!("{CONTAINER}/d"), format!("{CONTAINER}/d?comp=block&blockid=AAAA"));
    for target in [&path, &block] {
        let both = endpoint.send("PUT", target, &[BLOCK_BLOB, MD5, CRC64], "123456789").await;
        assert_eq!(failure(&both), (400, "BothCrc64AndMd5HeaderPresent"), "{target}");
        for digest in [MD5, CRC64] {
            let put = endpoint.send("PUT", target, &[BLOCK_BLOB, digest], "123456789").await;
            assert_eq!((put.status(), header(&put, CRC64.0)), (StatusCode::CREATED, CRC64.1), "{target}");
        }
    }
    let list = "<BlockList><Latest>AAAA</Latest></BlockList>";
    let commit = format!("{path}?comp=blocklist");
    assert_eq!(failure(&endpoint.send("PUT", &commit, &[CRC64], list).await), (400, "Crc64Mismatch"));
    let committed = endpoint.send("PUT", &commit, &[], list).await;
    assert_eq!((committed.status(), header(&committed, CRC64.0).len()), (StatusCode::CREATED, 12));
    let asked = [("x-ms-range", "bytes=0-3"), ("x-ms-range-get-content-md5", "true")];
    let both = [asked[0], asked[1], ("x-ms-range-get-content-crc64", "true")];
    assert_eq!(endpoint.get("d", &asked).await.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(failure(&endpoint.get("d", &both).await), (400, "BothCrc64AndMd5RangeHeaderPresent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_put_from_an_address_gets_what_was_asked_for() {
    let endpoint = Endpoint::start().await;
    let from = [
        BLOCK_BLOB,
        ("x-ms-blob-content-type", "text/csv"),
        ("x-ms-blob-content-language", "en"),
        ("x-ms-tags", "kind=csv"),
    ];
    endpoint.send("PUT", &format!("{CONTAINER}/from"), &from, "123456789").await;
    let source = endpoint.url(&format!("{CONTAINER}/from")).to_string();
    let path = format!("{CONTAINER}/to");
    let put = async |more: &[(&str, &str)]| {
        let headers: Vec<_> = [BLOCK_BLOB, ("x-ms-copy-source", source.as_str())].iter().chain(more).copied().collect();
        endpoint.send("PUT", &path, &headers, "").await
    };
    let described = async || {
        let got = endpoint.get("to", &[]).await;
        let text = |name: &str| header(&got, name).to_owned();
        [text("content-type"), text("content-language"), text("x-ms-tag-count")]
    };
    for (headers, expected) in [
        (vec![], ["text/csv", "en", ""]),
        (vec![("x-ms-blob-content-type", "text/plain")], ["text/plain", "en", ""]),
        (vec![("x-ms-copy-source-blob-properties", "false")], ["application/octet-stream", "", ""]),
        (vec![("x-ms-copy-source-tag-option", "COPY")], ["text/csv", "en", "1"]),
        (vec![("x-ms-copy-source-tag-option", "REPLACE"), ("x-ms-tags", "a=b&c=d")], ["text/csv", "en", "2"]),
        (vec![("x-ms-source-content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")], ["text/csv", "en", ""]),
        (vec![("x-ms-source-content-crc64", "iJh5CoYUi64=")], ["text/csv", "en", ""]),
    ] {
        assert_eq!(put(&headers).await.status(), StatusCode::CREATED, "{headers:?}");
        assert_eq!(described().await, expected, "{headers:?}");
    }
    for (headers, expected) in [
        (vec![("x-ms-copy-source-tag-option", "COPY"), ("x-ms-tags", "a=b")], (400, "InvalidHeaderValue")),
        (vec![("x-ms-copy-source-tag-option", "copy")], (400, "InvalidHeaderValue")),
        (vec![("x-ms-copy-source-blob-properties", "maybe")], (400, "InvalidHeaderValue")),
        (vec![("x-ms-source-content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], (400, "Md5Mismatch")),
    ] {
        assert_eq!(failure(&put(&headers).await), expected, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_cannot_be_read_says_why() {
    let endpoint = Endpoint::start().await;
    endpoint.put("from", "x").await;
    let url = |name: &str| endpoint.url(&format!("{CONTAINER}/{name}")).to_string();
    let (there, gone, elsewhere) = (url("from"), url("gone"), url("from").replace(CONTAINER, "harborview-none"));
    let unmatched = ("x-ms-source-if-match", "\"0x8D000000000000\"");
    let unsigned = format!("{there}?sv=2022-11-02&sr=b&sp=r&se=2090-01-01&sig=AAAA");
    let (to, block) = (format!("{CONTAINER}/to"), format!("{CONTAINER}/to?comp=block&blockid=AAAA"));
    let at_once = ("x-ms-requires-sync", "true");
    for (target, kind, source, more, expected) in [
        (&to, BLOCK_BLOB, &gone, None, (404, "CannotVerifyCopySource", "404", "BlobNotFound")),
        (&block, BLOCK_BLOB, &gone, None, (404, "CannotVerifyCopySource", "404", "BlobNotFound")),
        (&to, at_once, &gone, None, (404, "CannotVerifyCopySource", "404", "BlobNotFound")),
        (&to, BLOCK_BLOB, &elsewhere, None, (404, "CannotVerifyCopySource", "404", "ContainerNotFound")),
        (&to, BLOCK_BLOB, &there, Some(unmatched), (412, "CannotVerifyCopySource", "412", "ConditionNotMet")),
        (&to, BLOCK_BLOB, &unsigned, None, (403, "CannotVerifyCopySource", "403", "AuthenticationFailed")),
        (&to, ("x-ms-meta-a", "b"), &there, Some(unmatched), (412, "SourceConditionNotMet", "", "")),
        (&to, ("x-ms-meta-a", "b"), &gone, None, (404, "BlobNotFound", "", "")),
    ] {
        let headers: Vec<_> = [kind, ("x-ms-copy-source", source.as_str())].into_iter().chain(more).collect();
        let refused = endpoint.send("PUT", target, &headers, "").await;
        let (status, code) = failure(&refused);
        let of_source =
            [header(&refused, "x-ms-copy-source-status-code"), header(&refused, "x-ms-copy-source-error-code")];
        assert_eq!((status, code, of_source[0], of_source[1]), expected, "{target} from {source}");
        let (_, _, source_status, source_code) = expected;
        let text = refused.text().await.unwrap();
        assert!(source_code.is_empty() || text.contains(&format!("<CopySourceErrorCode>{source_code}<")), "{text}");
        assert!(source_code.is_empty() || text.contains(&format!("<CopySourceStatusCode>{source_status}<")), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backslash_is_a_slash() {
    let endpoint = Endpoint::start().await;
    endpoint.put("a%5Cb", "x").await;
    assert_eq!(endpoint.get("a/b", &[]).await.text().await.unwrap(), "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containers_batch_stays_in_the_container() {
    let endpoint = Endpoint::start().await;
    endpoint.put("a", "x").await;
    endpoint.send("PUT", "harborview-other?restype=container", &[], "").await;
    endpoint.send("PUT", "harborview-other/a", &[BLOCK_BLOB], "x").await;
    let part = |path: &str| {
        format!(
            "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nDELETE /irislocal/{path} HTTP/1.1\r\n\
             Content-Length: 0\r\n\r\n"
        )
    };
    let kind = ("content-type", "multipart/mixed; boundary=b");
    let body = format!("{}{}--b--\r\n", part("harborview-other/a"), part("harborview-other?restype=container"));
    let batch = endpoint.send("POST", &format!("{CONTAINER}?restype=container&comp=batch"), &[kind], body).await;
    assert_eq!(batch.status(), StatusCode::ACCEPTED);
    let text = batch.text().await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 400 ").count(), 2, "{text}");
    let unsigned = format!("{}--b--\r\n", part(&format!("{CONTAINER}/a")));
    let batch = endpoint.send("POST", &format!("{CONTAINER}?restype=container&comp=batch"), &[kind], unsigned).await;
    assert!(batch.text().await.unwrap().contains("HTTP/1.1 401 "), "what is inside is let through to its own check");
}
