//! CSV and its relatives.
//!
//! The delimiter is the one under which the file's first records look most like a header of the mapping. Quoting
//! follows RFC 4180; a quotation mark inside a bare cell is literal. Records that deviate are read if they can be read
//! in one way only ([`lenient`]).
//!
//! A quotation mark that is never closed swallows what follows, and a strict reader would lose the rest of the file
//! with it. Here such a record is recognized by its symptoms: a cell or record beyond its limit, too few or too many
//! cells in a record of several lines, a cell with whole rows inside, a closing mark in the middle of a value, the end
//! of the file within quotation marks. Then only its first line fails, reported with the line and column of the opening
//! mark, and reading goes on with the line below it.

mod lenient;
mod records;

use crate::failure::FileIssue;
use crate::limits::Limits;
use crate::line::{Line, Lines};
use crate::mapping::{self, Candidates, Chosen, Names};
use iris_model::organization::Mapping;
use iris_model::value::residue;
use iris_model::{Cells, Issue, IssueCode};
use records::{Found, Records};
use std::io::Read;

/// Delimiters, the most common first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How much of the file is searched for header and delimiter.
const HEAD: usize = 256 * 1024;
/// How many records may stand above the header.
const TITLES: usize = 30;
/// A line inside a cell looks like a record when it has as many cells as the header, and at least this many (decision
/// 70).
const TELLING: usize = 3;

/// The records of a delimited file.
pub(crate) struct Delimited<R> {
    records: Records<R>,
    pub(crate) headers: Vec<String>,
    pub(crate) delimiter: char,
    limits: Limits,
}

impl<R: Read> Delimited<R> {
    /// Finds delimiter and header, and which mapping it is a header of.
    pub(crate) fn open<'m>(
        mut text: R,
        candidates: &Candidates<'m>,
        limits: &Limits,
    ) -> Result<(Self, &'m Mapping), FileIssue> {
        let head = read_head(&mut text)?;
        let find = |mapping: &Mapping| header_of(&head, mapping, limits);
        let Chosen { mapping, found: (place, _) } = candidates.choose(find, |(_, headers)| headers)?;
        Ok((Self::open_at(head, text, &place, limits)?, mapping))
    }

    /// Reads below the header at this place. `head` is the beginning of the file; `text` continues it.
    pub(crate) fn open_at(head: Vec<u8>, text: R, place: &HeaderPlace, limits: &Limits) -> Result<Self, FileIssue> {
        let mut records = Records::new(head, text, place.delimiter, limits.record_bytes);
        for _ in 0..=place.above {
            records.read().map_err(FileIssue::io)?;
        }
        let headers = headers_of(&header_cells(&records));
        if headers.len() > limits.columns {
            return Err(FileIssue::file(too_many_columns(headers.len(), limits)));
        }
        Ok(Self { records, headers, delimiter: char::from(place.delimiter), limits: limits.clone() })
    }

    /// Whether the record is several rows that a quotation mark swallowed.
    fn is_swallowing(&self, found: Found, cells: &Cells) -> bool {
        if found != Found::Record {
            return true;
        }
        if !self.records.is_of_many_lines() {
            return false;
        }
        let width = self.headers.len();
        let delimiter = self.delimiter;
        // The first line belongs to the cell, whatever it holds; the others should not look like records.
        let looks_like_row = |line: &str| {
            line.matches(delimiter).count() + 1 >= width.max(TELLING)
                && line.split(delimiter).filter(|cell| !cell.trim().is_empty()).nth(1).is_some()
        };
        let holds_rows = |cell: &str| cell.split(['\n', '\r']).skip(1).any(looks_like_row);
        self.records.is_badly_closed()
            || cells.len() < width
            || cells.iter().skip(width).any(|cell| !cell.trim().is_empty())
            || cells.iter().any(|cell| cell.len() > self.limits.cell_bytes || holds_rows(cell))
    }

    fn is_odd(&self) -> bool {
        lenient::is_odd(self.records.raw(), self.delimiter as u8)
    }

    fn check(&self, cells: &Cells, issues: &mut Vec<(Option<usize>, Issue)>) {
        if cells.text().len() > self.limits.cell_bytes {
            let long = cells.iter().enumerate().filter(|(_, cell)| cell.len() > self.limits.cell_bytes);
            issues.extend(long.map(|(column, _)| (Some(column), too_long(&self.limits))));
        }
        if cells.text().as_bytes().contains(&0) {
            let with = cells.iter().enumerate().filter(|(_, cell)| cell.contains('\0'));
            issues.extend(with.map(|(column, _)| (Some(column), nul())));
        }
        let width = self.headers.len();
        if cells.len() > width && cells.iter().skip(width).any(|cell| !cell.trim().is_empty()) {
            issues.push((None, extra_cells(cells.len(), width)));
        }
    }
}

