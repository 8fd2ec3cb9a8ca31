//! The life of a delivery: how events change it. Pure: the time and randomness are passed in.
//!
//! ```text
//!            begun                handed over            the final word
//! Waiting ─────────► (leased) ──┬──────────► HandedOver ──┬──► Delivered
//!    ▲  ▲                │      └──► Delivered            ├──► Failed
//!    │  └── failed, later┘      └──► Failed (never)       └──► Uncertain (the word never came)
//!    └── resumed ◄── Held
//! ```
//!
//! With channels whose destination confirms at once there is a single step; with others the result is handed over
//! first, and the final confirmation ("the final word") comes later. The [`Purpose`] decides what happens after a
//! failure: an at-least-once delivery is sent again whenever its outcome is unknown, an at-most-once delivery never is.

use super::{DeliveryState, LOST_LIMIT};
use jiff::{SignedDuration, Timestamp};

/// How long an attempt may take before another may begin.
pub const LEASE: SignedDuration = SignedDuration::from_mins(5);

/// How long to wait after a destination did not take a delivery: after the first failure, the second, and so on; the
/// last entry repeats.
pub const PAUSES: [SignedDuration; 9] = [
    SignedDuration::from_secs(1),
    SignedDuration::from_secs(2),
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(15),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
];

/// How long to wait when a part of the platform itself is unavailable.
pub const OUTAGE_PAUSE: SignedDuration = SignedDuration::from_secs(15);

/// How long to wait when the destination's lane is full or resting.
pub const BUSY_PAUSE: SignedDuration = SignedDuration::from_secs(20);

/// How long to wait after an attempt that broke off, measured from its beginning. The first retry comes at once, since
/// the handler may just have been replaced; later ones wait longer. A handler that keeps dying of another cause takes
/// all attempts under way with it; without these pauses, each of them would soon be blamed for the crashes.
pub const BREAKS: [SignedDuration; 4] =
    [SignedDuration::ZERO, SignedDuration::from_secs(5), SignedDuration::from_mins(1), SignedDuration::from_mins(10)];

/// How long the final confirmation of a result may take. Longer than the queue keeps the result for its hospital, so
/// that it is certainly gone from there when it is handed over again.
pub const WORD_PATIENCE: SignedDuration = SignedDuration::from_hours(15 * 24);

/// How long a charge may wait for its hospital before it is no longer sent.
pub const CHARGE_WAITS: SignedDuration = SignedDuration::from_hours(24);

/// How long the final confirmation of a charge may take: longer than the charge may wait.
pub const CHARGE_PATIENCE: SignedDuration = SignedDuration::from_hours(25);

/// What may be done after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Purpose {
    /// Sent until it is known to have arrived; a receiver recognizes duplicates by their id. For results.
    #[default]
    AtLeastOnce,
    /// Never sent again once it may have arrived. For charges.
    AtMostOnce,
}

/// The record of a delivery's attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// What may be done after a failure.
    pub purpose: Purpose,
    /// Consecutive attempts that the destination did not take.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Consecutive attempts that broke off without an outcome.
    pub broken_off: u32,
    /// The earliest time of the next attempt.
    pub next_at: Timestamp,
    /// The attempt under way.
    pub lease: Option<Lease>,
}

/// The right to make an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Until then nobody else may begin one.
    pub until: Timestamp,
    /// The number of the delivery's message that began it. If the handler dies, the same message comes again and may
    /// begin anew.
    pub by: u32,
}

/// What a message may do about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Attempt it, after storing this.
    Now(Life),
    /// Not yet: it is due later. Store this.
    Later(Life),
    /// Nothing: it is done, set aside, not due, or under way.
    Nothing,
    /// End the delivery in this state instead.
    End(DeliveryState),
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempted {
    /// The destination has it, and that is final.
    Delivered,
    /// The destination has it; final confirmation is pending.
    HandedOver,
    /// It can never be made.
    Impossible,
    /// The destination did not take it and certainly does not have it.
    Failed,
    /// Nobody knows whether the destination has it.
    Unclear,
    /// Not tried: a part of the platform itself is unavailable.
    Unavailable,
    /// Not tried: no room in the destination's lane.
    Busy,
}

