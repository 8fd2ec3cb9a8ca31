//! The characters that structure a message, as its MSH-1 and MSH-2 declare them.

use std::fmt;
use thiserror::Error;

/// The delimiters of a message: distinct ASCII punctuation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Delimiters {
    /// Between fields; `None` where there is no structure at all (MSH-1 and MSH-2 themselves).
    pub(crate) field: Option<u8>,
    pub(crate) component: Option<u8>,
    pub(crate) repetition: Option<u8>,
    pub(crate) escape: Option<u8>,
    pub(crate) subcomponent: Option<u8>,
    /// The mark of truncated values, defined since 2.7.
    pub(crate) truncation: Option<u8>,
}

/// Why MSH-1 and MSH-2 are not valid delimiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DelimiterError {
    /// MSH-2 is empty or missing.
    #[error("the encoding characters (MSH-2) are missing")]
    Missing,
    /// MSH-2 has more than five characters.
    #[error("there are more than five encoding characters (MSH-2)")]
    TooMany,
    /// One of them is a letter, a digit, a blank, or not ASCII.
    #[error("a delimiter (MSH-1, MSH-2) is no ASCII punctuation")]
    NoPunctuation,
    /// Two of them are the same.
    #[error("two delimiters (MSH-1, MSH-2) are the same character")]
    Repeated,
}

/// MSH-2 as printed on several published pages: the standard's characters with one backslash too many.
const ARTEFACT: &[u8] = br"^\~\&";

impl Delimiters {
    /// `|^~\&`, what everyone uses and what we write.
    pub const STANDARD: Self = Self {
        field: Some(b'|'),
        component: Some(b'^'),
        repetition: Some(b'~'),
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// For text without structure.
    pub(crate) const NONE: Self =
        Self { field: None, component: None, repetition: None, escape: None, subcomponent: None, truncation: None };

    /// From MSH-1 and MSH-2. If trailing ones are missing, the message does not use them. Also returns whether MSH-2
    /// was the published artefact `^\~\&`, which is read as the standard's characters (iris-facts §9.1).
    pub(crate) fn declared(field: u8, encoding: &[u8]) -> Result<(Self, bool), DelimiterError> {
        if encoding.is_empty() {
            return Err(DelimiterError::Missing);
        }
        let artefact = encoding == ARTEFACT;
        let encoding = if artefact { br"^~\&".as_slice() } else { encoding };
        if encoding.len() > 5 {
            return Err(DelimiterError::TooMany);
        }
        for (n, &byte) in encoding.iter().enumerate() {
            if !byte.is_ascii_punctuation() || !field.is_ascii_punctuation() {
                return Err(DelimiterError::NoPunctuation);
            }
            if byte == field || encoding.iter().take(n).any(|earlier| *earlier == byte) {
                return Err(DelimiterError::Repeated);
            }
        }
        let at = |n: usize| encoding.get(n).copied();
        let declared = Self {
            field: Some(field),
            component: at(0),
            repetition: at(1),
            escape: at(2),
            subcomponent: at(3),
            truncation: at(4),
        };
        Ok((declared, artefact))
    }

    /// MSH-1.
    pub(crate) fn separator(self) -> u8 {
        self.field.unwrap_or(b'|')
    }

    /// MSH-2.
    pub(crate) fn encoding(self) -> impl Iterator<Item = u8> {
        [self.component, self.repetition, self.escape, self.subcomponent, self.truncation].into_iter().flatten()
    }
}

impl fmt::Debug for Delimiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.field.into_iter().chain(self.encoding()).map(char::from).collect();
        write!(f, "Delimiters({text})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_delimiters() {
        use DelimiterError as E;
        type Case = (u8, &'static [u8], Result<(&'static str, bool), E>);
        let cases: &[Case] = &[
            (b'|', br"^~\&", Ok(("|^~\\&", false))),
            (b'|', br"^\~\&", Ok(("|^~\\&", true))),
            (b'|', br"^~\&#", Ok(("|^~\\&#", false))),
            (b'#', br"@*!%", Ok(("#@*!%", false))),
            (b'|', b"^~", Ok(("|^~", false))),
            (b'|', b"", Err(E::Missing)),
            (b'|', br"^~\&#$", Err(E::TooMany)),
            (b'|', br"^~\|", Err(E::Repeated)),
            (b'|', br"^^\&", Err(E::Repeated)),
            (b'|', br"^~\ ", Err(E::NoPunctuation)),
            (b'A', br"^~\&", Err(E::NoPunctuation)),
            (b'|', "^~\\§".as_bytes(), Err(E::NoPunctuation)),
        ];
        for (field, encoding, expected) in cases {
            let read = Delimiters::declared(*field, encoding);
            let read = read.map(|(d, artefact)| (format!("{d:?}"), artefact));
            let expected = expected.map(|(text, artefact)| (format!("Delimiters({text})"), artefact));
            assert_eq!(read, expected);
        }
    }
}
