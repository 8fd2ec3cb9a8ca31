//! Loading what a batch of work touches and saving what was decided, in one transaction each.

use crate::Error;
use crate::drops::DropTotals;
use crate::outbox::NewEnvelope;
use async_trait::async_trait;
use iris_model::{ClientGuid, LocalId, enumeration::OrderStatus};
use iris_rules::Snapshot;
use iris_rules::batches::BatchEntry;
use iris_rules::deliveries::DeliveryRecord;
use iris_rules::images::{BlobRef, DirectiveRecord, ImageRecord};
use iris_rules::record::{
    CameraRecord, GradingRecord, OrderChange, OrderRecord, OrderRef, PatientRecord, PatientRef, ResultRecord,
    SiteRecord,
};
use jiff::Timestamp;
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

/// What a snapshot has to hold of images. What is found brings its surroundings along: an image its orders, and an
/// order that an image may belong to its content, directives and images.
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
    /// Image directives in another state, with the version they must still have.
    pub changed_directives: Vec<(DirectiveRecord, i32)>,
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
    /// Its first row and its last: every row between them that the file has belongs to this batch, or to one that was
    /// done before.
    pub rows: Option<(u32, u32)>,
    /// Its lines as newline-delimited JSON.
    pub lines: String,
    /// Rows without a line.
    pub pending: Vec<u32>,
    /// Outcomes of its lines.
    pub totals: DropTotals,
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

/// What decisions rest on, and what follows from them.
#[async_trait]
pub trait Orders: Send + Sync {
    /// How many batches are worth saving at the same time.
    fn writers(&self) -> usize;
    /// Loads what is wanted, as far as it exists.
    async fn load(&self, wanted: &Wanted) -> Result<Snapshot, Error>;
    /// Saves everything or nothing. Returns the ids of the envelopes in their order.
    async fn save(&self, commit: &Commit) -> Result<Vec<i64>, Error>;
    /// Takes `count` consecutive ids nobody else gets; returns the first.
    async fn allocate(&self, kind: IdKind, count: u32) -> Result<i64, Error>;
}
