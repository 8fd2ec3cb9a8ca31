//! A queue's messages and their transitions: a pure state machine.
//!
//! Time is an argument, and everything that has to be done about a change outside (log it, wake receivers, move
//! messages to the dead-letter queue) is recorded in [`Effects`]. A message is in exactly one [`Place`]. The place
//! decides whether the message is in the ready set and when its next deadline is, so [`State::put`] is the only way to
//! change it.

use super::Error;
use super::options::QueueOptions;
use super::sessions::Sessions;
use super::slot::{Arrival, DeadLetter, MessageState, Millis, Place, Sequence, Slot, Taken};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use uuid::Uuid;

/// What has to follow a change.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// For the log, in order.
    pub(crate) changes: Vec<Change>,
    pub(crate) dead_letters: Vec<DeadLetter>,
    /// Messages whose time has come, to be sent to where the queue forwards.
    pub(crate) due: Vec<(Sequence, Slot)>,
    /// A message or session became available.
    pub(crate) arrived: bool,
    /// Bytes were freed.
    pub(crate) freed: bool,
    /// Counts may have changed.
    pub(crate) changed: bool,
}

/// A change the log must know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// The message is new, or its bytes are.
    Put(Sequence),
    /// Only the number of attempts or the place changed.
    Update(Sequence),
    /// The message is gone: its number, the segment with its bytes, and their number.
    Remove(Sequence, Option<u64>, u64),
    /// The session's state changed.
    Session(Arc<str>),
}

/// How many messages there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) ready: usize,
    pub(crate) locked: usize,
    pub(crate) deferred: usize,
    pub(crate) scheduled: usize,
    pub(crate) bytes: u64,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) options: QueueOptions,
    pub(crate) next_sequence: Sequence,
    slots: BTreeMap<Sequence, Slot>,
    /// Ready messages of a queue without sessions.
    ready: BTreeSet<Sequence>,
    pub(super) sessions: Sessions,
    deadlines: BTreeSet<(Millis, Sequence)>,
    /// Message ids seen, with the sequence number they got; and the order in which to forget them.
    seen: HashMap<Box<[u8]>, Sequence>,
    seen_until: VecDeque<(Millis, Box<[u8]>)>,
    tally: Tally,
    /// Upper half of the next lock token.
    next_token: u64,
    /// Complete each message twice (see `Broker::duplicate_deliveries`).
    pub(crate) duplicate_deliveries: bool,
    /// Messages only wait here for their time, and then go to another entity; see [`Effects::due`].
    pub(crate) passes_on: bool,
    /// Whether failed deliveries are counted: dead letters keep the count they came with.
    pub(crate) counts_deliveries: bool,
    pub(crate) effects: Effects,
}

