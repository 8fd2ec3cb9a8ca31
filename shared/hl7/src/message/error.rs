//! What cannot be read, what is tolerated, and size limits.

use super::DelimiterError;
use thiserror::Error;

/// How large a message may be. Exceeding a limit is an error; nothing is ever cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message. Never more than 4 GB, whatever is set here.
    pub bytes: usize,
    /// Segments.
    pub segments: usize,
    /// Fields of one segment.
    pub fields: usize,
    /// Repetitions of one field.
    pub repetitions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, segments: 5_000, fields: 1_000, repetitions: 1_000 }
    }
}

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Nothing but blanks.
    #[error("there is no message")]
    Empty,
    /// The first segment is not an MSH.
    #[error("the message does not begin with MSH")]
    NoHeader,
    /// The bytes are UTF-16, with a byte order mark or without.
    #[error("the message is UTF-16; HL7 messages are sent in ASCII, UTF-8 or an ISO 8859 character set")]
    Utf16,
    /// MSH-1 or MSH-2.
    #[error("the delimiters of the message cannot be used")]
    Delimiters(#[from] DelimiterError),
    /// [`Limits::bytes`].
    #[error("the message has more than {0} bytes")]
    Bytes(usize),
    /// [`Limits::segments`].
    #[error("the message has more than {0} segments")]
    Segments(usize),
    /// [`Limits::fields`].
    #[error("segment {segment} of the message has more than {limit} fields")]
    Fields {
        /// Which segment, from 1.
        segment: usize,
        /// How many it may have.
        limit: usize,
    },
    /// [`Limits::repetitions`].
    #[error("field {field} of segment {segment} has more than {limit} repetitions")]
    Repetitions {
        /// Which segment, from 1.
        segment: usize,
        /// Which field, numbered as in addresses.
        field: usize,
        /// How many it may have.
        limit: usize,
    },
    /// MSH-14 has a value, or there is an ADD or DSC segment.
    #[error("the message is a part of a longer one (MSH-14, ADD or DSC); continuations are not taken")]
    Continued,
    /// Another header is in it (MSH, FHS, BHS). Files of messages have to be split first.
    #[error("there is more than one message")]
    Several,
}

/// What was tolerated while reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// MSH-2 is `^\~\&`.
    EncodingArtefact,
    /// MSH-18 is empty, and there are non-ASCII characters.
    NoCharacterSet,
    /// MSH-18 names an unknown character set.
    UnknownCharacterSet,
    /// The bytes are not valid in the character set that MSH-18 names.
    WrongCharacterSet,
    /// MSH-18 names several character sets. Escapes that switch between them are left as they are.
    SeveralCharacterSets,
    /// A line does not begin with the name of a segment, e.g. because a line break stood in a value.
    NoSegmentName,
    /// MSH-12 is an unknown version.
    UnknownVersion,
}

impl Notice {
    /// An explanation for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::EncodingArtefact => r"the encoding characters ^\~\& were read as ^~\&",
            Self::NoCharacterSet => "MSH-18 names no character set; it was guessed",
            Self::UnknownCharacterSet => "MSH-18 names an unknown character set; it was guessed",
            Self::WrongCharacterSet => "the message is not in the character set that MSH-18 names; it was guessed",
            Self::SeveralCharacterSets => "MSH-18 names several character sets; only the first is used",
            Self::NoSegmentName => "a line does not begin with the name of a segment",
            Self::UnknownVersion => "MSH-12 is no known version",
        }
    }
}
