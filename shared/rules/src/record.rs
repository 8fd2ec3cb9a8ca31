//! The rows of the store, as the rules see them.

use iris_model::{
    ClientGuid, EvaluationType, LocalId, ResultCode, enumeration::OrderStatus, organization::OpenOrderScope,
};
use jiff::Timestamp;
use uuid::Uuid;

/// A site created from a submission (iris-facts R-03). Sites an organization lists live in its document alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRecord {
    /// Whose.
    pub organization: ClientGuid,
    /// The organization's id of it.
    pub local_id: LocalId,
    /// Name for people.
    pub name: String,
    /// Two-letter state: where its exams take place.
    pub state: String,
    /// The whole address as canonical JSON.
    pub address: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A camera created from a submission (iris-facts R-04). Listed cameras live in the organization's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraRecord {
    /// Whose.
    pub organization: ClientGuid,
    /// Unique in the organization (decision 15a).
    pub local_id: LocalId,
    /// The site it is assigned to.
    pub site: LocalId,
    /// The camera as submitted, without images, as canonical JSON.
    pub details: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What identifies a patient (decision 12).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatientRef {
    /// Whose.
    pub organization: ClientGuid,
    /// The site its LocalId is unique in; `None` = it is unique in the organization.
    pub site: Option<LocalId>,
    /// The submitter's id.
    pub local_id: LocalId,
}

/// A patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientRecord {
    /// The patient in IRIS.
    pub id: i64,
    /// What identifies it.
    pub key: PatientRef,
    /// The `Patient` object of the submissions as canonical JSON, the latest values that were sent.
    pub details: String,
    /// Raised by every change.
    pub version: i32,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// What identifies an order to its submitter: at most one order is *current* under it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderRef {
    /// Whose.
    pub organization: ClientGuid,
    /// The submitter's id.
    pub local_id: LocalId,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    /// The order in IRIS.
    pub id: i64,
    /// What its submitter calls it.
    pub key: OrderRef,
    /// False once another order has taken over its LocalId.
    pub current: bool,
    /// For whom.
    pub patient: i64,
    /// Where the exam takes place.
    pub site: LocalId,
    /// Two-letter state of the exam (iris-facts R-06).
    pub state: String,
    /// The camera, when named.
    pub camera: Option<LocalId>,
    /// What to examine; sorted.
    pub evaluation_types: Vec<EvaluationType>,
    /// Where it stands.
    pub status: OrderStatus,
    /// Within what it is the only open one; as configured when it was created.
    pub scope: OpenOrderScope,
    /// Images linked to it so far.
    pub images: i32,
    /// Of the request's content, to recognize a replay (decision 2).
    pub fingerprint: Uuid,
    /// The request without its patient, as canonical JSON; `None` where the snapshot did not ask for it.
    pub content: Option<String>,
    /// Raised by every change.
    pub version: i32,
    /// When it was created.
    pub created_at: Timestamp,
}

impl OrderRecord {
    /// True while it takes the place of an open order.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status.is_open()
    }
}

/// What happened to an order, as its history tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderChange {
    /// Changed in place; the history keeps the content before.
    Changed,
    /// Cancelled by its submitter.
    Cancelled,
    /// Cancelled because a newer order took its place (decision 3).
    Superseded,
    /// Cancelled and created anew because of a change (decision 7).
    Recreated,
    /// Closed before; its LocalId was taken over by a newer order.
    Retired,
    /// An image was linked to it.
    ImageLinked,
    /// It has the images it needs and was queued for grading.
    Queued,
    /// Graded.
    Graded,
    /// Its grading was corrected, or something was added to it.
    Regraded,
    /// Every destination has its last result.
    Completed,
}

/// A grading of an order, or a correction of or an addendum to one. The latest that is no addendum stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GradingRecord {
    /// The order.
    pub order: i64,
    /// Position among the order's gradings, from 1.
    pub number: i32,
    /// When it was applied.
    pub at: Timestamp,
    /// Final, correction or addendum.
    pub code: ResultCode,
    /// The submission it came with.
    pub submission: Uuid,
    /// Of what was submitted, to recognize a repetition.
    pub fingerprint: Uuid,
    /// What follows from it: an [`Assessment`](iris_results::Assessment) as JSON; of an addendum its notes.
    pub details: String,
}

/// A result that was written for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultRecord {
    /// The communication: its message id wherever it goes.
    pub transaction_id: Uuid,
    /// The order.
    pub order: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What kind of result it is.
    pub code: ResultCode,
    /// The canonical document.
    pub document: String,
    /// What its report says beyond that: a [`ReportBasis`](iris_results::ReportBasis) as JSON.
    pub report: String,
}

impl OrderChange {
    /// The word as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Recreated => "recreated",
            Self::Retired => "retired",
            Self::ImageLinked => "image-linked",
            Self::Queued => "queued",
            Self::Graded => "graded",
            Self::Regraded => "regraded",
            Self::Completed => "completed",
        }
    }
}
