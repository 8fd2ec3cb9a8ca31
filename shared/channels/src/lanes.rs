//! One lane per destination: how many deliveries are under way to it, and whether it is left alone for a while.
//!
//! A destination that hangs must not take all the invocations there are. A few deliveries at a time try; the others
//! wait their turn for a moment while the destination is well, and not at all while it fails. After a failure nobody
//! tries until a growing, jittered delay is over. All of this is the process's own: what has to last is in the
//! database.

use iris_model::ClientGuid;
use iris_rules::pause::jitter;
use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Deliveries under way to one destination.
const AT_ONCE: usize = 12;
/// How long a delivery waits for its turn at a destination that is well.
const WAIT: Duration = Duration::from_secs(10);
/// The first delay after a failure; doubled with each.
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
    /// In a row.
    failures: u32,
    /// Left alone until then.
    until: Option<Instant>,
}

/// Whether a delivery may be tried.
#[derive(Debug)]
pub enum Turn {
    /// Yes, while this is held.
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
    /// Waits for a turn, as long as that makes sense.
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

    /// The destination works.
    pub fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// The destination does not.
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
