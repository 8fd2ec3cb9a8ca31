//! Surveying a file that no mapping reads: which row is the header, and what its columns show.

use super::column::Column;
use super::{synonyms, words};
use crate::batches;
use crate::delimited::{Delimited, HeaderPlace, TopRecord, no_header, read_head, too_many_columns, tops};
use crate::detect::Format;
use crate::encoding::{Unpadded, Utf8Reader};
use crate::failure::FileIssue;
use crate::limits::Limits;
use crate::line::{Line, Lines};
use crate::mapping;
use crate::read::Source;
use crate::workbook::Workbook;
use iris_model::{Cells, Issue, IssueCode};
use serde::Serialize;
use std::collections::HashSet;

/// How many rows are searched for the header, and shown.
const TOP: usize = 20;
/// Different words kept from first cells that may be totals.
const TOTALS: usize = 10;

/// Where a person says the data is; what is not given is detected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The sheet.
    pub sheet: Option<String>,
    /// Number of the header's row.
    pub header_row: Option<u32>,
}

/// A row near the top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopRow {
    /// Its number, as a person finds it.
    pub number: u32,
    /// Its cells.
    pub cells: Vec<String>,
}

/// What was seen.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// `csv` or `xlsx`.
    pub format: &'static str,
    /// Sheets of a workbook.
    pub sheets: Vec<String>,
    /// The sheet that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The first rows.
    #[serde(skip)]
    pub top: Vec<TopRow>,
    /// Number of the header's row.
    pub header_row: u32,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Rows below the header.
    pub rows: u64,
    /// Words in the first cell of rows that are probably totals.
    pub totals: Vec<String>,
}

/// Looks through a file. Memory does not grow with it.
///
/// # Errors
/// What is wrong with the file as a whole; no row that could be a header; a format without columns.
pub fn look(source: Source, format: Format, limits: &Limits, view: &View) -> Result<Look, FileIssue> {
    match (format, source) {
        (Format::Csv, source) => delimited(source, limits, view),
        (Format::Xlsx, Source::File(file)) => workbook(Workbook::open(file, limits)?, limits, view),
        (Format::Xlsx, Source::Stream(_)) => Err(FileIssue::io(std::io::Error::other("a workbook needs a file"))),
        (Format::Json | Format::Ndjson, _) => Err(FileIssue::file(Issue::error(
            IssueCode::UnsupportedFormat,
            "",
            "A JSON file names its fields itself and is not looked through. Try a spreadsheet, or compare its keys \
             with the published ones.",
        ))),
    }
}

fn delimited(source: Source, limits: &Limits, view: &View) -> Result<Look, FileIssue> {
    let (text, _) = Utf8Reader::new(source.capped(limits));
    let mut text = Unpadded::new(text);
    let head = read_head(&mut text)?;
    let found = best_of(tops(&head, TOP, limits), view).ok_or_else(|| FileIssue::file(no_header()))?;
    let (place, header_row, top) = found;
    let file = Delimited::open_at(head, text, &place, limits)?;
    let headers = file.headers.clone();
    let look = Look { format: Format::Csv.as_str(), sheets: Vec::new(), sheet: None, ..Look::below(header_row, top) };
    look.through(&headers, file)
}

fn workbook(mut book: Workbook, limits: &Limits, view: &View) -> Result<Look, FileIssue> {
    let sheets = book.sheets();
    let wanted: Vec<String> = match &view.sheet {
        Some(sheet) => sheets.iter().filter(|own| *own == sheet).cloned().collect(),
        None => sheets.clone(),
    };
    let mut best: Option<(i64, String, u32, Vec<TopRow>)> = None;
    for sheet in wanted {
        let top = book.top(&sheet, TOP)?;
        let chosen = view.header_row.and_then(|number| top.iter().position(|line| line.number == number));
        let Some((score, at)) =
            chosen.map(|at| (i64::MAX, at)).or_else(|| likeliest(top.iter().map(|line| &line.cells)))
        else {
            continue;
        };
        if best.as_ref().is_none_or(|(most, ..)| score > *most) {
            let header_row = top.get(at).map_or(1, |line| line.number);
            best = Some((score, sheet, header_row, top.iter().map(row).collect()));
        }
    }
    let Some((_, sheet, header_row, top)) = best else { return Err(FileIssue::file(no_header())) };
    let cells = top.iter().find(|row| row.number == header_row).map(|row| row.cells.clone()).unwrap_or_default();
    let mut headers: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
    headers.truncate(headers.iter().rposition(|header| !header.is_empty()).map_or(0, |last| last + 1));
    if headers.len() > limits.columns {
        return Err(FileIssue::file(too_many_columns(headers.len(), limits)));
    }
    let look =
        Look { format: Format::Xlsx.as_str(), sheets, sheet: Some(sheet.clone()), ..Look::below(header_row, top) };
    let rows = book.rows_below(&sheet, headers.len(), header_row)?;
    look.through(&headers, rows)
}

