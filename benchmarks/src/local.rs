//! A local host with the handler as a separate process, and what a caller does with it.

use crate::databases::Database;
use crate::{Bench, clock};
use anyhow::{Context, Result};
use iris_azure::blob::{BlobAddress, BlobStore, UploadOptions};
use iris_azure::servicebus::{SenderOptions, ServiceBusSender};
use iris_intake::receipt::Receipt;
use iris_local::{LocalHost, Options, organizations};
use iris_local_blob::store::ListQuery;
use iris_local_blob::{BlobName, ContainerName};
use iris_model::Organization;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

/// Bytes read from a file and passed to the upload at a time.
const PIECE: usize = 256 * 1024;

pub(crate) struct Local {
    pub(crate) host: LocalHost,
    pub(crate) organization: Organization,
    /// The queue of the organization's events.
    pub(crate) events: String,
    _folder: TempDir,
}

impl Local {
    /// Starts one on this database.
    pub(crate) async fn start(bench: &Bench, database: &Database) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("iris-bench-").tempdir().context("no temporary folder can be made")?;
        let organizations = organizations::read(None)?;
        let organization = organizations.first().context("there is a sample organization")?.organization.clone();
        let host = LocalHost::start(Options {
            data: folder.path().to_owned(),
            tls: false,
            amqp_port: Some(0),
            http_port: Some(0),
            blob_port: Some(0),
            database: Some(database.url.clone()),
            organizations,
            entities: iris_local::entities::Entities::default(),
            app: bench.app(folder.path())?,
            settings: BTreeMap::new(),
            handlers: 1,
        })
        .await?;
        let events = organization.events_queue().context("the sample organization has events")?;
        Ok(Self { host, organization, events, _folder: folder })
    }

    /// Uploads a file with the caller's credential.
    pub(crate) async fn upload(&self, name: &str, file: &Path) -> Result<()> {
        let caller = BlobStore::from_connection_string(&self.host.credentials.drops_service(&self.organization))?;
        let address = BlobAddress::new(&self.organization.drops_container(), name)?;
        let mut content = tokio::fs::File::open(file).await?;
        let mut blob = caller.writer(&address, UploadOptions::default());
        let mut piece = vec![0; PIECE];
        loop {
            let length = content.read(&mut piece).await?;
            if length == 0 {
                break;
            }
            blob.write(&piece[..length]).await?;
        }
        blob.finish().await?;
        Ok(())
    }

    /// A sender with the caller's credential.
    pub(crate) fn sender(&self) -> Result<ServiceBusSender> {
        let orders = self.host.credentials.caller(&self.organization).orders;
        Ok(ServiceBusSender::with_connection_string(&orders, SenderOptions::default())?)
    }

    /// The queue callers post to.
    pub(crate) fn entry(&self) -> String {
        self.organization.slug.orders_entry()
    }

    /// Events waiting for the caller.
    pub(crate) fn waiting_events(&self) -> Result<u64> {
        Ok(self.host.broker.status(&self.events)?.active as u64)
    }

    /// The receipt of the file of this name, once it is there.
    pub(crate) async fn receipt(&self, file: &str) -> Result<Option<Receipt>> {
        let container = ContainerName::new(self.organization.results_container())?;
        let page = self.host.blobs.list_blobs(&container, ListQuery::default()).await?;
        let names = page.blobs().map(|blob| blob.name.as_str()).filter(|name| name.ends_with(".json"));
        for name in names.map(str::to_owned).collect::<Vec<_>>() {
            let content = self.host.blobs.get(&container, &BlobName::new(name)?).await?;
            let receipt: Receipt = serde_json::from_slice(&content)?;
            if receipt.file == file {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    /// Waits until the outbox is empty.
    pub(crate) async fn published(&self) -> Result<()> {
        clock::until("events to be published", async || Ok(self.host.orders.outbox_depth().await?.envelopes == 0)).await
    }

    pub(crate) async fn stop(self) {
        self.host.stop().await;
    }
}
