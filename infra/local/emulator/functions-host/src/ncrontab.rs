//! NCRONTAB: the schedule language of timer triggers, evaluated in UTC.
//!
//! Six fields, `{second} {minute} {hour} {day} {month} {day-of-week}`; with five fields the second is 0. A field is a
//! comma-separated list of `*`, `a`, `a-b`, each with an optional step `/n`; `a/n` runs from `a` to the field's end.
//! Months and days of the week may be names, of which the first three letters count; Sunday is 0 and there is no 7.
//! Unlike in Unix cron, day and day-of-week must *both* match. That rule, the missing 7 and the seconds are why this is
//! not a general cron library.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not five or six fields.
    #[error("must have six fields: second minute hour day month day-of-week")]
    Fields,
    /// A time span such as `00:05:00`, which only Dedicated plans accept.
    #[error("a time span works on Dedicated plans only; write six fields such as 0 */5 * * * *")]
    TimeSpan,
    /// One field cannot be read or is out of range.
    #[error("the {field} field must hold values from {min} to {max}")]
    Field {
        /// Which field.
        field: &'static str,
        /// Its lowest value.
        min: u8,
        /// Its highest value.
        max: u8,
    },
    /// No date ever matches, such as 30 February.
    #[error("never fires: no date matches")]
    Never,
}

/// A parsed schedule. Always fires eventually.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

struct Field {
    name: &'static str,
    min: u8,
    max: u8,
    names: &'static [&'static str],
}

const SECOND: Field = Field { name: "second", min: 0, max: 59, names: &[] };
const MINUTE: Field = Field { name: "minute", min: 0, max: 59, names: &[] };
const HOUR: Field = Field { name: "hour", min: 0, max: 23, names: &[] };
const DAY: Field = Field { name: "day", min: 1, max: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    names: &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ],
};
const WEEKDAY: Field = Field {
    name: "day-of-week",
    min: 0,
    max: 6,
    names: &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
};

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.contains(':') {
            return Err(Error::TimeSpan);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (second, rest) = match fields.as_slice() {
            [second, rest @ ..] if rest.len() == 5 => (*second, rest),
            rest if rest.len() == 5 => ("0", rest),
            _ => return Err(Error::Fields),
        };
        let schedule = Self {
            seconds: SECOND.parse(second)?,
            minutes: MINUTE.parse(rest[0])?,
            hours: HOUR.parse(rest[1])?,
            days: DAY.parse(rest[2])?,
            months: MONTH.parse(rest[3])?,
            weekdays: WEEKDAY.parse(rest[4])?,
        };
        // The Gregorian calendar repeats after 400 years, but every pair of date and weekday occurs within 40.
        schedule.next_date(Date::constant(2000, 1, 1)).map(|_| schedule).ok_or(Error::Never)
    }
}

impl Schedule {
    /// The first occurrence after `time`.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Timestamp {
        let start = time.to_zoned(TimeZone::UTC).datetime();
        let start = start.with().subsec_nanosecond(0).build().unwrap_or(start);
        let found = start
            .checked_add(jiff::SignedDuration::from_secs(1))
            .ok()
            .and_then(|from| self.at_or_after(from))
            .and_then(|next| next.to_zoned(TimeZone::UTC).ok());
        found.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// Whether two occurrences are less than a minute apart; then the host keeps no schedule status.
    #[must_use]
    pub fn fires_within_a_minute(&self) -> bool {
        self.seconds.count_ones() > 1
    }

    fn at_or_after(&self, from: DateTime) -> Option<DateTime> {
        let mut date = self.next_date(from.date())?;
        if date == from.date() {
            if let Some(time) = self.time_at_or_after(from) {
                return Some(time);
            }
            date = self.next_date(date.tomorrow().ok()?)?;
        }
        Some(date.at(lowest(self.hours), lowest(self.minutes), lowest(self.seconds), 0))
    }

    fn time_at_or_after(&self, from: DateTime) -> Option<DateTime> {
        let date = from.date();
        if has(self.hours, from.hour()) {
            if has(self.minutes, from.minute())
                && let Some(second) = next_bit(self.seconds, from.second())
            {
                return Some(date.at(from.hour(), from.minute(), second, 0));
            }
            if let Some(minute) = next_bit(self.minutes, from.minute() + 1) {
                return Some(date.at(from.hour(), minute, lowest(self.seconds), 0));
            }
        }
        next_bit(self.hours, from.hour() + 1).map(|hour| date.at(hour, lowest(self.minutes), lowest(self.seconds), 0))
    }

    fn next_date(&self, from: Date) -> Option<Date> {
        from.series(jiff::Span::new().days(1)).take(366 * 41).find(|date| {
            has(self.months, date.month())
                && has(self.days, date.day())
                && has(self.weekdays, date.weekday().to_sunday_zero_offset())
        })
    }
}

