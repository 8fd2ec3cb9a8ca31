//! Sending from this process.

use super::queue::Queue;
use super::slot::{Arrival, Sequence};
use super::topic::Routed;
use super::{Broker, Entity, Error, Inner, Position, Waiter};
use crate::message::{Encoded, Message};
use std::sync::Arc;
use tokio::sync::Notify;

impl Broker {
    /// Sends one message; see [`Broker::send_all`].
    ///
    /// # Errors
    /// As [`Broker::send_all`].
    pub async fn send(&self, entity: &str, message: Message) -> Result<(), Error> {
        self.send_all(entity, vec![message]).await
    }

    /// Sends messages in order, all or none. Waits while a queue they go to is full, so use a timeout where that
    /// matters. On return they are durable, if the broker has a folder.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Message`], [`Error::Unsupported`] for a dead-letter queue, [`Error::Storage`].
    pub async fn send_all(&self, entity: &str, messages: Vec<Message>) -> Result<(), Error> {
        let encoded = messages.iter().map(Message::encode).collect::<Result<Vec<_>, _>>()?;
        let target = self.inner().entity(entity)?;
        self.room(&target).await?;
        let position = self.inner().send(&target, encoded)?;
        self.committed(position).await
    }

    /// Sends one message for later; returns the number for [`Broker::cancel_scheduled`].
    ///
    /// # Errors
    /// As [`Broker::send_all`].
    pub async fn schedule(&self, entity: &str, message: Message, at: jiff::Timestamp) -> Result<u64, Error> {
        let message = Message { scheduled_enqueue_time: Some(at), ..message };
        let (sequences, position) = self.inner().schedule(entity, vec![message.encode()?])?;
        self.committed(position).await?;
        sequences.first().copied().ok_or(Error::MessageNotFound)
    }

    /// Takes a scheduled message back.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`] when it is not waiting any more; [`Error::NotFound`], [`Error::Storage`].
    pub async fn cancel_scheduled(&self, entity: &str, sequence: u64) -> Result<(), Error> {
        let (result, position) = self.inner().waiting_room(entity)?.run(|state, _| state.cancel_scheduled(&[sequence]));
        result?;
        self.committed(position).await
    }

    /// Waits until the queues behind an entity have room.
    async fn room(&self, target: &Entity) -> Result<(), Error> {
        let notify = Arc::new(Notify::new());
        let waiter = Waiter::new(notify.clone());
        for queue in self.inner().destinations(target) {
            while !queue.has_room(&waiter) {
                notify.notified().await;
            }
        }
        Ok(())
    }
}

impl Inner {
    /// Accepts messages, in order, without waiting for room. They are durable once the log has reached the position.
    pub(crate) fn send(&self, target: &Entity, messages: Vec<Encoded>) -> Result<Position, Error> {
        let mut routed: Vec<Routed> = Vec::with_capacity(messages.len());
        for message in messages {
            self.route(target, message.with_identity()?, 0, &mut routed)?;
        }
        let mut position = Position::default();
        let mut routed = routed.into_iter().peekable();
        while let Some((queue, first)) = routed.next() {
            let mut run: Vec<Arrival> = vec![first];
            while let Some((_, next)) = routed.next_if(|(next, _)| Arc::ptr_eq(next, &queue)) {
                run.push(next);
            }
            position = position.max(queue.enqueue(run)?.1);
        }
        Ok(position)
    }

    /// Accepts scheduled messages; returns their numbers. In a topic and in a queue that forwards, they wait, and can
    /// be cancelled, until their time has come; only then are they routed.
    pub(crate) fn schedule(&self, entity: &str, messages: Vec<Encoded>) -> Result<(Vec<Sequence>, Position), Error> {
        let queue = self.waiting_room(entity)?;
        let arrivals: Result<Vec<_>, Error> =
            messages.into_iter().map(|message| Ok(Arrival::new(message.with_identity()?))).collect();
        queue.enqueue(arrivals?)
    }

    /// The queues that messages sent to an entity may end in, as far as that is known in advance.
    pub(crate) fn destinations(&self, target: &Entity) -> Vec<Arc<Queue>> {
        let mut found = Vec::new();
        self.gather(target, 0, &mut found);
        found
    }

    fn gather(&self, target: &Entity, hops: usize, found: &mut Vec<Arc<Queue>>) {
        let follow = |name: &str, found: &mut Vec<Arc<Queue>>| {
            if let (Ok(next), true) = (self.entity(name), hops < 4) {
                self.gather(&next, hops + 1, found);
            }
        };
        match target {
            Entity::Queue(queue, None) => found.push(queue.clone()),
            Entity::Queue(_, Some(next)) => follow(next, found),
            Entity::Topic(topic) => {
                for subscription in topic.list() {
                    match &subscription.forward_to {
                        Some(next) => follow(next, found),
                        None => found.push(subscription.queue.clone()),
                    }
                }
            }
        }
    }
}
