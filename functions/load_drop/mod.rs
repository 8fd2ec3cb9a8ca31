//! `load_drop`: a file dropped by a caller becomes orders and receipts.
//!
//! # Protocol
//!
//! A BlobCreated event names a blob. Container, name and ETag together identify one drop (decision 19), however often
//! it is announced.
//!
//! 1. **Archive.** The bytes are copied to the platform's own container under the drop's id. From here on the caller's
//!    blob is not needed: it may be overwritten or deleted while we work, and a resumed load reads the same bytes.
//! 2. **Load.** A thread parses and validates, batch by batch. Batches are committed in order under the drop's epoch,
//!    each with the lines its rows will have in the receipt. After a crash, loading resumes after the last committed
//!    batch.
//! 3. **Late parents.** Rows whose order is not known yet are tried again, with growing delays, until the
//!    organization's patience is over.
//! 4. **Receipts.** Written from the stored lines to the caller's results container; writing them again gives the same
//!    documents.
//! 5. **Clean up.** The caller's blob is removed if it is still the version that was loaded.
//!
//! Each step may be repeated; a drop is done only after the last.

mod archive;
mod bridge;
mod load;
mod receipts;
mod rows;
mod shape;

use crate::announcement::{self, Announcement};
use crate::app::App;
use crate::postpone::{self, Failure};
use crate::upload::Upload;
use iris_azure::blob::Error as BlobError;
use iris_azure::eventgrid::BlobCreated;
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_model::Organization;
use iris_store::queries::DropSummary;
use iris_store::{DropFinish, DropLease, DropState, DropStatus, NewDrop};
use jiff::{SignedDuration, Timestamp};
use shape::Shape;
use std::path::Path;
use std::sync::Arc;
use tracing::{info, warn};
use uuid::Uuid;

const MIB: u64 = 1 << 20;

/// How long a drop being loaded must be silent before an announcement by the sweep takes it over. A file that is loaded
/// completely or not at all is first read once without commits, which takes a minute or two.
const ABANDONED_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// A drop being worked on.
struct Job<'a> {
    app: &'a App,
    organization: Arc<Organization>,
    upload: Upload<'a>,
    drop: NewDrop,
}

