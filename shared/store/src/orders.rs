//! Loads what a batch of work touches and saves what was decided, in one transaction each.

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
    /// Messages whose records to look up.
    pub submissions: Vec<Uuid>,
    /// Orders by the submitter's id; true = including their content.
    pub orders: BTreeMap<OrderRef, bool>,
    /// Patients. Their open orders are loaded too, and so are the patients of the orders.
    pub patients: BTreeSet<PatientRef>,
    /// Sites that no document lists.
    pub sites: BTreeSet<(ClientGuid, LocalId)>,
    /// Cameras that no document lists.
    pub cameras: BTreeSet<(ClientGuid, LocalId)>,
    /// Orders whose gradings to load.
    pub gradings: BTreeSet<OrderRef>,
    /// The batch of a drop whose lines to load.
    pub drop_batch: Option<(Uuid, u32)>,
    /// What to load about images.
    pub images: WantedImages,
}

/// What a snapshot has to hold about images. Everything found brings its surroundings along: an image its orders, and
/// an order that an image may belong to its content, directives and images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedImages {
    /// Images by id.
    pub ids: BTreeSet<Uuid>,
    /// Images that arrived under these names, and directives that name them.
    pub blobs: BTreeSet<BlobRef>,
    /// Unlinked images that name this order, patient or study.
    pub claims: BTreeSet<(ClientGuid, String)>,
    /// Studies whose orders to load.
    pub studies: BTreeSet<(ClientGuid, String)>,
    /// Patients at any site; their open orders are loaded with all their surroundings.
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
    /// Changed patients, with the version that must still be stored.
    pub changed_patients: Vec<(Arc<PatientRecord>, i32)>,
    /// New orders; each has its content.
    pub new_orders: Vec<Arc<OrderRecord>>,
    /// Changed orders, with the version that must still be stored; content `None` = unchanged.
    pub changed_orders: Vec<(Arc<OrderRecord>, i32)>,
    /// Orders whose image directives are replaced.
    pub replaced_directives: Vec<i64>,
    /// New image directives.
    pub directives: Vec<DirectiveRecord>,
    /// Image directives in a new state, with the version that must still be stored.
    pub changed_directives: Vec<(DirectiveRecord, i32)>,
    /// Studies named by orders.
    pub studies: Vec<(ClientGuid, String, i64)>,
    /// New images.
    pub new_images: Vec<Arc<ImageRecord>>,
    /// Changed images, with the version that must still be stored.
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
    /// The results that go into batches.
    pub batch_entries: Vec<BatchEntry>,
    /// Messages that were handled.
    pub submissions: Vec<SubmissionEntry>,
    /// Progress of a drop.
    pub drop_batch: Option<DropBatchEntry>,
    /// Messages to send.
    pub envelopes: Vec<NewEnvelope>,
    /// How long the process that stores the envelopes keeps their lease.
    pub leased_until: Option<Timestamp>,
}

impl Commit {
    /// True when there is nothing to write, because everything was a replay or has to wait.
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

/// A patient's previous demographics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientHistoryEntry {
    /// The patient.
    pub patient: i64,
    /// The version that was replaced.
    pub version: i32,
    /// The submission that changed it.
    pub submission: Uuid,
    /// The details before.
    pub details: String,
}

/// A change of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderHistoryEntry {
    /// The order.
    pub order: i64,
    /// The version that was replaced.
    pub version: i32,
    /// What happened.
    pub change: OrderChange,
    /// The submission that did it.
    pub submission: Uuid,
    /// The status before.
    pub status: OrderStatus,
    /// The content before, if it changed.
    pub content: Option<String>,
}

/// The record of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionEntry {
    /// Its submission id.
    pub id: Uuid,
    /// The organization it belongs to.
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
    /// The epoch that must still be current.
    pub epoch: i64,
    /// Number of the batch.
    pub number: u32,
    /// Its first and last row: every row of the file between them belongs to this batch or to one that was done before.
    pub rows: Option<(u32, u32)>,
    /// Its lines as newline-delimited JSON.
    pub lines: String,
    /// Rows without a line.
    pub pending: Vec<u32>,
    /// Outcomes of its lines.
    pub totals: DropTotals,
}

/// The kinds of ids.
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

/// What decisions are based on, and what they lead to.
#[async_trait]
pub trait Orders: Send + Sync {
    /// How many batches it pays to save at the same time.
    fn writers(&self) -> usize;
    /// Loads what is wanted, as far as it exists.
    async fn load(&self, wanted: &Wanted) -> Result<Snapshot, Error>;
    /// Saves everything or nothing. Returns the ids of the envelopes, in their order.
    async fn save(&self, commit: &Commit) -> Result<Vec<i64>, Error>;
    /// Reserves `count` consecutive ids that nobody else gets; returns the first.
    async fn allocate(&self, kind: IdKind, count: u32) -> Result<i64, Error>;
}
