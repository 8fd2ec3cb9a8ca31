//! A TCP proxy that breaks on command.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the proxy does with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Forward,
    /// Connections stay open, but nothing gets through.
    Swallow,
}

/// Forwards connections to a server. Ends when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    generation: watch::Sender<u64>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, modes) = watch::channel(Mode::Forward);
        let (generation, generations) = watch::channel(0);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (modes, mut generations) = (modes.clone(), generations.clone());
                generations.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::select! {
                        () = pass(from_client, to_server, modes.clone()) => {}
                        () = pass(from_server, to_client, modes) => {}
                        _ = generations.changed() => {}
                    }
                });
            }
        });
        Self { address, mode, generation, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops every connection there is.
    pub(crate) fn cut(&self) {
        self.generation.send_modify(|generation| *generation += 1);
    }

    /// From now on, nothing gets through, and neither side is told.
    pub(crate) fn swallow(&self) {
        self.mode.send_replace(Mode::Swallow);
    }

    /// New connections work again; those that lost bytes are dropped.
    pub(crate) fn heal(&self) {
        self.mode.send_replace(Mode::Forward);
        self.cut();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

async fn pass(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, modes: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 {
            return;
        }
        let forward = *modes.borrow() == Mode::Forward;
        if forward && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
