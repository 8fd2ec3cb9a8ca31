//! Leases over the protocol.

use reqwest::Response;

use crate::harness::{CONTAINER, Endpoint, failure, header};

const A: &str = "11111111-1111-1111-1111-111111111111";
const B: &str = "22222222-2222-2222-2222-222222222222";

async fn lease(endpoint: &Endpoint, path: &str, headers: &[(&str, &str)]) -> Response {
    endpoint.send("PUT", path, headers, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leased_blob_is_written_by_its_holder_only() {
    let endpoint = Endpoint::start().await;
    endpoint.put("l", "x").await;
    let (path, own) = (format!("{CONTAINER}/l?comp=lease"), format!("{CONTAINER}/l"));
    let acquire = [("x-ms-lease-action", "acquire"), ("x-ms-lease-duration", "-1"), ("x-ms-proposed-lease-id", A)];
    let acquired = lease(&endpoint, &path, &acquire).await;
    assert_eq!((acquired.status().as_u16(), header(&acquired, "x-ms-lease-id")), (201, A));
    let put = async |id: Option<&str>| {
        let mut headers = vec![("x-ms-blob-type", "BlockBlob")];
        headers.extend(id.map(|id| ("x-ms-lease-id", id)));
        endpoint.send("PUT", &own, &headers, "y").await
    };
    assert_eq!(failure(&put(None).await), (412, "LeaseIdMissing"));
    assert_eq!(failure(&put(Some(B)).await), (412, "LeaseIdMismatchWithBlobOperation"));
    assert_eq!(put(Some(A)).await.status(), 201);
    assert_eq!(failure(&endpoint.send("DELETE", &own, &[], "").await), (412, "LeaseIdMissing"));
    let got = endpoint.get("l", &[("x-ms-lease-id", A)]).await;
    assert_eq!((header(&got, "x-ms-lease-state"), header(&got, "x-ms-lease-duration")), ("leased", "infinite"));
    assert_eq!(endpoint.get("l", &[]).await.status(), 200, "reading needs no lease");

    let other = [("x-ms-lease-action", "acquire"), ("x-ms-lease-duration", "15"), ("x-ms-proposed-lease-id", B)];
    assert_eq!(failure(&lease(&endpoint, &path, &other).await), (409, "LeaseAlreadyPresent"));
    let change = [("x-ms-lease-action", "change"), ("x-ms-lease-id", A), ("x-ms-proposed-lease-id", B)];
    assert_eq!(lease(&endpoint, &path, &change).await.status(), 200);
    assert_eq!(lease(&endpoint, &path, &[("x-ms-lease-action", "renew"), ("x-ms-lease-id", B)]).await.status(), 200);
    let broken = lease(&endpoint, &path, &[("x-ms-lease-action", "break"), ("x-ms-lease-break-period", "0")]).await;
    assert_eq!((broken.status().as_u16(), header(&broken, "x-ms-lease-time")), (202, "0"));
    assert_eq!(failure(&put(Some(B)).await), (412, "LeaseLost"));
    assert_eq!(lease(&endpoint, &path, &[("x-ms-lease-action", "release"), ("x-ms-lease-id", B)]).await.status(), 200);
    assert_eq!(failure(&put(Some(B)).await), (412, "LeaseNotPresentWithBlobOperation"));
    assert_eq!(put(None).await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_lease_requests() {
    let endpoint = Endpoint::start().await;
    endpoint.put("l", "x").await;
    let path = format!("{CONTAINER}/l?comp=lease");
    for (headers, expected) in [
        (vec![], (400, "MissingRequiredHeader")),
        (vec![("x-ms-lease-action", "steal")], (400, "InvalidHeaderValue")),
        (vec![("x-ms-lease-action", "acquire")], (400, "MissingRequiredHeader")),
        (vec![("x-ms-lease-action", "acquire"), ("x-ms-lease-duration", "14")], (400, "InvalidHeaderValue")),
        (vec![("x-ms-lease-action", "renew"), ("x-ms-lease-id", "x")], (400, "InvalidHeaderValue")),
        (vec![("x-ms-lease-action", "break")], (409, "LeaseNotPresentWithLeaseOperation")),
    ] {
        assert_eq!(failure(&lease(&endpoint, &path, &headers).await), expected, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leased_container_is_not_deleted() {
    let endpoint = Endpoint::start().await;
    let path = format!("{CONTAINER}?restype=container");
    let acquire = [("x-ms-lease-action", "acquire"), ("x-ms-lease-duration", "-1"), ("x-ms-proposed-lease-id", A)];
    assert_eq!(lease(&endpoint, &format!("{path}&comp=lease"), &acquire).await.status(), 201);
    assert_eq!(failure(&endpoint.send("DELETE", &path, &[], "").await), (412, "LeaseIdMissing"));
    let wrong = endpoint.send("DELETE", &path, &[("x-ms-lease-id", B)], "").await;
    assert_eq!(failure(&wrong), (412, "LeaseIdMismatchWithContainerOperation"));
    endpoint.put("still/writable", "x").await;
    assert_eq!(endpoint.send("DELETE", &path, &[("x-ms-lease-id", A)], "").await.status(), 202);
}
