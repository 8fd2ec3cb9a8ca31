//! .NET `TimeSpan` text, as every duration in `host.json` and `function.json` is written: `[-][d.]hh:mm:ss[.fffffff]`.

use std::time::Duration;

/// Reads a non-negative time span. `None` when the text is anything else, including a plain number (which .NET would
/// take for days, a classic surprise).
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut parts = text.trim().split(':');
    let (first, minutes) = (parts.next()?, parts.next()?);
    let seconds = parts.next().unwrap_or("0");
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = match first.split_once('.') {
        Some((days, hours)) => (number(days, u64::from(u32::MAX))?, hours),
        None => (0, first),
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if fraction.is_empty() || fraction.len() > 7 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    let whole = days * 86_400 + number(hours, 23)? * 3_600 + number(minutes, 59)? * 60 + number(seconds, 59)?;
    Some(Duration::new(whole, nanos))
}

fn number(text: &str, max: u64) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|value| plain && *value <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_in_use() {
        for (text, millis) in [
            ("00:05:00", 300_000),
            ("00:00:00.80", 800),
            ("1.00:00:00", 86_400_000),
            ("23:59:59.9999999", 86_399_999),
            ("00:10", 600_000),
        ] {
            assert_eq!(parse(text).map(|span| span.as_millis()), Some(millis), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_span() {
        for text in [
            "",
            "5",
            "-1",
            "-00:05:00",
            "24:00:00",
            "00:60:00",
            "1:2:3:4",
            "a:b:c",
            "00:00:00.",
            "00:00:+1",
            "+1.00:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
