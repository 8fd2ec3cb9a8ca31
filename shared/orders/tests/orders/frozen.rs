//! Connections that stay open but fall silent, like those of a server after a failover.

use crate::backend::Backend;
use iris_store::drops::Drops;
use iris_store::postgres::PostgresOptions;
use iris_store::{Error, PostgresStore, Store};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A proxy between the store and its server.
struct Proxy {
    address: String,
    /// Changes when everything connected freezes.
    frozen: watch::Sender<()>,
}

impl Proxy {
    async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (frozen, state) = watch::channel(());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&target).await.unwrap();
                let ((from, to), (back, there)) = (client.into_split(), server.into_split());
                tokio::spawn(pump(from, there, state.clone()));
                tokio::spawn(pump(back, to, state.clone()));
            }
        });
        Self { address, frozen }
    }

    /// Freezes the current connections; new ones work.
    fn freeze(&self) {
        self.frozen.send_replace(());
    }
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut frozen: watch::Receiver<()>,
) {
    let mut buffer = vec![0; 16 * 1024];
    frozen.mark_unchanged();
    loop {
        tokio::select! {
            biased;
            // A connection that existed at the freeze stays silent and open forever.
            _ = frozen.changed() => std::future::pending::<()>().await,
            read = from.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(count) => if to.write_all(&buffer[..count]).await.is_err() { return },
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_connections_are_given_up_and_their_places_come_back() {
    let Some(backend) = Backend::postgres().await else { return };
    backend.open().await.close().await;
    let Backend::Postgres { server, database } = &backend else { return };
    let (scheme, rest) = server.split_once('@').unwrap();
    let (target, _) = rest.split_once('/').unwrap();
    let proxy = Proxy::start(target.to_owned()).await;
    let url = format!("{scheme}@{}/{database}", proxy.address);
    let options = PostgresOptions { connections: 2, migrates: false, ..PostgresOptions::new(url.into()) };
    let store = Arc::new(PostgresStore::connect(options).await.unwrap());
    let ask = || async { store.drops(None, 1).await };
    // Both places in the pool have a connection.
    let (one, two) = tokio::join!(ask(), ask());
    assert!(one.is_ok() && two.is_ok());
    proxy.freeze();
    let began = Instant::now();
    let mut failed = 0;
    while let Err(error) = ask().await {
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        failed += 1;
        assert!(began.elapsed() < Duration::from_secs(60), "still no answer after {failed} tries");
    }
    // And the second place as well.
    let mut both = tokio::join!(ask(), ask());
    while both.0.is_err() || both.1.is_err() {
        assert!(began.elapsed() < Duration::from_secs(90));
        both = tokio::join!(ask(), ask());
    }
    store.close().await;
    backend.drop().await;
}
