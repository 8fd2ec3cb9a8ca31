//! Admission by memory: how much work the process takes on at once, whatever arrives.
//!
//! A hundred invocations run side by side, and each may be a large file. Work that needs much memory says how much
//! before it begins, and waits until others have returned theirs. There is one pool for all kinds of work, so that
//! their sum is bounded.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The smallest amount that is handed out, in bytes.
const UNIT: u64 = 64 << 10;

/// A pool of memory; clones share it.
#[derive(Debug, Clone)]
pub struct Memory {
    pool: Arc<Semaphore>,
    /// In units.
    size: u32,
}

/// Memory that was granted; returned when this is dropped.
#[derive(Debug)]
pub struct Grant(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

impl Memory {
    /// A pool of this many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let size = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        Self { pool: Arc::new(Semaphore::new(size as usize)), size }
    }

    /// Waits its turn for this many bytes. A request for more than the whole pool gets all of it: it runs alone.
    pub async fn grant(&self, bytes: u64) -> Grant {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.size);
        // The pool is never closed.
        Grant(Arc::clone(&self.pool).acquire_many_owned(units).await.ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn no_more_is_granted_than_there_is() {
        let memory = Memory::new(10 * UNIT);
        let first = memory.grant(6 * UNIT).now_or_never().unwrap();
        let mut second = Box::pin(memory.grant(6 * UNIT));
        assert!(second.as_mut().now_or_never().is_none());
        // Later requests wait behind it, or large ones would never be served.
        assert!(memory.grant(1).now_or_never().is_none());
        drop(first);
        assert!(second.now_or_never().is_some());
    }

    #[test]
    fn what_is_larger_than_the_pool_runs_alone() {
        let memory = Memory::new(2 * UNIT);
        let all = memory.grant(u64::MAX).now_or_never().unwrap();
        assert!(memory.grant(1).now_or_never().is_none());
        drop(all);
        assert!(memory.grant(1).now_or_never().is_some());
    }
}
