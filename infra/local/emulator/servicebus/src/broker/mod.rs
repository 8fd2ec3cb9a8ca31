//! The broker: queues, topics and their operations. It knows nothing about connections.
//!
//! A [`Broker`] is a cheap handle. A message sent to an entity is routed (forwarding, subscriptions) to the queues it
//! ends in. Receivers get it under a lock and settle it. If the lock expires, or the delivery is given back, the
//! message comes again, until it was delivered too often and goes to the queue's dead-letter queue,
//! `{queue}/$deadletterqueue`; a message that cannot be forwarded goes to `{queue}/$Transfer/$deadletterqueue`. With a
//! folder, a send or a settlement is answered only after it is on disk.
//!
//! Everything here is at-least-once: a message may come twice, but is never lost.

mod action;
mod admin;
mod error;
mod inspect;
mod journal;
mod options;
mod queue;
mod receive;
mod rules;
mod send;
mod sessions;
mod settle;
mod slot;
mod state;
mod timer;
mod topic;
mod waiter;

pub use action::Action;
pub use admin::{EntityKind, EntityStatus};
pub use error::Error;
pub use options::{CorrelationFilter, Filter, QueueOptions, Rule, SubscriptionOptions};
pub use receive::Delivery;
pub use slot::MessageState;

pub(crate) use journal::Position;
pub(crate) use queue::{Graves, Interest, Queue};
pub(crate) use slot::{Millis, Sequence, Taken};
pub(crate) use topic::Topic;
pub(crate) use waiter::Waiter;

use journal::Journal;
use state::State;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use timer::Timer;
use tokio::sync::watch;
use topic::Subscription;

/// The subscription through which an entry forwards.
pub const ENTRY_SUBSCRIPTION: &str = "forward";

/// A handle to the broker; clones share it.
#[derive(Debug, Clone)]
pub struct Broker {
    inner: Arc<Inner>,
}

/// What a name refers to.
#[derive(Debug, Clone)]
pub(crate) enum Entity {
    /// A queue, and the entity it forwards to.
    Queue(Arc<Queue>, Option<Arc<str>>),
    Topic(Arc<Topic>),
}

#[derive(Debug)]
pub(crate) struct Inner {
    /// By lower-case name.
    entities: RwLock<BTreeMap<String, Entity>>,
    timer: Arc<Timer>,
    /// Counts changes of any queue.
    changes: watch::Sender<u64>,
    duplicate_deliveries: AtomicBool,
    journal: Option<Arc<Journal>>,
    /// Never changes: what [`Broker::commits`] watches without a log.
    no_commits: watch::Sender<u64>,
    this: Weak<Inner>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.timer.stop();
    }
}

/// Suffix of a dead-letter queue's name.
pub const DEAD_LETTER_QUEUE: &str = "$deadletterqueue";
/// The prefix of that suffix for messages that could not be forwarded.
pub const TRANSFER: &str = "$Transfer";

/// Which of a queue's subqueues a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grave {
    /// The queue itself.
    None,
    DeadLetters,
    NotForwarded,
}

/// The queue in a lower-case name, and which of its subqueues is meant.
fn split(name: &str) -> (&str, Grave) {
    let Some(owner) = name.strip_suffix(DEAD_LETTER_QUEUE).and_then(|owner| owner.strip_suffix('/')) else {
        return (name, Grave::None);
    };
    let parts = owner.rsplit_once('/');
    match parts.filter(|(_, last)| last.eq_ignore_ascii_case(TRANSFER)) {
        Some((owner, _)) => (owner, Grave::NotForwarded),
        None => (owner, Grave::DeadLetters),
    }
}

/// The clock, in milliseconds since 1970.
pub(crate) fn now() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}

/// Longest name of an entity, as in Azure.
const LONGEST_NAME: usize = 260;

/// Names are compared without case, and without the slashes that some clients put around them.
fn key(name: &str) -> String {
    name.trim_matches('/').to_ascii_lowercase()
}

fn check_name(name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let edges = |c: char| c.is_ascii_alphanumeric();
    if name.len() <= LONGEST_NAME && name.starts_with(edges) && name.ends_with(edges) && name.chars().all(plain) {
        Ok(())
    } else {
        Err(Error::Invalid(format!(
            "an entity's name has 1 to {LONGEST_NAME} letters, digits, '.', '_', '-' and '/', and begins and ends \
             with a letter or digit"
        )))
    }
}

