//! Deliveries: a result on its way to one destination.
//!
//! The transaction that writes a result also writes one row per destination. The row is the queue: it holds the
//! delivery's state, the time of its next attempt, and who is working on it ([`life`]). A message in the platform's own
//! queue of deliveries is a doorbell: whoever receives it begins an attempt of the [`Delivery`], if the row allows one,
//! sends it, and stores the outcome together with the receipt. A lost or repeated doorbell does no harm, and none is
//! kept in the queue for later.
//!
//! ```text
//!             ┌───────────── fails: due again, later each time
//!             ▼          │
//! written ─► Waiting ────┴──► Delivered, or handed over and then delivered, failed or uncertain
//!             │  ▲
//!             ▼  │ resumed, one after the other: Resumed ─► Delivered
//!            Held                           (a destination that fails for days is disabled; its deliveries are held)
//! ```
//!
//! Deliveries are independent, except that an order's results reach a destination in the order in which they were
//! written: a later one is not begun until the earlier one has ended, and its doorbell rings in the transaction that
//! ends the earlier one.
//!
//! # Doorbells
//!
//! The first rings when the result is written. `Orders::ring_due_deliveries`, driven by a timer, rings for deliveries
//! that have become due, in turns between destinations, and once an hour for due deliveries that nobody has begun
//! ([`LOST_AFTER`]): their doorbells were lost, or the queue is long. A delivery's messages are numbered by
//! [`announcement`](DeliveryMessage::announcement). A success also rings for others that wait for the same destination,
//! since they no longer have a reason to wait. If a delivery's attempts break off [`LOST_LIMIT`] times in a row, it
//! probably kills its handler, and is parked for an operator.

pub mod life;

use crate::deliveries::life::{Life, Purpose};
use crate::incoming::NAMESPACE;
use iris_model::event::{Event, EventKind};
use iris_model::{ClientGuid, DateTimeOffset, ResultCode, Slug};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a due delivery may go without an attempt before its doorbell rings again.
pub const LOST_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// How many attempts of a delivery may break off in a row before it is parked.
pub const LOST_LIMIT: u32 = 5;

/// A new delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The result's id.
    pub transaction_id: Uuid,
    /// Id of the destination in its organization.
    pub destination: String,
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// Its short name, used in the messages.
    pub slug: Slug,
    /// The order.
    pub order: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What may be done after a failure. An at-most-once delivery is also stored at most once: a second charge for an
    /// order is not stored, whatever became of the first.
    pub purpose: Purpose,
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// Not delivered yet.
    Waiting,
    /// Delivered.
    Delivered,
    /// Its destination is disabled.
    Held,
    /// Its destination was resumed; it waits for those that were held before it.
    Resumed,
    /// Its destination is gone from the organization's document.
    Dropped,
    /// It can never be delivered: the order lacks something that its name at the destination needs.
    Failed,
    /// Set aside: by an operator, because handlers kept dying of it, or because its destination did not take it for
    /// days.
    Parked,
    /// Its destination has it; final confirmation is pending.
    HandedOver,
    /// Nobody knows whether it arrived, and it must not be sent twice: an operator has to decide.
    Uncertain,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Held,
        Self::Resumed,
        Self::HandedOver,
        Self::Uncertain,
        Self::Parked,
        Self::Failed,
        Self::Dropped,
        Self::Delivered,
    ];

    /// The name shown to people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Held => "held",
            Self::Resumed => "resumed",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::HandedOver => "handed-over",
            Self::Uncertain => "uncertain",
        }
    }

    /// True when it is not delivered but will be tried: it waits now, or will once its destination is resumed.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Held | Self::Resumed | Self::HandedOver)
    }

    /// True when its next attempt is still to be made.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Waiting | Self::Resumed)
    }

    /// True when an attempt may begin once it is due. For a delivery that was handed over, due means that its final
    /// confirmation is overdue.
    #[must_use]
    pub fn may_begin(self) -> bool {
        self.waits() || self == Self::HandedOver
    }

    /// True when it no longer keeps the order from being complete: it was delivered, or nobody wants it any more.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Delivered | Self::Dropped)
    }

    /// True when it has ended for good and may be removed in time.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.is_settled() || self == Self::Failed
    }
}

/// A delivery with everything stored about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number among all deliveries, in order of writing.
    pub sequence: i64,
    /// The result.
    pub transaction_id: Uuid,
    /// Id of the destination.
    pub destination: String,
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// The order.
    pub order: i64,
    /// Its current state.
    pub state: DeliveryState,
    /// When the result was written.
    pub at: Timestamp,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// What kind of result.
    pub code: ResultCode,
    /// The canonical document.
    pub document: String,
    /// The report content that is not in the document.
    pub report: String,
    /// True while an earlier result of the same order is on its way to the same destination.
    pub is_behind: bool,
    /// Since when its destination has been disabled.
    pub disabled_at: Option<Timestamp>,
    /// When its doorbell last rang again.
    pub seen_at: Option<Timestamp>,
    /// How many messages followed the first.
    pub announced: u32,
    /// Its attempts.
    pub life: Life,
}

