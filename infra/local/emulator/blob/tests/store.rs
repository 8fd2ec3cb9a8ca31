//! The store alone: durability, events, blocks, listing, copies, clean-up.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails the test")]

use bytes::Bytes;
use iris_local_blob::store::{
    Api, BlockSource, ByteRange, Conditions, ContentHeaders, CopyOptions, CopySource, Entry, Error, ListQuery, Origin,
    Pairs, PutOptions, Store,
};
use iris_local_blob::{BlobName, ContainerName};

fn container() -> ContainerName {
    ContainerName::new("harborview-drops").unwrap()
}

fn blob(name: &str) -> BlobName {
    BlobName::new(name).unwrap()
}

fn pattern(length: usize) -> Bytes {
    (0..length).map(|n| (n * 31 % 251) as u8).collect::<Vec<_>>().into()
}

async fn store() -> Store {
    let store = Store::temporary().unwrap();
    store.ensure_container(&container()).await.unwrap();
    store
}

async fn stage(store: &Store, name: &BlobName, id: &[u8], content: Bytes) {
    let mut upload = store.upload();
    upload.write(content).await.unwrap();
    let staged = upload.finish().await.unwrap();
    store.stage_block(&container(), name, id.to_vec(), staged, &Conditions::default()).await.unwrap();
}

