//! Dates and times: as precise as they were sent, in the zone that applies.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time as Clock};
use jiff::tz::{Offset, TimeZone};
use thiserror::Error;

/// How much of a time was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// `yyyy`
    Year,
    /// `yyyyMM`
    Month,
    /// `yyyyMMdd`
    Day,
    /// `yyyyMMddHH`
    Hour,
    /// `yyyyMMddHHmm`
    Minute,
    /// `yyyyMMddHHmmss`
    Second,
    /// With a fraction.
    Fraction,
}

/// A date or time as HL7 writes it: `yyyy[MM[dd[HH[mm[ss[.ffff]]]]]][±zzzz]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// Parts that were not sent are at their start: January, the first, midnight.
    civil: DateTime,
    precision: Precision,
    offset: Option<Offset>,
}

/// Why a text is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Another form.
    #[error("not a time of the form yyyyMMddHHmmss")]
    Form,
    /// The form is right, but there is no such day or time of day, e.g. 30 February.
    #[error("there is no such date or time")]
    Impossible,
    /// An offset that is not a number of hours and minutes.
    #[error("the offset of a time is not of the form +HHmm")]
    Offset,
    /// The time needs a day, but has only a year or a month.
    #[error("the date has no day")]
    NoDay,
}

impl Time {
    /// Reads a time. Blanks around it are ignored.
    ///
    /// # Errors
    ///
    /// [`TimeError`]; impossible dates are never moved to the next possible one.
    pub fn read(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        let (local, offset) = match text.find(['+', '-']) {
            Some(sign) => {
                let (local, offset) = text.split_at(sign);
                (local.trim_end(), Some(read_offset(offset)?))
            }
            None => (text, None),
        };
        let (digits, fraction) = match local.split_once('.') {
            Some((digits, fraction)) => (digits, Some(fraction)),
            None => (local, None),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TimeError::Form);
        }
        let precision = match (digits.len(), fraction) {
            (4, None) => Precision::Year,
            (6, None) => Precision::Month,
            (8, None) => Precision::Day,
            (10, None) => Precision::Hour,
            (12, None) => Precision::Minute,
            (14, None) => Precision::Second,
            (14, Some(_)) => Precision::Fraction,
            _ => return Err(TimeError::Form),
        };
        let part = |range: std::ops::Range<usize>, missing: i16| match digits.get(range) {
            Some(part) => part.parse::<i16>().map_err(|_| TimeError::Form),
            None => Ok(missing),
        };
        let small = |range, missing| Ok(i8::try_from(part(range, missing)?).unwrap_or(i8::MAX));
        let year = part(0..4, 0)?;
        if year == 0 {
            return Err(TimeError::Impossible);
        }
        let nanosecond = fraction.map_or(Ok(0), read_fraction)?;
        let date = Date::new(year, small(4..6, 1)?, small(6..8, 1)?);
        let time = Clock::new(small(8..10, 0)?, small(10..12, 0)?, small(12..14, 0)?, nanosecond);
        match (date, time) {
            (Ok(date), Ok(time)) => Ok(Self { civil: date.to_datetime(time), precision, offset }),
            _ => Err(TimeError::Impossible),
        }
    }

    /// How much was sent.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Its own offset.
    #[must_use]
    pub fn offset(&self) -> Option<Offset> {
        self.offset
    }

    /// The local time as sent: for fields without zones (iris-facts §2.5, ScheduledTime). Missing parts are the start
    /// of the year, month or day.
    #[must_use]
    pub fn civil(&self) -> DateTime {
        self.civil
    }

    /// The day.
    ///
    /// # Errors
    ///
    /// [`TimeError::NoDay`] if only a month or a year was sent.
    pub fn date(&self) -> Result<Date, TimeError> {
        if self.precision >= Precision::Day { Ok(self.civil.date()) } else { Err(TimeError::NoDay) }
    }

    /// The instant: by its own offset, else the message's (MSH-7), else in the given zone. In the hour that clocks
    /// skip, the later instant; in the hour that they repeat, the first.
    ///
    /// # Errors
    ///
    /// [`TimeError::NoDay`]; [`TimeError::Impossible`] before the year -9999 or after 9999 in UTC.
    pub fn moment(&self, message: Option<Offset>, zone: &TimeZone) -> Result<Timestamp, TimeError> {
        self.date()?;
        let moment = match self.offset.or(message) {
            Some(offset) => offset.to_timestamp(self.civil),
            None => zone.to_timestamp(self.civil),
        };
        moment.map_err(|_| TimeError::Impossible)
    }
}

fn read_offset(text: &str) -> Result<Offset, TimeError> {
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("-", digits)) => (-1, digits),
        Some((_, digits)) => (1, digits),
        None => return Err(TimeError::Offset),
    };
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TimeError::Offset);
    }
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<i32>().ok());
    match (part(0..2), part(2..4)) {
        (Some(hours), Some(minutes)) if minutes < 60 && hours <= 14 => {
            Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| TimeError::Offset)
        }
        _ => Err(TimeError::Offset),
    }
}

