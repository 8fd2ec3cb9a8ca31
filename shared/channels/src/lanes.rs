//! One lane per destination: how many deliveries to it are under way, and whether it is resting.
//!
//! A destination that hangs must not use up all available invocations. Only a few deliveries at a time may try; the
//! others briefly wait their turn while the destination is healthy, and not at all while it fails. After a failure
//! nobody tries until a growing, jittered delay is over. All of this is local to the process; what has to last is in
//! the database.

use iris_model::ClientGuid;
use iris_rules::pause::jitter;
use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many deliveries to one destination may be under way.
const AT_ONCE: usize = 12;
/// How long a delivery waits for its turn at a healthy destination.
const WAIT: Duration = Duration::from_secs(10);
/// The delay after the first failure; doubled with each further one.
const FIRST: Duration = Duration::from_millis(500);
/// The longest delay.
const LONGEST: Duration = Duration::from_secs(60);

/// The lanes of a process.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: Mutex<HashMap<(ClientGuid, String), Arc<Lane>>>,
}

/// One destination.
#[derive(Debug)]
pub struct Lane {
    permits: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Consecutive failures.
    failures: u32,
    /// The destination rests until then.
    until: Option<Instant>,
}

/// Whether a delivery may be tried now.
#[derive(Debug)]
pub enum Turn {
    /// Yes, while this permit is held.
    Now(OwnedSemaphorePermit),
    /// Not now.
    Later,
}

impl Lanes {
    /// The lane of a destination.
    pub(crate) fn lane(&self, organization: ClientGuid, destination: &str) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes
            .entry((organization, destination.to_owned()))
            .or_insert_with(|| Arc::new(Lane { permits: Arc::new(Semaphore::new(AT_ONCE)), state: Mutex::default() }));
        Arc::clone(lane)
    }
}

impl Lane {
    /// Waits for a turn as long as that makes sense.
    pub async fn turn(&self) -> Turn {
        let wait = {
            let state = self.state();
            if state.until.is_some_and(|until| Instant::now() < until) {
                return Turn::Later;
            }
            if state.failures == 0 { WAIT } else { Duration::ZERO }
        };
        match tokio::time::timeout(wait, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) if self.state().until.is_none_or(|until| until <= Instant::now()) => Turn::Now(permit),
            _ => Turn::Later,
        }
    }

    /// Records that the destination works.
    pub fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// Records that the destination failed.
    pub fn failed(&self) {
        let mut state = self.state();
        let delay = FIRST.saturating_mul(1 << state.failures.min(10)).min(LONGEST);
        state.failures = state.failures.saturating_add(1);
        state.until = Some(Instant::now() + jitter(delay, &RandomState::new()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_destination_that_fails_is_left_alone_and_others_are_not() {
        let lanes = Lanes::default();
        let guid = ClientGuid(uuid::Uuid::from_u128(1));
        let (dead, alive) = (lanes.lane(guid, "dead"), lanes.lane(guid, "alive"));
        assert!(matches!(dead.turn().await, Turn::Now(_)));
        (0..8).for_each(|_| dead.failed());
        assert!(matches!(dead.turn().await, Turn::Later));
        assert!(matches!(alive.turn().await, Turn::Now(_)));
        dead.succeeded();
        assert!(matches!(lanes.lane(guid, "dead").turn().await, Turn::Now(_)));
    }

    #[tokio::test]
    async fn only_a_few_hang_at_a_destination_at_once() {
        let lane = Lanes::default().lane(ClientGuid(uuid::Uuid::from_u128(1)), "slow");
        let mut turns = Vec::new();
        for _ in 0..AT_ONCE {
            turns.push(lane.turn().await);
        }
        let mut waiting = Box::pin(lane.turn());
        assert!(futures::poll!(waiting.as_mut()).is_pending(), "it waits for its turn");
        drop(turns);
        assert!(matches!(waiting.await, Turn::Now(_)));
        assert!(matches!(lane.turn().await, Turn::Now(_)));
    }
}
