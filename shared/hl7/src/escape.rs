//! Escape sequences: what represents a delimiter, a byte or a line break within a value.
//!
//! | sequence | read as | written for |
//! |---|---|---|
//! | `\F\` `\S\` `\R\` `\E\` `\T\` | field, component, repetition, escape, subcomponent delimiter | the same |
//! | `\P\` | the truncation mark, where one is declared | the same |
//! | `\X41\` | bytes in the message's character set | two quotation marks that are a value and no null |
//! | `\.br\` | line break | line breaks, in formatted text |
//! | `\.sp\`, `\.sp3\`, `\.sp+3\` | so many line breaks | |
//! | `\H\` `\N\` | nothing | |
//! | anything else between two escape characters | itself | |
//! | one without a second | itself | |
//!
//! One pass: the result of an escape is not unescaped again.

use crate::message::Delimiters;
use memchr::memchr;
use std::borrow::Cow;

/// The most line breaks that `\.sp n\` can stand for. A hostile number must not use up memory.
const MOST_BREAKS: usize = 100;

/// The value of these bytes, still in the message's character set.
pub(crate) fn unescape<'a>(bytes: &'a [u8], delimiters: &Delimiters) -> Cow<'a, [u8]> {
    let Some(escape) = delimiters.escape else { return Cow::Borrowed(bytes) };
    let Some(first) = memchr(escape, bytes) else { return Cow::Borrowed(bytes) };
    let mut out = Vec::with_capacity(bytes.len());
    let (before, mut rest) = bytes.split_at(first);
    out.extend_from_slice(before);
    // `rest` begins with an escape character.
    while let Some(after) = rest.get(1..) {
        let read = memchr(escape, after).and_then(|end| {
            let (sequence, after) = (after.get(..end)?, after.get(end + 1..)?);
            append(sequence, delimiters, &mut out).then_some(after)
        });
        // What is not a sequence is text, and its second escape character may begin one.
        let text = read.unwrap_or_else(|| {
            out.push(escape);
            after
        });
        let Some(next) = memchr(escape, text) else {
            out.extend_from_slice(text);
            break;
        };
        let (plain, more) = text.split_at(next);
        out.extend_from_slice(plain);
        rest = more;
    }
    Cow::Owned(out)
}

/// The letter between escape characters that stands for a delimiter; `None` if the byte is not one.
pub(crate) fn letter(byte: u8, delimiters: &Delimiters) -> Option<u8> {
    let Delimiters { field, component, repetition, escape, subcomponent, truncation } = *delimiters;
    let letters = [
        (field, b'F'),
        (component, b'S'),
        (repetition, b'R'),
        (escape, b'E'),
        (subcomponent, b'T'),
        (truncation, b'P'),
    ];
    letters.into_iter().find(|(delimiter, _)| *delimiter == Some(byte)).map(|(_, letter)| letter)
}

/// Appends what the sequence stands for; false if it is unknown.
fn append(sequence: &[u8], delimiters: &Delimiters, out: &mut Vec<u8>) -> bool {
    let delimiter = match sequence {
        b"F" => delimiters.field,
        b"S" => delimiters.component,
        b"R" => delimiters.repetition,
        b"E" => delimiters.escape,
        b"T" => delimiters.subcomponent,
        b"P" => delimiters.truncation,
        b"H" | b"N" => return true,
        b".br" | b".BR" => Some(b'\n'),
        [b'X', hex @ ..] => return append_hex(hex, out),
        [b'.', b's', b'p', number @ ..] => return append_breaks(number, out),
        _ => None,
    };
    out.extend(delimiter);
    delimiter.is_some()
}

fn append_hex(hex: &[u8], out: &mut Vec<u8>) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, odd) = hex.as_chunks::<2>();
    if hex.is_empty() || !odd.is_empty() || !hex.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    out.extend(pairs.iter().filter_map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)));
    true
}

fn append_breaks(number: &[u8], out: &mut Vec<u8>) -> bool {
    let number = number.trim_ascii();
    let digits = number.strip_prefix(b"+").unwrap_or(number);
    let count = match std::str::from_utf8(digits) {
        Ok("") => Some(1),
        Ok(digits) => digits.parse::<usize>().ok(),
        Err(_) => None,
    };
    let Some(count) = count.filter(|count| *count <= MOST_BREAKS) else { return false };
    out.resize(out.len() + count, b'\n');
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> String {
        String::from_utf8_lossy(&unescape(text.as_bytes(), &Delimiters::STANDARD)).into_owned()
    }

    #[test]
    fn sequences() {
        let cases = [
            ("plain", "plain"),
            (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
            (r"\X41\\X4243\", "ABC"),
            (r"\Xc3a9\", "é"),
            (r"one\.br\two", "one\ntwo"),
            (r"\.sp\|\.sp 2\|\.sp+3\", "\n|\n\n|\n\n\n"),
            (r"\H\bold\N\", "bold"),
            // Unknown sequences are kept, including those that switch character sets.
            (r"\C2842\ \M2842\ \Zmine\ \Q\", r"\C2842\ \M2842\ \Zmine\ \Q\"),
            (r"\X4\ \XZZ\ \X\ \.sp999\ \.spx\ \P\", r"\X4\ \XZZ\ \X\ \.sp999\ \.spx\ \P\"),
            // A lone backslash is text, and the next one may begin a sequence.
            (r"A\B", r"A\B"),
            (r"C:\temp\F\", r"C:\temp|"),
            (r"\", r"\"),
            (r"\\", r"\\"),
            // One pass only.
            (r"\E\F\E\", r"\F\"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn the_truncation_mark_is_escaped_where_there_is_one() {
        let delimiters = Delimiters { truncation: Some(b'#'), ..Delimiters::STANDARD };
        assert_eq!(unescape(br"\P\", &delimiters).as_ref(), b"#");
    }

    #[test]
    fn without_an_escape_character_nothing_is_a_sequence() {
        let delimiters = Delimiters { escape: None, ..Delimiters::STANDARD };
        assert_eq!(unescape(br"a\F\b", &delimiters).as_ref(), br"a\F\b");
    }

    proptest! {
        #[test]
        fn a_value_never_grows_but_by_line_breaks(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let value = unescape(&bytes, &Delimiters::STANDARD);
            let breaks = value.iter().filter(|byte| **byte == b'\n').count();
            prop_assert!(value.len() <= bytes.len() + breaks);
        }

        #[test]
        fn backslashes_alone_change_nothing(text in r"[a-z\\ ]{0,60}") {
            prop_assert_eq!(read(&text), text);
        }
    }
}
