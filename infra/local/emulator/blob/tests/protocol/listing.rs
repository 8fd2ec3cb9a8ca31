//! Listing blobs.

use crate::harness::{CONTAINER, Endpoint, failure};

fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open).skip(1).filter_map(|rest| rest.split(close).next()).collect()
}

async fn list(endpoint: &Endpoint, query: &str) -> String {
    let path = format!("{CONTAINER}?restype=container&comp=list{query}");
    let response = endpoint.send("GET", &path, &[], "").await;
    assert_eq!(response.status(), 200, "{query}");
    response.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_prefixes_delimiters_and_names() {
    let endpoint = Endpoint::start().await;
    for name in ["a/1", "a/2", "a/x/3", "sp%20ace%20%26%20%3Ctag%3E", "z"] {
        endpoint.put(name, "x").await;
    }
    let all = list(&endpoint, "").await;
    assert_eq!(between(&all, "<Blob><Name>", "</Name>"), ["a/1", "a/2", "a/x/3", "sp ace &amp; &lt;tag&gt;", "z"]);
    assert!(all.contains("<NextMarker></NextMarker>") && !all.contains("<Etag>\""), "{all}");
    assert_eq!(between(&list(&endpoint, "&prefix=sp+ace").await, "<Blob><Name>", "</Name>").len(), 1);

    let rolled = list(&endpoint, "&delimiter=/&prefix=a/").await;
    assert_eq!(between(&rolled, "<BlobPrefix><Name>", "</Name>"), ["a/x/"]);
    assert!(rolled.find("<BlobPrefix>").unwrap() < rolled.find("</Blobs>").unwrap());
    assert_eq!(between(&list(&endpoint, "&startFrom=b").await, "<Blob><Name>", "</Name>").len(), 2);

    let (mut names, mut marker) = (Vec::new(), String::new());
    loop {
        let page =
            list(&endpoint, &format!("&maxresults=2&marker={}", marker.replace('=', "%3D").replace('+', "%2B"))).await;
        names.extend(between(&page, "<Blob><Name>", "</Name>").into_iter().map(str::to_owned));
        marker = between(&page, "<NextMarker>", "</NextMarker>")[0].to_owned();
        if marker.is_empty() {
            break;
        }
    }
    assert_eq!(names.len(), 5);
    for bad in ["&maxresults=0", "&maxresults=x", "&marker=nonsense"] {
        let response = endpoint.send("GET", &format!("{CONTAINER}?restype=container&comp=list{bad}"), &[], "").await;
        assert_eq!(failure(&response).0, 400, "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_included() {
    let endpoint = Endpoint::start().await;
    let headers = [("x-ms-blob-type", "BlockBlob"), ("x-ms-meta-kind", "drop"), ("x-ms-tags", "site=7")];
    endpoint.send("PUT", &format!("{CONTAINER}/full"), &headers, "x").await;
    endpoint.send("PUT", &format!("{CONTAINER}/staged?comp=block&blockid=AAAA"), &[], "x").await;
    let plain = list(&endpoint, "").await;
    assert!(!plain.contains("staged") && !plain.contains("Metadata><kind") && plain.contains("<TagCount>1</TagCount>"));
    let full = list(&endpoint, "&include=metadata,tags,uncommittedblobs,copy").await;
    assert!(full.contains("<Metadata><kind>drop</kind></Metadata>"), "{full}");
    assert!(full.contains("<TagSet><Tag><Key>site</Key><Value>7</Value></Tag></TagSet>"));
    assert!(full.contains("<Name>staged</Name>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_xml_cannot_carry_are_marked() {
    let endpoint = Endpoint::start().await;
    endpoint.put("odd%EF%BF%BF", "x").await;
    assert!(list(&endpoint, "").await.contains("<Name Encoded=\"true\">odd%EF%BF%BF</Name>"));
}
