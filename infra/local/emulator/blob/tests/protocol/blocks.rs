//! Blocks and block lists.

use reqwest::StatusCode;

use crate::harness::{CONTAINER, Endpoint, failure, header};

async fn stage(endpoint: &Endpoint, id: &str, body: &str) -> reqwest::Response {
    let id = id.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    endpoint.send("PUT", &format!("{CONTAINER}/b?comp=block&blockid={id}"), &[], body).await
}

async fn commit(endpoint: &Endpoint, list: &str) -> reqwest::Response {
    let list = format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList>\n  {list}\n</BlockList>");
    endpoint
        .send("PUT", &format!("{CONTAINER}/b?comp=blocklist"), &[("x-ms-blob-content-type", "text/csv")], list)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn staged_blocks_are_invisible_until_committed() {
    let endpoint = Endpoint::start().await;
    let mut events = endpoint.store.subscribe();
    for (id, body) in [("aa+/", "one"), ("bbbb", "two"), ("cccc", "three")] {
        assert_eq!(stage(&endpoint, id, body).await.status(), StatusCode::CREATED);
    }
    assert_eq!(failure(&endpoint.get("b", &[]).await), (404, "BlobNotFound"));
    let list = endpoint.send("GET", &format!("{CONTAINER}/b?comp=blocklist&blocklisttype=all"), &[], "").await;
    let list = list.text().await.unwrap();
    assert!(
        list.contains("<CommittedBlocks></CommittedBlocks>") && list.contains("<Name>aa+/</Name><Size>3</Size>"),
        "{list}"
    );
    assert!(events.try_recv().is_err(), "nothing is announced before the commit");

    let committed = commit(&endpoint, "<Latest>cccc</Latest><Uncommitted>aa+/</Uncommitted>").await;
    assert_eq!(committed.status(), StatusCode::CREATED);
    let got = endpoint.get("b", &[]).await;
    assert_eq!((header(&got, "content-md5"), header(&got, "content-type")), ("", "text/csv"));
    assert_eq!(got.text().await.unwrap(), "threeone");
    let event = events.recv().await.unwrap();
    assert_eq!((event.api.as_str(), event.content_length), ("PutBlockList", 8));

    // `bbbb` was not in the list and is gone; committed blocks can be kept.
    assert_eq!(failure(&commit(&endpoint, "<Latest>bbbb</Latest>").await), (400, "InvalidBlockList"));
    stage(&endpoint, "dddd", "four").await;
    assert_eq!(
        commit(&endpoint, "<Committed>aa+/</Committed><Latest>dddd</Latest>").await.status(),
        StatusCode::CREATED
    );
    assert_eq!(endpoint.get("b", &[]).await.text().await.unwrap(), "onefour");
    assert_eq!(commit(&endpoint, "").await.status(), StatusCode::CREATED);
    assert_eq!(endpoint.get("b", &[]).await.text().await.unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn block_ids_are_base64_and_of_one_length() {
    let endpoint = Endpoint::start().await;
    assert_eq!(stage(&endpoint, "AAAA", "x").await.status(), StatusCode::CREATED);
    assert_eq!(failure(&stage(&endpoint, "AAAAAAAA", "x").await), (400, "InvalidBlobOrBlock"));
    assert_eq!(failure(&stage(&endpoint, "not base64!", "x").await), (400, "InvalidQueryParameterValue"));
    assert_eq!(failure(&stage(&endpoint, &"AAAA".repeat(22), "x").await), (400, "InvalidQueryParameterValue"));
    assert_eq!(failure(&stage(&endpoint, "BBBB", "").await), (400, "InvalidHeaderValue"));
    for bad in ["<Latest>AAAA", "<Other>AAAA</Other>", "&x;"] {
        assert_eq!(failure(&commit(&endpoint, bad).await), (400, "InvalidXmlDocument"), "{bad}");
    }
    assert_eq!(failure(&commit(&endpoint, "<Latest>?</Latest>").await), (400, "InvalidBlockList"));
    let long = "<Latest>AAAA</Latest>".repeat(50_001);
    assert_eq!(failure(&commit(&endpoint, &long).await), (400, "BlockListTooLong"));
}
