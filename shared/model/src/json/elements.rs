//! The elements of a JSON file, one at a time, in memory bounded by the largest element.
//!
//! Three layouts are recognized by how the file starts:
//!
//! * `[` : one **array**; each of its elements is one element. A syntax error ends the file, since what follows cannot
//!   be told apart.
//! * `{` … `}` complete on the first line that has content: **lines** (NDJSON). A bad line is an element with an issue;
//!   the next line stands on its own.
//! * `{` otherwise: one **object** over several lines, or several after one another. A syntax error ends the file.
//!
//! Elements are cut out by brackets and quotation marks alone and then parsed, so an element over
//! [`SIZE_LIMIT`](super::SIZE_LIMIT) is skipped without being kept, and the elements after it are still read.

use super::Node;
use super::input::{Cut, Input};
use super::read::{parse_at, syntax};
use crate::{Issue, IssueCode};
use std::io::Read;

/// Why reading ended before the end of the file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The reader failed; the file itself may be fine.
    #[error("the file could not be read")]
    Io(#[source] std::io::Error),
    /// The file is not usable from here on.
    #[error("the file is not well-formed")]
    Document(Issue),
}

/// One element of a file.
#[derive(Debug)]
pub struct Element<'a> {
    /// 1 = first; blank lines do not count.
    pub ordinal: u32,
    /// The line it stands on, 1 = first; only where the file has one element per line.
    pub line: Option<u32>,
    /// As it stands in the file; empty when it was too large to be kept.
    pub text: &'a [u8],
    /// The element; or what is wrong with it, while the ones after it can still be read.
    pub node: Result<Node<'a>, Issue>,
}

/// Reads the elements of a file.
pub struct Elements<R> {
    input: Input<R>,
    layout: Layout,
    ordinal: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Nothing was read yet; `true`: the caller says it has one element per line.
    Unknown(bool),
    Array,
    Lines,
    Objects,
    Ended,
}

impl<R: Read> Elements<R> {
    /// Reads a file whose layout is told from its start.
    pub fn new(reader: R) -> Self {
        Self { input: Input::new(reader), layout: Layout::Unknown(false), ordinal: 0 }
    }

    /// Reads a file known to have one element per line, so that even a broken first line does not end it. An array is
    /// read as such.
    pub fn lines(reader: R) -> Self {
        Self { input: Input::new(reader), layout: Layout::Unknown(true), ordinal: 0 }
    }

    /// The next element; `None` at the end. After an error there are no more.
    pub fn next_element(&mut self) -> Result<Option<Element<'_>>, ReadError> {
        let cut = match self.cut() {
            Ok(Some(cut)) => cut,
            Ok(None) => {
                self.layout = Layout::Ended;
                return Ok(None);
            }
            Err(error) => {
                self.layout = Layout::Ended;
                return Err(error);
            }
        };
        self.ordinal = self.ordinal.saturating_add(1);
        let line = (self.layout == Layout::Lines).then(|| u32::try_from(cut.start.line).unwrap_or(u32::MAX));
        let text = cut.bytes.map_or(&[][..], |(from, to)| self.input.bytes(from, to));
        let node = match cut.bytes {
            Some(_) => parse_at(text, cut.start),
            None => Err(Issue::error(
                IssueCode::TooLarge,
                "",
                format!("The element at line {} is larger than 1 MB and was skipped.", cut.start.line),
            )),
        };
        match node {
            Err(issue) if issue.code == IssueCode::BadJson && self.layout != Layout::Lines => {
                self.layout = Layout::Ended;
                Err(ReadError::Document(issue))
            }
            node => Ok(Some(Element { ordinal: self.ordinal, line, text, node })),
        }
    }

    /// Cuts out the next element.
    fn cut(&mut self) -> Result<Option<Cut>, ReadError> {
        let first = matches!(self.layout, Layout::Unknown(_));
        if let Layout::Unknown(lines) = self.layout {
            self.layout = self.recognize(lines)?;
        }
        match self.layout {
            Layout::Unknown(_) | Layout::Ended => Ok(None),
            Layout::Lines => self.input.cut_line(),
            Layout::Array => self.cut_array_element(first),
            Layout::Objects => self.cut_object(),
        }
    }

    fn recognize(&mut self, lines: bool) -> Result<Layout, ReadError> {
        self.input.skip_byte_order_mark()?;
        let Some(first) = self.input.skip_space()? else {
            return Err(ReadError::Document(Issue::error(
                IssueCode::Empty,
                "",
                "The file has no content. Drop it again with its records.",
            )));
        };
        match first {
            b'[' => {
                self.input.advance(1);
                Ok(Layout::Array)
            }
            _ if lines => Ok(Layout::Lines),
            b'{' if self.input.value_ends_on_its_line()? => Ok(Layout::Lines),
            b'{' => Ok(Layout::Objects),
            _ => Err(ReadError::Document(syntax(
                self.input.position,
                "a JSON file of records starts with { or [. Make sure the file is JSON and has not been cut.",
            ))),
        }
    }

    fn cut_array_element(&mut self, first: bool) -> Result<Option<Cut>, ReadError> {
        let next = self.input.skip_space()?;
        let next = match next {
            Some(b']') => {
                self.input.advance(1);
                return self.end_of_array();
            }
            Some(b',') if !first => {
                self.input.advance(1);
                self.input.skip_space()?
            }
            Some(_) if !first => {
                let hint = "a comma is missing between two elements of the array.";
                return Err(ReadError::Document(syntax(self.input.position, hint)));
            }
            next => next,
        };
        match next {
            None => {
                let hint = "the file ends before the array does. It was cut off, or the closing ] is missing.";
                Err(ReadError::Document(syntax(self.input.position, hint)))
            }
            Some(b']') => {
                let hint = "there is a comma before the closing ]. Remove the comma.";
                Err(ReadError::Document(syntax(self.input.position, hint)))
            }
            Some(b',') => {
                let hint = "there are two commas without an element between them. Remove one.";
                Err(ReadError::Document(syntax(self.input.position, hint)))
            }
            Some(_) => self.input.cut_value().map(Some),
        }
    }

    fn end_of_array(&mut self) -> Result<Option<Cut>, ReadError> {
        match self.input.skip_space()? {
            None => Ok(None),
            Some(_) => {
                let hint = "there is more text after the end of the array. A file has one array.";
                Err(ReadError::Document(syntax(self.input.position, hint)))
            }
        }
    }

    fn cut_object(&mut self) -> Result<Option<Cut>, ReadError> {
        match self.input.skip_space()? {
            None => Ok(None),
            Some(b'{') => self.input.cut_value().map(Some),
            Some(_) => {
                let hint =
                    "there is more text after the end of the object. Put several objects in an array, or one per line.";
                Err(ReadError::Document(syntax(self.input.position, hint)))
            }
        }
    }
}
