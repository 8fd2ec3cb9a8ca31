//! Sessions of a queue: groups of messages that one receiver at a time may work on, in order.
//!
//! A session exists as long as it has ready messages, a lock or a state. The next free session is the one whose first
//! ready message is the oldest.

use super::Error;
use super::slot::{Millis, Place, Sequence};
use super::state::{Change, State, millis};
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Debug, Default)]
struct Session {
    ready: BTreeSet<Sequence>,
    /// Messages handed out under the session's lock.
    held: BTreeSet<Sequence>,
    lock: Option<(Uuid, Millis)>,
    state: Option<Bytes>,
    /// When the state was last set.
    state_at: Millis,
    /// The number under which the session is in `Sessions::free`.
    listed: Option<Sequence>,
}

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    all: HashMap<Arc<str>, Session>,
    /// Unlocked sessions with ready messages, by their first message.
    free: BTreeSet<(Sequence, Arc<str>)>,
    /// Locked sessions by the end of their lock.
    locks: BTreeSet<(Millis, Arc<str>)>,
}

impl Sessions {
    fn change<T>(&mut self, id: &Arc<str>, change: impl FnOnce(&mut Session) -> T) -> T {
        let session = self.all.entry(id.clone()).or_default();
        let lock_before = session.lock;
        let result = change(session);
        if let Some((_, until)) = lock_before.filter(|_| session.lock != lock_before) {
            self.locks.remove(&(until, id.clone()));
        }
        if let Some((_, until)) = session.lock.filter(|_| session.lock != lock_before) {
            self.locks.insert((until, id.clone()));
        }
        let first = if session.lock.is_none() { session.ready.first().copied() } else { None };
        if session.listed != first {
            if let Some(before) = session.listed {
                self.free.remove(&(before, id.clone()));
            }
            if let Some(first) = first {
                self.free.insert((first, id.clone()));
            }
            session.listed = first;
        }
        if session.ready.is_empty() && session.lock.is_none() && session.state.is_none() {
            self.all.remove(id);
        }
        result
    }

    pub(super) fn ready(&mut self, id: &Arc<str>, sequence: Sequence) {
        self.change(id, |session| session.ready.insert(sequence));
    }

    pub(super) fn unready(&mut self, id: &Arc<str>, sequence: Sequence) {
        self.change(id, |session| session.ready.remove(&sequence));
    }

    pub(super) fn hold(&mut self, id: &Arc<str>, sequence: Sequence) {
        self.change(id, |session| session.held.insert(sequence));
    }

    pub(super) fn unhold(&mut self, id: &Arc<str>, sequence: Sequence) {
        self.change(id, |session| session.held.remove(&sequence));
    }

    pub(super) fn first_ready(&self, id: &str) -> Option<Sequence> {
        self.all.get(id)?.ready.first().copied()
    }

    pub(super) fn locked_until(&self, id: &str) -> Option<Millis> {
        self.all.get(id)?.lock.map(|(_, until)| until)
    }

    pub(super) fn next_deadline(&self) -> Option<Millis> {
        self.locks.first().map(|(until, _)| *until)
    }

    pub(super) fn expired(&self, now: Millis) -> Vec<Arc<str>> {
        self.locks.iter().take_while(|(until, _)| *until <= now).map(|(_, id)| id.clone()).collect()
    }

    fn holder(&self, id: &str) -> Option<Uuid> {
        self.all.get(id)?.lock.map(|(holder, _)| holder)
    }

    /// A session's state.
    pub(crate) fn state(&self, id: &str) -> Option<Bytes> {
        self.all.get(id)?.state.clone()
    }

    pub(crate) fn set_state(&mut self, id: &Arc<str>, state: Option<Bytes>, now: Millis) {
        self.change(id, |session| {
            session.state = state;
            session.state_at = now;
        });
    }
}

impl State {
    /// Locks a session, by id or the next free one, for `holder`; returns its id and the end of the lock. `None`: no
    /// session is free.
    pub(crate) fn accept_session(
        &mut self,
        id: Option<&str>,
        holder: Uuid,
        now: Millis,
    ) -> Result<Option<(Arc<str>, Millis)>, Error> {
        if !self.options.requires_session {
            return Err(Error::Unsupported("the queue does not support sessions"));
        }
        let id: Arc<str> = match id {
            Some(id) if self.sessions.holder(id).is_some() => return Err(Error::SessionLocked),
            Some(id) => id.into(),
            None => match self.sessions.free.first() {
                Some((_, id)) => id.clone(),
                None => return Ok(None),
            },
        };
        let until = now.saturating_add(millis(self.options.lock_duration));
        self.sessions.change(&id, |session| session.lock = Some((holder, until)));
        Ok(Some((id, until)))
    }

    /// Fails unless `holder` holds the session.
    pub(crate) fn check_session(&self, id: &str, holder: Uuid) -> Result<(), Error> {
        if self.sessions.holder(id) == Some(holder) { Ok(()) } else { Err(Error::SessionLockLost) }
    }

    /// Locks for another full duration; returns the new end.
    pub(crate) fn renew_session(&mut self, id: &str, holder: Uuid, now: Millis) -> Result<Millis, Error> {
        self.check_session(id, holder)?;
        let until = now.saturating_add(millis(self.options.lock_duration));
        self.sessions.change(&id.into(), |session| session.lock = Some((holder, until)));
        Ok(until)
    }

    /// Gives a session back. Messages locked in it are returned without counting the delivery.
    pub(crate) fn close_session(&mut self, id: &str, holder: Uuid) {
        if self.sessions.holder(id) == Some(holder) {
            self.end_session(&id.into(), false);
        }
    }

    /// Ends a session's lock, and those of its messages.
    pub(super) fn end_session(&mut self, id: &Arc<str>, count: bool) {
        let held = self.sessions.change(id, |session| {
            session.lock = None;
            std::mem::take(&mut session.held)
        });
        for sequence in held {
            let Some(Place::Locked { deferred, .. }) = self.slot(sequence).map(|slot| slot.place) else { continue };
            match (count, deferred) {
                (true, _) => self.fail(sequence, deferred),
                (false, true) => self.place(sequence, Place::Deferred),
                (false, false) => self.place(sequence, Place::Ready),
            }
        }
        self.effects.arrived = true;
    }

    /// Sessions with messages or a state; with a time, only those whose state was set after it.
    pub(crate) fn session_ids(&self, state_after: Option<Millis>) -> Vec<Arc<str>> {
        let wanted = |session: &Session| match state_after {
            Some(after) => session.state.is_some() && session.state_at > after,
            None => session.state.is_some() || !session.ready.is_empty() || !session.held.is_empty(),
        };
        self.sessions.all.iter().filter(|(_, session)| wanted(session)).map(|(id, _)| id.clone()).collect()
    }

    /// A session's state.
    pub(crate) fn session_state(&self, id: &str) -> Option<Bytes> {
        self.sessions.state(id)
    }

    /// Sets a session's state; `None` removes it.
    pub(crate) fn set_session_state(&mut self, id: &str, state: Option<Bytes>, now: Millis) {
        let id: Arc<str> = id.into();
        self.sessions.set_state(&id, state, now);
        self.effects.changes.push(Change::Session(id));
    }
}
