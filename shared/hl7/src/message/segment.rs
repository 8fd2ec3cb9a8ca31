//! Segments: their names and their fields.

use super::{Field, Grammar, Message};
use crate::charset::Charset;
use crate::message::Delimiters;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The name of a segment: three characters, a capital letter first, then capital letters or digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId([u8; 3]);

/// Not the name of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the name of a segment is three capital letters or digits, a letter first")]
pub struct SegmentIdError;

impl SegmentId {
    /// The header of a message.
    pub const MSH: Self = Self(*b"MSH");

    pub(crate) const fn literal(name: [u8; 3]) -> Self {
        Self(name)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let name: [u8; 3] = bytes.try_into().ok()?;
        let [first, ..] = name;
        let valid = first.is_ascii_uppercase() && name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        valid.then_some(Self(name))
    }

    pub(crate) fn bytes(self) -> [u8; 3] {
        self.0
    }

    /// Whether its first field is the field separator itself: MSH, FHS and BHS.
    #[must_use]
    pub fn is_header(self) -> bool {
        matches!(&self.0, b"MSH" | b"FHS" | b"BHS")
    }
}

impl FromStr for SegmentId {
    type Err = SegmentIdError;

    fn from_str(text: &str) -> Result<Self, SegmentIdError> {
        Self::from_bytes(text.as_bytes()).ok_or(SegmentIdError)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a segment is, and which of the message's fields belong to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Its name, if the line begins with one.
    pub(super) id: Option<SegmentId>,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Its fields in [`Message::starts`]; the first is its name.
    pub(super) first_field: u32,
    pub(super) last_field: u32,
}

/// A segment of a message.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'m> {
    message: &'m Message<'m>,
    index: usize,
    span: Span,
}

/// MSH-1 and MSH-2 are taken literally: nothing in them is a delimiter or an escape.
static VERBATIM: Grammar = Grammar { delimiters: Delimiters::NONE, charset: Charset::UTF8 };

impl<'m> Segment<'m> {
    pub(super) fn new(message: &'m Message<'m>, index: usize, span: Span) -> Self {
        Self { message, index, span }
    }

    /// Which segment of the message it is, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Where it begins in [`Message::bytes`].
    #[must_use]
    pub fn start(&self) -> usize {
        self.span.start as usize
    }

    /// Its bytes, without the segment end.
    #[must_use]
    pub fn bytes(&self) -> &'m [u8] {
        self.message.bytes.get(self.span.start as usize..self.span.end as usize).unwrap_or_default()
    }

    /// Its name; `None` if the line begins with something else.
    #[must_use]
    pub fn id(&self) -> Option<SegmentId> {
        self.span.id
    }

    /// The n-th part between separators, from 0, which is the name.
    fn split(&self, n: usize) -> Option<&'m [u8]> {
        let starts = self.message.starts.get(self.span.first_field as usize..self.span.last_field as usize)?;
        let start = *starts.get(n)? as usize;
        let end = starts.get(n + 1).map_or(self.span.end as usize, |next| (*next as usize).saturating_sub(1));
        self.message.bytes.get(start..end)
    }

    /// How many fields it has, numbered as in addresses.
    #[must_use]
    pub fn len(&self) -> u16 {
        let parts = self.span.last_field.saturating_sub(self.span.first_field);
        let named = u32::from(!self.id().is_some_and(SegmentId::is_header));
        u16::try_from(parts.saturating_sub(named)).unwrap_or(u16::MAX)
    }

    /// Whether it is only a name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Field n, from 1. In headers, field 1 is the separator and field 2 the other delimiters; both are read literally.
    #[must_use]
    pub fn field(&self, n: u16) -> Option<Field<'m>> {
        let header = self.id().is_some_and(SegmentId::is_header);
        match (header, n) {
            (_, 0) => None,
            (true, 1) => {
                let at = self.span.start as usize + 3;
                Some(Field::new(self.message.bytes.get(at..=at)?, &VERBATIM))
            }
            (true, 2) => Some(Field::new(self.split(1)?, &VERBATIM)),
            (true, n) => Some(Field::new(self.split(usize::from(n) - 1)?, &self.message.grammar)),
            (false, n) => Some(Field::new(self.split(usize::from(n))?, &self.message.grammar)),
        }
    }

    /// Its fields with their numbers.
    pub fn fields(&self) -> impl Iterator<Item = (u16, Field<'m>)> + use<'m> {
        let segment = *self;
        (1..=self.len()).filter_map(move |n| Some((n, segment.field(n)?)))
    }
}
