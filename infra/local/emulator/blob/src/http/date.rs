//! Times as HTTP writes them: `Fri, 20 Nov 2026 09:15:02 GMT`.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

static PARSER: DateTimeParser = DateTimeParser::new();

/// Writes a time, in whole seconds.
pub(crate) fn format(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads a time; ISO times are accepted as well.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    PARSER.parse_timestamp(text.trim()).ok().or_else(|| text.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let time: Timestamp = "2026-11-20T09:15:02Z".parse().unwrap();
        assert_eq!(format(time), "Fri, 20 Nov 2026 09:15:02 GMT");
        assert_eq!(parse(&format(time)), Some(time));
        assert_eq!(parse("2026-11-20T09:15:02Z"), Some(time));
        assert_eq!(parse("yesterday"), None);
    }
}
