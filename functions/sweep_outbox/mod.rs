//! `sweep_outbox`: work that no message triggers.
//!
//! - Publishes what is left in the outbox by processes that died and for destinations that were unavailable.
//! - Finds files whose event was lost: Event Grid may drop an event when its destination fails for a day, and the local
//!   host may when it is killed. Every drops container is listed, and a file that has been there for
//!   [`UNANNOUNCED_AFTER`] is announced by the sweep. A file that is being, or was, loaded is recognized by its
//!   identity, so announcing it once more costs one look-up. The same goes for image containers.
//! - Rings for deliveries that have become due, and for those whose doorbell was lost or dead-lettered
//!   ([`iris_rules::deliveries`]).
//! - Handles images that wait for their orders and directives that wait for their images (module `images`).

mod images;

use crate::announcement::OWN;
use crate::app::App;
use futures::TryStreamExt;
use iris_azure::blob::{BlobAddress, Error as BlobError, Etag, ListedBlob};
use iris_azure::handler::Outcome;
use iris_azure::organizations::Lookup;
use iris_azure::servicebus::OutgoingMessage;
use iris_model::Organization;
use iris_store::drops::drop_id;
use iris_telemetry::{Chain, metrics};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::future::ready;
use tracing::{error, info, warn};
use uuid::Uuid;

/// How long a file stays in a drops container before the sweep announces it.
const UNANNOUNCED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// For how long announcements of one file have the same MessageId, so that duplicate detection keeps only one of them.
const ANNOUNCE_EVERY: i64 = 600;

/// Sweeps once.
pub async fn run(app: &App) -> Outcome {
    let now = Timestamp::now();
    match app.orders.sweep(now).await {
        Ok(report) if report == iris_orders::SweepReport::default() => {}
        Ok(report) => {
            info!(published = report.published, postponed = report.postponed, parked = report.parked, "outbox swept");
        }
        Err(error) => {
            warn!(%error, "outbox not swept");
            return Outcome::Retry { code: "outbox" };
        }
    }
    if let Err(error) = report_outbox(app, now).await {
        warn!(%error, "the outbox is not measured");
    }
    if let Err(error) = ring_due_deliveries(app, now).await {
        warn!(%error, "due deliveries are not looked for");
        return Outcome::Retry { code: "deliveries" };
    }
    match sweep_containers(app, now).await {
        Ok(0) => Outcome::Done,
        Ok(organizations) => {
            warn!(organizations, "not everything of all organizations was swept");
            Outcome::Retry { code: "containers" }
        }
        Err(error) => {
            warn!(error = format!("{error:#}"), "containers not swept");
            Outcome::Retry { code: "containers" }
        }
    }
}

/// Reports how much waits in the outbox, and for how long; an alert is based on it.
async fn report_outbox(app: &App, now: Timestamp) -> Result<(), iris_store::Error> {
    let depth = app.orders.store().outbox_depth().await?;
    let oldest_seconds = depth.oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs());
    metrics::outbox(depth.messages, depth.parked, u64::try_from(oldest_seconds).unwrap_or_default());
    if depth.envelopes > 0 || depth.parked > 0 {
        info!(messages = depth.messages, parked = depth.parked, oldest_seconds, "outbox holds messages");
    }
    Ok(())
}

async fn ring_due_deliveries(app: &App, now: Timestamp) -> Result<(), iris_store::Error> {
    let rung = app.orders.ring_due_deliveries(now).await?;
    if rung.lost > 0 {
        warn!(deliveries = rung.lost, "messages of deliveries were lost and are sent again");
    }
    if rung.due > 0 {
        info!(deliveries = rung.due, "deliveries are due again");
    }
    Ok(())
}

/// Sweeps one organization after the other; a failing one does not hold up the rest. Returns how many failed.
async fn sweep_containers(app: &App, now: Timestamp) -> anyhow::Result<usize> {
    let (mut organizations, mut in_trouble) = (Vec::new(), 0);
    for slug in app.organizations.all().await? {
        match app.organizations.get(&slug).await {
            Ok(Lookup::Known(organization)) => {
                if let Err(error) = sweep_organization(app, &organization, now).await {
                    in_trouble += 1;
                    error!(alert = "sweep", organization = %slug, error = format!("{error:#}"),
                        "the containers of an organization cannot be swept");
                }
                organizations.push(organization);
            }
            Ok(Lookup::Unknown) => {}
            // Problems of its document were already reported where it was read.
            Err(error) => {
                in_trouble += 1;
                warn!(organization = %slug, error = %Chain(&error), "an organization is not swept");
            }
        }
    }
    images::look_after(app, &organizations, now).await?;
    Ok(in_trouble)
}

async fn sweep_organization(app: &App, organization: &Organization, now: Timestamp) -> anyhow::Result<()> {
    announce_forgotten(app, &organization.drops_container(), &app.queues.drops, now).await?;
    announce_forgotten(app, &organization.images_container(), &app.queues.images, now).await
}

async fn announce_forgotten(app: &App, container: &str, queue: &str, now: Timestamp) -> anyhow::Result<()> {
    let blobs = app.blobs.list(container, "");
    let forgotten: Vec<ListedBlob> = match blobs.try_filter(|blob| ready(is_forgotten(blob, now))).try_collect().await {
        Ok(forgotten) => forgotten,
        // An organization that never got the container has nothing to sweep.
        Err(BlobError::ContainerNotFound) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if !forgotten.is_empty() {
        info!(container, files = forgotten.len(), "files without an event are announced");
        let account = app.blobs.account().unwrap_or_default();
        let messages = forgotten.iter().map(|blob| announcement(account, &Announced::from(blob), now)).collect();
        app.sender.send(queue, messages).await?;
    }
    Ok(())
}

fn is_forgotten(blob: &ListedBlob, now: Timestamp) -> bool {
    blob.last_modified.is_none_or(|written| now.duration_since(written) > UNANNOUNCED_AFTER)
}

/// A blob to announce.
struct Announced<'a> {
    address: &'a BlobAddress,
    etag: &'a Etag,
    length: u64,
}

impl<'a> From<&'a ListedBlob> for Announced<'a> {
    fn from(blob: &'a ListedBlob) -> Self {
        Self { address: &blob.address, etag: &blob.etag, length: blob.content_length }
    }
}

/// The event that should have come, in the Event Grid schema (functions-host-contract §6.4).
fn announcement(account: &str, blob: &Announced<'_>, now: Timestamp) -> OutgoingMessage {
    let (container, name) = (blob.address.container(), blob.address.name());
    let period = now.as_second() / ANNOUNCE_EVERY;
    let id = Uuid::new_v5(&drop_id(container, name, blob.etag.bare()), &period.to_be_bytes());
    let event = json!({
        "topic": format!("/providers/Microsoft.Storage/storageAccounts/{account}"),
        "subject": format!("/blobServices/default/containers/{container}/blobs/{name}"),
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": now.to_string(),
        "id": format!("{OWN}{id}"),
        "data": { "api": "PutBlob", "eTag": blob.etag.bare(), "contentLength": blob.length },
        "dataVersion": "",
        "metadataVersion": "1",
    });
    OutgoingMessage {
        message_id: id.to_string(),
        body: event.to_string().into(),
        content_type: Some("application/json".to_owned()),
        ..OutgoingMessage::default()
    }
}
