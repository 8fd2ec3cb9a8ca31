//! Measuring time.

use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// How often a condition is checked.
const LOOK: Duration = Duration::from_millis(5);
/// Nothing that is measured takes this long.
const PATIENCE: Duration = Duration::from_secs(900);

/// How many per second.
pub(crate) fn rate(count: u32, since: Instant) -> f64 {
    f64::from(count) / since.elapsed().as_secs_f64()
}

/// The best of several tries, because disturbances only ever make a measurement slower.
pub(crate) fn best(repeats: usize, mut measure: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut best: f64 = 0.0;
    for _ in 0..repeats {
        best = best.max(measure()?);
    }
    Ok(best)
}

/// The value below which this fraction of the sorted values lies.
pub(crate) fn percentile(sorted: &[f64], part: f64) -> f64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index within the slice")]
    let index = (sorted.len().saturating_sub(1) as f64 * part).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// Processor time a process has used, in seconds; 0 where the system does not say.
pub(crate) fn processor_time(process: u32) -> f64 {
    // Counted in hundredths of a second. The command, which comes before the other fields, may contain anything; it
    // ends with the last `)`.
    let line = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = line.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    let mut look = tokio::time::interval(LOOK);
    while !condition().await? {
        ensure!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        look.tick().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_list() {
        let values: Vec<f64> = (1..=101).map(f64::from).collect();
        assert_eq!(
            (percentile(&values, 0.5), percentile(&values, 0.99), percentile(&values, 1.0)),
            (51.0, 100.0, 101.0)
        );
    }
}
