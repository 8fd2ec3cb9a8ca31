//! What receivers do with messages they got, and what time does.

use super::Error;
use super::slot::{DeadLetter, Millis, Place, Sequence, Slot, Taken};
use super::state::{Change, State, millis};
use crate::message::PropertyValue;
use uuid::Uuid;

/// Properties a receiver puts on a message while settling it.
pub(crate) type Set = [(String, PropertyValue)];

/// Reasons Service Bus itself gives.
const TOO_MANY_DELIVERIES: &str = "MaxDeliveryCountExceeded";
const EXPIRED: &str = "TTLExpiredException";

impl State {
    /// The message of a lock token. The token's lower half is the sequence number.
    fn locked(&self, token: Uuid) -> Result<(Sequence, &Slot, bool), Error> {
        let sequence = token.as_u64_pair().1;
        match self.slot(sequence) {
            Some(slot) => match slot.place {
                Place::Locked { token: holder, deferred, .. } if holder == token => Ok((sequence, slot, deferred)),
                // Messages of a session are locked with it and lost with it.
                _ if slot.session.is_some() && self.options.requires_session => Err(Error::SessionLockLost),
                _ => Err(Error::LockLost),
            },
            None => Err(Error::LockLost),
        }
    }

    /// The message is done. With duplicate deliveries on, it is first delivered once more.
    pub(crate) fn complete(&mut self, token: Uuid) -> Result<(), Error> {
        let (sequence, slot, _) = self.locked(token)?;
        if self.duplicate_deliveries && !slot.duplicated {
            self.edit(sequence, |slot| {
                slot.duplicated = true;
                slot.attempts += 1;
                slot.place = Place::Ready;
            });
        } else {
            self.remove(sequence);
        }
        Ok(())
    }

    /// The message is done, whatever faults are active.
    pub(crate) fn discard(&mut self, token: Uuid) -> Result<(), Error> {
        let (sequence, ..) = self.locked(token)?;
        self.remove(sequence);
        Ok(())
    }

    /// The delivery failed; the message comes again, or goes to the dead letters.
    pub(crate) fn abandon(&mut self, token: Uuid, set: &Set) -> Result<(), Error> {
        let (sequence, _, deferred) = self.locked(token)?;
        self.amend(sequence, set)?;
        self.fail(sequence, deferred);
        Ok(())
    }

    /// The receiver never looked at it: returned without counting the delivery.
    pub(crate) fn release(&mut self, token: Uuid) -> Result<(), Error> {
        let (sequence, _, deferred) = self.locked(token)?;
        self.place(sequence, if deferred { Place::Deferred } else { Place::Ready });
        Ok(())
    }

    /// Set aside until asked for by sequence number. This delivery counts, so the one after asking is not the first.
    pub(crate) fn defer(&mut self, token: Uuid, set: &Set) -> Result<(), Error> {
        let (sequence, ..) = self.locked(token)?;
        self.amend(sequence, set)?;
        let delivered = u32::from(self.counts_deliveries);
        self.edit(sequence, |slot| {
            slot.attempts = slot.attempts.saturating_add(delivered);
            slot.place = Place::Deferred;
        });
        self.effects.changes.push(Change::Update(sequence));
        Ok(())
    }

    /// To the dead-letter queue.
    pub(crate) fn dead_letter(&mut self, token: Uuid, reason: &str, description: &str, set: &Set) -> Result<(), Error> {
        let (sequence, ..) = self.locked(token)?;
        self.bury(sequence, reason.to_owned(), description.to_owned(), set.to_vec());
        Ok(())
    }

    /// Locks for another full duration; returns the new end.
    pub(crate) fn renew(&mut self, token: Uuid, now: Millis) -> Result<Millis, Error> {
        let (sequence, slot, deferred) = self.locked(token)?;
        if let Some(session) = slot.session.clone() {
            return self.sessions.locked_until(&session).ok_or(Error::SessionLockLost);
        }
        let until = now.saturating_add(millis(self.options.lock_duration));
        self.place(sequence, Place::Locked { token, until: Some(until), deferred });
        Ok(until)
    }

    /// Deferred messages by number, locked or removed; all of them or none.
    pub(crate) fn take_deferred(
        &mut self,
        sequences: &[Sequence],
        lock: bool,
        now: Millis,
    ) -> Result<Vec<Taken>, Error> {
        let deferred = |sequence: &Sequence| self.slot(*sequence).is_some_and(|slot| slot.place == Place::Deferred);
        if !sequences.iter().all(deferred) {
            return Err(Error::MessageNotFound);
        }
        Ok(sequences.iter().filter_map(|sequence| self.hand_out(*sequence, lock, now)).collect())
    }

