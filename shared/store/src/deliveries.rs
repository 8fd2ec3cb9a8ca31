//! Deliveries of results to their destinations.

use crate::Error;
use crate::outbox::{Envelope, NewEnvelope};
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::deliveries::life::Life;
use iris_rules::deliveries::{Attempt, Delivery, DeliveryState, DeliverySummary, DestinationHealth};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How a delivery ended, or why it rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledDelivery {
    /// Its place among all.
    pub sequence: i64,
    /// Its new state.
    pub state: DeliveryState,
    /// The attempt by which it got there, if it was one.
    pub attempt: Option<Attempt>,
    /// When.
    pub at: Timestamp,
    /// Until when the envelopes are leased to the process that stores them.
    pub leased_until: Timestamp,
}

/// A delivery that is to be attempted again, or is taken aside because it was attempted for too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostponedDelivery {
    /// Its place among all.
    pub sequence: i64,
    /// Its new state.
    pub state: DeliveryState,
    /// Its attempts so far.
    pub life: Life,
    /// The latest of them; `None` when it was not tried.
    pub attempt: Option<Attempt>,
    /// When.
    pub at: Timestamp,
    /// Until when the envelopes are leased to the process that stores them.
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
    /// It was taken aside, because its attempts broke off again and again or may not be repeated.
    Ended(DeliverySummary),
}

/// How many doorbells were rung.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RungDeliveries {
    /// For deliveries that became due.
    pub due: u64,
    /// For deliveries that are due for long and that nobody has begun.
    pub lost: u64,
}

/// A delivery that failed for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedDelivery {
    /// Whose.
    pub organization: ClientGuid,
    /// Id of the destination.
    pub destination: String,
    /// When.
    pub at: Timestamp,
    /// Why; without personal data.
    pub reason: String,
}

/// Deliveries of results, and how their destinations are.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// A delivery by its result and destination.
    async fn delivery(&self, transaction: Uuid, destination: &str) -> Result<Option<Delivery>, Error>;
    /// The deliveries of an order, oldest first.
    async fn deliveries(&self, order: i64) -> Result<Vec<Delivery>, Error>;
    /// Gives a delivery its new state, with messages to send; the next of those that were held follows one that was,
    /// and what is behind it may go. Changes nothing, and sends nothing, when it was delivered before.
    /// [`DeliveryState::Held`] is refused where the destination is not disabled at this moment: whoever asks for it may
    /// have looked before it was resumed. Returns what was put into the outbox.
    async fn settle_delivery(
        &self,
        settled: &SettledDelivery,
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Envelope>, Error>;
    /// Notes that a destination failed. True when it failed for so long now that it is disabled by this call.
    async fn delivery_failed(&self, failed: &FailedDelivery, disable_after: SignedDuration) -> Result<bool, Error>;
    /// Enables a destination and lets go what was held for it, in order: how much that is, and what was put into the
    /// outbox.
    async fn resume_destination(
        &self,
        organization: ClientGuid,
        destination: &str,
        at: Timestamp,
        leased_until: Timestamp,
    ) -> Result<(u64, Vec<Envelope>), Error>;
    /// Begins an attempt of a delivery, for the message of this number, if the row allows one
    /// ([`iris_rules::deliveries::life`]); holds it if its destination is disabled at this moment.
    async fn begin_delivery(
        &self,
        transaction: Uuid,
        destination: &str,
        message: u32,
        at: Timestamp,
    ) -> Result<BegunDelivery, Error>;
    /// Stores that a delivery is to be attempted again, or is taken aside; whatever waited behind one that is goes on.
    /// Changes nothing when the delivery has ended meanwhile. Returns what was put into the outbox.
    async fn postpone_delivery(&self, postponed: &PostponedDelivery) -> Result<Vec<Envelope>, Error>;
    /// Rings for deliveries that became due, and for those that nobody has begun since `before`: at most `limit`, in
    /// turns between destinations. Returns how many, and what was put into the outbox.
    async fn ring_due_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(RungDeliveries, Vec<Envelope>), Error>;
    /// How many deliveries wait for another attempt.
    async fn postponed_deliveries(&self) -> Result<u64, Error>;
    /// The latest attempts of a delivery, the latest first.
    async fn delivery_attempts(&self, sequence: i64, limit: u32) -> Result<Vec<Attempt>, Error>;
    /// Destinations that fail or are disabled, of one organization or of all.
    async fn destination_health(&self, organization: Option<ClientGuid>) -> Result<Vec<DestinationHealth>, Error>;
}