/// The final confirmation of a handed-over delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It arrived.
    Arrived,
    /// It did not arrive and never will.
    Refused,
    /// No confirmation came in time.
    Never,
}

impl Life {
    /// The life of a new delivery.
    #[must_use]
    pub fn new(purpose: Purpose, at: Timestamp) -> Self {
        Self { purpose, failures: 0, failing_since: None, broken_off: 0, next_at: at, lease: None }
    }

    /// Whether the message with this number may begin an attempt now.
    #[must_use]
    pub fn begin(self, state: DeliveryState, message: u32, now: Timestamp) -> Begin {
        if !state.may_begin() || now < self.next_at {
            return Begin::Nothing;
        }
        // The final confirmation did not come in time.
        if state == DeliveryState::HandedOver && self.purpose == Purpose::AtMostOnce {
            return Begin::End(DeliveryState::Uncertain);
        }
        if self.lease.is_some_and(|lease| now < lease.until && lease.by != message) {
            return Begin::Nothing;
        }
        // An attempt that broke off may still have arrived.
        if self.lease.is_some() && self.purpose == Purpose::AtMostOnce {
            return Begin::End(DeliveryState::Uncertain);
        }
        if self.broken_off >= LOST_LIMIT {
            return Begin::End(DeliveryState::Parked);
        }
        if let Some(lease) = self.lease {
            let rest = BREAKS.get(index(self.broken_off.saturating_sub(1))).copied().unwrap_or(LEASE);
            let due = lease.until.saturating_sub(LEASE).and_then(|begun| begun.saturating_add(rest));
            let due = due.unwrap_or(Timestamp::MAX);
            if now < due {
                return Begin::Later(Self { next_at: due, lease: None, ..self });
            }
        }
        let lease = Lease { until: now.saturating_add(LEASE).unwrap_or(Timestamp::MAX), by: message };
        Begin::Now(Self { broken_off: self.broken_off + 1, lease: Some(lease), ..self })
    }

    /// The new state when the destination asks for a handed-over delivery again after this pause. An at-most-once
    /// delivery is not sent again.
    #[must_use]
    pub fn again(self, now: Timestamp, pause: SignedDuration) -> (DeliveryState, Self) {
        if self.purpose == Purpose::AtMostOnce {
            return (DeliveryState::Uncertain, self);
        }
        let next_at = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
        let failing_since = Some(self.failing_since.unwrap_or(now));
        let failures = self.failures.saturating_add(1);
        (DeliveryState::Waiting, Self { failures, failing_since, next_at, lease: None, broken_off: 0, ..self })
    }

