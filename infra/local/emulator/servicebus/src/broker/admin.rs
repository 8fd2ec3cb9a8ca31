//! Inspecting the broker and cleaning it up, for a console and for tests.

use super::receive::Delivery;
use super::slot::{Arrival, Taken};
use super::state::Tally;
use super::{Broker, Entity, Error, Queue, key};
use std::sync::{Arc, PoisonError};

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityKind {
    /// A queue.
    Queue,
    /// A topic; it holds scheduled messages only.
    Topic,
    /// A topic's subscription.
    Subscription,
}

/// An entity and how many messages it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityStatus {
    /// Name; `{topic}/subscriptions/{name}` for a subscription.
    pub name: String,
    /// Kind.
    pub kind: EntityKind,
    /// Where it forwards to.
    pub forward_to: Option<String>,
    /// Messages waiting or locked.
    pub active: usize,
    /// Of these, locked by a receiver.
    pub locked: usize,
    /// Messages waiting for their time.
    pub scheduled: usize,
    /// Messages set aside.
    pub deferred: usize,
    /// Messages in the dead-letter queue.
    pub dead_lettered: usize,
    /// Messages that could not be forwarded.
    pub not_forwarded: usize,
    /// Bytes held, not counting dead letters.
    pub bytes: u64,
}

impl EntityStatus {
    fn new(name: &str, kind: EntityKind, forward_to: Option<&str>, queue: &Queue) -> Self {
        let tally = queue.tally();
        let count = |grave: &Option<Arc<Queue>>| grave.as_ref().map_or(0, |queue| all(queue.tally()));
        Self {
            name: name.to_owned(),
            kind,
            forward_to: forward_to.map(str::to_owned),
            active: tally.ready + tally.locked,
            locked: tally.locked,
            scheduled: tally.scheduled,
            deferred: tally.deferred,
            dead_lettered: count(&queue.graves.dead_letters),
            not_forwarded: count(&queue.graves.not_forwarded),
            bytes: tally.bytes,
        }
    }
}

fn all(tally: Tally) -> usize {
    tally.ready + tally.locked + tally.deferred + tally.scheduled
}

impl Broker {
    /// Every queue, topic and subscription, by name. Dead-letter queues are counted with their owners.
    pub fn entities(&self) -> Vec<EntityStatus> {
        let entities: Vec<Entity> =
            self.inner().entities.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        entities.iter().flat_map(describe).collect()
    }

    /// One entity; for a dead-letter queue its own counts.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn status(&self, entity: &str) -> Result<EntityStatus, Error> {
        if let Ok(found) = self.inner().entity(entity) {
            return describe(&found).into_iter().next().ok_or_else(|| Error::NotFound(entity.to_owned()));
        }
        let queue = self.inner().queue(entity)?;
        let kind = if key(entity).contains("/subscriptions/") { EntityKind::Subscription } else { EntityKind::Queue };
        let forward_to = queue.options().forward_to;
        Ok(EntityStatus::new(&queue.name, kind, forward_to.as_deref(), &queue))
    }

    /// Deletes an entity with its messages.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`].
    pub async fn delete(&self, entity: &str) -> Result<(), Error> {
        let removed = self.inner().entities.write().unwrap_or_else(PoisonError::into_inner).remove(&key(entity));
        let queues = match removed {
            None => return Err(Error::NotFound(entity.to_owned())),
            Some(Entity::Queue(queue, _)) => vec![queue],
            Some(Entity::Topic(topic)) => topic.queues(),
        };
        for queue in queues.iter().flat_map(|queue| std::iter::once(queue).chain(queue.graves.all())) {
            let (_, position) = queue.run(|state, _| state.purge());
            queue.wake_all();
            self.committed(position).await?;
        }
        self.inner().announce();
        Ok(())
    }

    /// Up to `max` messages from a sequence number on, without locking them, whatever their state.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn peek(&self, entity: &str, from_sequence: u64, max: usize) -> Result<Vec<Delivery>, Error> {
        let (shown, _) = self.inner().queue(entity)?.run(|state, _| state.peek(from_sequence, None, max));
        Ok(shown.into_iter().map(Delivery::from).collect())
    }

    /// Drops every message that is not locked; returns how many.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`].
    pub async fn purge(&self, entity: &str) -> Result<usize, Error> {
        let (count, position) = self.inner().queue(entity)?.run(|state, _| state.purge());
        self.committed(position).await?;
        Ok(count)
    }

    /// Sends the dead letters of a queue, and the messages it could not forward, back into it, without the reasons they
    /// had; returns how many. The queue is named itself, or by either of its dead-letter queues. Each message is
    /// removed from the dead letters only after it is back in the queue.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`], [`Error::QueueFull`].
    pub async fn redrive(&self, entity: &str) -> Result<usize, Error> {
        let plain = key(entity);
        let (owner, _) = super::split(&plain);
        let queue = self.inner().queue(owner)?;
        let mut count = 0;
        for dead in queue.graves.all() {
            // A message that still cannot be forwarded comes back, so no more are taken than there are now.
            let mut left = all(dead.tally());
            while left > 0 {
                let (letters, _) = dead.run(|state, now| state.take(left.min(100), None, true, now));
                if letters.is_empty() {
                    break;
                }
                left -= letters.len();
                count += letters.len();
                self.revive(&queue, dead, letters).await?;
            }
        }
        Ok(count)
    }

    async fn revive(&self, queue: &Arc<Queue>, dead: &Arc<Queue>, letters: Vec<Taken>) -> Result<(), Error> {
        let arrivals: Result<Vec<Arrival>, Error> = letters
            .iter()
            .map(|letter| {
                let unwanted = ["DeadLetterReason", "DeadLetterErrorDescription"];
                Ok(Arrival { redriven: true, ..Arrival::new(letter.message.without_properties(&unwanted)?) })
            })
            .collect();
        let (_, back) = queue.enqueue(arrivals?)?;
        self.committed(back).await?;
        let (_, gone) = dead.run(|state, _| {
            for letter in &letters {
                // This call holds the lock, which is new.
                let _ = state.discard(letter.token);
            }
        });
        self.committed(gone).await
    }

    /// Waits until a queue has no active messages (waiting or locked); scheduled, deferred and dead ones do not count.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn drained(&self, entity: &str) -> Result<(), Error> {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if self.status(entity)?.active == 0 {
                return Ok(());
            }
            if changes.changed().await.is_err() {
                return Ok(());
            }
        }
    }
}

fn describe(entity: &Entity) -> Vec<EntityStatus> {
    match entity {
        Entity::Queue(queue, forward_to) => {
            vec![EntityStatus::new(&queue.name, EntityKind::Queue, forward_to.as_deref(), queue)]
        }
        Entity::Topic(topic) => {
            let mut all = vec![EntityStatus::new(&topic.name, EntityKind::Topic, None, &topic.scheduled)];
            all.extend(topic.list().iter().map(|subscription| {
                EntityStatus::new(
                    &subscription.queue.name,
                    EntityKind::Subscription,
                    subscription.forward_to.as_deref(),
                    &subscription.queue,
                )
            }));
            all
        }
    }
}
