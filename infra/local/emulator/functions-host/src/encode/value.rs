//! The encodings of single values (functions-host-contract §1.2).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Appends `text` as a JSON string.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Appends `text` escaped for the inside of a JSON string.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    let mut plain = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..index]);
        plain = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0C => out.push_str("\\f"),
            control => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{control:04x}");
            }
        }
    }
    out.push_str(&text[plain..]);
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}

/// A .NET string on the wire: the JSON text of the string, as a JSON string.
pub(super) fn twice_quoted(text: &str) -> String {
    quoted(&quoted(text))
}

/// Appends bytes as a JSON string of base64. Base64 needs no escaping.
pub(super) fn push_base64(out: &mut String, bytes: &[u8]) {
    out.push('"');
    STANDARD.encode_string(bytes, out);
    out.push('"');
}

/// The number of bytes that base64 takes, including quotes.
pub(super) fn base64_size(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4 + 2
}

/// A UTC `DateTime` that was converted to text: whole seconds, no zone.
pub(super) fn whole_seconds(time: Timestamp) -> String {
    civil_seconds(utc(time))
}

/// A `DateTime` as Newtonsoft writes it: up to seven decimals without trailing zeros, no zone.
pub(super) fn full_precision(time: Timestamp) -> String {
    civil_precise(utc(time))
}

/// The same for a civil time.
pub(super) fn civil_precise(time: DateTime) -> String {
    let mut text = civil_seconds(time);
    let ticks = time.subsec_nanosecond() / 100;
    if ticks != 0 {
        let _ = write!(text, ".{ticks:07}");
        text.truncate(text.trim_end_matches('0').len());
    }
    text
}

/// The same for a civil time.
pub(super) fn civil_seconds(time: DateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// The civil time in UTC.
pub(super) fn utc(time: Timestamp) -> DateTime {
    time.to_zoned(TimeZone::UTC).datetime()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_valid_json_for_any_text() {
        let text: String = (0..0x2100).filter_map(char::from_u32).collect();
        assert_eq!(serde_json::from_str::<String>(&quoted(&text)).unwrap(), text);
        let inner: String = serde_json::from_str(&twice_quoted(&text)).unwrap();
        assert_eq!(serde_json::from_str::<String>(&inner).unwrap(), text);
        assert_eq!(twice_quoted("abc"), r#""\"abc\"""#);
    }

    #[test]
    fn times_are_written_as_dotnet_does() {
        let time: Timestamp = "2026-11-20T09:15:02.123000456Z".parse().unwrap();
        assert_eq!(whole_seconds(time), "2026-11-20T09:15:02");
        assert_eq!(full_precision(time), "2026-11-20T09:15:02.1230004");
        let round: Timestamp = "2026-11-20T09:15:20Z".parse().unwrap();
        assert_eq!(full_precision(round), "2026-11-20T09:15:20");
        let tenth: Timestamp = "2026-11-20T09:15:20.100Z".parse().unwrap();
        assert_eq!(full_precision(tenth), "2026-11-20T09:15:20.1");
    }

    #[test]
    fn base64_has_the_promised_size() {
        for length in 0..9 {
            let mut out = String::new();
            push_base64(&mut out, &vec![7; length]);
            assert_eq!(out.len(), base64_size(&vec![7; length]));
        }
    }
}