/// An attempt, as operators see it. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How it ended: `delivered`, `handed-over`, `refused`, `unavailable`, `impossible`.
    pub outcome: String,
    /// What the destination, or the unavailable part of the platform, reported.
    pub said: String,
}

/// A delivery as listed, without the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySummary {
    /// Its number among all deliveries, in order of writing; operators refer to it by this.
    pub id: i64,
    /// The result.
    pub transaction_id: Uuid,
    /// Id of the destination.
    pub destination: String,
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// Its short name.
    pub slug: Slug,
    /// The order.
    pub order: i64,
    /// Its current state.
    pub state: DeliveryState,
    /// When the result was written.
    pub at: Timestamp,
    /// When its doorbell last rang again.
    pub seen_at: Option<Timestamp>,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// How many messages followed the first.
    pub announced: u32,
}

/// Filters for a list of deliveries; `None` or empty matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliverySearch {
    /// The organization it belongs to.
    pub organization: Option<ClientGuid>,
    /// For this destination.
    pub destination: Option<String>,
    /// In one of these states.
    pub states: Vec<DeliveryState>,
    /// Of this order.
    pub order: Option<i64>,
    /// Only deliveries with ids below.
    pub before: Option<i64>,
}

/// What became of an operator's request about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryMove {
    /// Done.
    Done,
    /// There is no delivery with this id.
    Unknown,
    /// Not possible for a delivery in this state.
    Refused(DeliveryState),
    /// Its destination already has a later result of the same order.
    Overtaken,
}

/// The state of a destination that fails; one that works has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationHealth {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// Its id.
    pub destination: String,
    /// Since when nothing could be delivered.
    pub failing_since: Timestamp,
    /// Since when it has been disabled.
    pub disabled_at: Option<Timestamp>,
    /// Why the latest delivery failed; contains no personal data.
    pub reason: String,
    /// How many deliveries are held.
    pub held: u64,
}

/// What the submitter is told about a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The type of channel (iris-facts §3.16).
    pub delivery_type: &'static str,
    /// The destination's id, and the name the result has there.
    pub endpoint: String,
    /// The submitter's id of the order.
    pub order_local_id: String,
}

/// The message that triggers a delivery. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeliveryMessage {
    /// Short name of the organization.
    pub organization: Slug,
    /// The result.
    pub transaction_id: Uuid,
    /// Id of the destination.
    pub destination: String,
    /// Counts the delivery's messages, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub announcement: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_first(announcement: &u32) -> bool {
    *announcement == 0
}

impl DeliveryMessage {
    /// The message's id. Each announcement has its own, so that no queue takes the second for a duplicate of the first.
    #[must_use]
    pub fn id(&self) -> Uuid {
        match self.announcement {
            0 => derived(self.transaction_id, &self.destination, "delivery"),
            number => derived(self.transaction_id, &self.destination, &format!("delivery-{number}")),
        }
    }
}

fn derived(transaction: Uuid, destination: &str, what: &str) -> Uuid {
    let place = Uuid::new_v5(&NAMESPACE, transaction.as_bytes());
    Uuid::new_v5(&place, format!("{what}/{destination}").as_bytes())
}

/// The event that reports a delivery (iris-facts §4.2). For one delivery it is always the same, except for its time.
#[must_use]
pub fn receipt(delivery: &Delivery, handover: &Handover, now: Timestamp) -> Event {
    let id = derived(delivery.transaction_id, &delivery.destination, "receipt");
    Event {
        iris_order_id: Some(delivery.order),
        order_local_id: Some(handover.order_local_id.clone()),
        time_delivered: Some(DateTimeOffset::utc(now)),
        delivery_type: Some(handover.delivery_type.to_owned()),
        endpoint: Some(handover.endpoint.clone()),
        transmission_status: Some("Complete".to_owned()),
        ..Event::of(EventKind::ResultsDeliveryReceipt, id, DateTimeOffset::utc(now))
    }
}

/// The event that reports that a delivery can never be made. Its id differs from that of [`receipt`], since an operator
/// may have it tried once more.
#[must_use]
pub fn failed_receipt(delivery: &Delivery, handover: &Handover, reason: &str, now: Timestamp) -> Event {
    Event {
        transaction_id: derived(delivery.transaction_id, &delivery.destination, "failed-receipt"),
        time_delivered: None,
        transmission_status: Some("Failed".to_owned()),
        success: false,
        error_message: Some(reason.to_owned()),
        ..receipt(delivery, handover, now)
    }
}
