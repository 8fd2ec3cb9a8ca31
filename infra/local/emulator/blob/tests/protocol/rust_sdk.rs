//! `azure_storage_blob`, the platform's own client, with a signing policy of a few lines.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use azure_core::credentials::Secret;
use azure_core::hmac::hmac_sha256;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{ClientOptions, Context, Request, RequestContent, StatusCode};
use azure_storage_blob::models::{
    BlobClientDownloadOptions, BlobClientSetMetadataOptions, BlobContainerClientListBlobsOptions, BlobTags,
    BlockBlobClientUploadOptions, BlockListType, BlockLookupList,
};
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions, StorageError};
use futures::StreamExt as _;
use iris_local_blob::auth::SasTerms;

use crate::harness::{CONTAINER, Endpoint, container, httpdate, string_to_sign};

#[derive(Debug)]
struct SharedKey {
    account: String,
    key: Secret,
}

// The trait's signature hides the lifetime, and an implementation has to write it the same way.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl Policy for SharedKey {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header("x-ms-date", httpdate());
        let mut headers: BTreeMap<String, String> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_str().to_owned()))
            .collect();
        if let Some(length) = request.body().len().filter(|length| *length > 0) {
            headers.insert("content-length".to_owned(), length.to_string());
        }
        let text = string_to_sign(request.method().as_str(), request.url(), &headers, &self.account);
        let signature = hmac_sha256(&text, &self.key)?;
        request.insert_header("authorization", format!("SharedKey {}:{signature}", self.account));
        next[0].send(ctx, request, &next[1..]).await
    }
}

fn client(endpoint: &Endpoint) -> BlobContainerClient {
    let key = Secret::new(endpoint.account.keys()[0].to_base64());
    let policy = Arc::new(SharedKey { account: endpoint.account.name().to_owned(), key });
    let client_options = ClientOptions { per_try_policies: vec![policy], ..ClientOptions::default() };
    let options = BlobContainerClientOptions { client_options, ..BlobContainerClientOptions::default() };
    BlobContainerClient::new(endpoint.url(CONTAINER), None, Some(options)).unwrap()
}

fn status(error: &azure_core::Error) -> StatusCode {
    error.http_status().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_and_downloads() {
    let endpoint = Endpoint::start().await;
    let client = client(&endpoint);
    for (name, length) in [("empty", 0), ("small ü#?%+&.csv", 10), ("a/b//c", 70_000), ("large", 20_000_000)] {
        let content: Vec<u8> = (0..length).map(|n: usize| (n % 253) as u8).collect();
        let blob = client.blob_client(name);
        assert!(!blob.exists().await.unwrap());
        blob.upload(RequestContent::from(content.clone()), None).await.unwrap();
        assert!(blob.exists().await.unwrap());
        let downloaded = blob.download(None).await.unwrap().body.collect().await.unwrap();
        assert!(downloaded == content, "{name}");
        if length > 20 {
            let options = BlobClientDownloadOptions { range: Some((5..15_usize).into()), ..Default::default() };
            let part = blob.download(Some(options)).await.unwrap().body.collect().await.unwrap();
            assert_eq!(part, content[5..15]);
        }
        blob.delete(None).await.unwrap();
        assert_eq!(status(&blob.download(None).await.err().unwrap()), StatusCode::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_only_once_and_reports_codes() {
    let endpoint = Endpoint::start().await;
    let blob = client(&endpoint).blob_client("once");
    let options = || Some(BlockBlobClientUploadOptions::default().if_not_exists());
    blob.block_blob_client().upload(RequestContent::from(b"1".to_vec()), options()).await.unwrap();
    let error = blob.block_blob_client().upload(RequestContent::from(b"2".to_vec()), options()).await.err().unwrap();
    let error = StorageError::try_from(error).unwrap();
    assert_eq!(error.status_code, StatusCode::Conflict);
    assert!(format!("{error:?}").contains("BlobAlreadyExists"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_commits_and_lists_blocks() {
    let endpoint = Endpoint::start().await;
    let blob = client(&endpoint).blob_client("blocks");
    let blocks = blob.block_blob_client();
    for id in ["block-1", "block-2"] {
        blocks.stage_block(id.as_bytes(), 7, RequestContent::from(id.as_bytes().to_vec()), None).await.unwrap();
    }
    let ids = vec![b"block-2".to_vec(), b"block-1".to_vec()];
    let list = BlockLookupList { latest: Some(ids), ..Default::default() };
    blocks.commit_block_list(list.try_into().unwrap(), None).await.unwrap();
    let list = blocks.get_block_list(BlockListType::All, None).await.unwrap().into_model().unwrap();
    assert_eq!(list.committed_blocks.unwrap().len(), 2);
    assert_eq!(blob.download(None).await.unwrap().body.collect().await.unwrap(), "block-2block-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_tags_and_listing() {
    let endpoint = Endpoint::start().await;
    let client = client(&endpoint);
    for number in 0..7 {
        client.blob_client(&format!("list/{number}")).upload(RequestContent::from(b"x".to_vec()), None).await.unwrap();
    }
    let blob = client.blob_client("list/0");
    let metadata = HashMap::from([("kind".to_owned(), "csv".to_owned())]);
    blob.set_metadata(&metadata, Some(BlobClientSetMetadataOptions::default())).await.unwrap();
    let tags = BlobTags::from(HashMap::from([("site".to_owned(), "7".to_owned())]));
    blob.set_tags(tags.try_into().unwrap(), None).await.unwrap();
    let tags = blob.get_tags(None).await.unwrap().into_model().unwrap();
    assert_eq!(tags.blob_tag_set.unwrap().len(), 1);

    let options = BlobContainerClientListBlobsOptions {
        prefix: Some("list/".to_owned()),
        maxresults: Some(3),
        ..Default::default()
    };
    let mut names = Vec::new();
    let mut pager = client.list_blobs(Some(options)).unwrap();
    while let Some(item) = pager.next().await {
        names.push(item.unwrap().name.unwrap_or_default());
    }
    assert_eq!(names.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_credential_writes_and_does_not_read() {
    let endpoint = Endpoint::start().await;
    let expiry = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let of = |permissions: &str| {
        let terms = SasTerms { permissions: permissions.to_owned(), expiry };
        let url = endpoint.account.endpoint(endpoint.address).container_sas_url(&container(), &terms);
        BlobContainerClient::new(url.parse().unwrap(), None, None).unwrap()
    };
    let drop = of("cw").blob_client("in.csv");
    drop.upload(RequestContent::from(vec![b'x'; 9_000_000]), None).await.unwrap();
    assert_eq!(status(&drop.download(None).await.err().unwrap()), StatusCode::Forbidden);
    let fetch = of("rl");
    assert_eq!(fetch.list_blobs(None).unwrap().count().await, 1);
    assert_eq!(
        fetch.blob_client("in.csv").download(None).await.unwrap().body.collect().await.unwrap().len(),
        9_000_000
    );
    assert_eq!(status(&fetch.blob_client("in.csv").delete(None).await.err().unwrap()), StatusCode::Forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_service_is_asked_again() {
    let endpoint = Endpoint::start().await;
    endpoint.faults.answer_unavailable(1);
    client(&endpoint).blob_client("retried").upload(RequestContent::from(b"x".to_vec()), None).await.unwrap();
    endpoint.stop().await;
}
