//! Waking waiters of a queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Someone waiting for messages or for room: a call, or a link of a connection. The links of a connection share one
/// [`Notify`], and each checks its own flag.
#[derive(Debug)]
pub(crate) struct Waiter {
    notify: Arc<Notify>,
    /// Whether it is in a queue's list.
    listed: AtomicBool,
    woken: AtomicBool,
}

impl Waiter {
    pub(crate) fn new(notify: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { notify, listed: AtomicBool::new(false), woken: AtomicBool::new(false) })
    }

    pub(crate) fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    /// Whether it was woken since the last call.
    pub(crate) fn take_woken(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }
}

/// The waiters of one queue for one kind of event. Locked together with the queue's state, so that no wake-up is missed
/// between looking and waiting.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    list: Vec<Arc<Waiter>>,
}

impl Waiters {
    pub(crate) fn add(&mut self, waiter: &Arc<Waiter>) {
        if !waiter.listed.swap(true, Ordering::AcqRel) {
            self.list.push(waiter.clone());
        }
    }

    pub(crate) fn remove(&mut self, waiter: &Arc<Waiter>) {
        self.list.retain(|known| !Arc::ptr_eq(known, waiter));
        waiter.listed.store(false, Ordering::Release);
    }

    /// Wakes all; those that still wait add themselves again.
    pub(crate) fn wake(&mut self) {
        for waiter in self.list.drain(..) {
            waiter.listed.store(false, Ordering::Release);
            waiter.wake();
        }
    }
}
