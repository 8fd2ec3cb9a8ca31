//! What Newtonsoft's JSON reader does to text that looks like an ISO date-time: it becomes a .NET date, and is written
//! in a different form (functions-host-contract §1.4, §1.6). The host runs in UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::value::{civil_precise, utc};

enum Zone {
    None,
    Utc,
    Offset,
}

/// `None` when the text stays text.
fn recognize(text: &str) -> Option<(DateTime, Zone)> {
    let bytes = text.as_bytes();
    if !(19..=40).contains(&bytes.len()) || bytes[10] != b'T' {
        return None;
    }
    if text.ends_with('Z') {
        return text.parse::<Timestamp>().ok().map(|time| (utc(time), Zone::Utc));
    }
    if bytes[19..].iter().any(|byte| matches!(byte, b'+' | b'-')) {
        return text.parse::<Timestamp>().ok().map(|time| (utc(time), Zone::Offset));
    }
    text.parse::<DateTime>().ok().map(|time| (time, Zone::None))
}

/// The text after parsing and `ToString()` in the invariant culture.
pub(super) fn as_invariant_text(text: &str) -> Option<String> {
    let (time, _) = recognize(text)?;
    Some(format!(
        "{:02}/{:02}/{:04} {:02}:{:02}:{:02}",
        time.month(),
        time.day(),
        time.year(),
        time.hour(),
        time.minute(),
        time.second()
    ))
}

/// The text after being parsed and written as JSON again.
pub(super) fn as_json_text(text: &str) -> Option<String> {
    let (time, zone) = recognize(text)?;
    let suffix = match zone {
        Zone::None => "",
        Zone::Utc => "Z",
        Zone::Offset => "+00:00",
    };
    Some(civil_precise(time) + suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_change_their_form() {
        for (text, json, invariant) in [
            ("2026-11-20T09:15:02.500Z", "2026-11-20T09:15:02.5Z", "11/20/2026 09:15:02"),
            ("2026-11-20T09:15:02+02:00", "2026-11-20T07:15:02+00:00", "11/20/2026 07:15:02"),
            ("2026-11-20T09:15:02", "2026-11-20T09:15:02", "11/20/2026 09:15:02"),
        ] {
            assert_eq!(as_json_text(text).as_deref(), Some(json));
            assert_eq!(as_invariant_text(text).as_deref(), Some(invariant));
        }
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "",
            "2026-11-20",
            "2026-11-20 09:15:02",
            "2026-11-20T09:15",
            "2026-13-20T09:15:02Z",
            "2026-11-20Tööööööööö",
        ] {
            assert_eq!(as_json_text(text), None, "{text}");
        }
    }
}
