//! A queue: its state behind a lock, its waiters, and the effects of changes.

use super::journal::{Journal, Position};
use super::options::QueueOptions;
use super::slot::{Arrival, DeadLetter, Millis, Sequence, Slot};
use super::state::{State, Tally};
use super::waiter::{Waiter, Waiters};
use super::{Error, Inner};
use crate::message::{Encoded, PropertyValue};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A queue, a dead-letter queue or a subscription's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    /// As created, e.g. `orders` or `orders/$deadletterqueue`.
    pub(crate) name: Arc<str>,
    /// Where given-up messages go; none for a dead-letter queue.
    pub(crate) graves: Graves,
    /// Entity that messages go to once their time has come, if they only wait here.
    onward: Option<Arc<str>>,
    guarded: Mutex<Guarded>,
    /// The next deadline, for the broker's timer.
    deadline: AtomicI64,
    /// A fault: senders are told to come back later.
    pub(super) held: AtomicBool,
    broker: Weak<Inner>,
    journal: Option<Arc<Journal>>,
}

/// The queue's subqueues for messages that were given up.
#[derive(Debug, Default)]
pub(crate) struct Graves {
    /// Dead letters.
    pub(crate) dead_letters: Option<Arc<Queue>>,
    /// Messages that could not be forwarded; only for a queue that forwards.
    pub(crate) not_forwarded: Option<Arc<Queue>>,
}

impl Graves {
    /// Those that exist.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.dead_letters.iter().chain(&self.not_forwarded)
    }
}

#[derive(Debug)]
struct Guarded {
    state: State,
    arrivals: Waiters,
    room: Waiters,
}

/// Whom to wake later when an operation found nothing.
pub(crate) enum Interest<'a> {
    None,
    Arrivals(&'a Arc<Waiter>),
}

impl Queue {
    pub(crate) fn new(
        name: Arc<str>,
        mut state: State,
        graves: Graves,
        onward: Option<Arc<str>>,
        broker: Weak<Inner>,
        journal: Option<Arc<Journal>>,
    ) -> Arc<Self> {
        state.passes_on = onward.is_some();
        let deadline = AtomicI64::new(state.next_deadline().unwrap_or(i64::MAX));
        let guarded = Mutex::new(Guarded { state, arrivals: Waiters::default(), room: Waiters::default() });
        let held = AtomicBool::new(false);
        Arc::new(Self { name, graves, onward, guarded, deadline, held, broker, journal })
    }

    fn lock(&self) -> MutexGuard<'_, Guarded> {
        // The state is consistent between any two calls into it, so a panic elsewhere under the lock does not corrupt
        // it.
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one operation and everything that follows from it. It is durable once the log has reached the position.
    pub(crate) fn run<T>(&self, operation: impl FnOnce(&mut State, Millis) -> T) -> (T, Position) {
        self.run_waiting(Interest::None, |state, now| (operation(state, now), false))
    }

    /// The same; if `operation` says so, the waiter is registered before anyone else can change the queue.
    pub(crate) fn run_waiting<T>(
        &self,
        interest: Interest<'_>,
        operation: impl FnOnce(&mut State, Millis) -> (T, bool),
    ) -> (T, Position) {
        let mut guarded = self.lock();
        let now = super::now();
        guarded.state.advance(now);
        let (result, wait) = operation(&mut guarded.state, now);
        if let (Interest::Arrivals(waiter), true) = (interest, wait) {
            guarded.arrivals.add(waiter);
        }
        let mut effects = std::mem::take(&mut guarded.state.effects);
        let mut position = Position::default();
        if let Some(journal) = &self.journal {
            position = journal.append(&self.name, &mut guarded.state, &effects.changes);
        }
        if effects.arrived {
            guarded.arrivals.wake();
        }
        if effects.freed {
            guarded.room.wake();
        }
        effects.changes.clear();
        guarded.state.effects.changes = effects.changes;
        let deadline = guarded.state.next_deadline().unwrap_or(i64::MAX);
        drop(guarded);
        let earlier = self.deadline.swap(deadline, Ordering::AcqRel) > deadline;
        if (earlier || effects.changed || !effects.dead_letters.is_empty() || !effects.due.is_empty())
            && let Some(broker) = self.broker.upgrade()
        {
            if earlier {
                broker.timer.arm(deadline);
            }
            if !effects.dead_letters.is_empty() {
                position = position.max(self.bury(&broker, effects.dead_letters));
            }
            for (sequence, slot) in effects.due {
                position = position.max(self.pass_on(&broker, sequence, slot));
            }
            if effects.changed {
                broker.announce();
            }
        }
        (result, position)
    }

