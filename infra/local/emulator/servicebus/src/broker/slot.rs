//! A message's place in a queue.

use crate::message::{Encoded, PropertyValue};
use std::sync::Arc;
use uuid::Uuid;

/// Milliseconds since 1970.
pub(crate) type Millis = i64;

/// Number of a message in its queue.
pub(crate) type Sequence = u64;

/// What keeps a message from being delivered, if anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// Waiting for a receiver.
    Ready,
    /// Handed out. Without an end of its own, the lock ends with the session's.
    Locked { token: Uuid, until: Option<Millis>, deferred: bool },
    /// Set aside until it is asked for by its sequence number.
    Deferred,
    /// Not before this instant.
    Scheduled(Millis),
}

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) message: Encoded,
    pub(crate) enqueued_at: Millis,
    pub(crate) expires_at: Option<Millis>,
    /// Deliveries that ended in an abandoned or expired lock.
    pub(crate) attempts: u32,
    pub(crate) place: Place,
    /// The session, in queues that require one.
    pub(crate) session: Option<Arc<str>>,
    /// The queue the message was dead-lettered in.
    pub(crate) dead_letter_source: Option<Arc<str>>,
    /// Already delivered once more on purpose (see `Broker::duplicate_deliveries`).
    pub(crate) duplicated: bool,
    /// Log segment that holds the message's bytes.
    pub(crate) segment: Option<u64>,
}

/// Overhead of a message in bytes.
const OVERHEAD: u64 = 256;

impl Slot {
    /// Bytes counted against the queue's limit.
    pub(crate) fn cost(&self) -> u64 {
        self.message.size() + OVERHEAD
    }

    /// When the next automatic change is due.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        match self.place {
            Place::Ready | Place::Deferred => self.expires_at,
            Place::Locked { until, .. } => until,
            Place::Scheduled(at) => Some(at),
        }
    }
}

/// A message on its way into a queue.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) message: Encoded,
    /// A dead-lettered message keeps its number.
    pub(crate) sequence: Option<Sequence>,
    pub(crate) enqueued_at: Option<Millis>,
    pub(crate) dead_letter_source: Option<Arc<str>>,
    pub(crate) attempts: u32,
    /// Back from the dead-letter queue, so it is not a duplicate of itself.
    pub(crate) redriven: bool,
}

impl Arrival {
    pub(crate) fn new(message: Encoded) -> Self {
        Self { message, sequence: None, enqueued_at: None, dead_letter_source: None, attempts: 0, redriven: false }
    }
}

/// A message handed out or peeked.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) message: Encoded,
    pub(crate) sequence: Sequence,
    pub(crate) enqueued_at: Millis,
    pub(crate) expires_at: Option<Millis>,
    pub(crate) attempts: u32,
    /// Nil when the message is not locked.
    pub(crate) token: Uuid,
    pub(crate) locked_until: Option<Millis>,
    pub(crate) dead_letter_source: Option<Arc<str>>,
    pub(crate) state: MessageState,
}

/// Where a peeked or received message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// Waiting or locked.
    Active,
    /// Set aside.
    Deferred,
    /// Waiting for its time.
    Scheduled,
}

/// A message on its way to the dead-letter queue.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetter {
    pub(crate) sequence: Sequence,
    pub(crate) slot: Slot,
    pub(crate) reason: String,
    pub(crate) description: String,
    pub(crate) set: Vec<(String, PropertyValue)>,
}
