//! Three strikes.

use std::time::{Duration, Instant};

/// How many errors stop the host.
const LIMIT: u32 = 3;
/// An error this long after the previous one counts as the first again.
const WINDOW: Duration = Duration::from_secs(30 * 60);

/// Errors of the handler, each less than [`WINDOW`] after the previous.
#[derive(Debug, Default)]
pub(super) struct Strikes {
    count: u32,
    last: Option<Instant>,
}

impl Strikes {
    /// Counts an error; true when the limit is reached.
    pub(super) fn strike(&mut self, now: Instant) -> bool {
        let recent = self.last.is_some_and(|last| now.duration_since(last) < WINDOW);
        self.count = if recent { self.count + 1 } else { 1 };
        self.last = Some(now);
        self.count >= LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_close_together_count() {
        let start = Instant::now();
        let mut strikes = Strikes::default();
        assert!(!strikes.strike(start));
        assert!(!strikes.strike(start + WINDOW / 2));
        assert!(!strikes.strike(start + WINDOW * 2));
        assert!(!strikes.strike(start + WINDOW * 2));
        assert!(strikes.strike(start + WINDOW * 2));
    }
}
