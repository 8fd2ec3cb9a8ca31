//! The outbox: messages to send, stored together with what caused them.
//!
//! # Protocol
//!
//! The messages of a commit are stored in the same transaction as *envelopes*: one row per destination (more if it
//! would exceed [`ENVELOPE_LIMIT`](iris_store::outbox::ENVELOPE_LIMIT)), each with its messages in order. A new
//! envelope is *leased* to the process that stored it (`available_at` lies in the future). That process publishes it
//! right after the commit, off the commit path, and deletes it once the destination has confirmed every message.
//!
//! Each destination has one publisher task per process. As long as all goes well, it publishes envelopes from memory in
//! commit order. When a publication fails, the destination is *behind*: its later envelopes are no longer published
//! from memory but wait in the store, and the task takes them from there, oldest first, after a growing, jittered delay
//! (the *circuit*), until nothing is left. Nothing overtakes the backlog: what waits or is leased to someone else goes
//! first. A process that dies leaves leased envelopes behind; once the lease is over,
//! [`Orders::sweep`](crate::Orders::sweep), driven by a timer, publishes them. What other processes publish in the
//! meantime arrives before them: callers are promised every event, not their order.
//!
//! After a partial success, only what was not confirmed is kept. After the last try, or when the destination
//! permanently refuses a message, the envelope (or that message) is *parked* with an error log, and the rest goes on.
//! Nothing is deleted before it is confirmed, so every message arrives at least once, with the same id every time.

mod publishing;

pub(crate) use publishing::Destinations;

use async_trait::async_trait;
use iris_store::{Destination, OutboxMessage};
use serde::Serialize;

/// Why messages could not be published. Messages are confirmed in order: the first [`sent`](Self::sent) of them were
/// confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PublishError {
    /// How many messages were confirmed, counting from the first.
    pub sent: usize,
    /// True if the destination will never take the message at position `sent` (because it is too large, for example);
    /// false if trying again may help.
    pub refused: bool,
    /// What happened; contains no personal data.
    pub reason: String,
}

/// Sends messages to their destinations.
#[async_trait]
pub trait Publisher: Send + Sync + 'static {
    /// Sends the messages in order; success means that each was confirmed.
    async fn publish(&self, destination: &Destination, messages: &[OutboxMessage]) -> Result<(), PublishError>;
}

/// The result of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepReport {
    /// Messages published.
    pub published: u64,
    /// Destinations that failed and wait for their next try.
    pub postponed: u64,
    /// Envelopes and single messages parked.
    pub parked: u64,
}