    /// Cancels scheduled messages; all of them or none.
    pub(crate) fn cancel_scheduled(&mut self, sequences: &[Sequence]) -> Result<(), Error> {
        let scheduled =
            |sequence: &Sequence| self.slot(*sequence).is_some_and(|slot| matches!(slot.place, Place::Scheduled(_)));
        if !sequences.iter().all(scheduled) {
            return Err(Error::MessageNotFound);
        }
        for sequence in sequences {
            self.remove(*sequence);
        }
        Ok(())
    }

    /// Drops what is not locked; returns how many.
    pub(crate) fn purge(&mut self) -> usize {
        let idle = |slot: &Slot| !matches!(slot.place, Place::Locked { .. });
        let idle: Vec<Sequence> = self.from(0).filter(|(_, slot)| idle(slot)).map(|(sequence, _)| sequence).collect();
        for sequence in &idle {
            self.remove(*sequence);
        }
        idle.len()
    }

    fn amend(&mut self, sequence: Sequence, set: &Set) -> Result<(), Error> {
        if set.is_empty() {
            return Ok(());
        }
        let Some(slot) = self.slot(sequence) else { return Ok(()) };
        let amended = slot.message.with_properties(set)?;
        self.edit(sequence, |slot| slot.message = amended);
        self.effects.changes.push(Change::Put(sequence));
        Ok(())
    }

    /// Counts a failed delivery.
    pub(super) fn fail(&mut self, sequence: Sequence, deferred: bool) {
        if !self.counts_deliveries {
            self.place(sequence, if deferred { Place::Deferred } else { Place::Ready });
            return;
        }
        let Some(slot) = self.slot(sequence) else { return };
        let attempts = slot.attempts + 1;
        let limit = self.options.max_delivery_count;
        if attempts >= limit {
            self.edit(sequence, |slot| slot.attempts = attempts);
            let description = format!("Message could not be consumed after {limit} delivery attempts.");
            self.bury(sequence, TOO_MANY_DELIVERIES.to_owned(), description, Vec::new());
            return;
        }
        self.edit(sequence, |slot| {
            slot.attempts = attempts;
            slot.place = if deferred { Place::Deferred } else { Place::Ready };
        });
        self.effects.changes.push(Change::Update(sequence));
    }

    /// Takes a message out for the dead-letter queue. It is removed from the log only after it is in there.
    fn bury(&mut self, sequence: Sequence, reason: String, description: String, set: Vec<(String, PropertyValue)>) {
        if let Some(slot) = self.lift(sequence) {
            self.effects.freed = true;
            self.effects.dead_letters.push(DeadLetter { sequence, slot, reason, description, set });
        }
    }

    /// Applies the passing of time: ends locks, activates scheduled messages, drops expired ones.
    pub(crate) fn advance(&mut self, now: Millis) {
        for session in self.sessions.expired(now) {
            self.end_session(&session, true);
        }
        while let Some(sequence) = self.due(now) {
            let Some(slot) = self.slot(sequence) else { return };
            match slot.place {
                Place::Locked { deferred, .. } => self.fail(sequence, deferred),
                Place::Scheduled(at) => self.activate(sequence, at),
                Place::Ready | Place::Deferred if self.options.dead_letter_on_expiration => {
                    let description = "The message expired and was dead lettered.".to_owned();
                    self.bury(sequence, EXPIRED.to_owned(), description, Vec::new());
                }
                Place::Ready | Place::Deferred => {
                    self.remove(sequence);
                }
            }
        }
        self.forget_seen(now);
    }

    /// A message that could not be forwarded waits a little longer. It is still in the log.
    pub(crate) fn hold_back(&mut self, sequence: Sequence, mut slot: Slot, until: Millis) {
        slot.place = Place::Scheduled(until);
        self.put(sequence, slot);
    }

    /// A scheduled message's time has come: it enters the queue as if it had just been sent, with a new number.
    fn activate(&mut self, sequence: Sequence, at: Millis) {
        if self.passes_on {
            if let Some(slot) = self.lift(sequence) {
                self.effects.freed = true;
                self.effects.due.push((sequence, slot));
            }
        } else if let Some(mut slot) = self.remove(sequence) {
            slot.place = Place::Ready;
            slot.enqueued_at = at;
            slot.segment = None;
            let next = self.next_sequence;
            self.put(next, slot);
            self.effects.changes.push(Change::Put(next));
        }
    }
}
