//! The part of a file that is in memory, and cutting values out of it by brackets and quotation marks alone.

use super::SIZE_LIMIT;
use super::elements::ReadError;
use super::read::Position;
use crate::{Issue, IssueCode};
use std::io::{ErrorKind, Read};

/// Bytes requested from the reader at a time.
const CHUNK: usize = 64 * 1024;

/// Where an element was found.
pub(super) struct Cut {
    /// Where it starts in the file.
    pub(super) start: Position,
    /// Its range in the buffer; `None` when it was too large to keep.
    pub(super) bytes: Option<(usize, usize)>,
}

/// The file, as far as it is in memory.
pub(super) struct Input<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The first byte of the buffer that is not consumed.
    next: usize,
    /// The position of that byte in the file.
    pub(super) position: Position,
    /// The reader has no more.
    exhausted: bool,
}

impl<R: Read> Input<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), next: 0, position: Position::START, exhausted: false }
    }

    /// The bytes that were cut out; valid until the next byte is read.
    pub(super) fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.buffer.get(from..to).unwrap_or_default()
    }

    /// Reads more after what is there; false at the end of the file. Consumed bytes are dropped first, so indexes into
    /// the buffer change: all of them are relative to `next`.
    fn fill(&mut self) -> Result<bool, ReadError> {
        if self.exhausted {
            return Ok(false);
        }
        self.buffer.drain(..self.next);
        self.next = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK, 0);
        loop {
            let room = self.buffer.get_mut(held..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(count) => {
                    self.buffer.truncate(held + count.min(CHUNK));
                    self.exhausted = count == 0;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.truncate(held);
                    return Err(ReadError::Io(error));
                }
            }
        }
    }

    /// The byte this far after the next one, reading more as needed.
    fn peek(&mut self, ahead: usize) -> Result<Option<u8>, ReadError> {
        loop {
            if let Some(byte) = self.buffer.get(self.next + ahead) {
                return Ok(Some(*byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Consumes bytes that are in the buffer, keeping count of lines and columns.
    pub(super) fn advance(&mut self, count: usize) {
        let consumed = self.buffer.get(self.next..self.next + count).unwrap_or_default();
        match consumed.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => {
                self.position.line += consumed.iter().filter(|byte| **byte == b'\n').count();
                self.position.column = consumed.len() - last;
            }
            None => self.position.column += consumed.len(),
        }
        self.next += consumed.len();
    }

    pub(super) fn skip_byte_order_mark(&mut self) -> Result<(), ReadError> {
        let start = [self.peek(0)?, self.peek(1)?, self.peek(2)?];
        match start {
            [Some(0xEF), Some(0xBB), Some(0xBF)] => {
                self.next += 3;
                Ok(())
            }
            [Some(0xFF), Some(0xFE), _] | [Some(0xFE), Some(0xFF), _] => Err(ReadError::Document(Issue::error(
                IssueCode::BadEncoding,
                "",
                "The file is in the encoding UTF-16. Save it as UTF-8 and drop it again.",
            ))),
            _ => Ok(()),
        }
    }

    /// Consumes white space. Returns the byte after it, or `None` at the end of the file.
    pub(super) fn skip_space(&mut self) -> Result<Option<u8>, ReadError> {
        loop {
            let held = self.buffer.get(self.next..).unwrap_or_default();
            let space = held.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
            self.advance(space);
            if let Some(byte) = self.buffer.get(self.next) {
                return Ok(Some(*byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Whether the value that starts here ends on the same line, followed by nothing but white space.
    pub(super) fn value_ends_on_its_line(&mut self) -> Result<bool, ReadError> {
        let mut scan = Scan::default();
        let mut at = 0;
        while at <= SIZE_LIMIT {
            match self.peek(at)? {
                None => return Ok(scan.is_complete()),
                Some(b'\n') => return Ok(scan.is_complete()),
                Some(byte) if scan.is_complete() => {
                    if !matches!(byte, b' ' | b'\t' | b'\r') {
                        return Ok(false);
                    }
                }
                Some(byte) => {
                    scan.step(byte);
                }
            }
            at += 1;
        }
        Ok(false)
    }

    /// Cuts out the next line that is not blank.
    pub(super) fn cut_line(&mut self) -> Result<Option<Cut>, ReadError> {
        if self.skip_space()?.is_none() {
            return Ok(None);
        }
        self.cut_until(|byte| if byte == b'\n' { Step::EndBefore } else { Step::Inside }).map(Some)
    }

    /// Cuts out the value that starts here.
    pub(super) fn cut_value(&mut self) -> Result<Cut, ReadError> {
        let mut scan = Scan::default();
        self.cut_until(|byte| scan.step(byte))
    }

    /// Consumes the bytes that `step` says belong together, keeping them while they are few enough.
    fn cut_until(&mut self, mut step: impl FnMut(u8) -> Step) -> Result<Cut, ReadError> {
        let start = self.position;
        let mut length = 0;
        let mut too_large = false;
        loop {
            let held = self.buffer.get(self.next + length..).unwrap_or_default();
            let mut end = None;
            for (count, byte) in held.iter().enumerate() {
                match step(*byte) {
                    Step::Inside => {}
                    Step::EndBehind => end = Some(count + 1),
                    Step::EndBefore => end = Some(count),
                }
                if end.is_some() {
                    break;
                }
            }
            length += end.unwrap_or(held.len());
            too_large = too_large || length > SIZE_LIMIT;
            if end.is_none() {
                if too_large {
                    self.advance(length);
                    length = 0;
                }
                if self.fill()? {
                    continue;
                }
            }
            let from = self.next;
            self.advance(length);
            return Ok(Cut { start, bytes: (!too_large).then_some((from, from + length)) });
        }
    }
}

/// What a byte means to a value being cut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It goes on.
    Inside,
    /// This was its last byte.
    EndBehind,
    /// It ended with the byte before.
    EndBefore,
}

/// Follows a value by brackets and quotation marks.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    in_text: bool,
    escaped: bool,
    ended: bool,
}

impl Scan {
    fn step(&mut self, byte: u8) -> Step {
        if self.in_text {
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.in_text = false;
                return self.end_at_top();
            }
            return Step::Inside;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                return self.end_at_top();
            }
            b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                self.ended = true;
                return Step::EndBefore;
            }
            _ => {}
        }
        Step::Inside
    }

    fn end_at_top(&mut self) -> Step {
        if self.depth > 0 {
            return Step::Inside;
        }
        self.ended = true;
        Step::EndBehind
    }

    fn is_complete(&self) -> bool {
        self.ended
    }
}