impl<R: Read> Lines for Delimited<R> {
    fn next(&mut self) -> Result<Option<Line>, FileIssue> {
        loop {
            let found = self.records.read().map_err(FileIssue::io)?;
            if found == Found::End {
                return Ok(None);
            }
            let number = self.records.line();
            let (mut cells, readable) = cells_of(&self.records);
            let mut issues = Vec::new();
            if found == Found::Record && !self.records.is_of_many_lines() && self.is_odd() {
                match lenient::cells(self.records.raw(), self.delimiter as u8, Some(self.headers.len())) {
                    Some(read) => {
                        cells = read;
                        self.check(&cells, &mut issues);
                    }
                    None => issues.push((None, bad_quoting())),
                }
            } else if self.is_swallowing(found, &cells) {
                let is_cut = self.records.only_first_line().map_err(FileIssue::io)?;
                cells = cells_of(&self.records).0;
                let last = cells.len().saturating_sub(1);
                issues.push(if is_cut { (None, endless(&self.limits)) } else { (Some(last), unclosed()) });
            } else {
                self.check(&cells, &mut issues);
            }
            if !readable {
                issues.push((None, bad_encoding()));
            }
            if issues.is_empty() && cells.is_blank() {
                continue;
            }
            return Ok(Some(Line { number, cells, issues }));
        }
    }
}

/// The cells of the current record, and whether they were valid text. Invalid bytes are replaced, so that the rejected
/// row can show them.
fn cells_of<R: Read>(records: &Records<R>) -> (Cells, bool) {
    if let Some(cells) = Cells::from_fields(records.fields(), records.ends()) {
        return (cells, true);
    }
    let mut cells = Cells::default();
    let mut start = 0;
    for end in records.ends() {
        cells.push(&String::from_utf8_lossy(records.fields().get(start..*end).unwrap_or_default()));
        start = *end;
    }
    (cells, false)
}

/// The cells of a header, whose quoting may be odd.
fn header_cells<R: Read>(records: &Records<R>) -> Cells {
    let is_odd = lenient::is_odd(records.raw(), records.delimiter());
    let read = is_odd.then(|| lenient::cells(records.raw(), records.delimiter(), None)).flatten();
    read.unwrap_or_else(|| cells_of(records).0)
}

/// The name in a cell of the header.
fn header(cell: &str) -> String {
    residue::unforced(cell.trim()).unwrap_or_else(|| cell.trim().to_owned())
}

/// The names in the cells of a header, without empty ones at the end.
fn headers_of(cells: &Cells) -> Vec<String> {
    let mut headers: Vec<String> = cells.iter().map(header).collect();
    headers.truncate(headers.iter().rposition(|header| !header.is_empty()).map_or(0, |last| last + 1));
    headers
}

/// The beginning of a file, which is searched for header and delimiter.
pub(crate) fn read_head(text: &mut impl Read) -> Result<Vec<u8>, FileIssue> {
    let mut head = Vec::new();
    text.take(HEAD as u64).read_to_end(&mut head).map_err(FileIssue::io)?;
    Ok(head)
}

