//! The blob client against the local Blob endpoint, undisturbed and disturbed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use iris_azure::blob::{BLOCK_BYTES, BlobAddress, BlobStore, Error, Etag, RANGE_BYTES, UploadOptions};
use iris_local_blob::ContainerName;
use iris_local_blob::auth::{Account, SasTerms};
use iris_local_blob::http::{Faults, Options, serve};
use iris_local_blob::store::Store;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Small enough to split a small blob into many ranges.
const RANGE: u64 = 64 * 1024;

struct Local {
    blobs: BlobStore,
    faults: Faults,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for Local {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn local() -> Local {
    let store = Store::temporary().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let faults = Faults::default();
    let options = Options { faults: faults.clone(), ..Options::default() };
    let server = tokio::spawn(async move {
        serve(listener, [(Account::development(), store)], options, std::future::pending()).await.unwrap();
    });
    let blobs =
        BlobStore::from_connection_string(&Account::development().endpoint(address).connection_string()).unwrap();
    blobs.create_container_if_missing("drops").await.unwrap();
    Local { blobs, faults, address, server }
}

fn address(name: &str) -> BlobAddress {
    BlobAddress::new("drops", name).unwrap()
}

/// Bytes that differ by position, so that a range from the wrong place shows.
fn content(length: usize) -> Bytes {
    (0..length).map(|index| (index % 251) as u8 ^ (index / 65_536) as u8).collect()
}

async fn read(blobs: &BlobStore, address: &BlobAddress, range: u64) -> Result<Bytes, Error> {
    let reader = blobs.reader(address, None).await?.with_range(range);
    let pieces: Vec<Bytes> = reader.into_stream().try_collect().await?;
    Ok(pieces.concat().into())
}

#[tokio::test]
async fn a_blob_comes_back_as_it_was_written() {
    let local = local().await;
    let options = UploadOptions {
        content_type: Some("text/csv".into()),
        metadata: [("drop".to_owned(), "7".to_owned())].into(),
        ..UploadOptions::default()
    };
    for length in [0, 1, 65_536, 65_537, 1_000_000] {
        let (name, bytes) = (address(&format!("a/{length}.csv")), content(length));
        let etag = local.blobs.upload(&name, bytes.clone(), options.clone()).await.unwrap();
        let properties = local.blobs.properties(&name, Some(&etag)).await.unwrap();
        assert_eq!((properties.etag, properties.content_length), (etag.clone(), length as u64));
        assert_eq!(properties.content_type.as_deref(), Some("text/csv"));
        assert_eq!(properties.metadata["drop"], "7");
        assert!(properties.last_modified.is_some());
        assert_eq!(read(&local.blobs, &name, RANGE).await.unwrap(), bytes);
        assert_eq!(read(&local.blobs, &name, RANGE_BYTES).await.unwrap(), bytes);
        let whole = local.blobs.get(&name, None, 2_000_000).await.unwrap();
        assert_eq!((whole.etag, whole.content), (etag, bytes));
    }
}

#[tokio::test]
async fn any_name_is_the_same_name_on_both_sides() {
    let local = local().await;
    let names = [
        "a b.csv",
        "100%25 done.csv",
        "a+b&c=d.csv",
        "J\u{fc}rgen \u{1f441}.csv",
        "q?x#y.csv",
        "a/b/c",
        "dir//x",
        "~t",
        "...",
        "'\"<>",
    ];
    for name in names {
        local.blobs.upload(&address(name), Bytes::from(name), UploadOptions::default()).await.unwrap();
    }
    let mut listed: Vec<_> = local.blobs.list("drops", "").try_collect().await.unwrap();
    listed.sort_by(|a, b| a.address.cmp(&b.address));
    let mut expected: Vec<_> = names.iter().map(|name| address(name)).collect();
    expected.sort();
    assert_eq!(listed.iter().map(|blob| blob.address.clone()).collect::<Vec<_>>(), expected);
    for blob in listed {
        let got = local.blobs.get(&blob.address, None, 1000).await.unwrap();
        assert_eq!((got.etag, got.content), (blob.etag, Bytes::from(blob.address.name().to_owned())));
    }
}

#[tokio::test]
async fn listing_goes_over_all_pages_of_a_prefix() {
    let local = local().await;
    let puts = futures::stream::iter(0..250).map(|id| {
        let (blobs, name) = (local.blobs.clone(), address(&format!("list/{id:04}")));
        async move { blobs.upload(&name, Bytes::new(), UploadOptions::default()).await.unwrap() }
    });
    puts.buffer_unordered(16).collect::<Vec<_>>().await;
    for (prefix, count) in [("list/", 250), ("list/00", 100), ("list/0249", 1), ("none", 0), ("", 250)] {
        let found: Vec<_> = local.blobs.list("drops", prefix).try_collect().await.unwrap();
        assert_eq!(found.len(), count, "{prefix}");
    }
    let missing: Result<Vec<_>, _> = local.blobs.list("missing", "").try_collect().await;
    assert_eq!(missing, Err(Error::ContainerNotFound));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_on() {
    let local = local().await;
    let bytes = content(1_000_000);
    local.blobs.upload(&address("cut"), bytes.clone(), UploadOptions::default()).await.unwrap();
    local.faults.cut_downloads(4, 10_000);
    assert_eq!(read(&local.blobs, &address("cut"), RANGE).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_service_that_is_busy_is_asked_again() {
    let local = local().await;
    let bytes = content(200_000);
    local.faults.answer_unavailable(2);
    let etag = local.blobs.upload(&address("busy"), bytes.clone(), UploadOptions::default()).await.unwrap();
    let mut reader = local.blobs.reader(&address("busy"), Some(&etag)).await.unwrap().with_range(RANGE);
    local.faults.answer_unavailable(2);
    let mut got = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        got.extend_from_slice(&piece);
    }
    assert_eq!(got, bytes);
}

#[tokio::test]
async fn a_reader_gives_one_version_or_an_error() {
    let local = local().await;
    let name = address("changing");
    let first = local.blobs.upload(&name, content(500_000), UploadOptions::default()).await.unwrap();
    let mut reader = local.blobs.reader(&name, Some(&first)).await.unwrap().with_range(RANGE);
    assert!(reader.next().await.unwrap().is_some());
    let second = local.blobs.upload(&name, content(500_000), UploadOptions::default()).await.unwrap();
    let error = loop {
        match reader.next().await {
            Ok(piece) => assert!(piece.is_some(), "the end must not be reached"),
            Err(error) => break error,
        }
    };
    assert_eq!(error, Error::Changed);
    assert_eq!(reader.next().await, Err(Error::Changed));
    assert!(matches!(local.blobs.reader(&name, Some(&first)).await, Err(Error::Changed)));
    let mut reader = local.blobs.reader(&name, Some(&second)).await.unwrap().with_range(RANGE);
    assert!(reader.next().await.unwrap().is_some());
    local.blobs.delete(&name, Some(&second)).await.unwrap();
    let stream: Result<Vec<_>, _> = reader.into_stream().try_collect().await;
    assert_eq!(stream, Err(Error::NotFound));
    assert!(matches!(local.blobs.reader(&name, None).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn conditions_are_kept() {
    let local = local().await;
    let name = address("conditional");
    let put = |options| local.blobs.upload(&name, Bytes::from_static(b"x"), options);
    let first = put(UploadOptions { if_absent: true, ..UploadOptions::default() }).await.unwrap();
    assert_eq!(put(UploadOptions { if_absent: true, ..UploadOptions::default() }).await, Err(Error::AlreadyExists));
    assert_eq!(local.blobs.get(&name, Some(&first), 10).await, Err(Error::NotModified));
    let second = put(UploadOptions { if_match: Some(first.clone()), ..UploadOptions::default() }).await.unwrap();
    assert_eq!(
        put(UploadOptions { if_match: Some(first.clone()), ..UploadOptions::default() }).await,
        Err(Error::Changed)
    );
    assert_eq!(local.blobs.get(&name, Some(&first), 10).await.unwrap().etag, second);
    assert_eq!(local.blobs.delete(&name, Some(&first)).await, Err(Error::Changed));
    local.blobs.delete(&name, Some(&second)).await.unwrap();
    assert_eq!(local.blobs.delete(&name, None).await, Err(Error::NotFound));
    assert_eq!(local.blobs.get(&name, None, 10).await, Err(Error::NotFound));
}

#[tokio::test]
async fn of_many_who_put_if_absent_one_wins() {
    let local = local().await;
    for round in 0..5 {
        let name = address(&format!("race/{round}"));
        let puts = (0..16).map(|id| {
            let (blobs, name) = (local.blobs.clone(), name.clone());
            async move { blobs.put_if_absent(&name, Bytes::from(format!("{id}")), UploadOptions::default()).await }
        });
        let results = futures::future::join_all(puts).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(results.iter().filter_map(|result| result.as_ref().err()).all(|error| *error == Error::AlreadyExists));
        let winner = results.iter().position(Result::is_ok).unwrap();
        assert_eq!(local.blobs.get(&name, None, 10).await.unwrap().content, winner.to_string());
    }
}

#[tokio::test]
async fn a_writer_takes_bytes_as_they_come() {
    let local = local().await;
    let options = UploadOptions { content_type: Some("text/csv".into()), ..UploadOptions::default() };
    for length in [0, 10, 99_999, 100_000, 350_001] {
        let (name, bytes) = (address(&format!("written/{length}")), content(length));
        let mut writer = local.blobs.writer(&name, options.clone()).with_block(100_000);
        for piece in bytes.chunks(33_333) {
            writer.write(piece).await.unwrap();
            assert_eq!(
                local.blobs.properties(&name, None).await,
                Err(Error::NotFound),
                "visible before it is finished"
            );
        }
        let etag = writer.finish().await.unwrap();
        assert_eq!(local.blobs.properties(&name, Some(&etag)).await.unwrap().content_type.as_deref(), Some("text/csv"));
        assert_eq!(read(&local.blobs, &name, RANGE).await.unwrap(), bytes);
    }
    let name = address("once");
    let absent = UploadOptions { if_absent: true, ..UploadOptions::default() };
    let mut late = local.blobs.writer(&name, absent).with_block(10);
    late.write(b"more than ten bytes").await.unwrap();
    local.blobs.upload(&name, Bytes::from_static(b"first"), UploadOptions::default()).await.unwrap();
    assert!(matches!(late.finish().await, Err(Error::AlreadyExists | Error::Changed)));
    assert_eq!(local.blobs.get(&name, None, 10).await.unwrap().content, "first");
}

#[tokio::test]
async fn a_writer_and_a_reader_of_the_usual_size_fit_together() {
    let local = local().await;
    let bytes = content(2 * BLOCK_BYTES + 12_345);
    let mut writer = local.blobs.writer(&address("large"), UploadOptions::default());
    writer.write(&bytes).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(read(&local.blobs, &address("large"), RANGE_BYTES).await.unwrap(), bytes);
}

#[tokio::test]
async fn failures_are_told_apart_and_never_name_the_blob() {
    let local = local().await;
    let name = address("Doe_Jane.csv");
    let missing = BlobAddress::new("missing", "Doe_Jane.csv").unwrap();
    let wrong_key = format!(
        "AccountName=devstoreaccount1;AccountKey=d3Jvbmc=;BlobEndpoint=http://{}/devstoreaccount1",
        local.address
    );
    let stranger = BlobStore::from_connection_string(&wrong_key).unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody =
        BlobStore::from_connection_string(&format!("AccountName=a;AccountKey=a2V5;BlobEndpoint=http://{gone}/a"))
            .unwrap();
    let put = |store: &BlobStore, address: &BlobAddress| {
        let (store, address) = (store.clone(), address.clone());
        async move { store.upload(&address, Bytes::new(), UploadOptions::default()).await.unwrap_err() }
    };
    let errors = [put(&local.blobs, &missing).await, put(&stranger, &name).await, put(&nobody, &name).await];
    assert_eq!(errors[0], Error::ContainerNotFound);
    assert!(matches!(errors[1], Error::Unauthorized { .. }), "{:?}", errors[1]);
    assert!(errors[2].is_transient(), "{:?}", errors[2]);
    assert_eq!(local.blobs.properties(&name, None).await, Err(Error::NotFound));
    let unknown = Etag::parse("0x1").unwrap();
    assert_eq!(local.blobs.properties(&name, Some(&unknown)).await, Err(Error::NotFound));
    for error in errors {
        assert!(!format!("{error} {error:?}").contains("Doe"));
    }
    assert!(matches!(local.blobs.create_container_if_missing("No").await, Err(Error::Refused { status: 400, .. })));
    local.blobs.create_container_if_missing("drops").await.unwrap();
}

#[tokio::test]
async fn a_signature_opens_what_it_is_for() {
    let local = local().await;
    local.blobs.upload(&address("shared.csv"), Bytes::from_static(b"x"), UploadOptions::default()).await.unwrap();
    let expiry = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let (account, container) = (Account::development(), ContainerName::new("drops").unwrap());
    let endpoint = account.endpoint(local.address);
    let store = |permissions: &str| {
        let url = endpoint.container_sas_url(&container, &SasTerms { permissions: permissions.into(), expiry });
        let signature = url.split_once('?').unwrap().1.to_owned();
        let by_parts = format!("BlobEndpoint={};SharedAccessSignature={signature}", endpoint.url());
        [by_parts, format!("{}?{signature}", endpoint.url())]
            .map(|text| BlobStore::from_connection_string(&text).unwrap())
    };
    for reader in store("rl") {
        assert_eq!(reader.account(), Some("devstoreaccount1"));
        assert_eq!(reader.get(&address("shared.csv"), None, 10).await.unwrap().content, "x");
        let put = reader.upload(&address("new.csv"), Bytes::new(), UploadOptions::default()).await;
        assert!(matches!(put, Err(Error::Unauthorized { .. })), "{put:?}");
    }
    for writer in store("cw") {
        writer.upload(&address("new.csv"), Bytes::new(), UploadOptions::default()).await.unwrap();
        let get = writer.get(&address("shared.csv"), None, 10).await;
        assert!(matches!(get, Err(Error::Unauthorized { .. })), "{get:?}");
    }
}
