//! Containers, the service, and the published development account.

use crate::harness::{CONTAINER, Endpoint, failure, header};

#[tokio::test(flavor = "multi_thread")]
async fn a_containers_life() {
    let endpoint = Endpoint::start().await;
    let path = "harborview-results?restype=container";
    assert_eq!(endpoint.send("PUT", path, &[("x-ms-meta-kind", "results")], "").await.status(), 201);
    assert_eq!(failure(&endpoint.send("PUT", path, &[], "").await), (409, "ContainerAlreadyExists"));
    let got = endpoint.send("HEAD", path, &[], "").await;
    assert_eq!((header(&got, "x-ms-meta-kind"), header(&got, "x-ms-lease-state")), ("results", "available"));
    let set = endpoint.send("PUT", &format!("{path}&comp=metadata"), &[("x-ms-meta-a", "b")], "").await;
    assert_ne!(header(&set, "etag"), header(&got, "etag"));
    let list = endpoint.send("GET", "?comp=list&include=metadata&prefix=harbor", &[], "").await.text().await.unwrap();
    let first = list.find("<Name>harborview-drops</Name>").unwrap();
    assert!(first < list.find("<Name>harborview-results</Name>").unwrap());
    assert!(list.contains("<Metadata><a>b</a></Metadata>") && list.contains("<NextMarker></NextMarker>"), "{list}");
    assert_eq!(endpoint.send("DELETE", path, &[], "").await.status(), 202);
    assert_eq!(failure(&endpoint.send("GET", path, &[], "").await), (404, "ContainerNotFound"));
    let put = endpoint.send("PUT", "harborview-results/x", &[("x-ms-blob-type", "BlockBlob")], "x").await;
    assert_eq!(failure(&put), (404, "ContainerNotFound"));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals() {
    let endpoint = Endpoint::start().await;
    let public = [("x-ms-blob-public-access", "blob")];
    assert_eq!(
        failure(&endpoint.send("PUT", "open?restype=container", &public, "").await),
        (409, "PublicAccessNotPermitted")
    );
    assert_eq!(failure(&endpoint.send("PUT", "Upper?restype=container", &[], "").await), (400, "InvalidResourceName"));
    assert_eq!(failure(&endpoint.send("PUT", "ab?restype=container", &[], "").await), (400, "OutOfRangeInput"));
    assert_eq!(failure(&endpoint.send("GET", CONTAINER, &[], "").await), (400, "InvalidQueryParameterValue"));
    let page = endpoint.send("GET", "?comp=list&maxresults=1", &[], "").await.text().await.unwrap();
    assert!(page.contains("<MaxResults>1</MaxResults>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_describes_itself() {
    let endpoint = Endpoint::start().await;
    let information = endpoint.send("GET", "?restype=account&comp=properties", &[], "").await;
    assert_eq!(header(&information, "x-ms-account-kind"), "StorageV2");
    let properties = endpoint.send("GET", "?restype=service&comp=properties", &[], "").await.text().await.unwrap();
    assert!(properties.contains("<StorageServiceProperties>"));
    let url = format!("http://{}/devstoreaccount1?comp=list", endpoint.address);
    let other = endpoint.client.get(url).send().await.unwrap();
    assert_eq!(failure(&other), (401, "NoAuthenticationInformation"));
    let connection = iris_local_blob::auth::Account::development().endpoint(endpoint.address).connection_string();
    assert_eq!(
        connection,
        format!(
            "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=http://{}/devstoreaccount1;",
            endpoint.address
        )
    );
}
