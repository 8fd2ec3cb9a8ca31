//! Character sets: MSH-18, and what to do when it is missing or wrong.

use crate::message::Notice;
use encoding_rs::{EUC_KR, Encoding, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// How the bytes of a message's values become text. Delimiters and segment ends are ASCII bytes in all of these, so a
/// message can be split before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

/// What MSH-18 says.
enum Declared {
    Nothing,
    Ascii,
    Known(&'static Encoding),
    Unknown,
}

impl Charset {
    /// UTF-8.
    pub const UTF8: Self = Self(UTF_8);

    /// The character set of a message: the declared one (first repetition of MSH-18) if the bytes are valid in it.
    /// Otherwise, and if none is declared, UTF-8 if they are valid in that, else windows-1252.
    pub(crate) fn of(declared: &[u8], message: &[u8]) -> (Self, Option<Notice>) {
        let declared = Self::declared(declared);
        if message.is_ascii() {
            // Escapes may still stand for other characters.
            return match declared {
                Declared::Known(encoding) => (Self(encoding), None),
                Declared::Unknown => (Self(UTF_8), Some(Notice::UnknownCharacterSet)),
                Declared::Ascii | Declared::Nothing => (Self(UTF_8), None),
            };
        }
        let guess = || Self(if std::str::from_utf8(message).is_ok() { UTF_8 } else { WINDOWS_1252 });
        match declared {
            Declared::Known(encoding) if encoding == UTF_8 => match guess() {
                charset if charset == Self::UTF8 => (charset, None),
                other => (other, Some(Notice::WrongCharacterSet)),
            },
            Declared::Known(encoding) => (Self(encoding), None),
            Declared::Ascii => (guess(), Some(Notice::WrongCharacterSet)),
            Declared::Nothing => (guess(), Some(Notice::NoCharacterSet)),
            Declared::Unknown => (guess(), Some(Notice::UnknownCharacterSet)),
        }
    }

    /// Names of table 0211, and other names that programs write.
    fn declared(name: &[u8]) -> Declared {
        let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_uppercase();
        let label = match name.as_str() {
            "" => return Declared::Nothing,
            "ASCII" | "US-ASCII" | "ISO IR6" => return Declared::Ascii,
            "UNICODE" | "UNICODE UTF-8" | "UNICODE UTF8" | "UTF-8" | "UTF8" | "ISO IR192" => "utf-8".to_owned(),
            "ISO IR100" => "iso-8859-1".to_owned(),
            "KS X 1001" => return Declared::Known(EUC_KR),
            other => match other.strip_prefix("8859/").or_else(|| other.strip_prefix("8859-")) {
                Some(part) => format!("iso-8859-{part}"),
                None => other.to_ascii_lowercase(),
            },
        };
        // In sets with several bytes per character, a delimiter's byte may occur as a second byte.
        match Encoding::for_label(label.as_bytes()) {
            Some(encoding) if encoding.is_single_byte() || encoding == UTF_8 => Declared::Known(encoding),
            _ => Declared::Unknown,
        }
    }

    /// The text of these bytes. If UTF-8 is declared or guessed, bytes that are not UTF-8 (an escape may stand for any)
    /// are read as windows-1252; bytes without a meaning in other character sets become U+FFFD.
    #[must_use]
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        if self.0 == UTF_8
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Cow::Borrowed(text);
        }
        let valid = self.0.decode_without_bom_handling_and_without_replacement(bytes);
        let fallback = if self.0 == UTF_8 { WINDOWS_1252 } else { self.0 };
        valid.unwrap_or_else(|| fallback.decode_without_bom_handling(bytes).0)
    }

    pub(crate) fn decode_cow<'a>(&self, bytes: Cow<'a, [u8]>) -> Cow<'a, str> {
        match bytes {
            Cow::Borrowed(bytes) => self.decode(bytes),
            Cow::Owned(bytes) => Cow::Owned(self.decode(&bytes).into_owned()),
        }
    }

    /// The name of the encoding, as browsers know it (`UTF-8`, `windows-1252`).
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_and_actual() {
        use Notice as N;
        let utf8 = "é".as_bytes();
        let latin1 = b"\xe9".as_slice();
        let cases: &[(&str, &[u8], &str, Option<Notice>)] = &[
            ("", b"e", "UTF-8", None),
            ("", utf8, "UTF-8", Some(N::NoCharacterSet)),
            ("", latin1, "windows-1252", Some(N::NoCharacterSet)),
            ("ASCII", b"e", "UTF-8", None),
            ("ASCII", latin1, "windows-1252", Some(N::WrongCharacterSet)),
            ("UNICODE UTF-8", utf8, "UTF-8", None),
            ("UTF-8", utf8, "UTF-8", None),
            ("unicode", utf8, "UTF-8", None),
            ("UNICODE UTF-8", latin1, "windows-1252", Some(N::WrongCharacterSet)),
            ("8859/1", latin1, "windows-1252", None),
            ("8859/2", b"e", "ISO-8859-2", None),
            ("8859/1", utf8, "windows-1252", None),
            ("8859/2", latin1, "ISO-8859-2", None),
            ("8859/5", latin1, "ISO-8859-5", None),
            ("8859/9", latin1, "windows-1254", None),
            ("8859/15", latin1, "ISO-8859-15", None),
            ("8859/99", latin1, "windows-1252", Some(N::UnknownCharacterSet)),
            ("ISO-8859-1", latin1, "windows-1252", None),
            ("windows-1252", latin1, "windows-1252", None),
            ("KS X 1001", latin1, "EUC-KR", None),
            ("BIG-5", utf8, "UTF-8", Some(N::UnknownCharacterSet)),
            ("UNICODE UTF-16", b"e", "UTF-8", Some(N::UnknownCharacterSet)),
            ("Klingon", b"e", "UTF-8", Some(N::UnknownCharacterSet)),
        ];
        for (declared, bytes, name, notice) in cases {
            let (charset, noticed) = Charset::of(declared.as_bytes(), bytes);
            assert_eq!((charset.name(), &noticed), (*name, notice), "{declared}");
        }
    }

    #[test]
    fn escaped_bytes_are_of_the_messages_character_set() {
        let limits = crate::message::Limits::default();
        for (declared, escape, expected) in [
            ("8859/2", r"\XB1\", "ą"),
            ("8859/1", r"\XE9\", "é"),
            ("UNICODE UTF-8", r"\XC3A9\", "é"),
            ("", r"\XC3A9\", "é"),
            ("", r"\XE9\", "é"),
            ("8859/7", r"\XAE\", "\u{fffd}"),
        ] {
            let bytes = format!("MSH|^~\\&|{escape}|||||||||||||||{declared}");
            let message = crate::Message::read(bytes.as_bytes(), &limits).unwrap();
            let address = "MSH-3".parse().unwrap();
            assert_eq!(message.value(&address).text().unwrap(), expected, "{declared} {escape}");
        }
    }
}
