//! Azurite, Microsoft's storage emulator, with which the local host's Blob endpoint is compared.

use super::install::Programs;
use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often a starting server is checked.
const LOOK: Duration = Duration::from_millis(100);
/// The account that every emulator has; its key is published and protects nothing.
const ACCOUNT: &str = "AccountName=devstoreaccount1;AccountKey=\
                       Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running Azurite that keeps everything in memory; gone when dropped.
pub(super) struct Azurite {
    child: Child,
    port: u16,
}

impl Azurite {
    pub(super) fn start(node: &Programs) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
        let port = listener.local_addr().context("a listener without an address")?.port();
        drop(listener);
        let mut command = node.script("azurite/dist/src/blob/main.js");
        command.args(["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]);
        command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { child: command.spawn().context("cannot start Azurite")?, port })
    }

    /// Waits until it takes connections.
    pub(super) async fn ready(&self) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("Azurite did not start within {} s", START_LIMIT.as_secs())
    }

    pub(super) fn connection_string(&self) -> String {
        let port = self.port;
        format!("DefaultEndpointsProtocol=http;{ACCOUNT};BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;")
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        // It keeps nothing, so nothing is lost. An error means that it is already gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