    /// Reads without changing anything.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock().state)
    }

    /// When the timer has to call.
    pub(crate) fn deadline(&self) -> Millis {
        self.deadline.load(Ordering::Acquire)
    }

    /// Applies the passing of time.
    pub(crate) fn tick(&self) {
        self.run(|_, _| ());
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tick();
        self.read(State::tally)
    }

    pub(crate) fn options(&self) -> QueueOptions {
        self.read(|state| state.options.clone())
    }

    /// Accepts messages, all or none.
    pub(crate) fn enqueue(&self, arrivals: Vec<Arrival>) -> Result<(Vec<Sequence>, Position), Error> {
        if self.held.load(Ordering::Relaxed) {
            return Err(Error::Held);
        }
        let (result, position) = self.run(|state, now| {
            let incoming: u64 = arrivals.iter().map(|arrival| arrival.message.size()).sum();
            // Senders are stopped at the limit itself; the surplus is for what is already under way.
            let limit = state.options.max_bytes.saturating_mul(2).saturating_add(SURPLUS);
            if state.tally().bytes.saturating_add(incoming) > limit {
                return Err(Error::QueueFull);
            }
            if state.options.requires_session
                && arrivals.iter().any(|arrival| arrival.message.facts().is_ok_and(|facts| facts.session_id.is_none()))
            {
                return Err(Error::Invalid("the queue requires sessions: a message needs a session id".to_owned()));
            }
            arrivals.into_iter().map(|arrival| state.enqueue(arrival, now)).collect()
        });
        result.map(|sequences| (sequences, position))
    }

    /// Whether the queue has room; if not, the waiter is woken once it has.
    pub(crate) fn has_room(&self, waiter: &Arc<Waiter>) -> bool {
        let mut guarded = self.lock();
        let room = guarded.state.tally().bytes < guarded.state.options.max_bytes;
        if !room {
            guarded.room.add(waiter);
        }
        room
    }

    /// Removes a waiter from the lists.
    pub(crate) fn forget(&self, waiter: &Arc<Waiter>) {
        let mut guarded = self.lock();
        guarded.arrivals.remove(waiter);
        guarded.room.remove(waiter);
    }

    /// Wakes everyone, as when the queue is deleted or the broker fails.
    pub(crate) fn wake_all(&self) {
        let mut guarded = self.lock();
        guarded.arrivals.wake();
        guarded.room.wake();
    }

    /// Sends a message whose time has come to its destination, and only then removes it from this queue's log.
    fn pass_on(&self, broker: &Inner, sequence: Sequence, slot: Slot) -> Position {
        let target = self.onward.as_deref().unwrap_or_default();
        match broker.entity(target).and_then(|entity| broker.send(&entity, vec![slot.message.clone()])) {
            Ok(position) => match &self.journal {
                Some(journal) => position.max(journal.append_removed(&self.name, sequence, &slot)),
                None => position,
            },
            Err(Error::QueueFull) => {
                self.run(|state, now| state.hold_back(sequence, slot, now.saturating_add(FULL_FOR))).1
            }
            Err(error) => {
                let reason = "ForwardingFailed".to_owned();
                let letter = DeadLetter { sequence, slot, reason, description: error.to_string(), set: Vec::new() };
                self.bury_in(self.graves.not_forwarded.as_ref(), vec![letter])
            }
        }
    }

    /// Moves messages to the dead-letter queue, or wherever dead letters go.
    fn bury(&self, broker: &Inner, dead: Vec<DeadLetter>) -> Position {
        let forward = self.read(|state| state.options.forward_dead_letters_to.clone());
        let elsewhere = forward.and_then(|name| broker.queue(&name).ok());
        self.bury_in(elsewhere.as_ref().or(self.graves.dead_letters.as_ref()), dead)
    }

    /// Moves messages to this queue, and only then removes them from their own queue's log.
    fn bury_in(&self, target: Option<&Arc<Self>>, dead: Vec<DeadLetter>) -> Position {
        let mut position = Position::default();
        for letter in dead {
            if let Some(target) = target {
                position = position.max(target.take_dead_letter(&self.name, &letter));
            }
            if let Some(journal) = &self.journal {
                position = position.max(journal.append_removed(&self.name, letter.sequence, &letter.slot));
            }
        }
        position
    }

    fn take_dead_letter(&self, source: &Arc<str>, letter: &DeadLetter) -> Position {
        let text = |value: &str| PropertyValue::String(value.chars().take(LONGEST_REASON).collect());
        let mut set = letter.set.clone();
        for (name, value) in [("DeadLetterReason", &letter.reason), ("DeadLetterErrorDescription", &letter.description)]
        {
            if !value.is_empty() {
                set.retain(|(known, _)| known != name);
                set.push((name.to_owned(), text(value)));
            }
        }
        let message: Encoded =
            letter.slot.message.with_properties(&set).unwrap_or_else(|_| letter.slot.message.clone());
        let arrival = Arrival {
            message,
            sequence: Some(letter.sequence),
            enqueued_at: Some(letter.slot.enqueued_at),
            dead_letter_source: Some(source.clone()),
            attempts: letter.slot.attempts,
            redriven: false,
        };
        let (_, position) = self.run(|state, now| state.enqueue(arrival, now));
        position
    }
}

/// Bytes a queue takes beyond twice its limit before it refuses.
const SURPLUS: u64 = 16 << 20;

/// Milliseconds until a message is sent again to a queue that was full.
const FULL_FOR: Millis = 1000;

/// Characters kept of a dead-letter reason or description.
const LONGEST_REASON: usize = 4096;
