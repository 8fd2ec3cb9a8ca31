//! Dates and times (decision 15; iris-facts §13 #14, #15).
//!
//! Read: `yyyy-MM-dd`, `yyyyMMdd`, `yyyy/MM/dd`, `M/d/yyyy` or `d/M/yyyy` as the caller says (also with hyphens), and
//! with the English name of the month: `14-MAR-1938`, `14MAR1938`, `March 14, 1938`. Each stands alone or is followed
//! by `T`, a comma or blanks and a time of day `H:mm[:ss[.fraction]]`, with `AM`/`PM`, and with an offset (`Z`,
//! `+00:00`, `+0000`, `+00`). Also HL7's `yyyyMMddHHmm` and `yyyyMMddHHmmss`.

use super::{ValueError, whole};
use crate::issue::quoted;
use crate::organization::DateOrder;
use crate::{DateTimeOffset, IssueCode};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use std::borrow::Cow;

/// A date. A time of day after it is checked and dropped; the date is the one written, whatever the offset.
pub fn date(text: &str, order: DateOrder) -> Result<Date, ValueError> {
    moment(text, order).map(|moment| moment.date)
}

/// A local date and time; midnight when there is no time of day. An offset is checked and dropped (iris-facts §13 #15).
pub fn date_time(text: &str, order: DateOrder) -> Result<DateTime, ValueError> {
    moment(text, order).map(|moment| DateTime::from_parts(moment.date, moment.time.unwrap_or(Time::midnight())))
}

/// An instant with its offset, to 100 nanoseconds. Without an offset it is taken as UTC.
pub fn date_time_offset(text: &str) -> Result<DateTimeOffset, ValueError> {
    let moment = moment(text, DateOrder::MonthFirst)?;
    let offset = moment.offset.unwrap_or(Offset::UTC);
    let local = DateTime::from_parts(moment.date, moment.time.unwrap_or(Time::midnight()));
    let nanosecond = local.subsec_nanosecond() / 100 * 100;
    local
        .with()
        .subsec_nanosecond(nanosecond)
        .build()
        .and_then(|local| offset.to_timestamp(local))
        .map(|instant| DateTimeOffset { instant, offset })
        .map_err(|_| unreadable(text.trim()))
}

/// What a text can say about a moment.
struct Moment {
    date: Date,
    time: Option<Time>,
    offset: Option<Offset>,
}

fn moment(text: &str, order: DateOrder) -> Result<Moment, ValueError> {
    let text = plain(text);
    let text = whole(text.trim());
    let bytes = text.as_bytes();
    if bytes.iter().all(u8::is_ascii_digit) {
        return digits_only(bytes, text);
    }
    let (date, clock) = if let Some((day, month, year, clock)) = named(bytes) {
        (named_day(day, month, year, text)?, clock)
    } else {
        let end = bytes.iter().position(|byte| matches!(byte, b'T' | b't' | b' ' | b',')).unwrap_or(bytes.len());
        let (day, clock) = bytes.split_at(end);
        (day_of(day, order, text)?, clock)
    };
    let clock = clock.strip_prefix(b",").unwrap_or(clock);
    let Some((_, clock)) = clock.split_first() else {
        return Ok(Moment { date, time: None, offset: None });
    };
    let (time, offset) = time_of(clock.trim_ascii()).ok_or_else(|| unreadable(text))?;
    Ok(Moment { date, time: Some(time), offset })
}

/// Programs put blanks of many kinds before `AM`; browsers, since 2023, a narrow no-break one.
fn plain(text: &str) -> Cow<'_, str> {
    let is_blank = |character: char| !character.is_ascii() && character.is_whitespace();
    if text.is_ascii() || !text.contains(is_blank) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(is_blank, " "))
}

/// Day, month and year of a date with a month name, and what follows: `14-MAR-1938`, `14MAR1938`, `14 March 1938`,
/// `March 14, 1938`. These are unambiguous, whatever the order of numbers.
fn named(bytes: &[u8]) -> Option<(u16, u16, &[u8], &[u8])> {
    let (month_or_day, rest) = part(bytes)?;
    let (other, rest) = part(separated(rest))?;
    let (year, clock) = part(separated(rest))?;
    let (day, month) = match (month_of(month_or_day), month_of(other)) {
        (Some(month), None) => (number(other)?, month),
        (None, Some(month)) => (number(month_or_day)?, month),
        _ => return None,
    };
    // SAS writes a colon between date and time.
    let is_end = matches!(clock.first(), None | Some(b' ' | b',' | b':' | b'T' | b't'));
    (is_end && year.iter().all(u8::is_ascii_digit)).then_some((day, month, year, clock))
}