impl State {
    pub(crate) fn new(options: QueueOptions) -> Self {
        Self {
            options,
            next_sequence: 1,
            slots: BTreeMap::new(),
            ready: BTreeSet::new(),
            sessions: Sessions::default(),
            deadlines: BTreeSet::new(),
            seen: HashMap::new(),
            seen_until: VecDeque::new(),
            tally: Tally::default(),
            next_token: Uuid::new_v4().as_u64_pair().0,
            duplicate_deliveries: false,
            passes_on: false,
            counts_deliveries: true,
            effects: Effects::default(),
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    pub(crate) fn slot(&self, sequence: Sequence) -> Option<&Slot> {
        self.slots.get(&sequence)
    }

    /// Remembers where the log has a message; returns the segment that had it before.
    pub(crate) fn logged_in(&mut self, sequence: Sequence, segment: u64) -> Option<u64> {
        self.slots.get_mut(&sequence).and_then(|slot| slot.segment.replace(segment))
    }

    /// Makes the log rewrite what it has in a segment.
    pub(crate) fn rewrite(&mut self, segment: u64) {
        let there = self.slots.iter().filter(|(_, slot)| slot.segment == Some(segment));
        self.effects.changes.extend(there.map(|(sequence, _)| Change::Put(*sequence)));
    }

    /// All messages from a sequence number on.
    pub(crate) fn from(&self, sequence: Sequence) -> impl DoubleEndedIterator<Item = (Sequence, &Slot)> {
        self.slots.range(sequence..).map(|(sequence, slot)| (*sequence, slot))
    }

    pub(super) fn counter(&mut self, place: &Place) -> &mut usize {
        match place {
            Place::Ready => &mut self.tally.ready,
            Place::Locked { .. } => &mut self.tally.locked,
            Place::Deferred => &mut self.tally.deferred,
            Place::Scheduled(_) => &mut self.tally.scheduled,
        }
    }

    /// Removes a message and everything that refers to it.
    pub(super) fn lift(&mut self, sequence: Sequence) -> Option<Slot> {
        let slot = self.slots.remove(&sequence)?;
        if let Some(deadline) = slot.deadline() {
            self.deadlines.remove(&(deadline, sequence));
        }
        match (&slot.place, &slot.session) {
            (Place::Ready, Some(session)) => self.sessions.unready(session, sequence),
            (Place::Ready, None) => {
                self.ready.remove(&sequence);
            }
            (Place::Locked { until: None, .. }, Some(session)) => self.sessions.unhold(session, sequence),
            _ => {}
        }
        *self.counter(&slot.place) -= 1;
        self.tally.bytes -= slot.cost();
        self.effects.changed = true;
        Some(slot)
    }

    /// Inserts a message under its number.
    pub(super) fn put(&mut self, sequence: Sequence, slot: Slot) {
        self.next_sequence = self.next_sequence.max(sequence + 1);
        if let Some(deadline) = slot.deadline() {
            self.deadlines.insert((deadline, sequence));
        }
        match (&slot.place, &slot.session) {
            (Place::Ready, Some(session)) => {
                self.sessions.ready(session, sequence);
                self.effects.arrived = true;
            }
            (Place::Ready, None) => {
                self.ready.insert(sequence);
                self.effects.arrived = true;
            }
            (Place::Locked { until: None, .. }, Some(session)) => self.sessions.hold(session, sequence),
            _ => {}
        }
        *self.counter(&slot.place) += 1;
        self.tally.bytes += slot.cost();
        self.effects.changed = true;
        self.slots.insert(sequence, slot);
    }

    /// Removes a message for good.
    pub(super) fn remove(&mut self, sequence: Sequence) -> Option<Slot> {
        let slot = self.lift(sequence)?;
        self.effects.changes.push(Change::Remove(sequence, slot.segment, slot.message.size()));
        self.effects.freed = true;
        Some(slot)
    }

    /// Moves a message to another place.
    pub(super) fn place(&mut self, sequence: Sequence, place: Place) {
        if let Some(mut slot) = self.lift(sequence) {
            slot.place = place;
            self.put(sequence, slot);
        }
    }

    /// Restores a message from the log. Locks do not survive.
    pub(crate) fn restore(&mut self, sequence: Sequence, mut slot: Slot) {
        slot.session = self.session_of(&slot).unwrap_or_default();
        self.put(sequence, slot);
    }

    /// Restores an id from the log.
    pub(crate) fn restore_seen(&mut self, id: &[u8], sequence: Sequence, enqueued_at: Millis) {
        self.remember(id, sequence, enqueued_at);
    }

    fn session_of(&self, slot: &Slot) -> Result<Option<Arc<str>>, Error> {
        if !self.options.requires_session {
            return Ok(None);
        }
        let facts = slot.message.facts()?;
        facts
            .session_id
            .map(|id| Some(Arc::from(id)))
            .ok_or(Error::Invalid("the queue requires sessions: a message needs a session id".into()))
    }

    fn remember(&mut self, id: &[u8], sequence: Sequence, now: Millis) {
        if let Some(window) = self.options.duplicate_detection {
            self.seen.insert(id.into(), sequence);
            self.seen_until.push_back((now.saturating_add(millis(window)), id.into()));
        }
    }

    /// Accepts a message; returns its number. A duplicate is accepted and dropped, and gets the number of the first.
    pub(crate) fn enqueue(&mut self, arrival: Arrival, now: Millis) -> Result<Sequence, Error> {
        let facts = arrival.message.facts()?;
        let moved = arrival.sequence.is_some();
        let known = facts.message_id.and_then(|id| self.seen.get(id));
        if let (Some(known), false) = (known, moved || arrival.redriven) {
            return Ok(*known);
        }
        let place = match facts.scheduled {
            Some(at) if at > now && !moved => Place::Scheduled(at),
            _ if self.passes_on => Place::Scheduled(now),
            _ => Place::Ready,
        };
        let enqueued_at = arrival.enqueued_at.unwrap_or(now);
        let mut slot = Slot {
            expires_at: None,
            message: arrival.message.clone(),
            enqueued_at,
            attempts: arrival.attempts,
            place,
            session: None,
            dead_letter_source: arrival.dead_letter_source,
            duplicated: false,
            segment: None,
        };
        slot.session = self.session_of(&slot)?;
        slot.expires_at = if moved { None } else { self.expiry(&slot) };
        // A number that is taken over may be in use: a message that is dead-lettered, redriven and dead-lettered again
        // must not collide with its former self.
        let sequence = match arrival.sequence {
            Some(sequence) if !self.slots.contains_key(&sequence) => sequence,
            _ => self.next_sequence,
        };
        if let (Some(id), false) = (facts.message_id, moved) {
            self.remember(id, sequence, now);
        }
        self.put(sequence, slot);
        self.effects.changes.push(Change::Put(sequence));
        Ok(sequence)
    }

    /// When a message enqueued (or to be enqueued) at its time expires.
    pub(super) fn expiry(&self, slot: &Slot) -> Option<Millis> {
        let own = slot.message.time_to_live().map(i64::from);
        let ttl = match (own, self.options.default_time_to_live.map(millis)) {
            (Some(own), Some(default)) => own.min(default),
            (own, default) => own.or(default)?,
        };
        let from = match slot.place {
            Place::Scheduled(at) => at,
            _ => slot.enqueued_at,
        };
        Some(from.saturating_add(ttl))
    }

    /// Hands out up to `max` ready messages; of one session if the queue requires sessions.
    pub(crate) fn take(&mut self, max: usize, session: Option<&str>, lock: bool, now: Millis) -> Vec<Taken> {
        let mut taken = Vec::new();
        while taken.len() < max {
            let next = match session {
                Some(session) => self.sessions.first_ready(session),
                None => self.ready.first().copied(),
            };
            let Some(message) = next.and_then(|sequence| self.hand_out(sequence, lock, now)) else { break };
            taken.push(message);
        }
        taken
    }

    /// Hands out one message, locked or removed.
    pub(super) fn hand_out(&mut self, sequence: Sequence, lock: bool, now: Millis) -> Option<Taken> {
        if !lock {
            return self.remove(sequence).map(|slot| shown(sequence, &slot, None));
        }
        self.next_token = self.next_token.wrapping_add(1);
        let token = Uuid::from_u64_pair(self.next_token, sequence);
        let slot = self.slots.get(&sequence)?;
        let session_until = slot.session.as_deref().and_then(|session| self.sessions.locked_until(session));
        let until = match session_until {
            Some(_) => None,
            None => Some(now.saturating_add(millis(self.options.lock_duration))),
        };
        let deferred = slot.place == Place::Deferred;
        self.place(sequence, Place::Locked { token, until, deferred });
        self.slots.get(&sequence).map(|slot| shown(sequence, slot, session_until))
    }

    /// Up to `max` messages from a sequence number on, whatever their place.
    pub(crate) fn peek(&self, from: Sequence, session: Option<&str>, max: usize) -> Vec<Taken> {
        let wanted = |slot: &Slot| session.is_none_or(|session| slot.session.as_deref() == Some(session));
        self.from(from)
            .filter(|(_, slot)| wanted(slot))
            .take(max)
            .map(|(sequence, slot)| Taken { token: Uuid::nil(), locked_until: None, ..shown(sequence, slot, None) })
            .collect()
    }

    /// The next instant at which [`State::advance`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Millis> {
        let message = self.deadlines.first().map(|(at, _)| *at);
        message.into_iter().chain(self.sessions.next_deadline()).min()
    }

    /// The message with the earliest deadline, if that has come.
    pub(super) fn due(&self, now: Millis) -> Option<Sequence> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, sequence)| *sequence)
    }

    /// Forgets ids whose window has passed.
    pub(super) fn forget_seen(&mut self, now: Millis) {
        while self.seen_until.front().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, id)) = self.seen_until.pop_front() {
                self.seen.remove(&id);
            }
        }
    }

    pub(super) fn edit(&mut self, sequence: Sequence, change: impl FnOnce(&mut Slot)) {
        if let Some(mut slot) = self.lift(sequence) {
            change(&mut slot);
            self.put(sequence, slot);
        }
    }
}

fn shown(sequence: Sequence, slot: &Slot, session_until: Option<Millis>) -> Taken {
    let (token, locked_until) = match slot.place {
        Place::Locked { token, until, .. } => (token, until.or(session_until)),
        _ => (Uuid::nil(), None),
    };
    Taken {
        message: slot.message.clone(),
        sequence,
        enqueued_at: slot.enqueued_at,
        expires_at: slot.expires_at,
        attempts: slot.attempts,
        token,
        locked_until,
        dead_letter_source: slot.dead_letter_source.clone(),
        state: match slot.place {
            Place::Ready | Place::Locked { deferred: false, .. } => MessageState::Active,
            Place::Deferred | Place::Locked { deferred: true, .. } => MessageState::Deferred,
            Place::Scheduled(_) => MessageState::Scheduled,
        },
    }
}

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: std::time::Duration) -> Millis {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
