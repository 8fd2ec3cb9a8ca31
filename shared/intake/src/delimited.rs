//! CSV and its relatives.
//!
//! The delimiter is the one under which the file's first records look most like a header of the mapping. Quoting is that of RFC 4180; a quotation
//! mark inside a bare cell is literal. The reader underneath never holds more than one record, and a record is bounded: a
//! quotation mark that is never closed ends at the limit instead of swallowing the file.

use crate::encoding::Utf8Reader;
use crate::failure::FileIssue;
use crate::limits::Limits;
use crate::mapping;
use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord};
use iris_model::organization::Mapping;
use iris_model::{Issue, IssueCode};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{Chain, Cursor, Error, Read};
use std::rc::Rc;

/// Delimiters, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How much of the file is looked at to find header and delimiter.
const HEAD: usize = 256 * 1024;
/// How many records may stand above the header.
const TITLES: usize = 30;
/// A cell with this many line breaks is taken for a quotation mark that was never closed.
const LINES_IN_A_CELL: usize = 50;

type Input = Guard<Chain<Cursor<Vec<u8>>, Utf8Reader<Box<dyn Read + Send>>>>;

/// The records of a delimited file.
pub(crate) struct Delimited {
    reader: Reader<Input>,
    passed: Rc<RefCell<Passed>>,
    bytes: ByteRecord,
    pub(crate) record: StringRecord,
    pub(crate) headers: Vec<String>,
    pub(crate) delimiter: char,
    limits: Limits,
}

/// A record that was read: its line, and what is wrong with its form.
pub(crate) struct Line {
    pub(crate) number: u32,
    pub(crate) issues: Vec<(Option<usize>, Issue)>,
}

impl Delimited {
    /// Finds delimiter and header.
    pub(crate) fn open(source: Box<dyn Read + Send>, mapping: &Mapping, limits: &Limits) -> Result<Self, FileIssue> {
        let mut text = Utf8Reader::new(source);
        let mut head = Vec::new();
        text.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(FileIssue::io)?;
        let (delimiter, above) = DELIMITERS
            .into_iter()
            .filter_map(|delimiter| best_header(&head, delimiter, mapping).map(|found| (delimiter, found)))
            .max_by_key(|(delimiter, (matches, _))| {
                (*matches, std::cmp::Reverse(DELIMITERS.iter().position(|own| own == delimiter)))
            })
            .map(|(delimiter, (_, above))| (delimiter, above))
            .ok_or_else(|| FileIssue::file(no_header()))?;
        let line_break = if head.contains(&b'\n') { b'\n' } else { b'\r' };
        let passed = Rc::new(RefCell::new(Passed::new(line_break)));
        let most = (limits.columns * limits.cell_bytes) as u64;
        let input = Guard { inner: Cursor::new(head).chain(text), passed: Rc::clone(&passed), most };
        let mut reader = builder(delimiter).from_reader(input);
        let mut headers = ByteRecord::new();
        for _ in 0..=above {
            passed.borrow_mut().next_record();
            reader.read_byte_record(&mut headers).map_err(|error| FileIssue::of_csv(&error, None))?;
        }
        let headers: Vec<String> = headers.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let width = headers.iter().rposition(|header| !header.is_empty()).map_or(0, |last| last + 1);
        if width > limits.columns {
            return Err(FileIssue::file(too_many_columns(width, limits)));
        }
        let headers = headers[..width].to_vec();
        Ok(Self {
            reader,
            passed,
            bytes: ByteRecord::new(),
            record: StringRecord::new(),
            headers,
            delimiter: char::from(delimiter),
            limits: limits.clone(),
        })
    }