/// The leading letters or digits, and what follows.
fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = bytes.first()?;
    let is_same = |byte: &u8| {
        if first.is_ascii_digit() { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() }
    };
    let end = bytes.iter().position(|byte| !is_same(byte)).unwrap_or(bytes.len());
    if end == 0 { None } else { bytes.split_at_checked(end) }
}

/// What follows the separator that may stand between the parts of a date with a month name.
fn separated(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| !matches!(byte, b' ' | b'-' | b'/' | b'.' | b',')).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

/// The number of a month, by its English name or the first three letters.
fn month_of(word: &[u8]) -> Option<u16> {
    let name = |name: &&str| word.eq_ignore_ascii_case(name.as_bytes());
    let short = |name: &&str| name.get(..3).is_some_and(|short| word.eq_ignore_ascii_case(short.as_bytes()));
    let is_september = word.eq_ignore_ascii_case(b"sept");
    let found = MONTHS.iter().position(|month| name(month) || short(month));
    let month = if is_september { Some(8) } else { found }?;
    u16::try_from(month + 1).ok()
}

fn named_day(day: u16, month: u16, year: &[u8], text: &str) -> Result<Date, ValueError> {
    match (year.len(), number(year)) {
        (4, Some(year)) => calendar(year, month, day, text),
        (2, Some(_)) => Err(two_digit_year(text)),
        _ => Err(unreadable(text)),
    }
}

/// What a date of three numbers shows about the order of its day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It is one day in this order, and none in the other.
    Only(DateOrder),
    /// It is a day in both orders, and not the same.
    Either,
}

/// What a text shows about the order of day and month, if it is a date in which that matters.
#[must_use]
pub fn order_shown(text: &str) -> Option<Shown> {
    let text = text.trim().as_bytes();
    let end = text.iter().position(|byte| matches!(byte, b' ' | b',' | b'T' | b't')).unwrap_or(text.len());
    let day = text.get(..end)?;
    let separator = if day.contains(&b'/') { b'/' } else { b'-' };
    let mut parts = day.split(|byte| *byte == separator);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || first.len() > 2 || second.len() > 2 {
        return None;
    }
    let year = i16::try_from(number(year)?).ok()?;
    let is_day = |month: u16, day: u16| match (i8::try_from(month), i8::try_from(day)) {
        (Ok(month), Ok(day)) => Date::new(year, month, day).is_ok(),
        _ => false,
    };
    let (first, second) = (number(first)?, number(second)?);
    match (is_day(first, second), is_day(second, first)) {
        (true, true) if first != second => Some(Shown::Either),
        (true, false) => Some(Shown::Only(DateOrder::MonthFirst)),
        (false, true) => Some(Shown::Only(DateOrder::DayFirst)),
        _ => None,
    }
}

/// `yyyyMMdd`, alone or with `HHmm` or `HHmmss`.
fn digits_only(bytes: &[u8], text: &str) -> Result<Moment, ValueError> {
    let number = |range: std::ops::Range<usize>| bytes.get(range).and_then(number);
    let time = match bytes.len() {
        8 => None,
        12 | 14 => {
            let second = if bytes.len() == 14 { number(12..14) } else { Some(0) };
            let parts = (number(8..10), number(10..12), second);
            let (Some(hour), Some(minute), Some(second)) = parts else { return Err(unreadable(text)) };
            Some(clock(hour, minute, second, 0).ok_or_else(|| unreadable(text))?)
        }
        4..=5 => {
            return Err(ValueError::new(
                IssueCode::BadDate,
                format!(
                    "{} looks like a spreadsheet's day number. Format the column as a date, yyyy-MM-dd.",
                    quoted(text)
                ),
            ));
        }
        _ => return Err(unreadable(text)),
    };
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(4..6), number(6..8)) else {
        return Err(unreadable(text));
    };
    Ok(Moment { date: calendar(year, month, day, text)?, time, offset: None })
}

