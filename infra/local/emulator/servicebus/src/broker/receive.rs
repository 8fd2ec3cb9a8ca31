//! Receiving and settling from this process, as the trigger of a Functions host does.

use super::queue::{Interest, Queue};
use super::slot::{MessageState, Millis, Taken};
use super::state::State;
use super::{Broker, Error, Position, Waiter};
use crate::message::Message;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// A message handed out under a lock, or shown by a peek.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// The token for settling the message; nil when it was only peeked.
    pub lock_token: Uuid,
    /// The message's number in its queue.
    pub sequence_number: u64,
    /// Deliveries including this one, so 1 the first time.
    pub delivery_count: u32,
    /// When the queue accepted the message.
    pub enqueued_time: jiff::Timestamp,
    /// When the lock ends, if the message is locked.
    pub locked_until: Option<jiff::Timestamp>,
    /// When the message expires.
    pub expires_at: Option<jiff::Timestamp>,
    /// The queue a dead letter came from.
    pub dead_letter_source: Option<String>,
    /// The state of the message.
    pub state: MessageState,
}

fn instant(millis: Millis) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
}

impl From<Taken> for Delivery {
    fn from(taken: Taken) -> Self {
        Self {
            message: taken.message.to_message(),
            lock_token: taken.token,
            sequence_number: taken.sequence,
            delivery_count: taken.attempts.saturating_add(1),
            enqueued_time: instant(taken.enqueued_at),
            locked_until: taken.locked_until.map(instant),
            expires_at: taken.expires_at.map(instant),
            dead_letter_source: taken.dead_letter_source.map(|source| source.to_string()),
            state: taken.state,
        }
    }
}

impl Broker {
    /// Up to `max` messages under locks; waits up to `wait` for the first. Nothing is lost when the call is dropped
    /// while waiting.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Unsupported`] for topics and queues that require sessions.
    pub async fn receive(&self, entity: &str, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        let queue = self.inner().queue(entity)?;
        let taken = take_waiting(&queue, max, wait, None).await?;
        Ok(taken.into_iter().map(Delivery::from).collect())
    }

    /// Deferred messages, by sequence number, under locks; all of them or none.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`], [`Error::NotFound`].
    pub async fn receive_deferred(&self, entity: &str, sequences: &[u64]) -> Result<Vec<Delivery>, Error> {
        let (taken, _) = self.inner().queue(entity)?.run(|state, now| state.take_deferred(sequences, true, now));
        Ok(taken?.into_iter().map(Delivery::from).collect())
    }

    async fn settle<T>(&self, entity: &str, settle: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
        let (result, position): (_, Position) = self.inner().queue(entity)?.run(|state, _| settle(state));
        let result = result?;
        self.committed(position).await?;
        Ok(result)
    }

    /// The message is done and is removed.
    ///
    /// # Errors
    /// [`Error::LockLost`], [`Error::NotFound`], [`Error::Storage`]; the same for all settlements.
    pub async fn complete(&self, entity: &str, lock_token: Uuid) -> Result<(), Error> {
        self.settle(entity, |state| state.complete(lock_token)).await
    }

    /// The delivery failed: the message comes again at once, or is dead-lettered after too many deliveries.
    ///
    /// # Errors
    /// As [`Broker::complete`].
    pub async fn abandon(&self, entity: &str, lock_token: Uuid) -> Result<(), Error> {
        self.settle(entity, |state| state.abandon(lock_token, &[])).await
    }

    /// Moves the message to the dead-letter queue, with application properties `DeadLetterReason` and
    /// `DeadLetterErrorDescription`.
    ///
    /// # Errors
    /// As [`Broker::complete`]; [`Error::Unsupported`] for dead letters.
    pub async fn dead_letter(
        &self,
        entity: &str,
        lock_token: Uuid,
        reason: &str,
        description: &str,
    ) -> Result<(), Error> {
        let queue = self.inner().queue(entity)?;
        if queue.graves.dead_letters.is_none() {
            return Err(Error::Unsupported("a dead letter cannot be dead-lettered again"));
        }
        self.settle(entity, |state| state.dead_letter(lock_token, reason, description, &[])).await
    }

    /// Sets the message aside until [`Broker::receive_deferred`] asks for it.
    ///
    /// # Errors
    /// As [`Broker::complete`].
    pub async fn defer(&self, entity: &str, lock_token: Uuid) -> Result<(), Error> {
        self.settle(entity, |state| state.defer(lock_token, &[])).await
    }

    /// Locks for another full duration; returns the new end of the lock.
    ///
    /// # Errors
    /// [`Error::LockLost`], [`Error::NotFound`].
    pub async fn renew_lock(&self, entity: &str, lock_token: Uuid) -> Result<jiff::Timestamp, Error> {
        let (until, _) = self.inner().queue(entity)?.run(|state, now| state.renew(lock_token, now));
        until.map(instant)
    }
}

/// Takes messages under locks; waits for the first.
pub(crate) async fn take_waiting(
    queue: &Arc<Queue>,
    max: usize,
    wait: Duration,
    session: Option<&str>,
) -> Result<Vec<Taken>, Error> {
    if session.is_none() && queue.read(|state| state.options.requires_session) {
        return Err(Error::Unsupported("the queue requires sessions"));
    }
    let notify = Arc::new(Notify::new());
    let waiter = Waiter::new(notify.clone());
    let look = async {
        loop {
            let (taken, _) = queue.run_waiting(Interest::Arrivals(&waiter), |state, now| {
                let taken = state.take(max, session, true, now);
                let nothing = taken.is_empty();
                (taken, nothing)
            });
            if !taken.is_empty() || max == 0 {
                return taken;
            }
            notify.notified().await;
        }
    };
    let taken = tokio::time::timeout(wait, look).await.unwrap_or_default();
    queue.forget(&waiter);
    Ok(taken)
}
