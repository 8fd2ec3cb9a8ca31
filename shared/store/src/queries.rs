//! Results of the queries of the console and the command line.

use crate::drops::{DropStatus, DropTotals};
use crate::outbox::Destination;
use iris_model::{ClientGuid, EvaluationType, Issue, OutcomeKind, enumeration::OrderStatus};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// Totals.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Patients.
    pub patients: u64,
    /// Orders by status.
    pub orders: Vec<(OrderStatus, u64)>,
    /// Drops.
    pub drops: u64,
    /// Recorded messages that were refused.
    pub refused_messages: u64,
    /// The outbox.
    pub outbox: OutboxDepth,
}

/// How much waits to be published, and how much was parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxDepth {
    /// Envelopes waiting.
    pub envelopes: u64,
    /// Messages in them.
    pub messages: u64,
    /// When the oldest of them was stored.
    pub oldest: Option<Timestamp>,
    /// Envelopes parked after the last try.
    pub parked: u64,
}

/// One line of a list of orders. Holds no personal data beyond the submitter's ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummary {
    /// The order's id in IRIS.
    pub id: i64,
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// The submitter's id of the order.
    pub local_id: String,
    /// The patient's id in IRIS.
    pub patient_id: i64,
    /// The submitter's id of the patient.
    pub patient_local_id: String,
    /// The site.
    pub site: String,
    /// Two-letter state of the exam.
    pub state: String,
    /// The camera, if named.
    pub camera: Option<String>,
    /// The requested evaluations.
    pub evaluation_types: Vec<EvaluationType>,
    /// Its current status.
    pub status: OrderStatus,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Filters for a list of orders; `None` matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderSearch {
    /// The organization it belongs to.
    pub organization: Option<ClientGuid>,
    /// Part of an order's, patient's or site's submitted id, ignoring case; or the complete IRIS number of an order.
    pub text: Option<String>,
    /// With this status.
    pub status: Option<OrderStatus>,
    /// Of the patient with this IRIS id.
    pub patient: Option<i64>,
    /// Only orders with lower ids.
    pub before: Option<i64>,
}

/// A stored order with all its details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderDetail {
    /// The essentials.
    #[serde(flatten)]
    pub summary: OrderSummary,
    /// The request without its patient, as canonical JSON. Personal data.
    pub content: String,
    /// The patient as currently on record, as canonical JSON. Personal data.
    pub patient: String,
    /// What happened to it, oldest first.
    pub history: Vec<OrderHistory>,
    /// Its image directives, as canonical JSON.
    pub images: Vec<String>,
}

/// One entry of an order's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderHistory {
    /// The version that this change replaced.
    pub version: i32,
    /// When it happened.
    pub at: Timestamp,
    /// What happened ([`OrderChange`](iris_rules::record::OrderChange)).
    pub change: String,
    /// The submission that did it.
    pub submission: Uuid,
    /// The status before.
    pub status: OrderStatus,
    /// The content before, if it changed. Personal data.
    pub content: Option<String>,
}

/// A drop in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DropSummary {
    /// Its id.
    pub id: Uuid,
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// The container.
    pub container: String,
    /// The blob's name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Its status.
    pub status: DropStatus,
    /// Outcomes so far.
    pub totals: DropTotals,
    /// When it was first begun.
    pub received_at: Timestamp,
    /// When it was finished or refused.
    pub finished_at: Option<Timestamp>,
    /// Issues that concern the file as a whole.
    pub issues: Vec<Issue>,
}

/// A recorded message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionRecord {
    /// Its submission id.
    pub id: Uuid,
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// When it was handled.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// The order in IRIS.
    pub iris_order_id: Option<i64>,
    /// The submitter's id of the order.
    pub order_local_id: Option<String>,
    /// The submitter's id of the patient.
    pub patient_local_id: Option<String>,
    /// Issues.
    pub issues: Vec<Issue>,
}

/// An envelope that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParkedEnvelope {
    /// Its id.
    pub id: i64,
    /// Where its messages were to go.
    pub destination: Destination,
    /// How many messages it holds.
    pub messages: u32,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// Why the last try failed.
    pub reason: String,
}

/// An envelope waiting in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEnvelope {
    /// Its id; lower ids are older.
    pub id: i64,
    /// Where its messages go.
    pub destination: Destination,
    /// How many messages are left.
    pub messages: u32,
    /// Tries so far.
    pub attempts: u32,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it may be tried, or when somebody's lease of it ends.
    pub available_at: Timestamp,
}

/// A submission that repeats a refused one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resubmission {
    /// Its submission id.
    pub submission: Uuid,
    /// When it was sent.
    pub at: Timestamp,
    /// Whether it was handled.
    pub handled: bool,
}

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Pass as `before` for the next page; `None` when this is the last.
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// Makes a page from up to `limit + 1` rows. The next page begins after the last row's `place`.
    pub(crate) fn of(mut items: Vec<T>, limit: u32, place: impl Fn(&T) -> i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(place);
        Self { items, next }
    }
}