/// Why a drop is not done yet.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("blob storage")]
    Blob(#[from] BlobError),
    #[error("order store")]
    Orders(#[from] iris_store::Error),
    #[error("temporary file")]
    Spool(#[source] std::io::Error),
    #[error("the archived file could not be read to its end")]
    Reader,
    #[error("a receipt could not be rendered")]
    Document(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Failure for Error {
    fn is_transient(&self) -> bool {
        match self {
            Self::Blob(error) => Failure::is_transient(error),
            Self::Orders(error) => error.is_transient(),
            Self::Spool(_) | Self::Reader => true,
            Self::Document(_) => false,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Blob(error) => Failure::code(error),
            Self::Orders(error) => error.code(),
            Self::Spool(_) => "temporary-file",
            Self::Reader => "reader",
            Self::Document(_) => "receipt",
        }
    }
}

/// Handles one event.
pub async fn run(app: &App, message: ServiceBusMessage) -> Outcome {
    let Announcement { event, organization } = match announcement::read(app, &message, announcement::DROPS).await {
        Ok(Some(announced)) => announced,
        Ok(None) => return Outcome::Done,
        Err(error) => return postpone::after(app, &app.queues.drops, &message, error).await,
    };
    let slug = organization.slug.clone();
    match work(app, organization, &event).await {
        Ok(()) => Outcome::Done,
        Err(Error::Orders(iris_store::Error::LostDrop)) => {
            warn!(organization = %slug, "the drop was taken over by another instance");
            Outcome::Done
        }
        Err(error) => postpone::after(app, &app.queues.drops, &message, error).await,
    }
}

async fn work(app: &App, organization: Arc<Organization>, event: &BlobCreated) -> Result<(), Error> {
    let Some(job) = Job::announced(app, organization, event).await? else { return Ok(()) };
    let _memory = app.memory.grant(job.memory()).await;
    let state = if event.id.starts_with(announcement::OWN) {
        let alive = job.drop.received_at.saturating_sub(ABANDONED_AFTER).unwrap_or(Timestamp::MIN);
        app.orders.begin_abandoned_drop(&job.drop, alive).await?
    } else {
        app.orders.begin_drop(&job.drop).await?
    };
    if state.lease.is_none() && state.status == DropStatus::Loading {
        info!(organization = %job.organization.slug, drop = %job.id(), "somebody is loading the drop");
        return Ok(());
    }
    let shape = match state.lease.clone() {
        Some(lease) => job.load(lease, &state).await?,
        None => None,
    };
    job.write_receipts(&job.summary().await?, shape).await?;
    job.remove_source().await
}

impl<'a> Job<'a> {
    /// The drop that an event announces. `None` when there is nothing to do: the blob is gone and unknown, or a newer
    /// version has its own event.
    async fn announced(
        app: &'a App,
        organization: Arc<Organization>,
        event: &BlobCreated,
    ) -> Result<Option<Self>, Error> {
        let (container, name) = (event.address.container(), event.address.name());
        let upload = Upload::announced(app, event);
        let id = upload.id();
        let size = match app.orders.store().drop_summary(id).await? {
            Some(known) => known.size,
            None => match app.blobs.properties(&event.address, Some(&event.etag)).await {
                Ok(properties) => properties.content_length,
                Err(BlobError::NotFound | BlobError::Changed) => {
                    info!(organization = %organization.slug, "an announced file is gone or was overwritten");
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            },
        };
        let drop = NewDrop {
            id,
            organization: organization.client_guid,
            container: container.to_owned(),
            name: name.to_owned(),
            etag: event.etag.bare().to_owned(),
            size,
            received_at: Timestamp::now(),
        };
        Ok(Some(Self { app, organization, upload, drop }))
    }

    /// The most memory that loading needs, in bytes: pieces of the file in flight, and rows parsed ahead; for a
    /// workbook also its table of texts, which is kept in memory as a whole.
    fn memory(&self) -> u64 {
        let size = self.drop.size;
        let book = Path::new(&self.drop.name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx"));
        let texts = if book { size.saturating_mul(8) } else { 0 };
        MIB + size.saturating_mul(3).min(20 * MIB) + size.saturating_mul(12).min(20 * MIB) + texts
    }

    fn id(&self) -> Uuid {
        self.drop.id
    }

    /// The store's record of the drop.
    async fn summary(&self) -> Result<DropSummary, Error> {
        Ok(self.app.orders.store().drop_summary(self.id()).await?.ok_or(iris_store::Error::UnknownDrop)?)
    }

    /// Archives and loads; afterwards the drop is finished or refused in the store.
    async fn load(&self, lease: DropLease, state: &DropState) -> Result<Option<Shape>, Error> {
        info!(organization = %self.organization.slug, drop = %self.id(), resumed = !state.done.is_empty(), "drop started");
        let end = match self.archive().await? {
            archive::Archived::Kept => self.load_rows(lease.clone(), state).await?,
            archive::Archived::Refused(issue) => load::End::Refused(issue),
        };
        match end {
            load::End::Refused(issue) => {
                warn!(organization = %self.organization.slug, drop = %self.id(), code = issue.code.as_str(), "drop refused");
                let finish = DropFinish { status: DropStatus::Refused, issues: vec![issue], at: Timestamp::now() };
                self.app.orders.finish_drop(&lease, &finish).await?;
                Ok(None)
            }
            load::End::Finished(finish, shape) => {
                self.app.orders.finish_drop(&lease, &finish).await?;
                info!(organization = %self.organization.slug, drop = %self.id(), "drop loaded");
                Ok(Some(shape))
            }
        }
    }

    /// Removes the caller's blob. A file too large to archive is left in place.
    async fn remove_source(&self) -> Result<(), Error> {
        if self.drop.size > self.app.limits.file_bytes {
            return Ok(());
        }
        Ok(self.upload.remove().await?)
    }
}