/// Where a header was found.
#[derive(Debug, Clone)]
pub(crate) struct HeaderPlace {
    pub(crate) delimiter: u8,
    /// How many records stand above it.
    pub(crate) above: usize,
    matches: usize,
}

/// A record near the top of a file.
pub(crate) struct TopRecord {
    pub(crate) place: HeaderPlace,
    /// The line it begins on, 1 = first.
    pub(crate) line: u32,
    pub(crate) cells: Cells,
}

/// The first records of a file, by each delimiter it could have.
pub(crate) fn tops(head: &[u8], most: usize, limits: &Limits) -> Vec<Vec<TopRecord>> {
    let of = |delimiter: u8| {
        let mut records = Records::new(head.to_vec(), std::io::empty(), delimiter, limits.record_bytes);
        let mut top = Vec::new();
        for above in 0..most {
            match records.read() {
                Ok(found) if found != Found::End => {
                    let place = HeaderPlace { delimiter, above, matches: 0 };
                    top.push(TopRecord { place, line: records.line(), cells: header_cells(&records) });
                }
                _ => break,
            }
        }
        top
    };
    DELIMITERS.into_iter().map(of).collect()
}

/// Where the header of a mapping is, and its names.
fn header_of(head: &[u8], mapping: &Mapping, limits: &Limits) -> Result<(HeaderPlace, Vec<String>), FileIssue> {
    let names = Names::of(mapping);
    let best = DELIMITERS.into_iter().filter_map(|delimiter| best_header(head, delimiter, &names, limits));
    // Among equals the first wins: the more common delimiter.
    let best = best.reduce(|best, other| if other.0.matches > best.0.matches { other } else { best });
    best.ok_or_else(|| FileIssue::file(no_header()))
}

/// The record of the head that looks most like a header; `None` when none does.
fn best_header(head: &[u8], delimiter: u8, names: &Names, limits: &Limits) -> Option<(HeaderPlace, Vec<String>)> {
    let mut records = Records::new(head.to_vec(), std::io::empty(), delimiter, limits.record_bytes);
    let mut best: Option<(HeaderPlace, Vec<String>)> = None;
    for above in 0..TITLES {
        if records.read().ok()? == Found::End {
            break;
        }
        let cells = header_cells(&records);
        let matches = names.matches(cells.iter());
        if mapping::is_header(matches, &cells) && best.as_ref().is_none_or(|(best, _)| matches > best.matches) {
            best = Some((HeaderPlace { delimiter, above, matches }, headers_of(&cells)));
        }
    }
    best
}

pub(crate) fn no_header() -> Issue {
    Issue::error(
        IssueCode::NoHeader,
        "",
        "No row near the top looks like a header. Put the column names in one row above the data, for example \
         SiteLocalId, PatientLocalId, PatientFirstName, PatientLastName, PatientDob, PatientBirthGender, OrderLocalId.",
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
    let message = "The row holds bytes that are not text. Save the file as UTF-8 (in Excel: CSV UTF-8).";
    Issue::error(IssueCode::BadEncoding, "", message)
}

fn bad_quoting() -> Issue {
    let message = "Text stands behind a closing quotation mark, or a blank before an opening one, so that nobody knows where the row's cells \
                   begin and end. Remove the blank, and write a quotation mark inside a cell twice (\"\").";
    Issue::error(IssueCode::BadQuoting, "", message)
}

fn unclosed() -> Issue {
    let message = "A quotation mark opened in this cell is not closed on its line, and what follows would be swallowed. \
                   Close or remove it; a cell may go over several lines only if its row is complete.";
    Issue::error(IssueCode::LimitExceeded, "", message)
}

fn endless(limits: &Limits) -> Issue {
    let message = format!(
        "The line is longer than {} bytes, more than any row has. Put each row on a line of its own.",
        limits.record_bytes
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
        "The row has {found} cells, the header {width}. Usually a value with a delimiter is not quoted: put it in \
         double quotes."
    );
    Issue::error(IssueCode::ExtraCells, "", message)
}