impl Broker {
    /// A broker without entities. With a folder, it stores messages there, and those stored by an earlier run wait for
    /// their queues to be created again; without one, it keeps them in memory only. Must be called in a Tokio runtime.
    ///
    /// # Errors
    /// [`Error::Storage`] when the folder cannot be read or written.
    pub async fn open(folder: Option<&Path>) -> Result<Self, Error> {
        let timer = Timer::new();
        let journal = match folder {
            None => None,
            Some(folder) => {
                let (folder, timer) = (folder.to_owned(), timer.clone());
                let opened = tokio::task::spawn_blocking(move || Journal::open(&folder, timer)).await;
                Some(Arc::new(opened.map_err(|error| Error::Storage(error.to_string()))??))
            }
        };
        let inner = Arc::new_cyclic(|this| Inner {
            entities: RwLock::default(),
            timer: timer.clone(),
            changes: watch::Sender::new(0),
            duplicate_deliveries: AtomicBool::new(false),
            journal,
            no_commits: watch::Sender::new(0),
            this: this.clone(),
        });
        tokio::spawn(timer::run(timer, Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// Creates a queue with its dead-letter queue.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Invalid`] for an invalid name or options.
    pub fn create_queue(&self, name: &str, options: QueueOptions) -> Result<(), Error> {
        check_name(name)?;
        check_options(&options)?;
        let forward_to = options.forward_to.as_deref().map(Arc::from);
        self.inner
            .insert(name, || Entity::Queue(self.inner.new_queue(name, options, forward_to.clone()), forward_to.clone()))
    }

    /// Creates a topic without subscriptions.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Invalid`] for an invalid name.
    pub fn create_topic(&self, name: &str) -> Result<(), Error> {
        check_name(name)?;
        self.inner.insert(name, || {
            let scheduled = self.inner.new_queue(name, QueueOptions::default(), Some(name.into()));
            Entity::Topic(Arc::new(Topic { name: name.into(), scheduled, subscriptions: RwLock::default() }))
        })
    }

    /// Creates a subscription of a topic; its queue is `{topic}/subscriptions/{name}`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the topic, [`Error::Exists`], [`Error::Invalid`].
    pub fn create_subscription(&self, topic: &str, name: &str, options: SubscriptionOptions) -> Result<(), Error> {
        check_name(name)?;
        check_options(&options.queue)?;
        let Entity::Topic(topic) = self.inner.entity(topic)? else {
            return Err(Error::Unsupported("subscriptions belong to topics"));
        };
        let mut subscriptions = topic.subscriptions.write().unwrap_or_else(PoisonError::into_inner);
        if subscriptions.iter().any(|known| known.name.eq_ignore_ascii_case(name)) {
            return Err(Error::Exists(format!("{}/subscriptions/{name}", topic.name)));
        }
        let path = format!("{}/subscriptions/{name}", topic.name);
        let forward_to = options.queue.forward_to.as_deref().map(Arc::from);
        let queue = self.inner.new_queue(&path, options.queue.clone(), forward_to);
        subscriptions.push(Subscription::new(name, options, queue));
        Ok(())
    }

    /// Creates a stamping entry: what is sent to `name` arrives in `target` with the application properties changed by
    /// the action, whatever the sender set; message id, body and all other sections are kept byte for byte.
    ///
    /// # Errors
    /// As [`Broker::create_topic`] and [`Broker::create_subscription`].
    pub fn create_entry(&self, name: &str, target: &str, action: impl Into<Action>) -> Result<(), Error> {
        self.create_topic(name)?;
        let rule = Rule { name: "stamp".to_owned(), filter: Filter::True, action: action.into() };
        let queue = QueueOptions { forward_to: Some(target.to_owned()), ..QueueOptions::default() };
        self.create_subscription(name, ENTRY_SUBSCRIPTION, SubscriptionOptions { queue, rules: vec![rule] })
    }

    /// Counts changes of any queue; wait on it to follow what [`Broker::entities`] shows.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// A fault for tests and demonstrations: while it is on, every completed message is delivered once more, with the
    /// same id and sequence number and an incremented delivery count, as after a lost lock.
    pub fn duplicate_deliveries(&self, on: bool) {
        self.inner.duplicate_deliveries.store(on, Ordering::Relaxed);
        for queue in self.inner.all_queues() {
            queue.run(|state, _| state.duplicate_deliveries = on);
        }
    }

    /// Waits until the log is on disk up to this position.
    pub(crate) async fn committed(&self, position: Position) -> Result<(), Error> {
        match &self.inner.journal {
            Some(journal) => journal.durable(position).await,
            None => Ok(()),
        }
    }

    /// Waits until everything that happened so far is on disk.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn flush(&self) -> Result<(), Error> {
        match &self.inner.journal {
            Some(journal) => journal.durable(journal.end()).await,
            None => Ok(()),
        }
    }

    /// How far the log is durable now.
    pub(crate) fn committed_now(&self) -> Result<Position, Error> {
        match &self.inner.journal {
            Some(journal) => journal.durable_now(),
            None => Ok(Position::MAX),
        }
    }

    /// Changes when more of the log is durable.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        match &self.inner.journal {
            Some(journal) => journal.commits(),
            None => self.inner.no_commits.subscribe(),
        }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }
}

