//! The rows of the store, in the form the rules use.

use crate::content::Unreadable;
use iris_model::{
    ClientGuid, EvaluationType, LocalId, ResultCode, enumeration::OrderStatus, organization::OpenOrderScope,
};
use jiff::Timestamp;
use uuid::Uuid;

/// A site created from a submission (iris-facts R-03). Sites that an organization lists exist only in its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRecord {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// The organization's own id of it.
    pub local_id: LocalId,
    /// Its name for people.
    pub name: String,
    /// Two-letter code of the state where its exams take place.
    pub state: String,
    /// The whole address as canonical JSON.
    pub address: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A camera created from a submission (iris-facts R-04). Listed cameras exist only in the organization's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraRecord {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// Its id, unique in the organization (decision 15a).
    pub local_id: LocalId,
    /// The site it is assigned to.
    pub site: LocalId,
    /// The camera as submitted, without images, as canonical JSON.
    pub details: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The key of a patient (decision 12).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatientRef {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// The site in which its LocalId is unique; `None` = it is unique in the whole organization.
    pub site: Option<LocalId>,
    /// The submitter's id.
    pub local_id: LocalId,
}

/// A stored patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientRecord {
    /// The patient's id in IRIS.
    pub id: i64,
    /// Its key.
    pub key: PatientRef,
    /// The `Patient` object as canonical JSON, with the latest values that were sent.
    pub details: String,
    /// Raised by every change.
    pub version: i32,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// An order's key for its submitter. At most one order is *current* under it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderRef {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// The submitter's id.
    pub local_id: LocalId,
}

/// A stored order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    /// The order's id in IRIS.
    pub id: i64,
    /// Its submitter's key.
    pub key: OrderRef,
    /// False once another order has taken over its LocalId.
    pub current: bool,
    /// The patient's id in IRIS.
    pub patient: i64,
    /// Where the exam takes place.
    pub site: LocalId,
    /// Two-letter state of the exam (iris-facts R-06).
    pub state: String,
    /// The camera, if named.
    pub camera: Option<LocalId>,
    /// The requested evaluations; sorted.
    pub evaluation_types: Vec<EvaluationType>,
    /// Its current status.
    pub status: OrderStatus,
    /// The scope in which it is the only open order, as configured when it was created.
    pub scope: OpenOrderScope,
    /// Images linked to it so far.
    pub images: i32,
    /// Fingerprint of the request's content, to recognize a replay (decision 2).
    pub fingerprint: Uuid,
    /// The request without its patient, as canonical JSON; `None` if the snapshot did not ask for it.
    pub content: Option<String>,
    /// Raised by every change.
    pub version: i32,
    /// When it was created.
    pub created_at: Timestamp,
}

impl OrderRecord {
    /// True while it occupies the place of an open order.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status.is_open()
    }

    /// The content, for decisions that depend on it.
    ///
    /// # Errors
    /// When the content was not loaded.
    pub fn stored_content(&self) -> Result<&str, Unreadable> {
        self.content.as_deref().ok_or(Unreadable::of("content of an order"))
    }
}

/// What happened to an order, as recorded in its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderChange {
    /// Changed in place; the history keeps the previous content.
    Changed,
    /// Canceled by its submitter.
    Cancelled,
    /// Canceled because a newer order took its place (decision 3).
    Superseded,
    /// Canceled and recreated because of a change (decision 7).
    Recreated,
    /// Already closed; a newer order took over its LocalId.
    Retired,
    /// An image was linked to it.
    ImageLinked,
    /// It has the images it needs and was queued for grading.
    Queued,
    /// Graded.
    Graded,
    /// Its grading was corrected, or an addendum was added.
    Regraded,
    /// Every destination has its last result.
    Completed,
}

/// A grading of an order, a correction, or an addendum. The latest that is not an addendum is in force.
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
    /// Fingerprint of what was submitted, to recognize a repetition.
    pub fingerprint: Uuid,
    /// The [`Assessment`](iris_results::Assessment) that follows from it, as JSON; for an addendum, its notes.
    pub details: String,
}

/// A result written for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultRecord {
    /// Its id, used as the message id wherever it is sent.
    pub transaction_id: Uuid,
    /// The order.
    pub order: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What kind of result it is.
    pub code: ResultCode,
    /// The canonical document.
    pub document: String,
    /// The report content that is not in the document: a [`ReportBasis`](iris_results::ReportBasis) as JSON.
    pub report: String,
}

impl OrderChange {
    /// The name that is stored and shown.
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