    /// Reads the next record that is not blank into [`Self::record`]; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Line>, FileIssue> {
        loop {
            self.passed.borrow_mut().next_record();
            let more = self.reader.read_byte_record(&mut self.bytes);
            let number = self.passed.borrow_mut().line_of(&self.bytes, self.reader.position().byte());
            if !more.map_err(|error| FileIssue::of_csv(&error, Some(number)))? {
                return Ok(None);
            }
            if self.bytes.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace)) {
                continue;
            }
            let mut issues = Vec::new();
            self.record = match StringRecord::from_byte_record(std::mem::take(&mut self.bytes)) {
                Ok(record) => record,
                Err(error) => {
                    let bytes = error.into_byte_record();
                    issues.push((None, bad_encoding()));
                    bytes.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().iter().map(AsRef::as_ref).collect()
                }
            };
            self.check(&mut issues);
            return Ok(Some(Line { number: u32::try_from(number).unwrap_or(u32::MAX), issues }));
        }
    }

    /// Whether a line within the cell looks like a record: at least half as many cells as the header, three at the least.
    fn holds_a_record(&self, cell: &str) -> bool {
        let least = (self.headers.len() / 2).max(3);
        cell.lines().skip(1).any(|line| line.split(self.delimiter).count() >= least)
    }

    fn check(&self, issues: &mut Vec<(Option<usize>, Issue)>) {
        let width = self.headers.len();
        let extra = self.record.iter().skip(width).any(|cell| !cell.trim().is_empty());
        for (column, cell) in self.record.iter().enumerate() {
            let breaks = cell.bytes().filter(|byte| *byte == b'\n').count();
            if breaks > LINES_IN_A_CELL || (breaks > 0 && (self.record.len() < width || self.holds_a_record(cell))) {
                issues.push((Some(column), unclosed(breaks)));
            } else if cell.len() > self.limits.cell_bytes {
                issues.push((Some(column), too_long(&self.limits)));
            } else if cell.contains('\0') {
                issues.push((Some(column), nul()));
            }
        }
        if extra {
            issues.push((None, extra_cells(self.record.len(), width)));
        }
    }
}

fn builder(delimiter: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true).buffer_capacity(64 * 1024);
    builder
}

/// How many names the best record of the head has, and how many records stand above it; `None` when none looks like a header.
fn best_header(head: &[u8], delimiter: u8, mapping: &Mapping) -> Option<(usize, usize)> {
    let mut reader = builder(delimiter).from_reader(head);
    let mut best = None;
    let records = reader.byte_records().take(TITLES).map_while(Result::ok);
    for (above, record) in records.enumerate() {
        let cells: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
        let matches = mapping::matches(mapping, cells.iter().map(AsRef::as_ref));
        if matches >= 2 && best.is_none_or(|(most, _)| matches > most) {
            best = Some((matches, above));
        }
    }
    best
}

/// What has passed from the file to the record reader, which reads ahead and does not count lines as people do.
struct Passed {
    line_break: u8,
    /// Bytes since the last record began to be read, and in all.
    for_record: u64,
    bytes: u64,
    /// Places of line breaks that the record reader has not passed yet.
    ahead: VecDeque<u64>,
    /// Line breaks it has passed.
    behind: u64,
}

impl Passed {
    fn new(line_break: u8) -> Self {
        Self { line_break, for_record: 0, bytes: 0, ahead: VecDeque::new(), behind: 0 }
    }

    fn next_record(&mut self) {
        self.for_record = 0;
    }

    fn take(&mut self, piece: &[u8]) {
        let places = piece.iter().enumerate().filter(|(_, byte)| **byte == self.line_break);
        self.ahead.extend(places.map(|(at, _)| self.bytes + at as u64));
        self.bytes += piece.len() as u64;
        self.for_record += piece.len() as u64;
    }

    /// The line a record begins in, 1 = first, given where it ends: the breaks before its end, less those it holds itself.
    fn line_of(&mut self, record: &ByteRecord, end: u64) -> u64 {
        let mut own = 0;
        while let Some(&place) = self.ahead.front().filter(|place| **place < end) {
            self.ahead.pop_front();
            self.behind += 1;
            own = u64::from(place + 1 == end);
        }
        let held = record.as_slice().iter().filter(|byte| **byte == self.line_break).count() as u64;
        (self.behind + 1).saturating_sub(own + held).max(1)
    }
}