    /// The new state after an attempt. The delivery is parked once the destination has not taken it for `patience`,
    /// even if it takes others. `chance` is from 0 to 1 and spreads retries, so that deliveries that fail together do
    /// not all come back together.
    #[must_use]
    pub fn ended(
        self,
        state: DeliveryState,
        attempted: Attempted,
        now: Timestamp,
        patience: SignedDuration,
        chance: f64,
    ) -> (DeliveryState, Self) {
        let idle = Self { lease: None, broken_off: 0, ..self };
        let well = Self { failures: 0, failing_since: None, ..idle };
        let later = |pause: SignedDuration| now.saturating_add(scattered(pause, chance)).unwrap_or(Timestamp::MAX);
        match attempted {
            Attempted::Delivered => (DeliveryState::Delivered, well),
            // Failures are not reset: until the confirmation comes, nobody knows whether the destination accepts it.
            Attempted::HandedOver => {
                let patience = match self.purpose {
                    Purpose::AtLeastOnce => WORD_PATIENCE,
                    Purpose::AtMostOnce => CHARGE_PATIENCE,
                };
                let next_at = now.saturating_add(patience).unwrap_or(Timestamp::MAX);
                (DeliveryState::HandedOver, Self { next_at, ..idle })
            }
            Attempted::Impossible => (DeliveryState::Failed, idle),
            Attempted::Unavailable => (state, Self { next_at: later(OUTAGE_PAUSE), ..idle }),
            Attempted::Busy => (state, Self { next_at: later(BUSY_PAUSE), ..idle }),
            Attempted::Unclear if self.purpose == Purpose::AtMostOnce => (DeliveryState::Uncertain, idle),
            Attempted::Failed | Attempted::Unclear => {
                let since = self.failing_since.unwrap_or(now);
                let next_at = later(pause(self.failures));
                let failed =
                    Self { failures: self.failures.saturating_add(1), failing_since: Some(since), next_at, ..idle };
                let over = now.duration_since(since) >= patience;
                (if over { DeliveryState::Parked } else { state }, failed)
            }
        }
    }
}

/// The state after the final confirmation of a handed-over delivery; any other state stays.
#[must_use]
pub fn concluded(state: DeliveryState, word: Word) -> DeliveryState {
    match (state, word) {
        (DeliveryState::HandedOver, Word::Arrived) => DeliveryState::Delivered,
        (DeliveryState::HandedOver, Word::Refused) => DeliveryState::Failed,
        (DeliveryState::HandedOver, Word::Never) => DeliveryState::Uncertain,
        (other, _) => other,
    }
}

