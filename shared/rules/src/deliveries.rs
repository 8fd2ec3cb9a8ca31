//! Deliveries: a result on its way to one destination.
//!
//! The transaction that writes a result also writes one row per destination. The row is the queue: it says where the
//! delivery stands, when it is to be attempted next, and who is at it ([`life`]). A message in the platform's own queue
//! of deliveries is a doorbell: whoever hears it begins an attempt of the [`Delivery`], if the row allows one, sends
//! it, and stores what became of it together with the receipt. A doorbell that gets lost or rings twice does no harm,
//! and none waits in the queue for later.
//!
//! ```text
//!             ┌───────────── fails: due again, later each time
//!             ▼          │
//! written ─► Waiting ────┴──► Delivered, or handed over and then delivered, failed or uncertain
//!             │  ▲
//!             ▼  │ resumed, one after the other: Resumed ─► Delivered
//!            Held                               (a destination that failed for days is disabled; what is for it is held)
//! ```
//!
//! Each delivery stands alone; only the results of one order reach a destination in the order in which they were
//! written: a later one is not begun before the earlier one has ended, and its doorbell rings in the transaction that
//! ends that one.
//!
//! # Doorbells
//!
//! The first rings when the result is written. `Orders::ring_due_deliveries`, driven by a timer, rings for deliveries
//! that have become due, in turns between destinations, and once an hour for those that are due and that nobody has
//! begun ([`LOST_AFTER`]): their doorbells are lost, or the queue is long. Messages of a delivery are numbered by
//! [`announcement`](DeliveryMessage::announcement). A success rings for others to the same destination that would wait
//! for nothing more. A delivery whose attempts break off [`LOST_LIMIT`] times in a row kills whoever makes it, and is
//! parked for an operator.

pub mod life;

use crate::deliveries::life::{Life, Purpose};
use crate::incoming::NAMESPACE;
use iris_model::event::{Event, EventKind};
use iris_model::{ClientGuid, DateTimeOffset, ResultCode, Slug};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long nobody begins a delivery that is due before its doorbell rings again.
pub const LOST_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// How many attempts of a delivery may break off in a row before it is parked.
pub const LOST_LIMIT: u32 = 5;

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
    /// What a failure allows. What is sent at most once is also written at most once: a second charge of an order is
    /// not stored, whatever became of the first.
    pub purpose: Purpose,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
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
    /// Taken aside: by an operator, because handlers died of it again and again, or because its destination did not
    /// take it for days.
    Parked,
    /// Its destination has it; the final word is awaited.
    HandedOver,
    /// Nobody knows whether it arrived, and it must not be sent twice: operators decide.
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

    /// The word for people.
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

    /// True when it is not made and somebody still has it in hand: it waits, or will when its destination is resumed.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Held | Self::Resumed | Self::HandedOver)
    }

    /// True when an attempt may begin, once it is due: for what was handed over that is when its final word is overdue.
    #[must_use]
    pub fn may_begin(self) -> bool {
        matches!(self, Self::Waiting | Self::Resumed | Self::HandedOver)
    }

    /// True when nothing is to be done any more for the order to be complete: made, or wanted by nobody.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Delivered | Self::Dropped)
    }

    /// True when it has ended for good, and is removed with time.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.is_settled() || self == Self::Failed
    }
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
    /// When its doorbell last rang again.
    pub seen_at: Option<Timestamp>,
    /// How many messages followed its first.
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
    /// What became of it: `delivered`, `handed-over`, `refused`, `unavailable`, `impossible`.
    pub outcome: String,
    /// What the destination, or what was away, said.
    pub said: String,
}

/// A delivery as listed: without the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySummary {
    /// Its place among all, in the order of writing; what operators call it by.
    pub id: i64,
    /// The result.
    pub transaction_id: Uuid,
    /// Id of the destination.
    pub destination: String,
    /// Whose.
    pub organization: ClientGuid,
    /// Its short name.
    pub slug: Slug,
    /// The order.
    pub order: i64,
    /// Where it stands.
    pub state: DeliveryState,
    /// When the result was written.
    pub at: Timestamp,
    /// When its doorbell last rang again.
    pub seen_at: Option<Timestamp>,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// How many messages followed its first.
    pub announced: u32,
}

/// Which deliveries to list; what is `None` or empty is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliverySearch {
    /// Whose.
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

/// What became of an operator's wish concerning a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryMove {
    /// Done.
    Done,
    /// There is no delivery with this id.
    Unknown,
    /// It cannot be done to a delivery in this state.
    Refused(DeliveryState),
    /// Its destination already has a later result of the same order.
    Overtaken,
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
    /// The how many-th message of the delivery it is, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub announcement: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_first(announcement: &u32) -> bool {
    *announcement == 0
}

impl DeliveryMessage {
    /// The message's id: each announcement has its own, so that no queue takes the second for a repetition of the
    /// first.
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

/// The event that tells of a delivery (iris-facts §4.2). The same for the same delivery but for its time.
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

/// The event that tells of a delivery that can never be made. Its id is not that of [`receipt`]: an operator may have
/// it tried once more.
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
