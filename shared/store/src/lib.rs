//! Storage: load what a batch touches, save what it decided, in one transaction. No rules here.
//!
//! One trait, two implementations with set-based statements; both pass the conformance suite in `tests/`.
//!
//! # Conflicts
//!
//! Saving is optimistic. Everything decided rests on the snapshot, so a save fails as a whole with [`Error::Conflict`] when the snapshot
//! is outdated: a row to be updated has another version, a row to be inserted exists, or another open order has taken the place (unique
//! indexes), or the batch of the drop is already done. The caller loads and decides again.

mod administration;
pub mod audit;
mod batches;
mod codec;
mod deliveries;
pub mod drops;
mod error;
mod fault;
mod images;
mod inspect;
pub mod outbox;
pub mod postgres;
pub mod queries;
mod shared;
pub mod sqlite;

pub use administration::Administration;
pub use drops::{DropFinish, DropLease, DropState, DropStatus, NewDrop, RowDetail};
pub use error::Error;
pub use outbox::{Destination, OutboxMessage};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

use crate::outbox::{Envelope, NewEnvelope};
use crate::queries::{
    Counts, DropSummary, OrderDetail, OrderSearch, OrderSummary, OutboxDepth, Page, ParkedEnvelope, SubmissionRecord,
};
use async_trait::async_trait;
use iris_model::{ClientGuid, Issue, LocalId, OutcomeKind, enumeration::OrderStatus};
use iris_rules::Snapshot;
use iris_rules::batches::{Batch, BatchEntry, BatchResult, NewBatch};
use iris_rules::deliveries::{Delivery, DeliveryRecord, DeliveryState, DestinationHealth, LostDeliveries};
use iris_rules::images::{BlobRef, DirectiveRecord, ImageRecord};
use iris_rules::record::{
    CameraRecord, GradingRecord, OrderChange, OrderRecord, OrderRef, PatientRecord, PatientRef, ResultRecord,
    SiteRecord,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// What a snapshot has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Messages whose records are looked for.
    pub submissions: Vec<Uuid>,
    /// Orders by the submitter's id; true = with their content.
    pub orders: BTreeMap<OrderRef, bool>,
    /// Patients. Their open orders are loaded too, as are the patients of the orders.
    pub patients: BTreeSet<PatientRef>,
    /// Sites that no document lists.
    pub sites: BTreeSet<(ClientGuid, LocalId)>,
    /// Cameras that no document lists.
    pub cameras: BTreeSet<(ClientGuid, LocalId)>,
    /// Orders whose gradings are looked for.
    pub gradings: BTreeSet<OrderRef>,
    /// The batch of a drop whose lines are looked for.
    pub drop_batch: Option<(Uuid, u32)>,
    /// What is wanted of images.
    pub images: WantedImages,
}

/// What a snapshot has to hold of images. What is found brings its surroundings along: an image its orders, and an order that an image may
/// belong to its content, directives and images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedImages {
    /// Images by id.
    pub ids: BTreeSet<Uuid>,
    /// Images that arrived under these names, and directives that name them.
    pub blobs: BTreeSet<BlobRef>,
    /// Images that are not linked and name this order, patient or study.
    pub claims: BTreeSet<(ClientGuid, String)>,
    /// Studies whose orders are looked for.
    pub studies: BTreeSet<(ClientGuid, String)>,
    /// Patients of whatever site; their open orders come with everything.
    pub patients: BTreeSet<(ClientGuid, LocalId)>,
    /// Orders by id.
    pub orders: BTreeSet<i64>,
}

