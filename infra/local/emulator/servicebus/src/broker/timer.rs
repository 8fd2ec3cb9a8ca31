//! One task that acts when a queue's next deadline has passed.

use super::slot::Millis;
use super::{Inner, now};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// The alarm: set to the earliest deadline of all queues.
#[derive(Debug)]
pub(crate) struct Timer {
    at: AtomicI64,
    changed: Notify,
}

/// Longest sleep, so that a clock set forward is noticed.
const LONGEST_SLEEP: Millis = 60_000;

impl Timer {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { at: AtomicI64::new(i64::MAX), changed: Notify::new() })
    }

    /// Makes sure that the task checks again at `deadline`.
    pub(crate) fn arm(&self, deadline: Millis) {
        if deadline < self.at.load(Ordering::Acquire) {
            self.changed.notify_one();
        }
    }

    /// Makes the task tidy the log.
    pub(crate) fn poke(&self) {
        self.changed.notify_one();
    }

    /// Makes the task notice that the broker is gone.
    pub(crate) fn stop(&self) {
        self.changed.notify_one();
    }
}

/// Runs until the broker is dropped.
pub(crate) async fn run(timer: Arc<Timer>, broker: Weak<Inner>) {
    loop {
        // Reset while deadlines are gathered, so that one that is brought forward now is not missed.
        timer.at.store(i64::MAX, Ordering::Release);
        let Some(strong) = broker.upgrade() else { return };
        let at = now();
        let mut next = at.saturating_add(LONGEST_SLEEP);
        for queue in strong.all_queues() {
            if queue.deadline() <= at {
                queue.tick();
            }
            next = next.min(queue.deadline());
        }
        strong.tidy_log();
        drop(strong);
        timer.at.store(next, Ordering::Release);
        let wait = Duration::from_millis(u64::try_from(next.saturating_sub(now())).unwrap_or(0).max(1));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = timer.changed.notified() => {}
        }
    }
}
