//! Deliveries of results to their destinations.

use crate::Error;
use crate::outbox::{Envelope, NewEnvelope};
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::deliveries::life::Life;
use iris_rules::deliveries::{Attempt, Delivery, DeliveryState, DeliverySummary, DestinationHealth};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How a delivery ended, or why it is on hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledDelivery {
    /// Its number among all deliveries.
    pub sequence: i64,
    /// Its new state.
    pub state: DeliveryState,
    /// The attempt that led to it, if there was one.
    pub attempt: Option<Attempt>,
    /// When it happened.
    pub at: Timestamp,
    /// How long the process that stores the envelopes keeps their lease.
    pub leased_until: Timestamp,
}

/// A delivery to be attempted again, or set aside because it has been attempted for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostponedDelivery {
    /// Its number among all deliveries.
    pub sequence: i64,
    /// Its new state.
    pub state: DeliveryState,
    /// The record of its attempts.
    pub life: Life,
    /// The latest attempt; `None` if none was made.
    pub attempt: Option<Attempt>,
    /// When it happened.
    pub at: Timestamp,
    /// How long the process that stores the envelopes keeps their lease.
    pub leased_until: Timestamp,
}

/// What a doorbell leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BegunDelivery {
    /// There is no such delivery.
    Unknown,
    /// Nothing: it is done, under way, not due, held, or behind another.
    Nothing,
    /// An attempt, leased to the caller.
    Begun(Box<Delivery>),
    /// It was set aside, because its attempts kept breaking off or must not be repeated.
    Ended(DeliverySummary),
}

/// How many doorbells were rung.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RungDeliveries {
    /// For deliveries that have become due.
    pub due: u64,
    /// For deliveries that have long been due without anybody beginning them.
    pub lost: u64,
}

/// A delivery that failed for the time being.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedDelivery {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// Id of the destination.
    pub destination: String,
    /// When it happened.
    pub at: Timestamp,
    /// Why; contains no personal data.
    pub reason: String,
}

/// Deliveries of results, and the health of their destinations.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// A delivery by its result and destination.
    async fn delivery(&self, transaction: Uuid, destination: &str) -> Result<Option<Delivery>, Error>;
    /// The deliveries of an order, oldest first.
    async fn deliveries(&self, order: i64) -> Result<Vec<Delivery>, Error>;
    /// Gives a delivery its new state, with messages to send. If it was resumed, the next resumed one follows; what
    /// waits behind it may go. Does nothing, and sends nothing, if it was already delivered. [`DeliveryState::Held`] is
    /// refused if the destination is not disabled at this moment, since the caller may have looked before it was
    /// resumed. Returns what was put into the outbox.
    async fn settle_delivery(
        &self,
        settled: &SettledDelivery,
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Envelope>, Error>;
    /// Records that a destination failed. True if it has now failed for so long that this call disables it.
    async fn delivery_failed(&self, failed: &FailedDelivery, disable_after: SignedDuration) -> Result<bool, Error>;
    /// Enables a destination and releases what was held for it, in order. Returns how much that is, and what was put
    /// into the outbox.
    async fn resume_destination(
        &self,
        organization: ClientGuid,
        destination: &str,
        at: Timestamp,
        leased_until: Timestamp,
    ) -> Result<(u64, Vec<Envelope>), Error>;
    /// Begins an attempt of a delivery for the message with this number, if the row allows one
    /// ([`iris_rules::deliveries::life`]). Holds the delivery if its destination is disabled at this moment.
    async fn begin_delivery(
        &self,
        transaction: Uuid,
        destination: &str,
        message: u32,
        at: Timestamp,
    ) -> Result<BegunDelivery, Error>;
    /// Stores that a delivery is to be attempted again, or is set aside; in the latter case whatever waited behind it
    /// goes on. Does nothing if the delivery has ended in the meantime. Returns what was put into the outbox.
    async fn postpone_delivery(&self, postponed: &PostponedDelivery) -> Result<Vec<Envelope>, Error>;
    /// Rings for deliveries that have become due, and for those that nobody has begun since `before`: at most `limit`,
    /// in turns between destinations. Returns how many, and what was put into the outbox.
    async fn ring_due_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(RungDeliveries, Vec<Envelope>), Error>;
    /// How many deliveries wait for another attempt.
    async fn postponed_deliveries(&self) -> Result<u64, Error>;
    /// The latest attempts of a delivery, latest first.
    async fn delivery_attempts(&self, sequence: i64, limit: u32) -> Result<Vec<Attempt>, Error>;
    /// Destinations that fail or are disabled, for one organization or for all.
    async fn destination_health(&self, organization: Option<ClientGuid>) -> Result<Vec<DestinationHealth>, Error>;
}
