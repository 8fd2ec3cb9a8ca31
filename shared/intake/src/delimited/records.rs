//! Cutting delimited text into records, keeping track of where each of them is in the file.
//!
//! The automaton is that of the `csv` crate (`csv_core`); the code around it keeps three promises that a plain reader
//! does not:
//!
//! - A record knows the physical line it begins on, whatever line ends the file has (`\n`, `\r\n`, `\r`, mixed) and
//!   however many blank lines precede it. Row numbers go into the identity of a row, so no two records may share one.
//! - A record is bounded, and its bytes are kept until it is accepted. One that turns out to be caused by an unclosed
//!   quotation mark is taken back: its first line alone becomes a record, and reading goes on with the next line
//!   ([`Records::only_first_line`]).
//! - Memory does not grow with the file: at most one record is held.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use std::io::{ErrorKind, Read, Result};

/// Bytes requested from the source at a time.
const PIECE: usize = 64 * 1024;
/// How much of an overlong line is kept for the file of rejected rows.
const KEPT: usize = 1024;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A record.
    Record,
    /// The last record, which ended within quotation marks.
    Open,
    /// More than a record may have. Its beginning is kept.
    TooLong,
    /// The file has no more.
    End,
}

/// Reads records one after the other.
pub(super) struct Records<R> {
    source: R,
    core: Reader,
    delimiter: u8,
    /// Bytes of the source: those from `start` to `next` belong to the current record, those up to `filled` are read
    /// ahead.
    buffer: Vec<u8>,
    start: usize,
    next: usize,
    filled: usize,
    exhausted: bool,
    /// Line of the byte at `start`, 1 = first.
    line: u32,
    most: usize,
    fields: Vec<u8>,
    ends: Vec<usize>,
    text: usize,
    count: usize,
}

impl<R: Read> Records<R> {
    /// Reads `head`, then the source. A record has at most `most` bytes.
    pub(super) fn new(head: Vec<u8>, source: R, delimiter: u8, most: usize) -> Self {
        Self {
            source,
            core: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            filled: head.len(),
            buffer: head,
            start: 0,
            next: 0,
            exhausted: false,
            line: 1,
            most,
            fields: vec![0; 4096],
            ends: vec![0; 64],
            text: 0,
            count: 0,
        }
    }

    /// The line that the current record begins on.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// The delimiter.
    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The record's cells, concatenated.
    pub(super) fn fields(&self) -> &[u8] {
        self.fields.get(..self.text).unwrap_or_default()
    }

    /// Where each cell ends.
    pub(super) fn ends(&self) -> &[usize] {
        self.ends.get(..self.count).unwrap_or_default()
    }

    /// Whether the record goes over more than one line.
    pub(super) fn is_of_many_lines(&self) -> bool {
        first_break(self.raw()).is_some_and(|(_, behind)| behind < self.raw().len())
    }

