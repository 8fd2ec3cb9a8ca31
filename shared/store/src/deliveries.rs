//! Deliveries of results to their destinations.

use crate::Error;
use crate::outbox::{Envelope, NewEnvelope};
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::deliveries::{Delivery, DeliveryState, DestinationHealth, LostDeliveries};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How a delivery ended, or why it rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledDelivery {
    /// Its place among all.
    pub sequence: i64,
    /// Its new state.
    pub state: DeliveryState,
    /// When.
    pub at: Timestamp,
    /// Until when the envelopes are leased to the process that stores them.
    pub leased_until: Timestamp,
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
    /// Gives a delivery its new state, with messages to send; the next of those that were held follows one that was. Changes nothing, and sends
    /// nothing, when it was delivered before. Returns what was put into the outbox.
    async fn settle_delivery(
        &self,
        settled: &SettledDelivery,
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Envelope>, Error>;
    /// Notes that a destination failed. True when it failed for so long now that it is disabled by this call.
    async fn delivery_failed(&self, failed: &FailedDelivery, disable_after: SignedDuration) -> Result<bool, Error>;
    /// Enables a destination and lets go what was held for it, in order: how much that is, and what was put into the outbox.
    async fn resume_destination(
        &self,
        organization: ClientGuid,
        destination: &str,
        at: Timestamp,
        leased_until: Timestamp,
    ) -> Result<(u64, Vec<Envelope>), Error>;
    /// Notes that somebody looked at a delivery and cannot make it yet: its message is not lost.
    async fn delivery_seen(&self, sequence: i64, at: Timestamp) -> Result<(), Error>;
    /// Announces deliveries anew that nobody looked at since `before`, at most `limit` of them; parks those whose messages get lost again and
    /// again. Returns them, and what was put into the outbox. See [`iris_rules::deliveries`].
    async fn lost_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(LostDeliveries, Vec<Envelope>), Error>;
    /// Destinations that fail or are disabled, of one organization or of all.
    async fn destination_health(&self, organization: Option<ClientGuid>) -> Result<Vec<DestinationHealth>, Error>;
}
