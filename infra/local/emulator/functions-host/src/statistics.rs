//! Counts and latencies per function, cheap enough to keep for every invocation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// A snapshot of one function's figures since the host started.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FunctionStatistics {
    /// The function.
    pub function: String,
    /// Whether its trigger is off.
    pub disabled: bool,
    /// Invocations that ended, well or not.
    pub invocations: u64,
    /// Those that failed.
    pub failures: u64,
    /// Invocations under way.
    pub in_flight: u64,
    /// Messages completed.
    pub completed: u64,
    /// Messages abandoned.
    pub abandoned: u64,
    /// Messages whose lock was lost before they could be settled.
    pub locks_lost: u64,
    /// Half of all invocations took at most this long (milliseconds, within 13 %).
    pub p50_ms: f64,
    /// 99 of 100 invocations took at most this long (milliseconds, within 13 %).
    pub p99_ms: f64,
    /// The longest (milliseconds).
    pub max_ms: f64,
}

/// Buckets per doubling of the latency.
const STEPS: u64 = 8;
const BUCKETS: usize = 40 * STEPS as usize;

#[derive(Debug)]
pub(crate) struct Counters {
    failures: AtomicU64,
    in_flight: AtomicU64,
    pub(crate) completed: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) locks_lost: AtomicU64,
    max_micros: AtomicU64,
    latencies: Box<[AtomicU64]>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            failures: AtomicU64::default(),
            in_flight: AtomicU64::default(),
            completed: AtomicU64::default(),
            abandoned: AtomicU64::default(),
            locks_lost: AtomicU64::default(),
            max_micros: AtomicU64::default(),
            latencies: (0..BUCKETS).map(|_| AtomicU64::default()).collect(),
        }
    }
}

/// Counts an invocation as in flight until it is dropped.
pub(crate) struct InFlight<'a>(&'a Counters);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counters {
    pub(crate) fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    pub(crate) fn record(&self, elapsed: Duration, failed: bool) {
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.latencies[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        self.max_micros.fetch_max(micros, Ordering::Relaxed);
        self.failures.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self, function: &str, disabled: bool) -> FunctionStatistics {
        let counts: Vec<u64> = self.latencies.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let max = self.max_micros.load(Ordering::Relaxed);
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FunctionStatistics {
            function: function.to_owned(),
            disabled,
            invocations: counts.iter().sum(),
            failures: load(&self.failures),
            in_flight: load(&self.in_flight),
            completed: load(&self.completed),
            abandoned: load(&self.abandoned),
            locks_lost: load(&self.locks_lost),
            p50_ms: millis(quantile(&counts, 50).min(max)),
            p99_ms: millis(quantile(&counts, 99).min(max)),
            max_ms: millis(max),
        }
    }
}

/// The bucket of a latency: [`STEPS`] equal steps for every power of two, starting at [`STEPS`] microseconds.
fn bucket(micros: u64) -> usize {
    let micros = micros.max(STEPS);
    let doublings = u64::from(micros.ilog2() - STEPS.ilog2());
    let step = (micros >> doublings) - STEPS;
    usize::try_from(doublings * STEPS + step).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

/// The greatest latency that falls into a bucket, in microseconds.
fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    ((bucket % STEPS + STEPS + 1) << (bucket / STEPS)) - 1
}

fn quantile(counts: &[u64], percent: u64) -> u64 {
    let total: u64 = counts.iter().sum();
    let rank = (total * percent).div_ceil(100).max(1);
    let mut seen = 0;
    let found = counts.iter().position(|count| {
        seen += count;
        seen >= rank
    });
    found.map_or(0, upper_bound)
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds for people to read")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_lies_in_its_bucket() {
        for micros in (0..100_000).chain([u64::MAX >> 22]) {
            let upper = upper_bound(bucket(micros));
            assert!(upper >= micros && upper <= micros.max(STEPS) * 113 / 100 + 1, "{micros} → {upper}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn snapshot_tells_quantiles() {
        let counters = Counters::default();
        for millis in 1..=100 {
            let _entered = counters.enter();
            counters.record(Duration::from_millis(millis), millis > 98);
        }
        let seen = counters.snapshot("f", false);
        assert_eq!((seen.invocations, seen.failures, seen.in_flight), (100, 2, 0));
        assert!((50.0..57.0).contains(&seen.p50_ms), "{}", seen.p50_ms);
        assert!((99.0..=100.0).contains(&seen.p99_ms), "{}", seen.p99_ms);
        assert!((seen.max_ms - 100.0).abs() < f64::EPSILON);
    }
}
