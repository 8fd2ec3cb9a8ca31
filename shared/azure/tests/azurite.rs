//! The blob client against Azurite, an implementation that is independent of the local Blob endpoint.
//!
//! `cargo xtask test` starts one and names it in the environment; without it each test reports that it did not run.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

use bytes::Bytes;
use futures::TryStreamExt;
use iris_azure::blob::{BLOCK_BYTES, BlobAddress, BlobStore, Error, RANGE_BYTES, UploadOptions};

/// A new container in the Azurite that the environment names.
struct Azurite {
    blobs: BlobStore,
    container: String,
}

impl Azurite {
    async fn find() -> Option<Self> {
        let Ok(connection_string) = std::env::var("IRIS_TEST_AZURITE") else {
            eprintln!("NOT RUN: IRIS_TEST_AZURITE names no Azurite; `cargo xtask test --only clients` starts one");
            return None;
        };
        let blobs = BlobStore::from_connection_string(&connection_string).unwrap();
        let container = format!("t{}", uuid::Uuid::new_v4().simple());
        blobs.create_container_if_missing(&container).await.unwrap();
        blobs.create_container_if_missing(&container).await.unwrap();
        Some(Self { blobs, container })
    }

    fn address(&self, name: &str) -> BlobAddress {
        BlobAddress::new(&self.container, name).unwrap()
    }

    async fn put(&self, name: &str, options: UploadOptions) -> Result<iris_azure::blob::Etag, Error> {
        self.blobs.upload(&self.address(name), Bytes::from_static(b"x"), options).await
    }
}

/// Bytes that differ by position, so that a range from the wrong place shows.
fn content(length: usize) -> Bytes {
    (0..length).map(|index| (index % 251) as u8 ^ (index / 65_536) as u8).collect()
}

#[tokio::test]
async fn what_is_written_is_read_whole_and_in_ranges() {
    let Some(azurite) = Azurite::find().await else { return };
    let options = UploadOptions {
        content_type: Some("text/csv".into()),
        metadata: [("drop".to_owned(), "7".to_owned())].into(),
        ..UploadOptions::default()
    };
    for length in [0, 1, 65_536, 1_000_000] {
        let (name, bytes) = (azurite.address(&format!("a/{length}.csv")), content(length));
        let etag = azurite.blobs.upload(&name, bytes.clone(), options.clone()).await.unwrap();
        let properties = azurite.blobs.properties(&name, Some(&etag)).await.unwrap();
        assert_eq!((&properties.etag, properties.content_length), (&etag, length as u64));
        assert_eq!((properties.content_type.as_deref(), properties.metadata["drop"].as_str()), (Some("text/csv"), "7"));
        let reader = azurite.blobs.reader(&name, Some(&etag)).await.unwrap().with_range(64 * 1024);
        let pieces: Vec<Bytes> = reader.into_stream().try_collect().await.unwrap();
        assert_eq!(pieces.concat(), bytes);
        assert_eq!(azurite.blobs.get(&name, None, 2_000_000).await.unwrap().content, bytes);
    }
}

#[tokio::test]
async fn blocks_become_a_blob_when_they_are_finished() {
    let Some(azurite) = Azurite::find().await else { return };
    let (name, bytes) = (azurite.address("large"), content(2 * BLOCK_BYTES + 12_345));
    let mut writer = azurite.blobs.writer(&name, UploadOptions::default());
    writer.write(&bytes).await.unwrap();
    assert_eq!(azurite.blobs.properties(&name, None).await, Err(Error::NotFound));
    let etag = writer.finish().await.unwrap();
    let reader = azurite.blobs.reader(&name, Some(&etag)).await.unwrap().with_range(RANGE_BYTES);
    let pieces: Vec<Bytes> = reader.into_stream().try_collect().await.unwrap();
    assert_eq!(pieces.concat(), bytes);
}

#[tokio::test]
async fn names_are_the_same_on_both_sides() {
    let Some(azurite) = Azurite::find().await else { return };
    let names = ["a b.csv", "100%25 done.csv", "a+b&c=d.csv", "J\u{fc}rgen.csv", "q?x#y.csv", "a/b/c", "dir//x", "~t"];
    for name in names {
        azurite.put(name, UploadOptions::default()).await.unwrap();
    }
    let listed: Vec<_> = azurite.blobs.list(&azurite.container, "").try_collect().await.unwrap();
    let mut listed: Vec<_> = listed.into_iter().map(|blob| blob.address).collect();
    let mut expected: Vec<_> = names.iter().map(|name| azurite.address(name)).collect();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    let folder: Vec<_> = azurite.blobs.list(&azurite.container, "a/").try_collect().await.unwrap();
    assert_eq!(folder.len(), 1);
}

#[tokio::test]
async fn conditions_are_kept() {
    let Some(azurite) = Azurite::find().await else { return };
    let absent = UploadOptions { if_absent: true, ..UploadOptions::default() };
    let first = azurite.put("c", absent.clone()).await.unwrap();
    assert_eq!(azurite.put("c", absent.clone()).await, Err(Error::AlreadyExists));
    let same = UploadOptions { if_match: Some(first.clone()), ..UploadOptions::default() };
    let second = azurite.put("c", same.clone()).await.unwrap();
    assert_eq!(azurite.put("c", same).await, Err(Error::Changed));
    let name = azurite.address("c");
    assert_eq!(azurite.blobs.get(&name, Some(&second), 10).await, Err(Error::NotModified));
    assert!(matches!(azurite.blobs.reader(&name, Some(&first)).await, Err(Error::Changed)));
    assert_eq!(azurite.blobs.delete(&name, Some(&first)).await, Err(Error::Changed));
    azurite.blobs.delete(&name, Some(&second)).await.unwrap();
    assert_eq!(azurite.blobs.delete(&name, None).await, Err(Error::NotFound));
    let racers = (0..8).map(|_| azurite.put("race", absent.clone()));
    let results = futures::future::join_all(racers).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn failures_are_told_apart() {
    let Some(azurite) = Azurite::find().await else { return };
    let missing = BlobAddress::new("missing", "x").unwrap();
    let put = azurite.blobs.upload(&missing, Bytes::new(), UploadOptions::default()).await;
    assert_eq!(put, Err(Error::ContainerNotFound));
    assert_eq!(azurite.blobs.properties(&azurite.address("none"), None).await, Err(Error::NotFound));
}
