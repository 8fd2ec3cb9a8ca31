//! What the console and the command line ask about.

use crate::drops::{DropStatus, DropTotals};
use crate::outbox::Destination;
use iris_model::{ClientGuid, EvaluationType, Issue, OutcomeKind, enumeration::OrderStatus};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// How much there is.
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
    /// What waits to be published.
    pub outbox: OutboxDepth,
}

/// What waits to be published, and what was given up.
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
    /// The order in IRIS.
    pub id: i64,
    /// Whose.
    pub organization: ClientGuid,
    /// The order as the submitter calls it.
    pub local_id: String,
    /// The patient in IRIS.
    pub patient_id: i64,
    /// The patient as the submitter calls it.
    pub patient_local_id: String,
    /// The site.
    pub site: String,
    /// Two-letter state of the exam.
    pub state: String,
    /// The camera, when named.
    pub camera: Option<String>,
    /// What to examine.
    pub evaluation_types: Vec<EvaluationType>,
    /// Where it stands.
    pub status: OrderStatus,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Which orders to list; what is `None` is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderSearch {
    /// Whose.
    pub organization: Option<ClientGuid>,
    /// Part of an order's, patient's or site's id as submitted, in any case; or the whole number of an order in IRIS.
    pub text: Option<String>,
    /// Where they stand.
    pub status: Option<OrderStatus>,
    /// Of this patient in IRIS.
    pub patient: Option<i64>,
    /// Only orders with ids below.
    pub before: Option<i64>,
}

/// An order with everything that is stored about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderDetail {
    /// The essentials.
    #[serde(flatten)]
    pub summary: OrderSummary,
    /// The request without its patient: canonical JSON. Personal data.
    pub content: String,
    /// The patient as now on record: canonical JSON. Personal data.
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
    /// The version this entry ended.
    pub version: i32,
    /// When.
    pub at: Timestamp,
    /// What happened ([`OrderChange`](iris_rules::record::OrderChange)).
    pub change: String,
    /// The submission that did it.
    pub submission: Uuid,
    /// The status before.
    pub status: OrderStatus,
    /// The content before, when it changed. Personal data.
    pub content: Option<String>,
}

/// A drop in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DropSummary {
    /// Its id.
    pub id: Uuid,
    /// Whose.
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
    /// What stands against the file as a whole.
    pub issues: Vec<Issue>,
}

/// A recorded message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionRecord {
    /// Its submission id.
    pub id: Uuid,
    /// Whose.
    pub organization: ClientGuid,
    /// When it was dealt with.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// The order in IRIS.
    pub iris_order_id: Option<i64>,
    /// The order as the submitter calls it.
    pub order_local_id: Option<String>,
    /// The patient as the submitter calls it.
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
    /// Where its messages belong.
    pub destination: Destination,
    /// How many.
    pub messages: u32,
    /// When it was parked.
    pub parked_at: Timestamp,
    /// What the last try met with.
    pub reason: String,
}

/// An envelope that waits in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEnvelope {
    /// Its id: lower = older.
    pub id: i64,
    /// Where its messages go.
    pub destination: Destination,
    /// How many are left.
    pub messages: u32,
    /// Tries so far.
    pub attempts: u32,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it may be tried, or somebody's lease of it ends.
    pub available_at: Timestamp,
}

/// A submission that repeats a refused one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resubmission {
    /// The submission id it has.
    pub submission: Uuid,
    /// When it was sent.
    pub at: Timestamp,
    /// Whether it was dealt with.
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
    /// A page of what was found when one more than `limit` was asked for; the next begins after the last one's `place`.
    pub(crate) fn of(mut items: Vec<T>, limit: u32, place: impl Fn(&T) -> i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(place);
        Self { items, next }
    }
}
