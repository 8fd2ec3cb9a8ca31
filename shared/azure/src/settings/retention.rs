//! How long each kind of data is kept, and how it is removed.

use super::read::{Error, Lookup, bounded, invalid};

/// Retention periods in days, and the size of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Bytes of refused messages, and lines of drops with their cells.
    pub bodies_days: i64,
    /// Former contents of orders and details of patients.
    pub history_days: i64,
    /// Records of messages, drops, deliveries and images without an order; never shorter than the bodies.
    pub receipts_days: i64,
    /// Former gradings and results, and batches of results.
    pub results_days: i64,
    /// Rows removed in one transaction.
    pub batch: u32,
}

impl RetentionSettings {
    pub(super) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, Error> {
        // Anything removed must be older than what a queue may still deliver again (14 days).
        let days = |variable, default| {
            bounded(lookup, variable, default, 30, 36_500).map(|days| i64::try_from(days).unwrap_or(i64::MAX))
        };
        let (bodies_days, receipts_days) = (days("RETENTION_BODIES_DAYS", 90)?, days("RETENTION_RECEIPTS_DAYS", 730)?);
        if receipts_days < bodies_days {
            return Err(invalid("RETENTION_RECEIPTS_DAYS", "use at least as many days as RETENTION_BODIES_DAYS"));
        }
        Ok(Self {
            bodies_days,
            history_days: days("RETENTION_HISTORY_DAYS", 730)?,
            receipts_days,
            results_days: days("RETENTION_RESULTS_DAYS", 3650)?,
            batch: u32::try_from(bounded(lookup, "PRUNE_BATCH", 500, 1, 10_000)?).unwrap_or(500),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_outlive_bodies_and_bodies_outlive_redelivery() {
        let read = |set: &'static [(&str, &str)]| {
            RetentionSettings::from_lookup(&|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(
            read(&[]).unwrap(),
            RetentionSettings {
                bodies_days: 90,
                history_days: 730,
                receipts_days: 730,
                results_days: 3650,
                batch: 500
            }
        );
        assert!(read(&[("RETENTION_BODIES_DAYS", "7")]).is_err());
        assert!(read(&[("RETENTION_BODIES_DAYS", "400"), ("RETENTION_RECEIPTS_DAYS", "399")]).is_err());
    }
}
