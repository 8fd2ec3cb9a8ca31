//! How values look: numbers, times, outcomes, JSON.

use iris_model::OutcomeKind;
use iris_model::enumeration::OrderStatus;
use iris_model::value::residue::shown;
use iris_store::DropStatus;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Shown instead of a hidden value.
pub(crate) const HIDDEN: &str = "•••";

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text from outside: it cannot change the direction of the text around it, and invisible characters in it are shown.
pub(crate) fn foreign(text: &str) -> Markup {
    html! { @if !text.is_empty() { bdi { (shown(text)) } } }
}

/// A value as part of an address.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `1.5 MB`.
pub(crate) fn bytes(number: u64) -> String {
    for (name, power) in [("GB", 30), ("MB", 20), ("kB", 10)] {
        if number >> power > 0 {
            let tenths = (u128::from(number) * 10) >> power;
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{number} B")
}

/// A time in this machine's time zone; with the day only if it is not today.
pub(crate) fn time(at: Timestamp) -> Markup {
    let zoned = at.to_zoned(TimeZone::system());
    let today = Timestamp::now().to_zoned(TimeZone::system()).date();
    let text = if zoned.date() == today {
        zoned.strftime("%H:%M:%S").to_string()
    } else {
        zoned.strftime("%Y-%m-%d %H:%M").to_string()
    };
    html! { time datetime=(at) title=(zoned.strftime("%Y-%m-%d %H:%M:%S%.3f %Z")) { (text) } }
}

/// `0.8 s`, `2 min 5 s`.
pub(crate) fn duration(from: Timestamp, to: Timestamp) -> String {
    let millis = to.as_millisecond().saturating_sub(from.as_millisecond()).max(0);
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// A short word in a color: `good`, `bad`, `warn`, `busy` or `calm`.
pub(crate) fn chip(tone: &str, text: &str) -> Markup {
    html! { span.chip.(tone) { (text) } }
}

/// What became of a row or message.
pub(crate) fn outcome(kind: OutcomeKind) -> Markup {
    let (tone, text) = match kind {
        OutcomeKind::Created => ("good", "created"),
        OutcomeKind::Replayed => ("calm", "replayed"),
        OutcomeKind::Changed => ("good", "changed"),
        OutcomeKind::Cancelled => ("calm", "cancelled"),
        OutcomeKind::PatientRegistered => ("good", "patient"),
        OutcomeKind::Resent => ("good", "resent"),
        OutcomeKind::Ignored => ("warn", "ignored"),
        OutcomeKind::Failed => ("bad", "rejected"),
    };
    chip(tone, text)
}

/// Where an order stands.
pub(crate) fn order_status(status: OrderStatus) -> Markup {
    let tone = match status {
        OrderStatus::OrderCancelled => "calm",
        OrderStatus::Error => "bad",
        OrderStatus::UnderReview => "warn",
        OrderStatus::Graded | OrderStatus::Complete => "good",
        _ => "busy",
    };
    chip(tone, &words(status.code()))
}

/// `AwaitingImages` → `awaiting images`.
pub(crate) fn words(code: &str) -> String {
    let mut text = String::with_capacity(code.len() + 4);
    for (place, character) in code.chars().enumerate() {
        if character.is_uppercase() && place > 0 {
            text.push(' ');
        }
        text.extend(character.to_lowercase());
    }
    text
}

/// Where a drop stands; `failed` of its rows were refused.
pub(crate) fn drop_status(status: DropStatus, failed: u64, rows: u64) -> Markup {
    match status {
        DropStatus::Loading => chip("busy", "loading"),
        DropStatus::Loaded if rows == 0 => chip("warn", "nothing to load"),
        DropStatus::Loaded if failed == rows => chip("bad", "all rows rejected"),
        DropStatus::Loaded if failed > 0 => chip("warn", "loaded in part"),
        DropStatus::Loaded => chip("good", "loaded"),
        DropStatus::Broken => chip("bad", "broken off"),
        DropStatus::Refused => chip("bad", "refused"),
    }
}

/// A text laid out if it is JSON.
pub(crate) fn pretty(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap_or_else(|_| text.to_owned()),
        Err(_) => text.to_owned(),
    }
}

/// At most this many characters of a text.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A message in which quoted values are hidden.
pub(crate) fn without_quotes(message: &str) -> String {
    let parts = message.split('"').enumerate();
    parts.map(|(place, part)| if place % 2 == 1 { format!("\"{HIDDEN}\"") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_loaded_is_not_loaded_in_part() {
        let shown = |failed, rows| drop_status(DropStatus::Loaded, failed, rows).into_string();
        assert!(shown(3, 3).contains("all rows rejected") && shown(1, 3).contains("loaded in part"));
        assert!(shown(0, 3).contains(">loaded<") && shown(0, 0).contains("nothing to load"));
    }

    #[test]
    fn no_name_reads_backwards() {
        let shown = foreign("members\u{202E}vsc<.exe").into_string();
        assert_eq!(shown, "<bdi>members⟨U+202E⟩vsc&lt;.exe</bdi>");
        assert_eq!(foreign("").into_string(), "");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1_023, 1_536, 5 << 20].map(bytes), ["0 B", "1023 B", "1.5 kB", "5.0 MB"]);
        assert_eq!(plural(1, "row", "rows"), "1 row");
    }

    #[test]
    fn durations_are_told_in_the_fitting_unit() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        assert_eq!(duration(at(0), at(850)), "850 ms");
        assert_eq!(duration(at(0), at(1_250)), "1.2 s");
        assert_eq!(duration(at(0), at(125_000)), "2 min 5 s");
        assert_eq!(duration(at(5), at(0)), "0 ms");
    }

    #[test]
    fn codes_become_words_and_quotes_can_be_hidden() {
        assert_eq!(words("AwaitingImages"), "awaiting images");
        assert_eq!(without_quotes("\"3/4/61\" has a year"), "\"•••\" has a year");
        assert_eq!(without_quotes("a \"b\" c \"d…"), "a \"•••\" c \"•••\"");
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(encoded("a/b c&ü"), "a%2Fb%20c%26%C3%BC");
    }

    #[test]
    fn values_are_escaped() {
        let hostile = "<script>alert(1)</script>\"'&";
        let shown = chip("bad", hostile).into_string();
        assert!(!shown.contains("<script>") && shown.contains("&lt;script&gt;"), "{shown}");
    }
}
