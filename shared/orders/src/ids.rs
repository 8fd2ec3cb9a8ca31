//! Ids for new records, taken from the database in blocks so that deciding needs no round trip.
//!
//! Ids that were taken but not used are handed out again first. Those in memory when the process ends are lost, which
//! does not matter.

use iris_store::IdKind;
use iris_store::{Error, Store};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The fewest ids taken at a time.
const BLOCK: u32 = 500;

/// The source of ids of one kind.
pub(super) struct IdSource {
    store: Arc<dyn Store>,
    kind: IdKind,
    spare: Mutex<VecDeque<i64>>,
}

impl IdSource {
    pub(super) fn new(store: Arc<dyn Store>, kind: IdKind) -> Self {
        Self { store, kind, spare: Mutex::new(VecDeque::new()) }
    }

    /// Takes this many ids, in ascending order within a block.
    pub(super) async fn take(&self, count: usize) -> Result<VecDeque<i64>, Error> {
        let mut taken = self.take_spare(count);
        let missing = u32::try_from(count - taken.len()).unwrap_or(u32::MAX);
        if missing > 0 {
            let block = missing.max(BLOCK);
            let first = self.store.allocate(self.kind, block).await?;
            let split = first + i64::from(missing);
            taken.extend(first..split);
            self.give_back(split..first + i64::from(block));
        }
        Ok(taken)
    }

    /// Returns ids that were not used.
    pub(super) fn give_back(&self, ids: impl IntoIterator<Item = i64>) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
    }

    fn take_spare(&self, count: usize) -> VecDeque<i64> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let count = count.min(spare.len());
        spare.drain(..count).collect()
    }
}
