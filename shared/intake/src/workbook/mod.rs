//! XLSX workbooks, read as a stream of cells.
//!
//! ```text
//! file ─► package (kind, sizes) ─► inflate (examined on the way) ─► stored (an archive for calamine) ─► calamine ─► rows
//! ```
//!
//! Only the table of shared texts is held in memory, and it is capped on the way. calamine's dense reader is banned
//! (clippy.toml): a sheet that has only A1 and XFD1048576 makes it abort the process. The remaining risk in a library
//! that reads hostile bytes, a panic, is caught here and ends the file, not the process.

mod cell;
mod examine;
mod inflate;
mod mend;
mod number_format;
mod package;
mod refusal;
mod remarks;
mod rows;
mod stored;
mod tokens;

pub(crate) use rows::SheetRows;

use crate::delimited::{no_header, too_many_columns};
use crate::failure::FileIssue;
use crate::limits::Limits;
use crate::line::{Line, Lines};
use crate::mapping::{Names, is_header};
use calamine::{Reader, SheetType, SheetVisible, Xlsx};
use inflate::Inflater;
use iris_model::issue::quoted;
use iris_model::organization::Mapping;
use iris_model::{Cells, Issue, IssueCode};
use package::Package;
use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use stored::{Findings, Stored};

/// How many rows may stand above the header.
const TITLES: u32 = 30;
/// The most sheets that are looked at.
const SHEETS: usize = 255;

type Book = Xlsx<BufReader<Stored>>;

/// An opened workbook.
pub(crate) struct Workbook {
    book: Book,
    findings: Findings,
    limits: Limits,
}

/// Where the data is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) sheet: String,
    pub(crate) headers: Vec<String>,
    /// Warnings about the sheets.
    pub(crate) warnings: Vec<Issue>,
    pub(crate) header_row: u32,
    /// There are rows below it.
    has_rows: bool,
}

impl Workbook {
    /// Opens a workbook.
    pub(crate) fn open(file: File, limits: &Limits) -> Result<Self, FileIssue> {
        let Package { archive, parts, sheets } = package::open(file, limits)?;
        let (stored, findings) = Stored::new(&parts, Inflater::start(archive, &parts, sheets, limits));
        let book = careful(|| Xlsx::new(BufReader::new(stored)))?;
        let book = book.map_err(|_| findings.defect().unwrap_or_else(refusal::damaged))?;
        Ok(Self { book, findings, limits: limits.clone() })
    }

