//! Following a drop until its receipt is there.

use crate::LocalHost;
use crate::provision::container;
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use iris_intake::receipt::Receipt;
use iris_local_blob::BlobName;
use iris_local_blob::store::BlobCreated;
use iris_model::Organization;
use iris_model::names::queue;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::interval;

/// How often the display is updated.
const LOOK: Duration = Duration::from_millis(100);

/// Receipts as they are written.
pub(super) struct Receipts {
    blobs: UnboundedReceiver<BlobCreated>,
    container: String,
}

impl Receipts {
    /// Receipts from now on.
    pub(super) fn of(host: &LocalHost, organization: &Organization) -> Self {
        Self { blobs: host.blobs.subscribe(), container: organization.results_container() }
    }

    /// The name of the next receipt.
    async fn next(&mut self) -> Result<BlobName> {
        loop {
            let blob = self.blobs.recv().await.context("the Blob endpoint is gone")?;
            let name = blob.name.as_str();
            let is_receipt = name.ends_with(".json") && !name.ends_with(".rejected.json");
            if blob.container.as_str() == self.container && name.starts_with("receipts/") && is_receipt {
                return Ok(blob.name);
            }
        }
    }
}

/// A bar for the bytes of an upload.
pub(super) fn upload_bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("  uploading {bar:30} {bytes}/{total_bytes}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Shows rows as they are loaded, until the receipt is written and every event is sent.
pub(super) async fn follow(host: &LocalHost, organization: &Organization, mut receipts: Receipts) -> Result<Receipt> {
    let style = ProgressStyle::with_template("  loading {spinner} {pos} rows, {per_sec}, {msg}");
    let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let mut look = interval(LOOK);
    let name = loop {
        tokio::select! {
            name = receipts.next() => break name?,
            reason = host.stopped() => bail!("the handler is gone for good: {reason}"),
            _ = look.tick() => show(host, organization, &bar).await?,
        }
    };
    bar.set_message("sending events");
    while host.orders.outbox_depth().await?.envelopes > 0 {
        look.tick().await;
    }
    bar.finish_and_clear();
    let receipt = host.blobs.get(&container(&organization.results_container())?, &name).await?;
    serde_json::from_slice(&receipt).context("the receipt cannot be read")
}

async fn show(host: &LocalHost, organization: &Organization, bar: &ProgressBar) -> Result<()> {
    if let Some(drop) = host.orders.drops(Some(organization.client_guid), 1).await?.first() {
        bar.set_position(drop.totals.rows());
        bar.set_message(format!("{} failed", drop.totals.0.get(&iris_model::OutcomeKind::Failed).unwrap_or(&0)));
    }
    let announcements = host.broker.status(queue::DROPS)?;
    if announcements.dead_lettered > 0 {
        bail!("the file could not be handled and its announcement was given up; see the log");
    }
    Ok(())
}
