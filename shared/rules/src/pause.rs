//! Pauses between retries.

use std::hash::BuildHasher;
use std::time::Duration;

/// Between half of a delay and all of it, so that whatever failed together does not come back together.
#[must_use]
pub fn jitter(delay: Duration, random: &impl BuildHasher) -> Duration {
    delay / 2 + delay.mul_f64(chance(random) / 2.0)
}

/// A number from 0 to 1. Callers at the edge pass a fresh [`RandomState`](std::hash::RandomState); tests pass whatever
/// they like.
#[must_use]
pub fn chance(random: &impl BuildHasher) -> f64 {
    (random.hash_one(0) % 1_000) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::RandomState;

    #[test]
    fn a_pause_is_between_half_and_all_of_its_delay() {
        let delay = Duration::from_secs(8);
        let pauses: Vec<Duration> = (0..200).map(|_| jitter(delay, &RandomState::new())).collect();
        assert!(pauses.iter().all(|pause| (delay / 2..=delay).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "all the same");
        assert_eq!(jitter(Duration::ZERO, &RandomState::new()), Duration::ZERO);
    }
}
