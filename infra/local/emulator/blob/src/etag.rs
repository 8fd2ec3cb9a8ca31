//! Entity tags, and the clock they come from.
//!
//! A tag is a number that grows with every change in a store, written the way Azure does (`0x8DE…`: 100 ns ticks since
//! year 1). The clock uses the time of day when it can and counts up when it must, and its last value is stored with
//! the data: tags never repeat and never go back, even when the machine's clock does. The same number orders events
//! (their `sequencer`).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// 100 ns ticks between 0001-01-01 and 1970-01-01.
const UNIX_EPOCH_TICKS: i128 = 621_355_968_000_000_000;

/// The tag of one version of a blob or container. Its text form has no quotes; HTTP headers add them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Etag(pub(crate) u64);

impl Etag {
    /// The number behind the tag, larger for every later change in the same store.
    #[must_use]
    pub fn sequence(self) -> u64 {
        self.0
    }

    /// Whether `text` names this version, with or without quotes or a weakness mark.
    #[must_use]
    pub fn matches(self, text: &str) -> bool {
        let text = text.trim();
        let text = text.strip_prefix("W/").unwrap_or(text);
        text.trim_matches('"').eq_ignore_ascii_case(&self.to_string())
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:X}", self.0)
    }
}

/// Hands out growing numbers.
#[derive(Debug)]
pub(crate) struct Clock {
    last: u64,
}

impl Clock {
    /// Continues after `last`, the number kept with the data.
    pub(crate) fn new(last: u64) -> Self {
        Self { last }
    }

    /// The next number: the time in ticks, or one more than the last.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Etag {
        let ticks = now.as_nanosecond() / 100 + UNIX_EPOCH_TICKS;
        let ticks = u64::try_from(ticks).unwrap_or(0);
        self.last = ticks.max(self.last.saturating_add(1));
        Etag(self.last)
    }

    /// The last number handed out.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_look_like_azures_and_grow_although_the_clock_stands_still() {
        let now: Timestamp = "2026-11-20T09:15:02.5314827Z".parse().unwrap();
        let mut clock = Clock::new(0);
        let first = clock.tick(now);
        let second = clock.tick(now);
        assert!(first.to_string().starts_with("0x8D"));
        assert_eq!(first.to_string().len(), 17);
        assert_eq!(second.sequence(), first.sequence() + 1);
        assert!(clock.tick("2020-01-01T00:00:00Z".parse().unwrap()) > second);
    }

    #[test]
    fn quotes_and_weakness_do_not_matter() {
        let tag = Etag(0x8DE1);
        for text in ["0x8DE1", "\"0x8DE1\"", "W/\"0x8DE1\"", " \"0x8de1\" "] {
            assert!(tag.matches(text), "{text}");
        }
        assert!(!tag.matches("0x8DE2"));
    }
}