fn day_of(day: &[u8], order: DateOrder, text: &str) -> Result<Date, ValueError> {
    let separator = if day.contains(&b'/') { b'/' } else { b'-' };
    let mut parts = day.split(|byte| *byte == separator);
    let (Some(first), Some(second), Some(third), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unreadable(text));
    };
    let (Some(one), Some(two), Some(three)) = (number(first), number(second), number(third)) else {
        return Err(unreadable(text));
    };
    if first.len() == 4 && second.len() <= 2 && third.len() <= 2 {
        return calendar(one, two, three, text);
    }
    if third.len() == 2 && first.len() <= 2 && second.len() <= 2 {
        return Err(two_digit_year(text));
    }
    if third.len() != 4 || first.len() > 2 || second.len() > 2 {
        return Err(unreadable(text));
    }
    let (month, day) = match order {
        DateOrder::MonthFirst => (one, two),
        DateOrder::DayFirst => (two, one),
    };
    if month > 12 && day <= 12 {
        let (read, other) = match order {
            DateOrder::MonthFirst => ("M/d/yyyy", "d/M/yyyy"),
            DateOrder::DayFirst => ("d/M/yyyy", "M/d/yyyy"),
        };
        return Err(ValueError::new(
            IssueCode::BadDate,
            format!(
                "{} has no such month: dates with slashes are read as {read}. Write yyyy-MM-dd, or have the mapping's \
                 date order set to {other}.",
                quoted(text)
            ),
        ));
    }
    calendar(three, month, day, text)
}

/// The time of day and offset; `None` when it is not one.
fn time_of(bytes: &[u8]) -> Option<(Time, Option<Offset>)> {
    let (hour, rest) = leading_number(bytes, 2)?;
    let (minute, mut rest) = leading_number(rest.strip_prefix(b":")?, 2)?;
    let (mut second, mut nanosecond) = (0, 0);
    if let Some(behind) = rest.strip_prefix(b":") {
        (second, rest) = leading_number(behind, 2)?;
        if let Some(behind) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
            (nanosecond, rest) = fraction(behind)?;
        }
    }
    let (hour, rest) = half_of_day(hour, rest.trim_ascii_start())?;
    let offset = offset(rest.trim_ascii_start())?;
    Some((clock(hour, minute, second, nanosecond)?, offset))
}

/// Applies `AM` or `PM`, if there is one.
fn half_of_day(hour: u16, rest: &[u8]) -> Option<(u16, &[u8])> {
    let Some((half, behind)) = rest.split_at_checked(2) else { return Some((hour, rest)) };
    let noon = if half.eq_ignore_ascii_case(b"AM") {
        0
    } else if half.eq_ignore_ascii_case(b"PM") {
        12
    } else {
        return Some((hour, rest));
    };
    (1..=12).contains(&hour).then_some((hour % 12 + noon, behind))
}

/// Nothing, `Z`, `+hh:mm`, `+hhmm` or `+hh`, up to 18 hours.
fn offset(bytes: &[u8]) -> Option<Option<Offset>> {
    let (sign, rest) = match bytes.split_first() {
        None => return Some(None),
        Some((b'Z' | b'z', [])) => return Some(Some(Offset::UTC)),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => return None,
    };
    let (hours, rest) = rest.split_at_checked(2)?;
    let minutes = rest.strip_prefix(b":").unwrap_or(rest);
    let minutes =
        if minutes.is_empty() { 0 } else { Some(minutes).filter(|digits| digits.len() == 2).and_then(number)? };
    let total = i32::from(number(hours)?) * 60 + i32::from(minutes);
    if minutes > 59 || total > 18 * 60 {
        return None;
    }
    Offset::from_seconds(sign * total * 60).ok().map(Some)
}

/// Up to `most` leading digits, at least one, and what follows.
fn leading_number(bytes: &[u8], most: usize) -> Option<(u16, &[u8])> {
    let count = bytes.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at_checked(count)?;
    Some((number(digits)?, rest))
}

/// A decimal fraction of a second in nanoseconds; digits beyond the ninth are dropped.
fn fraction(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at_checked(count)?;
    let nanoseconds = (0..9).fold(0, |sum, place| {
        let digit = digits.get(place).map_or(0, |byte| i32::from(byte - b'0'));
        sum * 10 + digit
    });
    (count > 0).then_some((nanoseconds, rest))
}

/// One to four digits.
fn number(bytes: &[u8]) -> Option<u16> {
    if bytes.is_empty() || bytes.len() > 4 {
        return None;
    }
    bytes.iter().try_fold(0u16, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u16::from(byte - b'0')))
}

fn clock(hour: u16, minute: u16, second: u16, nanosecond: i32) -> Option<Time> {
    let part = |value: u16| i8::try_from(value).ok();
    Time::new(part(hour)?, part(minute)?, part(second)?, nanosecond).ok()
}