impl Look {
    fn below(header_row: u32, top: Vec<TopRow>) -> Self {
        Self {
            format: "",
            sheets: Vec::new(),
            sheet: None,
            top,
            header_row,
            columns: Vec::new(),
            rows: 0,
            totals: Vec::new(),
        }
    }

    /// Reads the rows below the header. Rows before a defect count.
    fn through(mut self, headers: &[String], mut lines: impl Lines) -> Result<Self, FileIssue> {
        self.columns = headers.iter().map(|header| Column::new(header)).collect();
        loop {
            match lines.next() {
                Ok(Some(line)) => self.see(&line, headers),
                Ok(None) => return Ok(self),
                Err(failure) if failure.transient || self.rows == 0 => return Err(failure),
                Err(_) => return Ok(self),
            }
        }
    }

    fn see(&mut self, line: &Line, headers: &[String]) {
        if batches::is_header(&line.cells, headers) {
            return;
        }
        if batches::is_total(&line.cells, headers.len()) {
            let first = line.cells.iter().map(str::trim).find(|cell| !cell.is_empty()).unwrap_or_default().to_owned();
            if self.totals.len() < TOTALS && !self.totals.contains(&first) {
                self.totals.push(first);
            }
            return;
        }
        self.rows += 1;
        for (at, column) in self.columns.iter_mut().enumerate() {
            column.see(line.cells.get(at));
        }
    }

    /// The header's names.
    #[must_use]
    pub fn headers(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.header.clone()).collect()
    }
}

fn row(line: &Line) -> TopRow {
    TopRow { number: line.number, cells: line.cells.to_vec() }
}

/// The header's place under the delimiter that makes the top look most like a table, its number, and the rows around
/// it.
fn best_of(tops: Vec<Vec<TopRecord>>, view: &View) -> Option<(HeaderPlace, u32, Vec<TopRow>)> {
    let mut best: Option<(i64, HeaderPlace, u32, Vec<TopRow>)> = None;
    for top in tops {
        let Some((score, likely)) = likeliest(top.iter().map(|record| &record.cells)) else { continue };
        if best.as_ref().is_some_and(|(most, ..)| score <= *most) {
            continue;
        }
        let chosen = view.header_row.and_then(|number| top.iter().position(|record| record.line == number));
        let Some(record) = top.get(chosen.unwrap_or(likely)) else { continue };
        let (place, line) = (record.place.clone(), record.line);
        let rows = top.iter().map(|record| TopRow { number: record.line, cells: record.cells.to_vec() }).collect();
        best = Some((score, place, line, rows));
    }
    best.map(|(_, place, line, rows)| (place, line, rows))
}

/// The row that looks most like a header, with its score.
fn likeliest<'a>(rows: impl Iterator<Item = &'a Cells>) -> Option<(i64, usize)> {
    let mut best: Option<(i64, usize)> = None;
    for (at, cells) in rows.enumerate() {
        let score = likeness(cells);
        if score > 1 && best.is_none_or(|(most, _)| score > most) {
            best = Some((score, at));
        }
    }
    best
}

/// How much a row looks like a header: known names, and different texts that are unlikely to be values.
fn likeness(cells: &Cells) -> i64 {
    let mut different = HashSet::new();
    let mut score = 0;
    for cell in cells.iter().map(str::trim).filter(|cell| !cell.is_empty()) {
        let is_known = mapping::published(cell).is_some() || synonyms::of(cell).is_some();
        let is_text = cell.chars().any(char::is_alphabetic)
            && cell.chars().count() <= 60
            && !cell.chars().next().is_some_and(|first| first.is_ascii_digit());
        let is_new = different.insert(words::key(cell));
        score += match (is_known, is_text && is_new) {
            (true, true) => 4,
            (false, true) => 1,
            _ => -2,
        };
    }
    score
}