/// Tells [`Passed`] what passes, and breaks off when it is too much for one record.
struct Guard<R> {
    inner: R,
    passed: Rc<RefCell<Passed>>,
    most: u64,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.passed.borrow().for_record > self.most {
            return Err(Error::other(RecordTooLong));
        }
        let length = self.inner.read(buffer)?;
        self.passed.borrow_mut().take(&buffer[..length]);
        Ok(length)
    }
}

/// The reason by which [`FileIssue::of_csv`] recognizes the guard.
#[derive(Debug, thiserror::Error)]
#[error("a record is too long")]
pub(crate) struct RecordTooLong;

pub(crate) fn no_header() -> Issue {
    Issue::error(
        IssueCode::NoHeader,
        "",
        "No row near the top looks like a header. Put the column names in one row above the data, for example SiteLocalId, \
         PatientLocalId, PatientFirstName, PatientLastName, PatientDob, PatientBirthGender, OrderLocalId.",
    )
}

pub(crate) fn too_many_columns(width: usize, limits: &Limits) -> Issue {
    let message = format!(
        "The file has {width} columns; at most {} are taken. Remove those that are not needed.",
        limits.columns
    );
    Issue::error(IssueCode::LimitExceeded, "", message)
}

fn bad_encoding() -> Issue {
    Issue::error(
        IssueCode::BadEncoding,
        "",
        "The row holds bytes that are not text. Save the file as UTF-8 (in Excel: CSV UTF-8).",
    )
}

fn unclosed(breaks: usize) -> Issue {
    let message = format!(
        "A quotation mark in this cell is never closed; it swallowed {breaks} lines after it. Close or remove it."
    );
    Issue::error(IssueCode::LimitExceeded, "", message)
}

pub(crate) fn too_long(limits: &Limits) -> Issue {
    let message = format!(
        "The cell is longer than {} bytes. Shorten it, or close a quotation mark left open.",
        limits.cell_bytes
    );
    Issue::error(IssueCode::LimitExceeded, "", message)
}

fn nul() -> Issue {
    Issue::error(IssueCode::ControlCharacter, "", "The cell holds NUL characters. Export the file anew as text.")
}

fn extra_cells(found: usize, width: usize) -> Issue {
    let message = format!(
        "The row has {found} cells, the header {width}. Usually a value with a delimiter is not quoted: put it in double quotes."
    );
    Issue::error(IssueCode::ExtraCells, "", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<u32> {
        let source: Box<dyn Read + Send> = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let mut file = Delimited::open(source, &Mapping::default(), &Limits::default()).unwrap();
        let mut found = Vec::new();
        while let Some(line) = file.next().unwrap() {
            found.push(line.number);
        }
        found
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text =
                ["Members of November", "", "PatientLocalId,OrderLocalId", "1,a", "", ",", "2,\"b", "c\"", "3,d"]
                    .join(end);
            let expected: &[u32] = &[4, 7, 9];
            assert_eq!(lines(&text), expected, "{end:?}");
            assert_eq!(lines(&format!("{text}{end}")), expected, "{end:?} at the end");
        }
        assert_eq!(lines("PatientLocalId,OrderLocalId\r\n1,a\n2,b\r\n"), [2, 3]);
    }

    #[test]
    fn a_quotation_mark_left_open_does_not_hide_the_next_row() {
        let text =
            "PatientLocalId,PatientPhone,OrderLocalId,OrderAdditionalInfo\n1,2,a,\"call in the morning\n2,3,b,\"ok\"\n";
        let source: Box<dyn Read + Send> = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let mut file = Delimited::open(source, &Mapping::default(), &Limits::default()).unwrap();
        let line = file.next().unwrap().unwrap();
        assert_eq!(line.issues[0].1.code, IssueCode::LimitExceeded);
    }

    #[test]
    fn a_nul_is_reported_in_the_shortest_record() {
        let source: Box<dyn Read + Send> = Box::new(Cursor::new(b"PatientLocalId,OrderLocalId\n1,a\0\n".to_vec()));
        let mut file = Delimited::open(source, &Mapping::default(), &Limits::default()).unwrap();
        let line = file.next().unwrap().unwrap();
        assert_eq!(line.issues[0].1.code, IssueCode::ControlCharacter);
    }
}
