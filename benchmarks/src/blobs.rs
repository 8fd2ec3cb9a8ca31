//! The local Blob endpoint, accessed with the platform's own client; and Azurite with the same client, if npm can
//! install it.

mod azurite;

use crate::Bench;
use crate::report::{Section, Target, number};
use anyhow::{Result, anyhow, ensure};
use azurite::Azurite;
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use iris_azure::blob::{BlobAddress, BlobStore, UploadOptions};
use iris_local_blob::auth::Account;
use iris_local_blob::http::{Options, serve};
use iris_local_blob::store::{PutOptions, Store};
use iris_local_blob::{BlobName, ContainerName};
use std::time::Instant;
use tokio::net::TcpListener;

/// Length of the large blob in MiB.
const LARGE: u32 = 100;
/// Puts in flight at a time.
const IN_FLIGHT: usize = 32;
/// Blobs in the store whose start is measured.
const MANY: u32 = 100_000;
/// Blobs passed to the store at a time while it is filled.
const STORED_AT_ONCE: usize = 500;
const CONTAINER: &str = "bench";

/// What an endpoint does per second.
#[derive(Debug, Clone, Copy, Default)]
struct Rates {
    up: f64,
    down: f64,
    puts: f64,
}

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Section>> {
    let ours = ours(bench).await?;
    let azurite = if bench.quick { Err(anyhow!("left out of a quick run")) } else { Azurite::start().await };
    let (peer, about) = match azurite {
        Ok(azurite) => {
            let rates = measure(&azurite.client()?, bench).await?;
            (
                Some(rates),
                format!("Azurite {} beside it, by the same client, each with its files on disk.", azurite.version),
            )
        }
        Err(reason) => (None, format!("Azurite was not measured: {reason:#}.")),
    };
    let about =
        format!("The platform's own client: a blob of {LARGE} MiB, and blobs of 1 KiB, {IN_FLIGHT} under way. {about}");
    let mut section = Section::new("Local Blob storage", about);
    for (name, unit, rate) in [
        ("100 MiB up", "MiB/s", (|rates: &Rates| rates.up) as fn(&Rates) -> f64),
        ("100 MiB down", "MiB/s", |rates| rates.down),
        ("1 KiB puts", "blobs/s", |rates| rates.puts),
    ] {
        section.figure(name, rate(&ours), unit);
        if let Some(peer) = &peer {
            section.figure("… Azurite", rate(peer), unit);
            section.ratio("… ours of Azurite's", rate(&ours), rate(peer), Target::AtLeast(2.0));
        }
    }
    let many = bench.amount(MANY);
    let what = format!("start with {} blobs, until the first is read", number(f64::from(many)));
    section.aim(what, start(many).await? * 1000.0, "ms", Target::AtMost(1000.0));
    Ok(vec![section])
}

/// Seconds until a store with many blobs can be read.
async fn start(count: u32) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let container = ContainerName::new(CONTAINER)?;
    let name = |number: u32| BlobName::new(format!("some/folder/{number}"));
    let store = Store::open(folder.path())?;
    store.ensure_container(&container).await?;
    stream::iter(0..count)
        .map(|number| {
            let (store, container) = (&store, &container);
            async move {
                store.put(container, &name(number)?, vec![b'x'; 100], PutOptions::default()).await?;
                anyhow::Ok(())
            }
        })
        .buffer_unordered(STORED_AT_ONCE)
        .try_collect::<()>()
        .await?;
    drop(store);
    let started = Instant::now();
    let store = Store::open(folder.path())?;
    ensure!(store.get(&container, &name(count / 2)?).await?.len() == 100, "a blob has changed");
    Ok(started.elapsed().as_secs_f64())
}

async fn ours(bench: &Bench) -> Result<Rates> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path())?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = BlobStore::from_connection_string(
        &Account::development().endpoint(listener.local_addr()?).connection_string(),
    )?;
    let serving = serve(listener, [(Account::development(), store)], Options::default(), std::future::pending());
    let serving = tokio::spawn(serving);
    let rates = measure(&client, bench).await;
    serving.abort();
    rates
}

/// The best of several rounds.
async fn measure(client: &BlobStore, bench: &Bench) -> Result<Rates> {
    client.create_container_if_missing(CONTAINER).await?;
    let mut best = Rates::default();
    for _ in 0..bench.repeats() {
        best.up = best.up.max(up(client).await?);
        best.down = best.down.max(down(client).await?);
        best.puts = best.puts.max(puts(client, bench.amount(5_000)).await?);
    }
    Ok(best)
}

async fn up(client: &BlobStore) -> Result<f64> {
    let piece = vec![b'x'; 1 << 20];
    let started = Instant::now();
    let mut blob = client.writer(&BlobAddress::new(CONTAINER, "large")?, UploadOptions::default());
    for _ in 0..LARGE {
        blob.write(&piece).await?;
    }
    blob.finish().await?;
    Ok(f64::from(LARGE) / started.elapsed().as_secs_f64())
}

async fn down(client: &BlobStore) -> Result<f64> {
    let started = Instant::now();
    let mut reader = client.reader(&BlobAddress::new(CONTAINER, "large")?, None).await?;
    let mut length = 0;
    while let Some(piece) = reader.next().await? {
        length += piece.len();
    }
    ensure!(length == (LARGE as usize) << 20, "{length} bytes came back");
    Ok(f64::from(LARGE) / started.elapsed().as_secs_f64())
}

async fn puts(client: &BlobStore, count: u32) -> Result<f64> {
    let content = Bytes::from(vec![b'x'; 1 << 10]);
    let started = Instant::now();
    stream::iter((0..count).map(|number| {
        let content = content.clone();
        async move {
            let address = BlobAddress::new(CONTAINER, &format!("small/{number}"))?;
            client.upload(&address, content, UploadOptions::default()).await?;
            anyhow::Ok(())
        }
    }))
    .buffer_unordered(IN_FLIGHT)
    .try_collect::<()>()
    .await?;
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