/// Everything one transaction writes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Commit {
    /// When it was decided.
    pub at: Option<Timestamp>,
    /// New sites.
    pub sites: Vec<SiteRecord>,
    /// New cameras.
    pub cameras: Vec<CameraRecord>,
    /// New patients.
    pub new_patients: Vec<Arc<PatientRecord>>,
    /// Changed patients with the version they must still have.
    pub changed_patients: Vec<(Arc<PatientRecord>, i32)>,
    /// New orders; each has its content.
    pub new_orders: Vec<Arc<OrderRecord>>,
    /// Changed orders with the version they must still have; content `None` = as it is.
    pub changed_orders: Vec<(Arc<OrderRecord>, i32)>,
    /// Orders whose image directives are replaced.
    pub replaced_directives: Vec<i64>,
    /// New image directives.
    pub directives: Vec<DirectiveRecord>,
    /// Image directives in another state.
    pub changed_directives: Vec<DirectiveRecord>,
    /// Studies that orders named.
    pub studies: Vec<(ClientGuid, String, i64)>,
    /// New images.
    pub new_images: Vec<Arc<ImageRecord>>,
    /// Changed images with the version they must still have.
    pub changed_images: Vec<(Arc<ImageRecord>, i32)>,
    /// History of patients.
    pub patient_history: Vec<PatientHistoryEntry>,
    /// History of orders.
    pub order_history: Vec<OrderHistoryEntry>,
    /// New gradings.
    pub gradings: Vec<Arc<GradingRecord>>,
    /// New results.
    pub results: Vec<Arc<ResultRecord>>,
    /// New deliveries, each of a new result.
    pub deliveries: Vec<DeliveryRecord>,
    /// Which of them belong in batches.
    pub batch_entries: Vec<BatchEntry>,
    /// Messages dealt with.
    pub submissions: Vec<SubmissionEntry>,
    /// Progress of a drop.
    pub drop_batch: Option<DropBatchEntry>,
    /// Messages to send.
    pub envelopes: Vec<NewEnvelope>,
    /// Until when the envelopes are leased to the process that stores them.
    pub leased_until: Option<Timestamp>,
}

impl Commit {
    /// True when there is nothing to write: everything was a replay, or has to wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.submissions.is_empty()
            && self.drop_batch.is_none()
            && self.new_images.is_empty()
            && self.changed_images.is_empty()
            && self.changed_directives.is_empty()
            && self.changed_orders.is_empty()
    }
}

/// The demographics a patient had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientHistoryEntry {
    /// The patient.
    pub patient: i64,
    /// The version that ended.
    pub version: i32,
    /// The submission that changed it.
    pub submission: Uuid,
    /// The details before.
    pub details: String,
}

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderHistoryEntry {
    /// The order.
    pub order: i64,
    /// The version that ended.
    pub version: i32,
    /// What happened.
    pub change: OrderChange,
    /// The submission that did it.
    pub submission: Uuid,
    /// The status before.
    pub status: OrderStatus,
    /// The content before, when that changed.
    pub content: Option<String>,
}

/// The record of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionEntry {
    /// Its submission id.
    pub id: Uuid,
    /// Whose.
    pub organization: ClientGuid,
    /// What became of it.
    pub outcome: iris_rules::Outcome,
    /// Its bytes, when it was refused.
    pub body: Option<Arc<[u8]>>,
}

/// A batch of a drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropBatchEntry {
    /// The drop.
    pub drop: Uuid,
    /// The epoch it must still have.
    pub epoch: i64,
    /// Number of the batch.
    pub number: u32,
    /// Its lines as newline-delimited JSON.
    pub lines: String,
    /// Rows without a line.
    pub pending: Vec<u32>,
    /// Outcomes of its lines.
    pub totals: crate::drops::DropTotals,
}

/// How a delivery ended, or why it rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledDelivery {
    /// Its place among all.
    pub sequence: i64,
    /// Its new state.
    pub state: DeliveryState,
    /// When.
    pub at: Timestamp,
    /// Until when the envelopes are leased to the process that stores them.
    pub leased_until: Timestamp,
}

/// A delivery that failed for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedDelivery {
    /// Whose.
    pub organization: ClientGuid,
    /// Id of the destination.
    pub destination: String,
    /// When.
    pub at: Timestamp,
    /// Why; without personal data.
    pub reason: String,
}

/// What ids are allocated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// Orders.
    Order,
    /// Patients.
    Patient,
    /// Images.
    Image,
}

impl IdKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Patient => "patient",
            Self::Image => "image",
        }
    }
}

/// The first envelopes of a destination, as far as they may be published now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// These, oldest first; leased to the caller.
    Envelopes(Vec<Envelope>),
    /// The oldest one is leased to somebody else or waits for its next try, until then.
    Blocked(Timestamp),
    /// Nothing is left.
    Empty,
}