impl Inner {
    fn insert(&self, name: &str, make: impl FnOnce() -> Entity) -> Result<(), Error> {
        let mut entities = self.entities.write().unwrap_or_else(PoisonError::into_inner);
        match entities.entry(key(name)) {
            std::collections::btree_map::Entry::Occupied(_) => Err(Error::Exists(name.to_owned())),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(make());
                self.announce();
                Ok(())
            }
        }
    }

    /// `onward`: the destination of messages that only wait here.
    fn new_queue(&self, name: &str, options: QueueOptions, onward: Option<Arc<str>>) -> Arc<Queue> {
        // Dead letters never expire.
        let dead_options = QueueOptions {
            lock_duration: options.lock_duration,
            max_delivery_count: u32::MAX,
            max_bytes: u64::MAX / 4,
            ..QueueOptions::default()
        };
        let dead = |name: String| {
            let mut state = self.new_state(&name, dead_options.clone());
            state.counts_deliveries = false;
            Queue::new(name.into(), state, Graves::default(), None, self.this.clone(), self.journal.clone())
        };
        let graves = Graves {
            dead_letters: Some(dead(format!("{name}/{DEAD_LETTER_QUEUE}"))),
            not_forwarded: onward.is_some().then(|| dead(format!("{name}/{TRANSFER}/{DEAD_LETTER_QUEUE}"))),
        };
        let first = graves.all().map(|dead| dead.deadline()).min().unwrap_or(Millis::MAX);
        let state = self.new_state(name, options);
        let queue = Queue::new(name.into(), state, graves, onward, self.this.clone(), self.journal.clone());
        self.timer.arm(queue.deadline().min(first));
        queue
    }

    fn new_state(&self, name: &str, options: QueueOptions) -> State {
        let mut state = State::new(options);
        state.duplicate_deliveries = self.duplicate_deliveries.load(Ordering::Relaxed);
        let Some(recovered) = self.journal.as_ref().and_then(|journal| journal.recover(name)) else { return state };
        state.next_sequence = state.next_sequence.max(recovered.next_sequence);
        for (id, sequence, enqueued_at) in recovered.seen {
            state.restore_seen(&id, sequence, enqueued_at);
        }
        for (sequence, slot) in recovered.slots {
            state.restore(sequence, slot);
        }
        for (id, session) in recovered.sessions {
            state.sessions.set_state(&id.into(), Some(session), now());
        }
        state.effects = state::Effects::default();
        state
    }

    /// What a name refers to, for a sender.
    pub(crate) fn entity(&self, name: &str) -> Result<Entity, Error> {
        let entities = self.entities.read().unwrap_or_else(PoisonError::into_inner);
        entities.get(&key(name)).cloned().ok_or_else(|| Error::NotFound(name.to_owned()))
    }

    /// The queue a receiver addresses: a queue, a subscription (`{topic}/subscriptions/{name}`), or the dead-letter
    /// queue of either.
    pub(crate) fn queue(&self, name: &str) -> Result<Arc<Queue>, Error> {
        let plain = key(name);
        let (owner, grave) = split(&plain);
        let queue = match owner.split_once("/subscriptions/") {
            Some((topic, subscription)) => match self.entity(topic) {
                Ok(Entity::Topic(topic)) => topic.subscription(subscription).map(|subscription| subscription.queue),
                _ => None,
            },
            None => match self.entity(owner)? {
                Entity::Queue(queue, _) => Some(queue),
                Entity::Topic(_) => {
                    return Err(Error::Unsupported("a topic is received from through its subscriptions"));
                }
            },
        };
        let queue = queue.ok_or_else(|| Error::NotFound(name.to_owned()))?;
        let found = match grave {
            Grave::None => Some(queue),
            Grave::DeadLetters => queue.graves.dead_letters.clone(),
            Grave::NotForwarded => queue.graves.not_forwarded.clone(),
        };
        found.ok_or_else(|| Error::NotFound(name.to_owned()))
    }

    /// The queue in which messages sent to an entity wait for their time.
    pub(crate) fn waiting_room(&self, name: &str) -> Result<Arc<Queue>, Error> {
        match self.entity(name)? {
            Entity::Queue(queue, _) => Ok(queue),
            Entity::Topic(topic) => Ok(topic.scheduled.clone()),
        }
    }

    /// Every queue, dead-letter queues and subscriptions included.
    pub(crate) fn all_queues(&self) -> Vec<Arc<Queue>> {
        let entities = self.entities.read().unwrap_or_else(PoisonError::into_inner);
        let mut queues = Vec::new();
        for entity in entities.values() {
            match entity {
                Entity::Queue(queue, _) => queues.push(queue.clone()),
                Entity::Topic(topic) => queues.extend(topic.queues()),
            }
        }
        let dead: Vec<_> = queues.iter().flat_map(|queue| queue.graves.all().cloned()).collect();
        queues.extend(dead);
        queues
    }

    /// Rewrites the messages of the log's oldest segment when it holds up too many others.
    pub(crate) fn tidy_log(&self) {
        let Some(journal) = &self.journal else { return };
        if let Some(segment) = journal.crowded() {
            journal.rewrite_waiting(segment);
            for queue in self.all_queues() {
                queue.run(|state, _| state.rewrite(segment));
            }
        }
    }

    /// Notifies watchers that something changed.
    pub(crate) fn announce(&self) {
        if self.changes.receiver_count() > 0 {
            self.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

fn check_options(options: &QueueOptions) -> Result<(), Error> {
    if options.lock_duration.is_zero() || options.max_delivery_count == 0 || options.max_bytes == 0 {
        return Err(Error::Invalid("lock duration, delivery count and size of a queue are at least 1".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
