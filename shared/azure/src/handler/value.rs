//! Reading one value of the envelope, whichever way the host encoded it (functions-host-contract §1.2).
//!
//! A .NET string arrives as JSON text in a JSON string, and so does a number; an object arrives as itself. The readers
//! here undo exactly one level, and only into the expected type: the text of a string is never interpreted further,
//! because the sender of the message may have chosen it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

/// A text; `null`, in either encoding, counts as absent.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(encoded) => match serde_json::from_str::<Option<String>>(encoded) {
            Ok(text) => text,
            Err(_) => Some(encoded.clone()),
        },
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A whole number, also as text.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        other => text(other)?.trim().parse().ok(),
    }
}

/// A truth value, also as text.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        other => text(other)?.trim().to_ascii_lowercase().parse().ok(),
    }
}

/// An instant; without a zone it is UTC.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    let text = text(value)?;
    let text = text.trim();
    text.parse::<Timestamp>().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// An object, also as JSON text in a string.
pub(super) fn object(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members.clone()),
        Value::String(encoded) => serde_json::from_str(encoded).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_loses_one_level_of_encoding_and_no_more() {
        for (encoded, expected) in [
            (json!("\"order-1001\""), Some("order-1001")),
            (json!("order-1001"), Some("order-1001")),
            (json!("42"), Some("42")),
            (json!(42), Some("42")),
            (json!("\"\\\"quoted\\\"\""), Some("\"quoted\"")),
            (json!("{\"a\":1}"), Some("{\"a\":1}")),
            (json!(""), Some("")),
            (json!("null"), None),
            (json!(null), None),
            (json!({}), None),
        ] {
            assert_eq!(text(&encoded).as_deref(), expected, "{encoded}");
        }
    }

    #[test]
    fn numbers_and_flags_come_in_three_forms() {
        for encoded in [json!(7), json!("7"), json!("\"7\"")] {
            assert_eq!(integer(&encoded), Some(7));
        }
        for encoded in [json!(true), json!("true"), json!("\"True\"")] {
            assert_eq!(boolean(&encoded), Some(true));
        }
        for encoded in [json!("seven"), json!(7.5), json!([7]), json!("99999999999999999999")] {
            assert_eq!(integer(&encoded), None);
        }
    }

    #[test]
    fn times_without_a_zone_are_utc() {
        let expected: Timestamp = "2026-11-20T09:15:02Z".parse().unwrap();
        for encoded in [
            json!("2026-11-20T09:15:02"),
            json!("\"2026-11-20T09:15:02\""),
            json!("2026-11-20T09:15:02Z"),
            json!("2026-11-20T10:15:02+01:00"),
            json!("2026-11-20T09:15:02.000"),
        ] {
            assert_eq!(time(&encoded), Some(expected), "{encoded}");
        }
        assert!(time(&json!("0001-01-01T00:00:00")).is_some());
        assert_eq!(time(&json!("yesterday")), None);
    }
}
