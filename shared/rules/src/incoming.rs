//! What comes in, and what is answered.

use iris_model::{Issue, Organization, OutcomeKind, Submission};
use jiff::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

/// Namespace of the ids derived here (uuid version 5).
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6f0a_51f7_93f4_4be5_9d5c_2b8e_70c1_a3d4);

/// One submission: a message, or a row of a drop.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The same for every delivery of the same input, see [`message_id`] and [`row_id`].
    pub id: Uuid,
    /// The MessageId its sender gave it; what answers it carries it as CorrelationId. `None` for rows, and for messages
    /// without one.
    pub message_id: Option<Box<str>>,
    /// The organization its entry belongs to.
    pub organization: Arc<Organization>,
    /// When this delivery arrived.
    pub received_at: Timestamp,
    /// When the first delivery arrived: from then on a change waits for its order (decision 9).
    pub first_seen: Timestamp,
    /// How it came.
    pub source: Source,
    /// What is asked; or, for input already found wanting, why it is refused.
    pub request: Result<Submission, Refusal>,
    /// The message as it arrived; kept when it is refused so that it can be submitted again. `None` for rows, whose
    /// cells are in the drop's lines.
    pub body: Option<Arc<[u8]>>,
}

/// How a submission came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// As a queue message: remembered by its id.
    Message,
    /// As a row of a drop: remembered by the drop's progress.
    Row,
}

/// Input refused before the rules were asked: not well formed, or found wrong by validation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Refusal {
    /// Why; at least one error.
    pub issues: Vec<Issue>,
    /// What was asked, if that could be made out: decides which event tells of the refusal.
    pub requested: Requested,
    /// The order as the submitter calls it, as far as it could be read.
    pub order_local_id: Option<String>,
    /// The patient as the submitter calls it, as far as it could be read.
    pub patient_local_id: Option<String>,
    /// The image as the submitter calls it, as far as it could be read.
    pub image_local_id: Option<String>,
}

/// What a submission asks for, known even where the submission itself is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Requested {
    /// A new order; also assumed where it cannot be told.
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
    /// A grading of its images.
    Grading,
}

/// What became of a submission. Every input has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// In one word.
    pub kind: OutcomeKind,
    /// The order in IRIS, when there is one.
    pub iris_order_id: Option<i64>,
    /// The order as the submitter calls it.
    pub order_local_id: Option<String>,
    /// The patient as the submitter calls it.
    pub patient_local_id: Option<String>,
    /// Errors (only when it failed or was ignored) and warnings.
    pub issues: Vec<Issue>,
}

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is dealt with, for good.
    Done(Outcome),
    /// The order it is about is unknown, and it may have overtaken its creation (decision 9). Nothing is recorded:
    /// submit it again, with growing delay, until it is done.
    NotYet,
}

impl Answer {
    /// The outcome, when there is one.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Done(outcome) => Some(outcome),
            Self::NotYet => None,
        }
    }
}

/// The submission id of a message: from the entry (queue) it came through, the sender's message id, and its bytes; so
/// that a redelivery has the same one, and a sender that reuses message ids for different content loses nothing.
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