/// The database.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// How many batches are worth saving at the same time.
    fn writers(&self) -> usize;

    /// Loads what is wanted, as far as it exists.
    async fn load(&self, wanted: &Wanted) -> Result<Snapshot, Error>;

    /// Saves everything or nothing. Returns the ids of the envelopes in their order.
    async fn save(&self, commit: &Commit) -> Result<Vec<i64>, Error>;

    /// Takes `count` consecutive ids nobody else gets; returns the first.
    async fn allocate(&self, kind: IdKind, count: u32) -> Result<i64, Error>;

    /// Begins or resumes a drop, raising its epoch unless it is over.
    async fn begin_drop(&self, drop: &NewDrop) -> Result<DropState, Error>;
    /// Ends a drop while the lease holds. Finishing a second time under the same lease changes nothing.
    async fn finish_drop(&self, lease: &DropLease, finish: &DropFinish) -> Result<(), Error>;
    /// Records a drop that is refused as a whole. One that is already over stays as it is.
    async fn refuse_drop(&self, drop: &NewDrop, issues: &[Issue]) -> Result<(), Error>;
    /// The lines of the batch after `after` (in order of their numbers; `None` = of the first): its number and its newline-delimited JSON.
    async fn drop_lines(&self, drop: Uuid, after: Option<u32>) -> Result<Option<(u32, String)>, Error>;
    /// Drops, the latest first.
    async fn drops(&self, organization: Option<ClientGuid>, limit: u32) -> Result<Vec<DropSummary>, Error>;
    /// One drop.
    async fn drop_summary(&self, drop: Uuid) -> Result<Option<DropSummary>, Error>;

    /// Deletes envelopes whose every message was confirmed.
    async fn confirm(&self, envelopes: &[i64]) -> Result<(), Error>;
    /// Destinations that have an envelope available at `now`.
    async fn destinations_due(&self, now: Timestamp) -> Result<Vec<Destination>, Error>;
    /// Leases the oldest available envelopes of a destination until `until`.
    async fn claim(
        &self,
        destination: &Destination,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Claim, Error>;
    /// Gives an envelope back: only these messages are left, and it may be tried again from `at` on.
    async fn postpone(&self, envelope: &Envelope, at: Timestamp) -> Result<(), Error>;
    /// Ends the leases of envelopes.
    async fn release(&self, envelopes: &[i64], at: Timestamp) -> Result<(), Error>;
    /// Moves messages of an envelope to the parked ones; with `rest`, the envelope stays with those messages, else it goes.
    async fn park(&self, parked: &Envelope, rest: Option<&Envelope>, reason: &str, at: Timestamp) -> Result<(), Error>;
    /// Parked envelopes, the latest first.
    async fn parked(&self, limit: u32) -> Result<Vec<ParkedEnvelope>, Error>;
    /// Puts a parked envelope back into the outbox; false when there is none with this id.
    async fn unpark(&self, id: i64, at: Timestamp) -> Result<bool, Error>;
    /// What waits.
    async fn outbox_depth(&self) -> Result<OutboxDepth, Error>;

    /// How much there is, of one organization or of all.
    async fn counts(&self, organization: Option<ClientGuid>) -> Result<Counts, Error>;
    /// Orders of an organization, newest first, with ids below `before`.
    async fn orders(
        &self,
        organization: ClientGuid,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page<OrderSummary>, Error>;
    /// Orders that match, newest first. Looks at every order in the worst case: for people, not for the platform's own work.
    async fn search_orders(&self, search: &OrderSearch, limit: u32) -> Result<Page<OrderSummary>, Error>;
    /// One order with its history.
    async fn order(&self, id: i64) -> Result<Option<OrderDetail>, Error>;
    /// Messages dealt with, the latest first; `only` = of this outcome.
    async fn submissions(
        &self,
        organization: Option<ClientGuid>,
        only: Option<OutcomeKind>,
        limit: u32,
    ) -> Result<Vec<SubmissionRecord>, Error>;
    /// The bytes of a refused message.
    async fn refused_body(&self, submission: Uuid) -> Result<Option<Vec<u8>>, Error>;

    /// Images that wait for their orders and are to be looked at, the longest due first.
    async fn images_due(&self, now: Timestamp, limit: u32) -> Result<Vec<ImageRecord>, Error>;
    /// Directives that wait for their images and are to be looked at, the longest due first, each with its order's organization.
    async fn directives_due(&self, now: Timestamp, limit: u32) -> Result<Vec<(ClientGuid, DirectiveRecord)>, Error>;
    /// The images linked to an order, in the order in which they arrived.
    async fn images_of(&self, order: i64) -> Result<Vec<ImageRecord>, Error>;
    /// Images of an organization that are not linked, the latest first.
    async fn unlinked_images(&self, organization: ClientGuid, limit: u32) -> Result<Vec<ImageRecord>, Error>;
    /// Results of an order, oldest first, with their canonical documents.
    async fn results(&self, order: i64) -> Result<Vec<ResultRecord>, Error>;
    /// Gradings of an order, oldest first.
    async fn gradings(&self, order: i64) -> Result<Vec<GradingRecord>, Error>;

    /// The last batch of an organization.
    async fn last_batch(&self, organization: ClientGuid) -> Result<Option<Batch>, Error>;
    /// Opens a batch and fixes what it has, see [`iris_rules::batches`]. [`Error::Conflict`] when another has that number.
    async fn open_batch(&self, batch: &NewBatch) -> Result<Batch, Error>;
    /// The results of a batch with places above `after`, in order, each order's last.
    async fn batch_page(
        &self,
        organization: ClientGuid,
        number: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BatchResult>, Error>;
    /// Closes a batch whose files are all written. Closing it once more changes nothing.
    async fn close_batch(&self, organization: ClientGuid, number: u32, at: Timestamp) -> Result<(), Error>;
    /// A delivery by its result and destination.
    async fn delivery(&self, transaction: Uuid, destination: &str) -> Result<Option<Delivery>, Error>;
    /// The deliveries of an order, oldest first.
    async fn deliveries(&self, order: i64) -> Result<Vec<Delivery>, Error>;
    /// Gives a delivery its new state, with messages to send; the next of those that were held follows one that was. Changes nothing, and sends
    /// nothing, when it was delivered before. Returns what was put into the outbox.
    async fn settle_delivery(
        &self,
        settled: &SettledDelivery,
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Envelope>, Error>;
    /// Notes that a destination failed. True when it failed for so long now that it is disabled by this call.
    async fn delivery_failed(&self, failed: &FailedDelivery, disable_after: SignedDuration) -> Result<bool, Error>;
    /// Enables a destination and lets go what was held for it, in order: how much that is, and what was put into the outbox.
    async fn resume_destination(
        &self,
        organization: ClientGuid,
        destination: &str,
        at: Timestamp,
        leased_until: Timestamp,
    ) -> Result<(u64, Vec<Envelope>), Error>;
    /// Notes that somebody looked at a delivery and cannot make it yet: its message is not lost.
    async fn delivery_seen(&self, sequence: i64, at: Timestamp) -> Result<(), Error>;
    /// Announces deliveries anew that nobody looked at since `before`, at most `limit` of them; parks those whose messages get lost again and
    /// again. Returns them, and what was put into the outbox. See [`iris_rules::deliveries`].
    async fn lost_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(LostDeliveries, Vec<Envelope>), Error>;
    /// Destinations that fail or are disabled, of one organization or of all.
    async fn destination_health(&self, organization: Option<ClientGuid>) -> Result<Vec<DestinationHealth>, Error>;
    /// What operators and the retention timer do.
    fn administration(&self) -> &dyn Administration;

    /// Closes the connections.
    async fn close(&self);
}

fn migration(error: &sqlx::migrate::MigrateError) -> String {
    match error {
        sqlx::migrate::MigrateError::VersionMismatch(version) => {
            format!("migration {version} was applied with other content")
        }
        sqlx::migrate::MigrateError::VersionMissing(version) => {
            format!("the database is newer than this program: it has migration {version}")
        }
        _ => String::from("a migration failed"),
    }
}