fn index(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn pause(failures: u32) -> SignedDuration {
    PAUSES.get(index(failures).min(PAUSES.len() - 1)).copied().unwrap_or(OUTAGE_PAUSE)
}

/// Between three quarters of a pause and all of it, so that a later pause is never shorter than an earlier one.
fn scattered(pause: SignedDuration, chance: f64) -> SignedDuration {
    let pause = pause.unsigned_abs();
    SignedDuration::try_from(pause.mul_f64(0.75 + chance.clamp(0.0, 1.0) / 4.0)).unwrap_or(SignedDuration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: SignedDuration = SignedDuration::from_hours(72);

    #[derive(Debug, Clone, Copy)]
    enum Event {
        /// A message arrives; its attempt ends like this, or its handler dies.
        Message(u32, Option<Attempted>),
        Word(Word),
    }

    fn attempted() -> impl Strategy<Value = Attempted> {
        use Attempted::*;
        prop::sample::select(vec![Delivered, HandedOver, Impossible, Failed, Unclear, Unavailable, Busy])
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => (0..3_u32, prop::option::weighted(0.8, attempted())).prop_map(|(by, end)| Event::Message(by, end)),
            1 => prop::sample::select(vec![Word::Arrived, Word::Refused, Word::Never]).prop_map(Event::Word),
        ]
    }

    /// Runs through a history and counts the attempts that may have reached the destination.
    fn lived(purpose: Purpose, events: &[(u32, Event)]) -> Vec<(Timestamp, DeliveryState, Life, u32)> {
        let mut now = Timestamp::UNIX_EPOCH;
        let (mut state, mut life, mut reached) = (DeliveryState::Waiting, Life::new(purpose, now), 0);
        let mut all = Vec::new();
        for (seconds, event) in events {
            now += SignedDuration::from_secs(i64::from(*seconds));
            match *event {
                Event::Word(word) => state = concluded(state, word),
                Event::Message(by, end) => match life.begin(state, by, now) {
                    Begin::Nothing => {}
                    Begin::Later(later) => life = later,
                    Begin::End(ended) => state = ended,
                    Begin::Now(begun) => {
                        life = begun;
                        use Attempted::{Delivered, HandedOver, Unclear};
                        reached += u32::from(matches!(end, None | Some(Delivered | HandedOver | Unclear)));
                        if let Some(end) = end {
                            (state, life) = life.ended(state, end, now, PATIENCE, 0.5);
                        }
                    }
                },
            }
            all.push((now, state, life, reached));
        }
        all
    }

    proptest! {
        #[test]
        fn what_is_sent_at_most_once_reaches_its_destination_at_most_once(
            events in prop::collection::vec((0..2_000_u32, event()), 0..60),
        ) {
            let reached = lived(Purpose::AtMostOnce, &events).last().map_or(0, |(.., reached)| *reached);
            prop_assert!(reached <= 1, "{reached}");
        }

        #[test]
        fn what_is_sent_at_least_once_goes_on_until_it_is_done_or_said_why_not(
            events in prop::collection::vec((0..2_000_u32, event()), 1..60),
        ) {
            let all = lived(Purpose::AtLeastOnce, &events);
            let (now, state, life, _) = *all.last().unwrap();
            let open = matches!(state, DeliveryState::Waiting | DeliveryState::Resumed);
            // Whatever happened, a quarter of an hour later an open delivery can be begun, or is set aside because
            // handlers die of it.
            let later = now + SignedDuration::from_mins(15) + LEASE;
            prop_assert_eq!(open, life.begin(state, 99, later) != Begin::Nothing);
            for pair in all.windows(2) {
                let (before, after) = (pair[0].1, pair[1].1);
                prop_assert!(before == after || matches!(before, DeliveryState::Waiting | DeliveryState::HandedOver));
            }
        }

        #[test]
        fn only_one_of_several_messages_begins_an_attempt(messages in prop::collection::vec(0..1_000_u32, 2..9)) {
            let now = Timestamp::UNIX_EPOCH;
            let mut life = Life::new(Purpose::AtLeastOnce, now);
            let mut begun = std::collections::BTreeSet::new();
            for message in messages {
                if let Begin::Now(next) = life.begin(DeliveryState::Waiting, message, now) {
                    life = next;
                    begun.insert(message);
                }
            }
            prop_assert_eq!(begun.len(), 1);
        }
    }

    #[test]
    fn pauses_grow_and_end_in_being_parked_however_well_the_destination_does_otherwise() {
        let mut now = Timestamp::UNIX_EPOCH;
        let (mut state, mut life) = (DeliveryState::Waiting, Life::new(Purpose::AtLeastOnce, now));
        let mut waited = Vec::new();
        while state == DeliveryState::Waiting {
            let Begin::Now(begun) = life.begin(state, 0, now) else { panic!("it is due") };
            (state, life) = begun.ended(state, Attempted::Failed, now, PATIENCE, 1.0);
            waited.push(life.next_at.duration_since(now));
            now = life.next_at;
        }
        assert_eq!(state, DeliveryState::Parked);
        assert!(waited.is_sorted() && waited.starts_with(&PAUSES), "{waited:?}");
        assert!(now.duration_since(Timestamp::UNIX_EPOCH) < PATIENCE + SignedDuration::from_hours(1));
    }

    #[test]
    fn a_delivery_of_which_handlers_die_is_parked_and_not_at_once() {
        let start = Timestamp::UNIX_EPOCH;
        let (mut now, mut begun_at) = (start, Vec::new());
        let mut life = Life::new(Purpose::AtLeastOnce, now);
        let end = loop {
            match life.begin(DeliveryState::Waiting, 0, now) {
                Begin::Now(begun) => {
                    begun_at.push(now.duration_since(start).as_secs());
                    life = begun;
                }
                Begin::Later(later) => (life, now) = (later, later.next_at),
                other => break other,
            }
        };
        assert_eq!(end, Begin::End(DeliveryState::Parked));
        assert_eq!(begun_at, [0, 0, 5, 65, 665]);
        assert_eq!(begun_at.len(), index(LOST_LIMIT));
        assert!(life.broken_off == LOST_LIMIT);
    }
}