    /// The visible sheets of cells.
    pub(crate) fn sheets(&self) -> Vec<String> {
        let sheets = self.book.sheets_metadata().iter();
        let shown = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible);
        shown.take(SHEETS).map(|sheet| sheet.name.clone()).collect()
    }

    /// The first rows of a sheet that have any text.
    pub(crate) fn top(&mut self, sheet: &str, most: usize) -> Result<Vec<Line>, FileIssue> {
        let mut rows = SheetRows::open(&mut self.book, &self.findings, sheet, self.limits.columns, 0, &self.limits)?;
        let mut top = Vec::new();
        while top.len() < most {
            match rows.next() {
                Ok(Some(row)) => top.push(row),
                Ok(None) => break,
                // A defect further down is reported when it is read.
                Err(_) if !top.is_empty() => break,
                Err(defect) => return Err(defect),
            }
        }
        Ok(top)
    }

    /// The rows of a sheet below the given one, as wide as that row.
    pub(crate) fn rows_below(&mut self, sheet: &str, width: usize, above: u32) -> Result<SheetRows<'_>, FileIssue> {
        SheetRows::open(&mut self.book, &self.findings, sheet, width, above, &self.limits)
    }

    /// Finds the sheet and row of the header: in the sheet that the mapping names, or else in the first visible one
    /// with a row that looks like it and rows below it (decisions 16, 354); if no sheet has rows below, in the first.
    pub(crate) fn find(&mut self, mapping: &Mapping) -> Result<Place, FileIssue> {
        let wanted = |name: &str| mapping.sheet.as_deref().map(|sheet| sheet.trim().eq_ignore_ascii_case(name.trim()));
        let sheets = self.book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        let sheets: Vec<String> = sheets
            .filter(|sheet| wanted(&sheet.name).unwrap_or(sheet.visible == SheetVisible::Visible))
            .take(SHEETS)
            .map(|sheet| sheet.name.clone())
            .collect();
        let names = Names::of(mapping);
        let mut found: Vec<Place> = Vec::new();
        for sheet in &sheets {
            match self.header_in(sheet, &names) {
                Ok(place) => found.extend(place),
                // A defect in a sheet that would not be read anyway does no harm.
                Err(_) if found.iter().any(|place| place.has_rows) => {}
                Err(defect) => return Err(defect),
            }
        }
        let read = found.iter().position(|place| place.has_rows).unwrap_or(0);
        let skipped: Vec<Issue> = match found.get(read) {
            Some(place) => {
                let others = found.iter().enumerate().filter(|(at, other)| *at != read && other.has_rows);
                others.map(|(_, other)| skipped(&other.sheet, &place.sheet)).collect()
            }
            None => Vec::new(),
        };
        if let Some(place) = found.into_iter().nth(read) {
            return Ok(Place { warnings: skipped, ..place });
        }
        Err(FileIssue::file(match &mapping.sheet {
            Some(name) if sheets.is_empty() => no_sheet(name),
            _ => no_header(),
        }))
    }

    fn header_in(&mut self, sheet: &str, names: &Names) -> Result<Option<Place>, FileIssue> {
        let mut best: Option<(usize, u32, Cells, bool)> = None;
        let mut rows = SheetRows::open(&mut self.book, &self.findings, sheet, self.limits.columns, 0, &self.limits)?;
        let (mut defect, mut last) = (None, 0);
        loop {
            let row = match rows.next() {
                Ok(Some(row)) if row.number <= TITLES => row,
                Ok(row) => {
                    last = row.map_or(last, |row| row.number);
                    break;
                }
                Err(found) => {
                    defect = Some(found);
                    break;
                }
            };
            last = row.number;
            let matches = names.matches(row.cells.iter());
            if is_header(matches, &row.cells) && best.as_ref().is_none_or(|(most, ..)| matches > *most) {
                let is_too_wide = row.issues.iter().any(|(column, _)| column.is_none());
                best = Some((matches, row.number, row.cells, is_too_wide));
            }
        }
        let Some((_, header_row, cells, is_too_wide)) = best else {
            return defect.map_or(Ok(None), Err);
        };
        // A defect below the header shows again when it is reached, after the rows before it.
        if is_too_wide {
            return Err(FileIssue::file(too_many_columns(self.limits.columns + 1, &self.limits)));
        }
        let mut headers: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        headers.truncate(headers.iter().rposition(|header| !header.is_empty()).map_or(0, |last| last + 1));
        // A defect below the header is reported when it is read.
        let has_rows = last > header_row || defect.is_some();
        Ok(Some(Place { sheet: sheet.to_owned(), headers, warnings: Vec::new(), header_row, has_rows }))
    }

    /// The rows below the header.
    pub(crate) fn rows(&mut self, place: &Place) -> Result<SheetRows<'_>, FileIssue> {
        SheetRows::open(
            &mut self.book,
            &self.findings,
            &place.sheet,
            place.headers.len(),
            place.header_row,
            &self.limits,
        )
    }
}

/// Runs code that reads hostile bytes; a panic means a damaged file.
fn careful<T>(run: impl FnOnce() -> T) -> Result<T, FileIssue> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| refusal::damaged())
}

fn skipped(other: &str, read: &str) -> Issue {
    let message = format!(
        "The sheet {} has the column names too and was not read; only {} was. Put all rows on one sheet, or drop a \
         workbook per sheet.",
        quoted(other),
        quoted(read)
    );
    Issue::warning(IssueCode::SkippedSheet, "", message)
}

fn no_sheet(name: &str) -> Issue {
    let message =
        format!("The workbook has no sheet named {}. Rename its sheet, or have the mapping changed.", quoted(name));
    Issue::error(IssueCode::NoHeader, "", message)
}