/// Nanoseconds. Further digits are cut; the standard has four.
fn read_fraction(text: &str) -> Result<i32, TimeError> {
    if text.is_empty() || text.len() > 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TimeError::Form);
    }
    format!("{text:0<9}").get(..9).and_then(|digits| digits.parse().ok()).ok_or(TimeError::Form)
}

/// `yyyyMMddHHmmss`, the form of every time we write (iris-facts §9.1).
#[must_use]
pub fn fourteen_digits(moment: Timestamp, zone: &TimeZone) -> String {
    let time = zone.to_datetime(moment);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn forms() {
        use Precision as P;
        use TimeError as E;
        let cases = [
            ("2026", Ok((P::Year, "2026-01-01T00:00:00", None))),
            ("202611", Ok((P::Month, "2026-11-01T00:00:00", None))),
            ("20261130", Ok((P::Day, "2026-11-30T00:00:00", None))),
            ("2026113009", Ok((P::Hour, "2026-11-30T09:00:00", None))),
            ("202611300905", Ok((P::Minute, "2026-11-30T09:05:00", None))),
            ("20261130090507", Ok((P::Second, "2026-11-30T09:05:07", None))),
            ("20261130090507.1", Ok((P::Fraction, "2026-11-30T09:05:07.1", None))),
            ("20261130090507.1234", Ok((P::Fraction, "2026-11-30T09:05:07.1234", None))),
            ("20261130090507.123456789012", Ok((P::Fraction, "2026-11-30T09:05:07.123456789", None))),
            ("20261130090507-0600", Ok((P::Second, "2026-11-30T09:05:07", Some(-6 * 3600)))),
            ("20261130+0530", Ok((P::Day, "2026-11-30T00:00:00", Some(5 * 3600 + 1800)))),
            (" 20261130 ", Ok((P::Day, "2026-11-30T00:00:00", None))),
            ("20240229", Ok((P::Day, "2024-02-29T00:00:00", None))),
            ("20240230", Err(E::Impossible)),
            ("20250229", Err(E::Impossible)),
            ("20261301", Err(E::Impossible)),
            ("2026113024", Err(E::Impossible)),
            ("202611300960", Err(E::Impossible)),
            ("00000000", Err(E::Impossible)),
            ("", Err(E::Form)),
            ("20", Err(E::Form)),
            ("2026113", Err(E::Form)),
            ("202611301", Err(E::Form)),
            ("2026113009.5", Err(E::Form)),
            ("20261130090507.", Err(E::Form)),
            ("11/30/2026", Err(E::Form)),
            ("2026-11-30", Err(E::Offset)),
            ("20261130+05", Err(E::Offset)),
            ("20261130+1500", Err(E::Offset)),
            ("20261130+0060", Err(E::Offset)),
            ("２０２６", Err(E::Form)),
        ];
        for (text, expected) in cases {
            let read = Time::read(text)
                .map(|time| (time.precision(), time.civil().to_string(), time.offset().map(Offset::seconds)));
            assert_eq!(read, expected.map(|(p, civil, offset)| (p, civil.to_owned(), offset)), "{text}");
        }
    }

    #[test]
    fn its_own_offset_then_the_message_then_the_zone() {
        let chicago = TimeZone::get("America/Chicago").unwrap();
        let moment = |text: &str, message: Option<i8>| {
            let message = message.map(jiff::tz::offset);
            Time::read(text).unwrap().moment(message, &chicago).map(|moment| moment.to_string())
        };
        assert_eq!(moment("20261130090000-0500", Some(1)).unwrap(), "2026-11-30T14:00:00Z");
        assert_eq!(moment("20261130090000", Some(1)).unwrap(), "2026-11-30T08:00:00Z");
        assert_eq!(moment("20261130090000", None).unwrap(), "2026-11-30T15:00:00Z");
        // Clocks jumped from 2 to 3 on 8 March 2026, and back from 2 to 1 on 1 November.
        assert_eq!(moment("20260308023000", None).unwrap(), "2026-03-08T08:30:00Z");
        assert_eq!(moment("20261101013000", None).unwrap(), "2026-11-01T06:30:00Z");
        assert_eq!(moment("202611", None), Err(TimeError::NoDay));
    }

    #[test]
    fn days() {
        assert_eq!(Time::read("197002").unwrap().date(), Err(TimeError::NoDay));
        assert_eq!(Time::read("19700203040506").unwrap().date(), Ok(date(1970, 2, 3)));
    }

    #[test]
    fn written_in_the_zone() {
        let moment: Timestamp = "2026-11-30T05:04:03.9Z".parse().unwrap();
        assert_eq!(fourteen_digits(moment, &TimeZone::UTC), "20261130050403");
        assert_eq!(fourteen_digits(moment, &TimeZone::get("America/Chicago").unwrap()), "20261129230403");
    }
}
