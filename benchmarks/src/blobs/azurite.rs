//! Azurite, installed by npm into `benchmarks/azurite` at the versions of its lock file.

use crate::clock;
use anyhow::{Context, Result};
use iris_azure::blob::BlobStore;
use iris_local_blob::auth::Account;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

fn read(file: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

async fn install(project: &Path) -> Result<()> {
    let installed = Command::new("npm")
        .args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(project)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .context("there is no npm")?;
    anyhow::ensure!(installed.success(), "npm could not install it");
    Ok(())
}

/// A running Azurite; ended when dropped.
pub(super) struct Azurite {
    pub(super) version: String,
    address: SocketAddr,
    _process: Child,
    _folder: TempDir,
}

impl Azurite {
    /// Installs and starts it, or says why that is not possible.
    pub(super) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder can be made")?;
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("azurite");
        let package = project.join("node_modules/azurite");
        let wanted = read(&project.join("package.json"))?["dependencies"]["azurite"].clone();
        let there = |about: Value| about["version"] == wanted;
        if !read(&package.join("package.json")).is_ok_and(there) {
            install(&project).await?;
        }
        let about = read(&package.join("package.json"))?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let process = Command::new("node")
            .arg(package.join("dist/src/blob/main.js"))
            .args([
                "--silent",
                "--skipApiVersionCheck",
                "--disableTelemetry",
                "--blobPort",
                &address.port().to_string(),
                "--location",
            ])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("node cannot be started")?;
        clock::until("Azurite", async || Ok(TcpStream::connect(address).await.is_ok())).await?;
        let version = about["version"].as_str().unwrap_or("of an unknown version").to_owned();
        Ok(Self { version, address, _process: process, _folder: folder })
    }

    pub(super) fn client(&self) -> Result<BlobStore> {
        Ok(BlobStore::from_connection_string(&Account::development().endpoint(self.address).connection_string())?)
    }
}
