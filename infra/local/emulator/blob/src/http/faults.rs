//! Faults on demand, for tests of clients.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Faults that the endpoint is to produce. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    unavailable: AtomicU32,
    cut: Mutex<Cut>,
}

#[derive(Debug, Default)]
struct Cut {
    downloads: u32,
    after: u64,
}

impl Faults {
    /// The next `requests` requests are answered 503 `ServerBusy`.
    pub fn answer_unavailable(&self, requests: u32) {
        self.0.unavailable.store(requests, Ordering::SeqCst);
    }

    /// The connection of the next `downloads` Get Blob requests is closed after `bytes` bytes of the body.
    pub fn cut_downloads(&self, downloads: u32, bytes: u64) {
        *self.0.cut.lock().unwrap_or_else(PoisonError::into_inner) = Cut { downloads, after: bytes };
    }

    pub(super) fn is_unavailable(&self) -> bool {
        self.0.unavailable.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    pub(super) fn cut(&self) -> Option<u64> {
        let mut cut = self.0.cut.lock().unwrap_or_else(PoisonError::into_inner);
        cut.downloads = cut.downloads.checked_sub(1)?;
        Some(cut.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_happen_as_often_as_asked() {
        let faults = Faults::default();
        assert!(!faults.is_unavailable());
        assert_eq!(faults.cut(), None);
        faults.answer_unavailable(2);
        assert_eq!([faults.is_unavailable(), faults.is_unavailable(), faults.is_unavailable()], [true, true, false]);
        faults.cut_downloads(1, 7);
        assert_eq!([faults.cut(), faults.cut()], [Some(7), None]);
    }
}