fn calendar(year: u16, month: u16, day: u16, text: &str) -> Result<Date, ValueError> {
    let parts = (i16::try_from(year), i8::try_from(month), i8::try_from(day));
    if let (Ok(year), Ok(month), Ok(day)) = parts
        && let Ok(date) = Date::new(year, month, day)
    {
        return Ok(date);
    }
    Err(ValueError::new(IssueCode::BadDate, format!("{} is not a day of the calendar.", quoted(text))))
}

fn two_digit_year(text: &str) -> ValueError {
    let message = format!("{} has a year of two digits. Write all four, e.g. yyyy-MM-dd.", quoted(text));
    ValueError::new(IssueCode::TwoDigitYear, message)
}

fn unreadable(text: &str) -> ValueError {
    let is_named = |month: &str| month.get(..3).is_some_and(|name| text.to_ascii_lowercase().contains(name));
    let what_to_do = if MONTHS.into_iter().any(is_named) {
        "Write the month as a number: yyyy-MM-dd."
    } else if text.contains('.') && !text.contains(':') {
        "Dates with dots are not read. Write yyyy-MM-dd."
    } else {
        "Write yyyy-MM-dd, for a time yyyy-MM-ddTHH:mm:ss."
    };
    ValueError::new(IssueCode::BadDate, format!("{} is not a date in an accepted form. {what_to_do}", quoted(text)))
}

const MONTHS: [&str; 12] = [
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
];

#[cfg(test)]
mod tests {
    use super::*;
    use DateOrder::{DayFirst, MonthFirst};

    #[test]
    fn messages_tell_how_to_write_it() {
        let message = |text| date(text, MonthFirst).unwrap_err().message;
        assert!(message("12-Nov").contains("month as a number"));
        assert!(message("Sun Nov 12 1950").contains("month as a number"));
        assert!(message("12.11.1950").contains("dots"));
        assert!(message("yesterday").contains("Write yyyy-MM-dd"));
    }

    fn code<T>(result: Result<T, ValueError>) -> IssueCode {
        result.map(|_| ()).unwrap_err().code
    }

    #[test]
    fn every_published_form_of_a_date() {
        for text in [
            "1/2/2000",
            "01/02/2000",
            "2000-01-02",
            "2000-1-2",
            "20000102",
            "2000/01/02",
            "2000-01-02T00:00:00",
            "2000-01-02T23:30:00-08:00",
            "2000-01-02T00:00:00.0000000+00:00",
            "2000-01-02 00:00:00",
            "1/2/2000 12:00:00 AM",
            " 1/2/2000\t",
            "01-02-2000",
            "1-2-2000",
            "20000102.0",
            "02-JAN-2000",
            "2-Jan-2000",
            "02JAN2000",
            "02JAN2000:00:00:00",
            "2 January 2000",
            "January 2, 2000",
            "Jan 2, 2000",
            "Jan. 2, 2000",
            "Jan 2 2000",
            "Jan  2 2000 12:00AM",
            "02-JAN-2000 00:00:00",
        ] {
            assert_eq!(date(text, MonthFirst).map(|date| date.to_string()), Ok("2000-01-02".to_owned()), "{text}");
        }
        assert_eq!(date("2/1/2000", DayFirst).map(|date| date.to_string()), Ok("2000-01-02".to_owned()));
        assert_eq!(date("2000-01-02", DayFirst).map(|date| date.to_string()), Ok("2000-01-02".to_owned()));
    }

