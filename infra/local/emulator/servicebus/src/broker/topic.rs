//! Where a message goes: queues that forward, topics with subscriptions.
//!
//! A *stamping entry* is an entity that callers send to, whose messages get properties set on their way to another
//! queue. It is a topic with one subscription whose rule has `SET` actions and whose queue forwards; there is no other
//! mechanism for it.

use super::options::{Filter, Rule, SubscriptionOptions};
use super::queue::Queue;
use super::slot::Arrival;
use super::{Entity, Error, Inner};
use crate::message::Encoded;
use std::sync::{Arc, PoisonError, RwLock};

/// A topic and its subscriptions.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    /// Where scheduled messages wait; when their time has come, they are sent to the topic.
    pub(crate) scheduled: Arc<Queue>,
    pub(crate) subscriptions: RwLock<Vec<Subscription>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) name: Arc<str>,
    pub(crate) rules: Arc<[Rule]>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) forward_to: Option<Arc<str>>,
}

/// Entities a message may pass through by forwarding, as in Azure.
const LONGEST_ROUTE: usize = 4;

/// A message and the queue it ends in.
pub(crate) type Routed = (Arc<Queue>, Arrival);

impl Topic {
    pub(crate) fn subscription(&self, name: &str) -> Option<Subscription> {
        self.list().iter().find(|subscription| subscription.name.eq_ignore_ascii_case(name)).cloned()
    }

    /// Its own queue and those of its subscriptions.
    pub(crate) fn queues(&self) -> Vec<Arc<Queue>> {
        let subscriptions = self.list().into_iter().map(|subscription| subscription.queue);
        std::iter::once(self.scheduled.clone()).chain(subscriptions).collect()
    }

    pub(crate) fn list(&self) -> Vec<Subscription> {
        self.subscriptions.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Subscription {
    pub(crate) fn new(name: &str, options: SubscriptionOptions, queue: Arc<Queue>) -> Self {
        Self {
            name: name.into(),
            rules: options.rules.into(),
            queue,
            forward_to: options.queue.forward_to.map(Arc::from),
        }
    }

    /// The copies this subscription gets: one for each matching rule with actions, and one for all matching rules
    /// without.
    fn copies(&self, message: &Encoded) -> Result<Vec<Encoded>, Error> {
        let mut plain = false;
        let mut copies = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.filter != Filter::False && rule.filter.matches(message)) {
            if rule.action.is_empty() {
                plain = true;
            } else {
                copies.push(message.changed(rule.action.set(), rule.action.removed())?);
            }
        }
        if plain {
            copies.push(message.clone());
        }
        Ok(copies)
    }
}

impl Inner {
    /// Finds the queues a message sent to `entity` ends in.
    pub(crate) fn route(
        &self,
        entity: &Entity,
        message: Encoded,
        hops: usize,
        routed: &mut Vec<Routed>,
    ) -> Result<(), Error> {
        match entity {
            Entity::Queue(queue, None) => routed.push((queue.clone(), Arrival::new(message))),
            Entity::Queue(queue, Some(target)) => self.forward(queue, target, message, hops, routed)?,
            Entity::Topic(topic) => {
                for subscription in topic.list() {
                    for copy in subscription.copies(&message)? {
                        match &subscription.forward_to {
                            None => routed.push((subscription.queue.clone(), Arrival::new(copy))),
                            Some(target) => self.forward(&subscription.queue, target, copy, hops, routed)?,
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn forward(
        &self,
        from: &Arc<Queue>,
        target: &str,
        message: Encoded,
        hops: usize,
        routed: &mut Vec<Routed>,
    ) -> Result<(), Error> {
        match self.entity(target) {
            Ok(entity) if hops < LONGEST_ROUTE => self.route(&entity, message, hops + 1, routed),
            // A message that cannot be forwarded is kept where people look for it.
            _ => {
                let set = [
                    ("DeadLetterReason".to_owned(), "ForwardingFailed".into()),
                    ("DeadLetterErrorDescription".to_owned(), "The message could not be forwarded.".into()),
                ];
                let grave = from.graves.not_forwarded.as_ref().unwrap_or(from).clone();
                let arrival = Arrival {
                    dead_letter_source: Some(from.name.clone()),
                    ..Arrival::new(message.with_properties(&set)?)
                };
                routed.push((grave, arrival));
                Ok(())
            }
        }
    }
}
