//! Deliveries: a result on its way to one destination.
//!
//! The transaction that writes a result also writes one row per destination and puts one small message for each into the outbox, for the
//! platform's own queue of deliveries. Whoever handles that message loads the [`Delivery`], sends it, and marks it with
//! [`Orders::delivered`](crate::Orders::delivered), which also sends the receipt. Each delivery stands alone; only the results of one order
//! reach a destination in the order in which they were written.
//!
//! ```text
//!             ┌───────────── fails: tried again, later each time
//!             ▼          │
//! written ─► Waiting ────┴──► Delivered
//!             │  ▲
//!             ▼  │ resumed, one after the other: Resumed ─► Delivered
//!            Held                               (a destination that failed for days is disabled; what is for it is held)
//! ```

use crate::incoming::NAMESPACE;
use iris_model::event::{Event, EventKind};
use iris_model::{ClientGuid, DateTimeOffset, ResultCode, Slug, request};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A new delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The result.
    pub transaction_id: Uuid,
    /// Id of the destination in its organization.
    pub destination: String,
    /// Whose.
    pub organization: ClientGuid,
    /// Its short name, for the messages.
    pub slug: Slug,
    /// The order.
    pub order: i64,
    /// When it was written.
    pub at: Timestamp,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Under way.
    Waiting,
    /// Done.
    Delivered,
    /// Its destination is disabled.
    Held,
    /// Its destination was resumed; it waits for those that were held before it.
    Resumed,
    /// Its destination is gone from the organization's document.
    Dropped,
    /// It can never be made: the order lacks something its name there needs.
    Failed,
}

/// A delivery with everything that is stored about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its place among all, in the order of writing.
    pub sequence: i64,
    /// The result.
    pub transaction_id: Uuid,
    /// Id of the destination.
    pub destination: String,
    /// Whose.
    pub organization: ClientGuid,
    /// The order.
    pub order: i64,
    /// Where it stands.
    pub state: DeliveryState,
    /// When the result was written.
    pub at: Timestamp,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// What kind of result.
    pub code: ResultCode,
    /// The canonical document.
    pub document: String,
    /// What its report says beyond that.
    pub report: String,
    /// True while an earlier result of the same order is under way to the same destination.
    pub is_behind: bool,
    /// Since when its destination is disabled.
    pub disabled_at: Option<Timestamp>,
}

/// How a destination does that fails; one that works has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationHealth {
    /// Whose.
    pub organization: ClientGuid,
    /// Its id.
    pub destination: String,
    /// Since when nothing could be delivered.
    pub failing_since: Timestamp,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// Why the latest delivery failed; without personal data.
    pub reason: String,
    /// How many deliveries are held.
    pub held: u64,
}

/// What its submitter is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// By what channel (iris-facts §3.16).
    pub delivery_type: &'static str,
    /// The destination's id, and what the result is called there.
    pub endpoint: String,
    /// The order as the submitter calls it.
    pub order_local_id: String,
}

/// The message that makes a delivery happen. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeliveryMessage {
    /// Short name of the organization.
    pub organization: Slug,
    /// The result.
    pub transaction_id: Uuid,
    /// Id of the destination.
    pub destination: String,
}

impl DeliveryMessage {
    /// The message's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        derived(self.transaction_id, &self.destination, "delivery")
    }
}

fn derived(transaction: Uuid, destination: &str, what: &str) -> Uuid {
    let place = Uuid::new_v5(&NAMESPACE, transaction.as_bytes());
    Uuid::new_v5(&place, format!("{what}/{destination}").as_bytes())
}

/// The event that tells of a delivery (iris-facts §4.2). The same for the same delivery but for its time.
#[must_use]
pub fn receipt(delivery: &Delivery, handover: &Handover, now: Timestamp) -> Event {
    Event {
        transaction_id: derived(delivery.transaction_id, &delivery.destination, "receipt"),
        timestamp: DateTimeOffset::utc(now),
        image_local_id: None,
        iris_image_id: None,
        iris_order_id: Some(delivery.order),
        order_local_id: Some(handover.order_local_id.clone()),
        patient_local_id: None,
        iris_patient_id: None,
        time_delivered: Some(DateTimeOffset::utc(now)),
        delivery_type: Some(handover.delivery_type.to_owned()),
        endpoint: Some(handover.endpoint.clone()),
        transmission_status: Some("Complete".to_owned()),
        success: true,
        error_message: None,
        result_object_type: EventKind::ResultsDeliveryReceipt,
        version: request::VERSION.to_owned(),
    }
}

/// The event that tells of a delivery that can never be made.
#[must_use]
pub fn failed_receipt(delivery: &Delivery, handover: &Handover, reason: &str, now: Timestamp) -> Event {
    Event {
        time_delivered: None,
        transmission_status: Some("Failed".to_owned()),
        success: false,
        error_message: Some(reason.to_owned()),
        ..receipt(delivery, handover, now)
    }
}