    /// Whether a cell of the record goes on after its closing quotation mark: `"…"x`, as happens when the mark is
    /// really the opening one of a later cell.
    pub(super) fn is_badly_closed(&self) -> bool {
        let (mut at_start, mut inside, mut rest) = (true, false, self.raw());
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            match (inside, *byte, behind.first()) {
                (true, b'"', Some(b'"')) => rest = behind.get(1..).unwrap_or_default(),
                (true, b'"', next) => {
                    inside = false;
                    if next.is_some_and(|next| *next != self.delimiter && !matches!(next, b'\r' | b'\n')) {
                        return true;
                    }
                }
                (true, ..) => {}
                (false, b'"', _) if at_start => (at_start, inside) = (false, true),
                (false, byte, _) => at_start = byte == self.delimiter,
            }
        }
        false
    }

    /// Reads the next record that is not an empty line.
    pub(super) fn read(&mut self) -> Result<Found> {
        self.accept();
        if !self.skip_empty_lines()? {
            return Ok(Found::End);
        }
        self.begin();
        loop {
            let ahead = self.buffer.get(self.next..self.filled).unwrap_or_default();
            let (result, taken) =
                step(&mut self.core, ahead, &mut self.fields, &mut self.ends, &mut self.text, &mut self.count);
            self.next += taken;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => {
                    self.take_line_feed()?;
                    return Ok(Found::Record);
                }
                ReadRecordResult::InputEmpty if self.next - self.start > self.most => return Ok(Found::TooLong),
                ReadRecordResult::InputEmpty if !self.fill()? => return Ok(self.end()),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
    }

    /// Takes the record back and makes a record of its first line alone, as if the file ended there. Reading goes on
    /// after that line. True: the line itself is longer than a record may be, and only its beginning is kept.
    pub(super) fn only_first_line(&mut self) -> Result<bool> {
        let (end, behind) = loop {
            let held = self.buffer.get(self.start..self.filled).unwrap_or_default();
            match first_break(held) {
                // A carriage return at the end of the held bytes may be half of a line end.
                Some((_, behind)) if behind == held.len() && held.last() == Some(&b'\r') && !self.exhausted => {}
                Some(found) => break found,
                None if held.len() > self.most + PIECE => {
                    let kept = held.get(..KEPT).unwrap_or_default().to_vec();
                    self.skip_line()?;
                    self.parse_alone(&kept);
                    return Ok(true);
                }
                None if self.exhausted => break (held.len(), held.len()),
                None => {}
            }
            self.fill()?;
        };
        let is_cut = end > self.most;
        let length = if is_cut { KEPT } else { end };
        let line = self.buffer.get(self.start..self.start + length).unwrap_or_default().to_vec();
        self.next = self.start + behind;
        self.parse_alone(&line);
        Ok(is_cut)
    }

    fn parse_alone(&mut self, line: &[u8]) {
        let next = self.next;
        self.begin();
        self.next = next;
        let mut at = 0;
        loop {
            let ahead = line.get(at..).unwrap_or_default();
            let (result, taken) =
                step(&mut self.core, ahead, &mut self.fields, &mut self.ends, &mut self.text, &mut self.count);
            at += taken;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => return,
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
    }

    /// Drops everything up to the next line end, holding one piece at a time.
    fn skip_line(&mut self) -> Result<()> {
        loop {
            let held = self.buffer.get(self.start..self.filled).unwrap_or_default();
            if let Some((_, behind)) = first_break(held) {
                self.next = self.start + behind;
                return self.take_line_feed();
            }
            (self.start, self.next, self.filled) = (0, 0, 0);
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// The record as it stands in the file, with its line end.
    pub(super) fn raw(&self) -> &[u8] {
        self.buffer.get(self.start..self.next).unwrap_or_default()
    }

    fn begin(&mut self) {
        self.core.reset();
        self.next = self.start;
        (self.text, self.count) = (0, 0);
    }

    /// Releases the current record.
    fn accept(&mut self) {
        self.line = self.line.saturating_add(breaks(self.raw()));
        self.start = self.next;
    }

    /// True when something follows the empty lines.
    fn skip_empty_lines(&mut self) -> Result<bool> {
        loop {
            match self.buffer.get(self.start..self.filled).unwrap_or_default() {
                [] => {
                    if !self.fill()? {
                        return Ok(false);
                    }
                }
                [b'\r'] if !self.exhausted => {
                    self.fill()?;
                }
                [b'\r', b'\n', ..] => self.pass_line(2),
                [b'\r' | b'\n', ..] => self.pass_line(1),
                _ => return Ok(true),
            }
        }
    }

    fn pass_line(&mut self, length: usize) {
        self.start += length;
        self.next = self.start;
        self.line = self.line.saturating_add(1);
    }

    /// The line feed after a carriage return belongs to the record.
    fn take_line_feed(&mut self) -> Result<()> {
        if self.raw().last() != Some(&b'\r') || (self.next == self.filled && !self.fill()?) {
            return Ok(());
        }
        if self.buffer.get(self.next) == Some(&b'\n') && self.next < self.filled {
            self.next += 1;
        }
        Ok(())
    }

    /// Ends the last record. A line feed ends it too, unless it is within quotation marks.
    fn end(&mut self) -> Found {
        let before = self.text;
        if self.fields.len() == before {
            self.fields.resize(before + 1, 0);
        }
        if self.ends.len() == self.count {
            self.ends.resize(self.count + 1, 0);
        }
        let (result, _) =
            step(&mut self.core, b"\n", &mut self.fields, &mut self.ends, &mut self.text, &mut self.count);
        if result == ReadRecordResult::Record {
            return Found::Record;
        }
        self.text = before;
        if self.ends.len() == self.count {
            self.ends.resize(self.count + 1, 0);
        }
        if let Some(end) = self.ends.get_mut(self.count) {
            *end = before;
        }
        self.count += 1;
        Found::Open
    }

    /// Reads more after what is held; false at the end of the source.
    fn fill(&mut self) -> Result<bool> {
        if self.exhausted {
            return Ok(false);
        }
        if self.start > 0 && self.buffer.len() - self.filled < PIECE {
            self.buffer.copy_within(self.start..self.filled, 0);
            (self.next, self.filled, self.start) = (self.next - self.start, self.filled - self.start, 0);
        }
        if self.buffer.len() - self.filled < PIECE {
            self.buffer.resize(self.filled + PIECE, 0);
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let length = loop {
            match self.source.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.filled += length;
        self.exhausted = length == 0;
        Ok(length > 0)
    }
}

/// One step of the automaton: its result, and how many bytes it consumed.
fn step(
    core: &mut Reader,
    input: &[u8],
    fields: &mut [u8],
    ends: &mut [usize],
    text: &mut usize,
    count: &mut usize,
) -> (ReadRecordResult, usize) {
    let room = fields.get_mut(*text..).unwrap_or_default();
    let places = ends.get_mut(*count..).unwrap_or_default();
    let (result, taken, written, ended) = core.read_record(input, room, places);
    *text += written;
    *count += ended;
    (result, taken)
}

/// The first line end: where it begins, and where it ends.
fn first_break(bytes: &[u8]) -> Option<(usize, usize)> {
    let at = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let pair = bytes.get(at..at + 2) == Some(b"\r\n");
    Some((at, at + if pair { 2 } else { 1 }))
}

/// How many line ends there are.
fn breaks(bytes: &[u8]) -> u32 {
    let feeds = bytes.iter().filter(|byte| **byte == b'\n').count();
    let returns = bytes.iter().filter(|byte| **byte == b'\r').count();
    let pairs = if returns == 0 { 0 } else { bytes.windows(2).filter(|pair| pair == b"\r\n").count() };
    u32::try_from(feeds + returns - pairs).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u32, Vec<String>)> {
        let mut all = Vec::new();
        // A buffer of one byte at a time reveals whatever depends on where pieces end.
        for head in [0, text.len() / 2, text.len()] {
            let (head, rest) = text.as_bytes().split_at(head);
            let mut records = Records::new(head.to_vec(), rest, b',', 1 << 20);
            let mut found = Vec::new();
            while records.read().unwrap() == Found::Record {
                let cells = iris_model::Cells::from_fields(records.fields(), records.ends()).unwrap();
                found.push((records.line(), cells.iter().map(str::to_owned).collect()));
            }
            if all.is_empty() {
                all = found;
            } else {
                assert_eq!(found, all);
            }
        }
        all
    }

    fn starts(text: &str) -> Vec<u32> {
        lines(text).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn records_know_their_line_whatever_the_line_ends_are() {
        assert_eq!(starts("a\nb\nc"), [1, 2, 3]);
        assert_eq!(starts("a\r\nb\r\nc\r\n"), [1, 2, 3]);
        assert_eq!(starts("a\rb\rc\r"), [1, 2, 3]);
        assert_eq!(starts("a\r\rb\r\n\nc\n\n\nd"), [1, 3, 5, 8]);
        assert_eq!(starts("\n\r\n\ra,\"x\r\ny\rz\nw\"\nb"), [4, 8]);
    }

    #[test]
    fn quoting_is_that_of_rfc_4180() {
        let cells = |text: &str| lines(text).remove(0).1;
        assert_eq!(cells("\"a,b\",\"c \"\"d\"\"\",e"), ["a,b", "c \"d\"", "e"]);
        assert_eq!(cells("5' 2\",x\"y\",z"), ["5' 2\"", "x\"y\"", "z"]);
        assert_eq!(cells("a,,"), ["a", "", ""]);
        assert_eq!(cells("\"\",b"), ["", "b"]);
    }
}