impl Field {
    /// The set of values as bits.
    fn parse(&self, text: &str) -> Result<u64, Error> {
        let wrong = || Error::Field { field: self.name, min: self.min, max: self.max };
        let mut bits = 0;
        for part in text.split(',') {
            bits |= self.parse_part(part).ok_or_else(wrong)?;
        }
        Ok(bits)
    }

    fn parse_part(&self, part: &str) -> Option<u64> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u8>().ok().filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.min, self.max),
            Some((first, last)) => (self.value(first)?, self.value(last)?),
            None if step.is_some() => (self.value(range)?, self.max),
            None => (self.value(range)?, self.value(range)?),
        };
        // NCrontab accepts a reversed range and swaps its ends.
        let (first, last) = (first.min(last), first.max(last));
        Some((first..=last).step_by(usize::from(step.unwrap_or(1))).fold(0, |bits, value| bits | 1 << value))
    }

    fn value(&self, text: &str) -> Option<u8> {
        let number = match text.parse::<u8>() {
            Ok(number) => Some(number),
            Err(_) if text.len() < 3 => None,
            Err(_) => {
                let text = text.to_ascii_lowercase();
                let position = self.names.iter().position(|name| name.starts_with(&text))?;
                u8::try_from(position).ok().map(|position| position + self.min)
            }
        };
        number.filter(|number| (self.min..=self.max).contains(number))
    }
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits & 1 << value != 0)
}

fn next_bit(bits: u64, from: i8) -> Option<i8> {
    (from..64).find(|value| has(bits, *value))
}

fn lowest(bits: u64) -> i8 {
    next_bit(bits, 0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, after: &str) -> String {
        let schedule: Schedule = schedule.parse().unwrap();
        schedule.next_after(after.parse().unwrap()).to_string()
    }

    #[test]
    fn finds_the_next_occurrence() {
        for (schedule, after, expected) in [
            ("0 */5 * * * *", "2026-11-20T09:12:30Z", "2026-11-20T09:15:00Z"),
            ("0 */5 * * * *", "2026-11-20T09:15:00Z", "2026-11-20T09:20:00Z"),
            ("*/15 * * * * *", "2026-11-20T09:15:59.9Z", "2026-11-20T09:16:00Z"),
            ("0 30 9 * * Mon-Fri", "2026-11-20T09:30:00Z", "2026-11-23T09:30:00Z"),
            ("0 0 0 1 Jan *", "2026-11-20T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("0 0 0 29 2 *", "2026-11-20T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 12 13 * friday", "2026-11-20T00:00:00Z", "2027-08-13T12:00:00Z"),
            ("30 5/20 * * * *", "2026-11-20T09:26:00Z", "2026-11-20T09:45:30Z"),
            ("0 0 1,13 * * 0", "2026-11-20T00:00:00Z", "2026-11-22T01:00:00Z"),
            ("*/5 * * * *", "2026-11-20T09:12:30Z", "2026-11-20T09:15:00Z"),
            ("59 59 23 31 12 *", "2026-12-31T23:59:59Z", "2027-12-31T23:59:59Z"),
        ] {
            assert_eq!(next(schedule, after), expected, "{schedule} after {after}");
        }
    }

    #[test]
    fn refuses_with_the_reason() {
        for (text, expected) in [
            ("", Error::Fields),
            ("* * *", Error::Fields),
            ("00:05:00", Error::TimeSpan),
            ("60 * * * * *", Error::Field { field: "second", min: 0, max: 59 }),
            ("0 0 0 * * 7", Error::Field { field: "day-of-week", min: 0, max: 6 }),
            ("0 0 0 0 * *", Error::Field { field: "day", min: 1, max: 31 }),
            ("0 0 0 * fo *", Error::Field { field: "month", min: 1, max: 12 }),
            ("0 */0 * * * *", Error::Field { field: "minute", min: 0, max: 59 }),
            ("0 0 0 30 2 *", Error::Never),
        ] {
            assert_eq!(text.parse::<Schedule>(), Err(expected), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-0-9a-zA-Z*/, :é]{0,40}") {
            let _ = text.parse::<Schedule>();
        }

        #[test]
        fn the_next_occurrence_is_the_first_match(
            second in 0..60_u8, minute in 0..60_u8, hour in 0..24_u8, after in 0_i64..4_000_000_000,
        ) {
            let schedule: Schedule = format!("{second} {minute} {hour} * * *").parse().unwrap();
            let after = Timestamp::from_second(after).unwrap();
            let next = schedule.next_after(after);
            let wait = next.as_second() - after.as_second();
            proptest::prop_assert!((1..=86_400).contains(&wait));
            let wanted = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
            proptest::prop_assert_eq!(next.as_second() % 86_400, wanted);
        }
    }

    #[test]
    fn knows_which_schedules_are_too_dense_for_a_status() {
        assert!("*/30 * * * * *".parse::<Schedule>().unwrap().fires_within_a_minute());
        assert!(!"0 * * * * *".parse::<Schedule>().unwrap().fires_within_a_minute());
    }
}
