//! Faults that the host causes on purpose, to show that a handler survives what Azure does on its own: redelivery,
//! disorder, lost answers and sudden death. All are off by default and can be changed while the host runs.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Which faults to cause. All except the kills concern Service Bus triggers of cardinality one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Whether every message is handled twice before it is completed.
    pub duplicates: Duplicates,
    /// Holds each message back for a random time up to this long, so that messages overtake each other.
    pub shuffle: Option<Duration>,
    /// The probability (0 to 1) that the handler's answer to a message's *first* delivery is thrown away and treated as
    /// a failure.
    pub drop_response: f64,
    /// Kills the handler at random times.
    pub kill: Option<Kills>,
}

/// How a message is handled twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// It is not.
    #[default]
    None,
    /// Once more after success, with the next delivery count, as after a lost completion.
    AfterSuccess,
    /// Both at the same time, as after a lost lock.
    AtOnce,
}

/// A series of kills (SIGKILL), each followed by a restart that does not count as a strike.
///
/// A message in flight at a kill is abandoned, so a message that is hit again and again is dead-lettered after the
/// queue's maximum of deliveries, as in Azure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kills {
    /// How many.
    pub times: u32,
    /// Shortest time from readiness to the next kill.
    pub from: Duration,
    /// Longest time from readiness to the next kill.
    pub to: Duration,
}

/// The active faults, with a seeded source of randomness so that a failing run can be repeated.
#[derive(Debug)]
pub(crate) struct FaultState {
    faults: Mutex<Faults>,
    /// Messages still to be handled twice, whatever [`Faults::duplicates`] says.
    twice: AtomicU32,
    random: AtomicU64,
    changed: Notify,
}

impl FaultState {
    pub(crate) fn new(faults: Faults, seed: u64) -> Self {
        Self {
            faults: Mutex::new(faults),
            twice: AtomicU32::new(0),
            random: AtomicU64::new(seed),
            changed: Notify::new(),
        }
    }

    fn locked(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self) -> Faults {
        self.locked().clone()
    }

    pub(crate) fn set(&self, faults: Faults) {
        *self.locked() = faults;
        self.changed.notify_one();
    }

    /// How many messages are still to be handled twice.
    pub(crate) fn twice(&self) -> u32 {
        self.twice.load(Ordering::Relaxed)
    }

    pub(crate) fn set_twice(&self, messages: u32) {
        self.twice.store(messages, Ordering::Relaxed);
    }

    /// How the next message is handled; uses up one of those to be handled twice.
    pub(crate) fn take_duplicates(&self) -> Duplicates {
        let one_less = self.twice.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if one_less.is_ok() { Duplicates::AfterSuccess } else { self.locked().duplicates }
    }

    /// Waits until kills are requested.
    pub(crate) async fn kills_wanted(&self) -> Kills {
        loop {
            let wanted = self.locked().kill.clone();
            match wanted {
                Some(kills) if kills.times > 0 => return kills,
                _ => self.changed.notified().await,
            }
        }
    }

    /// Uses up one of the kills; false when there are none left.
    pub(crate) fn take_kill(&self) -> bool {
        match &mut self.locked().kill {
            Some(kills) if kills.times > 0 => {
                kills.times -= 1;
                true
            }
            _ => false,
        }
    }

    /// A random number (SplitMix64; not for secrets).
    pub(crate) fn random(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.random.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A random number from 0 up to but not including 1.
    pub(crate) fn fraction(&self) -> f64 {
        f64::from(u32::try_from(self.random() >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
    }

    /// A random time in a range.
    pub(crate) fn duration(&self, from: Duration, to: Duration) -> Duration {
        from + to.saturating_sub(from).mul_f64(self.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_to_be_handled_twice_are_counted_down() {
        let state = FaultState::new(Faults { duplicates: Duplicates::AtOnce, ..Faults::default() }, 0);
        state.set_twice(2);
        let taken: Vec<_> = (0..3).map(|_| state.take_duplicates()).collect();
        assert_eq!(taken, [Duplicates::AfterSuccess, Duplicates::AfterSuccess, Duplicates::AtOnce]);
        assert_eq!(state.twice(), 0);
    }

    #[test]
    fn randomness_is_repeatable_and_spread() {
        let (one, two) = (FaultState::new(Faults::default(), 7), FaultState::new(Faults::default(), 7));
        let numbers: Vec<u64> = (0..100).map(|_| one.random()).collect();
        assert_eq!(numbers, (0..100).map(|_| two.random()).collect::<Vec<_>>());
        let mean = (0..1_000).map(|_| one.fraction()).sum::<f64>() / 1_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        let (from, to) = (Duration::from_millis(5), Duration::from_millis(9));
        assert!((0..100).all(|_| (from..=to).contains(&one.duration(from, to))));
        assert_eq!(one.duration(to, from), to);
    }
}
