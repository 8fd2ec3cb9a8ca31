//! `receive_image`: an image uploaded by a caller or a camera finds its order.
//!
//! # Protocol
//!
//! A BlobCreated event names a blob in `{org}-images`; nothing else in the event is trusted.
//!
//! 1. **Inspect.** The first bytes are read, as far as the header goes. They say what the file is and whom it belongs
//!    to (`iris_images`).
//! 2. **Archive.** The bytes are copied to the platform's own container while their digest is computed. The same bytes
//!    under the same name are the same image (decision 178), however often they are uploaded or announced.
//! 3. **Decide and commit.** The rules link the image to its order, let it wait, or quarantine it; its receipts go to
//!    the outbox in the same transaction (`iris_rules::images`).
//! 4. **Clean up.** The caller's blob is removed if it is still the version that was read.
//!
//! Each step may be repeated; an image is done only after the last. Wherever the process is killed, the event is
//! delivered again, and if even that is lost, the sweep finds the blob.

mod archive;
mod inspect;

use crate::announcement::{self, Announcement};
use crate::app::App;
use crate::postpone::{self, Failure};
use crate::upload::Upload;
use archive::Kept;
use iris_azure::blob::Error as BlobError;
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_model::{ImageContext, Organization};
use iris_rules::images::{BlobRef, ImageRecord, ImageStatus, ImageTask, ImageWork, Wait, image_id};
use jiff::Timestamp;
use std::sync::Arc;
use tracing::{debug, error, info};

/// The largest image accepted, in bytes; a tomography volume has some tens of megabytes.
const IMAGE_BYTES: u64 = 256 << 20;

/// The most bytes of an image held in memory while it is copied.
const PIECES: u64 = 16 << 20;

/// An image being received.
struct Job<'a> {
    app: &'a App,
    organization: Arc<Organization>,
    upload: Upload<'a>,
    size: u64,
}

/// Why an image is not done yet.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("blob storage")]
    Blob(#[from] BlobError),
    #[error("order store")]
    Orders(#[from] iris_store::Error),
}

impl Failure for Error {
    fn is_transient(&self) -> bool {
        match self {
            Self::Blob(error) => Failure::is_transient(error),
            Self::Orders(error) => error.is_transient(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Blob(error) => Failure::code(error),
            Self::Orders(error) => error.code(),
        }
    }
}

/// Handles one event.
pub async fn run(app: &App, message: ServiceBusMessage) -> Outcome {
    let Announcement { event, organization } = match announcement::read(app, &message, "-images").await {
        Ok(Some(announced)) => announced,
        Ok(None) => return Outcome::Done,
        Err(error) => return postpone::after(app, &app.queues.images, &message, error).await,
    };
    let received = match app.blobs.properties(&event.address, Some(&event.etag)).await {
        Ok(properties) => {
            let upload = Upload::announced(app, &event);
            Job { app, organization, upload, size: properties.content_length }.receive().await
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
        Err(error) => postpone::after(app, &app.queues.images, &message, error).await,
    }
}

impl Job<'_> {
    async fn receive(&self) -> Result<(), Error> {
        // Pieces read ahead, and blocks not sent yet.
        let _memory = self.app.memory.grant((2 * self.size).min(PIECES) + (1 << 20)).await;
        let seen = inspect::inspect(&self.app.blobs, &self.upload.source, &self.upload.etag, self.size).await?;
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
            // The same image was already archived from another upload; one copy is enough.
            self.discard(&archived).await?;
        }
        self.remove_source().await
    }

    fn record(&self, seen: inspect::Seen, kept: &Kept) -> ImageRecord {
        let blob = BlobRef {
            organization: self.organization.client_guid,
            container: self.upload.source.container().to_owned(),
            file_name: self.upload.source.name().to_owned(),
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

    /// Removes the caller's blob. One too large to archive is left in place.
    async fn remove_source(&self) -> Result<(), Error> {
        if self.size > IMAGE_BYTES {
            return Ok(());
        }
        Ok(self.upload.remove().await?)
    }
}
