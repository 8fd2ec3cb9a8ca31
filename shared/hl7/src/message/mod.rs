//! Reading: an index of spans over the bytes of one message.
//!
//! The rules follow common practice, which is wider than the standard: segments end with CR, or with LF in a message
//! that has no CR; blank lines and blanks before a segment mean nothing; the delimiters are the message's own. No
//! grammar is applied: segments may come in any order.
//!
//! ```
//! use iris_hl7::{Address, Message};
//! let message = Message::read(b"MSH|^~\\&|EMR|FAC\rPID|1|SYN-1^^^^MRN||| Sample^Pat", &Default::default())?;
//! let family: Address = "PID-5.1".parse()?;
//! assert_eq!(message.value(&family).text(), Some(" Sample".into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod delimiters;
mod error;
mod field;
mod group;
pub(crate) mod index;
mod segment;

pub use delimiters::{DelimiterError, Delimiters};
pub use error::{Limits, Notice, ReadError};
pub use field::{Component, Field, Repetition, Value};
pub use group::Group;
pub use segment::{Segment, SegmentId, SegmentIdError};

use crate::charset::Charset;
use crate::version::Version;
use segment::Span;

/// One message: its bytes, and an index of where everything is.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    bytes: &'a [u8],
    grammar: Grammar,
    segments: Vec<Span>,
    /// Where the fields of all segments begin.
    starts: Vec<u32>,
    notices: Vec<Notice>,
}

/// What is needed to split a value and to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grammar {
    pub(crate) delimiters: Delimiters,
    pub(crate) charset: Charset,
}

impl<'a> Message<'a> {
    /// Reads one message. The bytes may begin with a UTF-8 byte order mark and with blanks.
    ///
    /// # Errors
    ///
    /// [`ReadError`], whose texts contain nothing of the message.
    pub fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, ReadError> {
        index::read(bytes, limits)
    }

    /// Reads only a header, which is all that an answer needs.
    pub(crate) fn header_only(bytes: &'a [u8]) -> Option<Self> {
        index::header_only(bytes)
    }

    /// The bytes of the message, without what stood before it.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The delimiters it declares.
    #[must_use]
    pub fn delimiters(&self) -> Delimiters {
        self.grammar.delimiters
    }

    /// The character set it is read in.
    #[must_use]
    pub fn charset(&self) -> Charset {
        self.grammar.charset
    }

    /// What was tolerated, each once.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Every segment, in order.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = Segment<'_>> + ExactSizeIterator {
        self.segments.iter().enumerate().map(|(index, span)| Segment::new(self, index, *span))
    }

    /// The n-th segment of the message, from 0.
    #[must_use]
    pub fn segment(&self, index: usize) -> Option<Segment<'_>> {
        self.segments.get(index).map(|span| Segment::new(self, index, *span))
    }

    /// The header. Every message that could be read has one.
    pub(crate) fn header_field(&self, field: u16) -> Option<Field<'_>> {
        self.segment(0)?.field(field)
    }

    /// The first component of a header's field, without blanks around it.
    pub(crate) fn header_text(&self, field: u16) -> String {
        let value = self.header_field(field).and_then(|field| field.repetition(1)?.component(1)?.value().into_text());
        value.map(|text| text.trim().to_owned()).unwrap_or_default()
    }

    /// MSH-9: type and event, e.g. `ORM` and `O01`. Empty where missing.
    #[must_use]
    pub fn kind(&self) -> (String, String) {
        let event = || self.header_field(9)?.repetition(1)?.component(2)?.value().into_text();
        (self.header_text(9), event().map(|event| event.trim().to_owned()).unwrap_or_default())
    }

    /// MSH-10, unchanged; empty where missing.
    #[must_use]
    pub fn control_id(&self) -> Field<'_> {
        self.header_field(10).unwrap_or(Field::EMPTY)
    }

    /// MSH-12, if it is a known version.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        Version::from_text(&self.header_text(12))
    }

    /// The offset of MSH-7, which applies to times without an offset of their own (iris-facts §9.1).
    #[must_use]
    pub fn offset(&self) -> Option<jiff::tz::Offset> {
        crate::time::Time::read(&self.header_text(7)).ok()?.offset()
    }
}
