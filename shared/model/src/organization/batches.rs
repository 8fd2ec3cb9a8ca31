//! Results in batches: files an organization gets by the day or week, besides or instead of messages.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which batches of results an organization gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchSettings {
    /// How often.
    #[serde(default)]
    pub every: BatchPeriod,
    /// The hour at which a period ends and its batch is written, in the time zone: 0 to 23.
    #[serde(default)]
    pub hour: u8,
    /// The time zone by its IANA name, e.g. `America/Chicago`; the times in the files are in it, too.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// The files to write.
    #[serde(default = "csv")]
    pub formats: Vec<BatchFormat>,
}

/// How often batches are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BatchPeriod {
    /// Every day.
    #[default]
    Daily,
    /// On Mondays, for the week before.
    Weekly,
}

/// A file of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BatchFormat {
    /// The published columns as comma-separated text.
    Csv,
    /// The same as a workbook.
    Xlsx,
    /// The reports, a PDF each.
    Zip,
}

impl BatchSettings {
    /// The time zone; `None` when there is none of that name.
    #[must_use]
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.time_zone).ok()
    }

    /// The end of the last period that is over at `now`. Where a clock that is put forward skips the hour, the period
    /// ends at the jump.
    #[must_use]
    pub fn last_end(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = self.zone()?;
        let at = Time::new(i8::try_from(self.hour).ok()?, 0, 0, 0).ok()?;
        let end = |day: Date| day.to_datetime(at).to_zoned(zone.clone()).ok().map(|end| end.timestamp());
        let mut day = now.to_zoned(zone.clone()).date();
        if self.every == BatchPeriod::Weekly {
            day = day.checked_sub(i64::from(day.weekday().since(Weekday::Monday)).days()).ok()?;
        }
        let ended = end(day)?;
        if ended <= now {
            return Some(ended);
        }
        let days: i64 = if self.every == BatchPeriod::Weekly { 7 } else { 1 };
        end(day.checked_sub(days.days()).ok()?)
    }
}

fn utc() -> String {
    String::from("UTC")
}

fn csv() -> Vec<BatchFormat> {
    vec![BatchFormat::Csv]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(every: BatchPeriod, hour: u8, zone: &str) -> BatchSettings {
        BatchSettings { every, hour, time_zone: zone.to_owned(), formats: csv() }
    }

    fn last_end(settings: &BatchSettings, now: &str) -> String {
        settings.last_end(now.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_day_ends_at_its_hour_in_its_zone() {
        let chicago = settings(BatchPeriod::Daily, 6, "America/Chicago");
        assert_eq!(last_end(&chicago, "2026-11-21T11:59:59Z"), "2026-11-20T12:00:00Z");
        assert_eq!(last_end(&chicago, "2026-11-21T12:00:00Z"), "2026-11-21T12:00:00Z");
        assert_eq!(last_end(&chicago, "2026-07-21T11:00:00Z"), "2026-07-21T11:00:00Z", "in summer");
    }

    #[test]
    fn a_week_ends_on_monday() {
        let weekly = settings(BatchPeriod::Weekly, 3, "UTC");
        // November 23, 2026 is a Monday.
        assert_eq!(last_end(&weekly, "2026-11-23T02:00:00Z"), "2026-11-16T03:00:00Z");
        assert_eq!(last_end(&weekly, "2026-11-23T03:00:00Z"), "2026-11-23T03:00:00Z");
        assert_eq!(last_end(&weekly, "2026-11-29T23:00:00Z"), "2026-11-23T03:00:00Z");
    }

    #[test]
    fn clocks_that_change_lose_no_day() {
        let new_york = settings(BatchPeriod::Daily, 2, "America/New_York");
        // On March 8, 2026 there is no two o'clock.
        assert_eq!(last_end(&new_york, "2026-03-08T12:00:00Z"), "2026-03-08T07:00:00Z");
        assert_eq!(last_end(&new_york, "2026-03-09T05:59:00Z"), "2026-03-08T07:00:00Z");
        assert_eq!(last_end(&new_york, "2026-03-09T06:00:00Z"), "2026-03-09T06:00:00Z");
    }

    #[test]
    fn a_zone_that_does_not_exist_has_no_days() {
        assert_eq!(settings(BatchPeriod::Daily, 2, "America/Atlantis").last_end(Timestamp::UNIX_EPOCH), None);
    }
}
