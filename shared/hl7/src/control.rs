//! MSH-10 of outgoing messages.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The published form `yyMMddHHmmss`, in UTC, followed by five digits of the delivery's number, which distinguish two
/// in the same second: 17 characters, of the 20 allowed up to 2.6. Created once with the delivery and kept for every
/// repetition, so that a receiver can drop duplicates.
#[must_use]
pub fn control_id(now: Timestamp, delivery: u64) -> String {
    let digits = crate::time::fourteen_digits(now, &TimeZone::UTC);
    format!("{}{:05}", digits.get(2..).unwrap_or(&digits), delivery % 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_within_a_second() {
        let now: Timestamp = "2026-11-30T09:05:03.7Z".parse().unwrap();
        assert_eq!(control_id(now, 42), "26113009050300042");
        assert_eq!(control_id(now, 1_234_567), "26113009050334567");
        assert_ne!(control_id(now, 1), control_id(now, 2));
    }
}