    #[test]
    fn times_of_day() {
        for (text, expected) in [
            ("2026-12-01", "2026-12-01T00:00:00"),
            ("12/1/2026", "2026-12-01T00:00:00"),
            ("2026-12-01T09:05", "2026-12-01T09:05:00"),
            ("2026-12-01T09:05:06Z", "2026-12-01T09:05:06"),
            ("2026-12-03T17:30:00.000+0000", "2026-12-03T17:30:00"),
            ("2026-12-03T17:30:00.25-08", "2026-12-03T17:30:00.25"),
            ("12/1/2026 9:05", "2026-12-01T09:05:00"),
            ("12/1/2026  9:05 pm", "2026-12-01T21:05:00"),
            ("12/1/2026 12:05PM", "2026-12-01T12:05:00"),
            ("12/1/2026 12:05 AM", "2026-12-01T00:05:00"),
            ("12/1/2026, 9:05:00\u{202f}AM", "2026-12-01T09:05:00"),
            ("12/1/2026 9:05\u{a0}PM", "2026-12-01T21:05:00"),
            ("12/1/2026, 9:05:00 AM", "2026-12-01T09:05:00"),
            ("1-Dec-2026 9:05 PM", "2026-12-01T21:05:00"),
            ("202612010905", "2026-12-01T09:05:00"),
            ("20261201090507", "2026-12-01T09:05:07"),
        ] {
            assert_eq!(date_time(text, MonthFirst).map(|time| time.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "",
            "x",
            "1/2",
            "1/2/3/4",
            "2000-13-01",
            "2000-02-30",
            "0/1/2000",
            "1/0/2000",
            "13/13/2000",
            "2000-01-02T25:00",
            "2000-01-02T10:60",
            "2000-01-02T10:00:61",
            "2000-01-02T10:00+19:00",
            "2000-01-02T",
            "2000-01-02 noon",
            "1.2.2000",
            "Jan Feb 2000",
            "2 2 January",
            "32-JAN-2000",
            "30 Feb 2000",
            "Janu 2, 2000",
            "19501216.5",
            "1/2/02000",
            "2000-01-02T13:00 PM",
            "2000-01-02T0:00 AM",
            "99999999",
            "1234567",
            "١/٢/٢٠٠٠",
            "2000-01-02T10:00+1:00",
            "2000-01-02T10:00:00.",
            "//",
            "--",
            "-/-/-",
            "+1/+2/2000",
            "123456789012345678901234567890",
        ] {
            assert_eq!(code(date(text, MonthFirst)), IssueCode::BadDate, "{text}");
        }
        for text in ["1/2/03", "01/02/99", "1-2-03", "99-01-02", "14-MAR-38", "Mar 14, 38"] {
            assert_eq!(code(date(text, MonthFirst)), IssueCode::TwoDigitYear, "{text}");
        }
    }

    #[test]
    fn numbers_show_the_order_of_day_and_month() {
        for (text, shown) in [
            ("23/04/1961", Some(Shown::Only(DayFirst))),
            ("4/23/1961 9:00", Some(Shown::Only(MonthFirst))),
            ("4-23-1961", Some(Shown::Only(MonthFirst))),
            ("03/04/1961", Some(Shown::Either)),
            ("2/29/1961", None),
            ("3/3/1961", None),
            ("1961/03/04", None),
            ("1961-03-04", None),
            ("23/23/1961", None),
            ("3/4/61", None),
            ("14-MAR-1938", None),
            ("", None),
        ] {
            assert_eq!(order_shown(text), shown, "{text}");
        }
    }

    #[test]
    fn messages_say_what_to_do() {
        assert!(date("44927", MonthFirst).unwrap_err().message.contains("Format the column"));
        assert!(date("31/12/2000", MonthFirst).unwrap_err().message.contains("d/M/yyyy"));
        assert!(date("12/31/2000", DayFirst).unwrap_err().message.contains("M/d/yyyy"));
    }

    #[test]
    fn instants_keep_their_offset() {
        for (text, expected) in [
            ("2026-11-20T09:15:02.5314827+00:00", "2026-11-20T09:15:02.5314827+00:00"),
            ("2026-11-20T09:15:02.53148279-05:30", "2026-11-20T09:15:02.5314827-05:30"),
            ("2026-11-20T09:15:02Z", "2026-11-20T09:15:02.0000000+00:00"),
            ("2026-11-20T09:15:02", "2026-11-20T09:15:02.0000000+00:00"),
            ("2026-11-20", "2026-11-20T00:00:00.0000000+00:00"),
        ] {
            assert_eq!(date_time_offset(text).map(|time| time.to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*", digits in "[0-9/:TZ+\\-. APM]{0,30}") {
            for order in [MonthFirst, DayFirst] {
                let _ = date_time(&text, order);
                let _ = date_time(&digits, order);
            }
            let _ = date_time_offset(&text);
            let _ = date_time_offset(&digits);
        }

        #[test]
        fn every_day_is_read_back(day in 0i32..80_000) {
            let expected = jiff::civil::date(1880, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
            proptest::prop_assert_eq!(date(&expected.to_string(), DayFirst), Ok(expected));
            proptest::prop_assert_eq!(date(&expected.strftime("%-m/%-d/%Y").to_string(), MonthFirst), Ok(expected));
            proptest::prop_assert_eq!(date(&expected.strftime("%d/%m/%Y").to_string(), DayFirst), Ok(expected));
            proptest::prop_assert_eq!(date(&expected.strftime("%Y%m%d").to_string(), DayFirst), Ok(expected));
        }
    }
}