fn content_files(root: &std::path::Path) -> usize {
    let shards = std::fs::read_dir(root.join("content")).unwrap();
    shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_is_announced_once_it_can_be_read() {
    let store = store().await;
    let mut events = store.subscribe();
    let name = blob("site7/batch 1.csv");
    let options = PutOptions {
        origin: Origin { client_request_id: Some("mine".to_owned()), request_id: None },
        ..PutOptions::content_type("text/csv")
    };
    let written = store.put(&container(), &name, "LocalId\n1\n", options).await.unwrap();
    let event = events.recv().await.unwrap();
    assert_eq!((event.api, event.content_length, event.etag), (Api::PutBlob, 10, written.etag));
    assert_eq!(event.client_request_id.as_deref(), Some("mine"));
    assert_eq!(event.sequencer.len(), 32);
    assert_eq!(store.get(&container(), &event.name).await.unwrap(), "LocalId\n1\n");

    let again = store.put(&container(), &name, "LocalId\n2\n", PutOptions::default()).await.unwrap();
    assert!(again.etag > written.etag);
    assert!(events.recv().await.unwrap().sequencer > event.sequencer);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_answered_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.ensure_container(&container()).await.unwrap();
    assert!(matches!(Store::open(folder.path()), Err(Error::InUse)), "one process at a time");
    let small = store.put(&container(), &blob("small"), "x", PutOptions::default()).await.unwrap();
    store.put(&container(), &blob("large"), pattern(3_000_000), PutOptions::default()).await.unwrap();
    stage(&store, &blob("large"), b"0001", pattern(200_000)).await;
    drop(store);
    std::fs::write(folder.path().join("content/00/1-orphan"), b"left behind").unwrap();

    let store = Store::open(folder.path()).unwrap();
    let found = store.properties(&container(), &blob("small"), &Conditions::default()).await.unwrap();
    assert_eq!(found.etag, small.etag);
    assert_eq!(store.get(&container(), &blob("large")).await.unwrap(), pattern(3_000_000));
    let lists = store.block_lists(&container(), &blob("large"), &Conditions::default()).await.unwrap();
    assert_eq!(lists.uncommitted.len(), 1);
    let newer = store.put(&container(), &blob("small"), "y", PutOptions::default()).await.unwrap();
    assert!(newer.etag > small.etag);
    while folder.path().join("content/00/1-orphan").exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(content_files(folder.path()), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_on_disk_although_the_store_was_never_closed() {
    let (folder, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(folder.path()).unwrap();
    store.ensure_container(&container()).await.unwrap();
    let writers = (0..64).map(|number: usize| {
        let store = store.clone();
        let put = async move {
            store.put(&container(), &blob(&number.to_string()), pattern(number * 5000), PutOptions::default()).await
        };
        tokio::spawn(put)
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    // The state a crash would leave: the log not merged, no connection closed.
    let mut pending = vec![folder.path().to_owned()];
    while let Some(from) = pending.pop() {
        let to = crashed.path().join(from.strip_prefix(folder.path()).unwrap());
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(&from).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            } else {
                std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    }
    let recovered = Store::open(crashed.path()).unwrap();
    for number in 0..64 {
        assert_eq!(recovered.get(&container(), &blob(&number.to_string())).await.unwrap(), pattern(number * 5000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let database = rusqlite::Connection::open(folder.path().join("blobs.sqlite")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    assert!(matches!(Store::open(folder.path()), Err(Error::UnknownFormat)));
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_committed_in_the_order_of_the_list_and_can_be_kept() {
    let store = store().await;
    let name = blob("blocks");
    stage(&store, &name, b"a", pattern(100_000)).await;
    stage(&store, &name, b"b", Bytes::from_static(b"-middle-")).await;
    assert!(matches!(store.get(&container(), &name).await, Err(Error::BlobNotFound)));
    let latest = |ids: &[&[u8]]| ids.iter().map(|id| (BlockSource::Latest, id.to_vec())).collect::<Vec<_>>();
    let blob =
        store.commit_blocks(&container(), &name, latest(&[b"b", b"a", b"b"]), PutOptions::default()).await.unwrap();
    assert_eq!(blob.length, 100_016);
    let expected = [b"-middle-".as_slice(), &pattern(100_000), b"-middle-"].concat();
    assert_eq!(store.get(&container(), &name).await.unwrap(), expected);

    // Across the seams, and from the second use of the same chunk.
    for (start, end) in [(0, 7), (5, 20), (99_990, 100_015), (100_008, 100_008), (3, 100_012)] {
        let range = Some(ByteRange { start, end: Some(end) });
        let part = store.read(&container(), &name, range, &Conditions::default()).await.unwrap().bytes().await.unwrap();
        assert_eq!(part, expected[start as usize..=end as usize]);
    }

    stage(&store, &name, b"c", Bytes::from_static(b"new")).await;
    let mixed = vec![(BlockSource::Uncommitted, b"c".to_vec()), (BlockSource::Committed, b"a".to_vec())];
    store.commit_blocks(&container(), &name, mixed, PutOptions::default()).await.unwrap();
    let expected = [b"new".as_slice(), &pattern(100_000)].concat();
    assert_eq!(store.get(&container(), &name).await.unwrap(), expected);
    let unknown = vec![(BlockSource::Uncommitted, b"a".to_vec())];
    let refused = store.commit_blocks(&container(), &name, unknown, PutOptions::default()).await;
    assert!(matches!(refused, Err(Error::InvalidBlockList)));
    assert_eq!(store.get(&container(), &name).await.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_block_may_stand_twice_in_a_list() {
    let store = store().await;
    let name = blob("twice");
    stage(&store, &name, b"a", pattern(150_000)).await;
    let list = vec![(BlockSource::Latest, b"a".to_vec()); 2];
    store.commit_blocks(&container(), &name, list, PutOptions::default()).await.unwrap();
    assert_eq!(store.get(&container(), &name).await.unwrap(), [pattern(150_000), pattern(150_000)].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_blocks_are_read_from_one_moment_although_the_blob_is_deleted() {
    let store = store().await;
    let name = blob("small blocks");
    let mut list = Vec::new();
    for number in 0..40_u32 {
        let id = number.to_be_bytes().to_vec();
        stage(&store, &name, &id, pattern(60_000)).await;
        list.push((BlockSource::Latest, id));
    }
    store.commit_blocks(&container(), &name, list, PutOptions::default()).await.unwrap();
    let download = store.read(&container(), &name, None, &Conditions::default()).await.unwrap();
    store.delete(&container(), &name, &Conditions::default()).await.unwrap();
    assert_eq!(download.bytes().await.unwrap(), pattern(60_000).repeat(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_keeps_its_version_and_its_file_goes_when_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.ensure_container(&container()).await.unwrap();
    let name = blob("overwritten");
    store.put(&container(), &name, pattern(4_000_000), PutOptions::default()).await.unwrap();
    let download = store.read(&container(), &name, None, &Conditions::default()).await.unwrap();
    store.put(&container(), &name, "new", PutOptions::default()).await.unwrap();
    // A second write is answered only after the first one's files were dealt with.
    store.put(&container(), &blob("other"), "x", PutOptions::default()).await.unwrap();
    assert_eq!(content_files(folder.path()), 1);
    assert_eq!(download.bytes().await.unwrap(), pattern(4_000_000));
    assert_eq!(content_files(folder.path()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_shares_content_and_outlives_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.ensure_container(&container()).await.unwrap();
    let metadata = Pairs::metadata([("Kind".to_owned(), "fundus".to_owned())]).unwrap();
    let options = PutOptions { metadata, ..PutOptions::content_type("image/jpeg") };
    store.put(&container(), &blob("a"), pattern(500_000), options).await.unwrap();
    let mut events = store.subscribe();
    let source = CopySource {
        container: container(),
        name: blob("a"),
        conditions: Conditions::default(),
        url: "http://x/a".to_owned(),
    };
    let options = CopyOptions {
        api: Api::CopyBlob,
        headers: ContentHeaders::default(),
        keeps_headers: true,
        metadata: None,
        tags: None,
        tier: None,
        conditions: Conditions::if_absent(),
        origin: Origin::default(),
    };
    let copy = store.copy(source.clone(), &container(), &blob("b"), options.clone()).await.unwrap();
    assert_eq!(copy.metadata().get("kind"), Some("fundus"));
    assert_eq!(events.recv().await.unwrap().api, Api::CopyBlob);
    assert!(matches!(store.copy(source, &container(), &blob("b"), options).await, Err(Error::BlobAlreadyExists)));
    assert_eq!(content_files(folder.path()), 1);
    store.delete(&container(), &blob("a"), &Conditions::default()).await.unwrap();
    assert_eq!(store.get(&container(), &blob("b")).await.unwrap(), pattern(500_000));
    store.delete_container(&container(), &Conditions::default()).await.unwrap();
    assert!(matches!(store.get(&container(), &blob("b")).await, Err(Error::ContainerNotFound)));
    store.ensure_container(&container()).await.unwrap();
    assert_eq!(content_files(folder.path()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_pages_prefixes_and_rolls_up() {
    let store = store().await;
    for name in ["a/1", "a/2", "a/x/3", "a0", "b", "c/1", "ü/1"] {
        store.put(&container(), &blob(name), "", PutOptions::default()).await.unwrap();
    }
    stage(&store, &blob("pending"), b"1", Bytes::from_static(b"x")).await;
    let list = async |query: ListQuery| {
        let mut names = Vec::new();
        let mut query = query;
        loop {
            let page = store.list_blobs(&container(), query.clone()).await.unwrap();
            names.extend(page.entries.iter().map(|entry| match entry {
                Entry::Blob(blob) => blob.name.to_string(),
                Entry::Prefix(prefix) => format!("{prefix}*"),
            }));
            match page.next {
                Some(next) => query.from = Some(next),
                None => return names,
            }
        }
    };
    for limit in [None, Some(1), Some(2)] {
        let base = ListQuery { limit, ..ListQuery::default() };
        let rolled = ListQuery { delimiter: Some("/".to_owned()), ..base.clone() };
        assert_eq!(list(base.clone()).await, ["a/1", "a/2", "a/x/3", "a0", "b", "c/1", "ü/1"]);
        assert_eq!(list(ListQuery { prefix: "a/".to_owned(), ..base.clone() }).await, ["a/1", "a/2", "a/x/3"]);
        assert_eq!(list(rolled.clone()).await, ["a/*", "a0", "b", "c/*", "ü/*"]);
        assert_eq!(list(ListQuery { prefix: "a/".to_owned(), ..rolled }).await, ["a/1", "a/2", "a/x/*"]);
        assert_eq!(
            list(ListQuery { from: Some("b".to_owned()), uncommitted: true, ..base }).await,
            ["b", "c/1", "pending", "ü/1"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_create_the_same_blob_one_wins() {
    let store = store().await;
    let attempts = (0..32).map(|number: u32| {
        let store = store.clone();
        tokio::spawn(async move {
            let options = PutOptions { conditions: Conditions::if_absent(), ..PutOptions::default() };
            store.put(&container(), &blob("race"), number.to_string(), options).await.is_ok()
        })
    });
    let mut winners = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        winners += u32::from(attempt.await.unwrap());
    }
    assert_eq!(winners, 1);
}
