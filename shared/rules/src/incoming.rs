//! Submissions, and the answers to them.

use iris_model::{Issue, Organization, OutcomeKind, Submission};
use jiff::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

/// Namespace of the ids derived here (UUID version 5).
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6f0a_51f7_93f4_4be5_9d5c_2b8e_70c1_a3d4);

/// One submission: a message, or a row of a drop.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The same for every delivery of the same input; see [`message_id`] and [`row_id`].
    pub id: Uuid,
    /// The MessageId its sender gave it; answers carry it as CorrelationId. `None` for rows, and for messages without
    /// one.
    pub message_id: Option<Box<str>>,
    /// The organization its entry belongs to.
    pub organization: Arc<Organization>,
    /// When this delivery arrived.
    pub received_at: Timestamp,
    /// When the first delivery arrived; how long a change waits for its order is counted from here (decision 9).
    pub first_seen: Timestamp,
    /// How it arrived.
    pub source: Source,
    /// What is asked, or why it was already refused.
    pub request: Result<Submission, Refusal>,
    /// The message as it arrived, kept when it is refused so that it can be submitted again. `None` for rows, whose
    /// cells are in the drop's lines.
    pub body: Option<Arc<[u8]>>,
}

/// How a submission arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// As a queue message: remembered by its id.
    Message,
    /// As a row of a drop: remembered by the drop's progress.
    Row,
}

/// Input refused before the rules were applied: malformed, or rejected by validation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Refusal {
    /// Why; at least one error.
    pub issues: Vec<Issue>,
    /// What was asked, if that could be determined. Decides which event reports the refusal.
    pub requested: Requested,
    /// The submitter's id of the order, if it could be read.
    pub order_local_id: Option<String>,
    /// The submitter's id of the patient, if it could be read.
    pub patient_local_id: Option<String>,
    /// The submitter's id of the image, if it could be read.
    pub image_local_id: Option<String>,
}

/// What a submission asks for; known even if the submission itself is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Requested {
    /// A new order; also assumed when the kind cannot be determined.
    #[default]
    Order,
    /// Registration of a patient without an order.
    Patient,
    /// A change of an order.
    Change,
    /// Cancellation of an order.
    Cancellation,
    /// Redelivery of a result.
    Resend,
    /// Linking of an image to an order.
    Image,
    /// A grading of an order's images.
    Grading,
}

/// The outcome of a submission. Every input has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its kind.
    pub kind: OutcomeKind,
    /// The order's id in IRIS, if there is one.
    pub iris_order_id: Option<i64>,
    /// The submitter's id of the order.
    pub order_local_id: Option<String>,
    /// The submitter's id of the patient.
    pub patient_local_id: Option<String>,
    /// Errors (only if it failed or was ignored) and warnings.
    pub issues: Vec<Issue>,
}

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Final.
    Done(Outcome),
    /// The order it concerns is unknown, and it may have overtaken the order's creation (decision 9). Nothing is
    /// recorded: submit it again, with growing delays, until it is done.
    NotYet,
}

impl Answer {
    /// The outcome, if there is one yet.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Done(outcome) => Some(outcome),
            Self::NotYet => None,
        }
    }
}

/// The submission id of a message, derived from the entry (queue) it came through, the sender's message id, and its
/// bytes. A redelivery gets the same id, and a sender that reuses message ids for different content loses nothing.
#[must_use]
pub fn message_id(entry: &str, message_id: &str, body: &[u8]) -> Uuid {
    let mut name = Vec::with_capacity(entry.len() + message_id.len() + body.len() + 16);
    for part in [entry.as_bytes(), message_id.as_bytes()] {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part);
    }
    name.extend_from_slice(body);
    Uuid::new_v5(&NAMESPACE, &name)
}

/// The submission id of a row of a drop.
#[must_use]
pub fn row_id(drop: Uuid, row: u32) -> Uuid {
    Uuid::new_v5(&drop, &row.to_be_bytes())
}
