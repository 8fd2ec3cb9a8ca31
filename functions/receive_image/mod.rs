//! `receive_image`: an image that a caller or a camera uploaded finds its order.
//!
//! # Protocol
//!
//! A BlobCreated event names a blob of `{org}-images`; nothing else in the event is believed.
//!
//! 1. **Inspect.** The first bytes are read, as many as the header has, and say what the file is and whose (`iris_images`).
//! 2. **Archive.** The bytes are copied to our own container while their digest is taken. The same bytes under the same name are the same
//!    image (decision 178), however often they are uploaded or announced.
//! 3. **Decide and commit.** The rules link the image to its order, or let it wait, or quarantine it; its receipts go to the outbox in the
//!    same transaction (`iris_rules::images`).
//! 4. **Clean up.** The caller's blob is removed if it is still the version that was read.
//!
//! Each step may be repeated; an image is done only after the last. Killed anywhere, the event is delivered again, and if even that is lost,
//! the sweep finds the blob.

mod archive;
mod inspect;

use crate::announcement::{self, Announcement};
use crate::app::App;
use crate::postpone::{self, Reason};
use archive::Kept;
use iris_azure::blob::{BlobAddress, Error as BlobError, Etag};
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_model::{ImageContext, Organization};
use iris_rules::images::{BlobRef, ImageRecord, ImageStatus, ImageTask, ImageWork, Wait, image_id};
use jiff::Timestamp;
use std::sync::Arc;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

/// The largest image taken, in bytes: a volume of tomography has some tens of megabytes.
const IMAGE_BYTES: u64 = 256 << 20;

/// An image being received.
struct Job<'a> {
    app: &'a App,
    organization: Arc<Organization>,
    source: BlobAddress,
    etag: Etag,
    size: u64,
}

/// Why an image is not done yet.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("blob storage: {0}")]
    Blob(#[from] BlobError),
    #[error("order store: {0}")]
    Orders(#[from] iris_store::Error),
}

/// Handles one event.
pub async fn run(app: &App, message: ServiceBusMessage) -> Outcome {
    let Announcement { event, organization } = match announcement::read(app, &message, "-images").await {
        Ok(Some(announced)) => announced,
        Ok(None) => return Outcome::Done,
        Err(error) => return wait(app, &message, &error).await,
    };
    let received = match app.blobs.properties(&event.address, Some(&event.etag)).await {
        Ok(properties) => {
            let (source, etag) = (event.address.clone(), event.etag.clone());
            Job { app, organization, source, etag, size: properties.content_length }.receive().await
        }
        Err(BlobError::NotFound | BlobError::Changed) => {
            debug!(organization = %organization.slug, "an announced image is done, or was removed or overwritten");
            Ok(())
        }
        Err(error) => Err(error.into()),
    };
    match received {
        Ok(()) => Outcome::Done,
        Err(Error::Blob(BlobError::NotFound | BlobError::Changed)) => {
            info!("an announced image was removed or overwritten while it was read");
            Outcome::Done
        }
        Err(error) => wait(app, &message, &error).await,
    }
}

/// Something the function needs is away: the event waits in its queue.
async fn wait(app: &App, message: &ServiceBusMessage, error: &(dyn std::error::Error + Sync)) -> Outcome {
    warn!(error = %error, "not available; the image waits");
    postpone::again(app, &app.queues.images, message, Reason::Outage).await
}

impl Job<'_> {
    async fn receive(&self) -> Result<(), Error> {
        let seen = inspect::inspect(&self.app.blobs, &self.source, &self.etag, self.size).await?;
        let kept = if self.size > IMAGE_BYTES { self.not_kept() } else { self.archive().await? };
        let image = self.record(seen, &kept);
        let archived = image.archive.clone();
        let work =
            ImageWork { organization: Arc::clone(&self.organization), task: ImageTask::Arrived(Box::new(image)) };
        let answer = self.app.orders.image(work).await?;
        let Some(image) = &answer.image else { return Ok(()) };
        let code = image.reason.map(|code| code.as_str());
        match (image.status, answer.given_up) {
            (_, Some(_)) => error!(
                alert = "image-quarantined",
                organization = %self.organization.slug,
                image = image.iris_id,
                code,
                "an image was quarantined"
            ),
            (ImageStatus::Linked, None) => {
                debug!(organization = %self.organization.slug, image = image.iris_id, order = image.order, "image linked");
            }
            (_, None) => info!(organization = %self.organization.slug, image = image.iris_id, code, "image waits"),
        }
        if image.archive != archived {
            // The same image was archived before, under another upload: one copy is enough.
            self.discard(&archived).await?;
        }
        self.remove_source().await
    }

    fn record(&self, seen: inspect::Seen, kept: &Kept) -> ImageRecord {
        let blob = BlobRef {
            organization: self.organization.client_guid,
            container: self.source.container().to_owned(),
            file_name: self.source.name().to_owned(),
        };
        let now = Timestamp::now();
        let details = seen.details(&kept.digest);
        ImageRecord {
            id: image_id(&blob, &kept.digest),
            iris_id: 0,
            version: 0,
            blob,
            received_at: now,
            size: self.size,
            format: seen.format,
            archive: kept.name.clone(),
            claims: seen.claims,
            status: ImageStatus::Waiting,
            reason: seen.defect.as_ref().map(|(code, _)| *code),
            defect: seen.defect.map(|(_, text)| text),
            order: None,
            laterality: None,
            context: ImageContext::Unknown,
            local_id: None,
            wait: Wait::starting(now, self.organization.image_patience_seconds),
            details,
        }
    }

    /// The upload's own id: container, name and version.
    fn upload(&self) -> Uuid {
        iris_store::drops::drop_id(self.source.container(), self.source.name(), self.etag.bare())
    }

    /// Removes the caller's blob if it is still the version that was read. One too large to be archived stays.
    async fn remove_source(&self) -> Result<(), Error> {
        if self.size > IMAGE_BYTES {
            return Ok(());
        }
        match self.app.blobs.delete(&self.source, Some(&self.etag)).await {
            Ok(()) | Err(BlobError::NotFound | BlobError::Changed) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
