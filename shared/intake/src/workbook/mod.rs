//! XLSX workbooks, read as a stream of cells.
//!
//! Only the table of shared texts is in memory, and it is capped by the scan before. calamine's dense reader is banned (clippy.toml): a
//! sheet that has only A1 and XFD1048576 makes it abort the process.

mod cell;
mod scan;

use crate::delimited::{no_header, too_long, too_many_columns};
use crate::failure::FileIssue;
use crate::limits::Limits;
use crate::mapping;
use calamine::{Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader};
use iris_model::issue::quoted;
use iris_model::organization::Mapping;
use iris_model::{Issue, IssueCode};
use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many rows may stand above the header.
const TITLES: u32 = 30;

/// How many characters are kept of a cell that is too long.
const SHOWN: usize = 200;

type Book = Xlsx<BufReader<File>>;

/// A row of a sheet.
#[derive(Debug, Default)]
pub(crate) struct SheetRow {
    /// 1 = first, as the sheet counts.
    pub(crate) number: u32,
    /// Cells by column, as far as the header goes.
    pub(crate) cells: Vec<String>,
    /// What is wrong with cells, by column.
    pub(crate) issues: Vec<(Option<usize>, Issue)>,
}

/// An opened workbook.
pub(crate) struct Workbook {
    book: Book,
    limits: Limits,
}

/// Where the data is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) sheet: String,
    pub(crate) headers: Vec<String>,
    /// What to say about the other sheets.
    pub(crate) warnings: Vec<Issue>,
    header_row: u32,
}

impl Workbook {
    /// Scans and opens a workbook.
    pub(crate) fn open(mut file: File, limits: &Limits) -> Result<Self, FileIssue> {
        scan::scan(&mut file, limits)?;
        let book = guarded(|| Xlsx::new(BufReader::new(file)).map_err(|_| scan::damaged()))?;
        Ok(Self { book, limits: limits.clone() })
    }

    /// Finds the sheet and row of the header: in the sheet the mapping names, else in the first visible one with a row that looks like it
    /// (decision 16).
    pub(crate) fn find(&mut self, mapping: &Mapping) -> Result<Place, FileIssue> {
        let sheets: Vec<String> = self
            .book
            .sheets_metadata()
            .iter()
            .filter(|sheet| {
                sheet.typ == SheetType::WorkSheet
                    && (sheet.visible == SheetVisible::Visible || mapping.sheet.as_deref() == Some(&sheet.name))
            })
            .map(|sheet| sheet.name.clone())
            .collect();
        let wanted: Vec<String> = match &mapping.sheet {
            Some(name) => sheets.into_iter().filter(|sheet| sheet.eq_ignore_ascii_case(name)).collect(),
            None => sheets,
        };
        let mut sheets = wanted.into_iter();
        while let Some(sheet) = sheets.next() {
            if let Some(mut place) = self.header_in(&sheet, mapping)? {
                for other in sheets {
                    if let Ok(Some(_)) = self.header_in(&other, mapping) {
                        place.warnings.push(skipped(&other, &sheet));
                    }
                }
                return Ok(place);
            }
        }
        Err(FileIssue::file(match &mapping.sheet {
            Some(name) => Issue::error(
                IssueCode::NoHeader,
                "",
                format!("The workbook has no sheet named {name} with the expected column names."),
            ),
            None => no_header(),
        }))
    }

    fn header_in(&mut self, sheet: &str, mapping: &Mapping) -> Result<Option<Place>, FileIssue> {
        let limits = self.limits.clone();
        let mut best: Option<(usize, SheetRow)> = None;
        let mut rows = SheetRows::open(&mut self.book, sheet, limits.columns, &limits)?;
        let mut defect = None;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) if row.number <= TITLES => row,
                Ok(_) => break,
                Err(found) => {
                    defect = Some(found);
                    break;
                }
            };
            let matches = mapping::matches(mapping, row.cells.iter().map(String::as_str));
            if matches >= 2 && best.as_ref().is_none_or(|(most, _)| matches > *most) {
                best = Some((matches, row));
            }
        }
        // A defect below the header is met again when the rows are read, after those before it.
        let Some((_, row)) = best else { return defect.map_or(Ok(None), Err) };
        if row.issues.iter().any(|(column, _)| column.is_none()) {
            return Err(FileIssue::file(too_many_columns(limits.columns + 1, &limits)));
        }
        let mut headers: Vec<String> = row.cells.iter().map(|cell| cell.trim().to_owned()).collect();
        while headers.last().is_some_and(String::is_empty) {
            headers.pop();
        }
        Ok(Some(Place { sheet: sheet.to_owned(), headers, warnings: Vec::new(), header_row: row.number }))
    }

    /// The rows below the header.
    pub(crate) fn rows(&mut self, place: &Place) -> Result<SheetRows<'_>, FileIssue> {
        let limits = self.limits.clone();
        let mut rows = SheetRows::open(&mut self.book, &place.sheet, place.headers.len(), &limits)?;
        rows.after = place.header_row;
        Ok(rows)
    }
}

/// The rows of a sheet that have any text, in order.
pub(crate) struct SheetRows<'b> {
    cells: XlsxCellReader<'b, BufReader<File>>,
    width: usize,
    limits: Limits,
    after: u32,
    /// The first cell of the next row, already read.
    ahead: Option<(u32, usize, String, Option<Issue>)>,
    ended: bool,
    /// What ended the sheet early, told after the row before it.
    defect: Option<FileIssue>,
}

impl<'b> SheetRows<'b> {
    fn open(book: &'b mut Book, sheet: &str, width: usize, limits: &Limits) -> Result<Self, FileIssue> {
        let cells = guarded(|| book.worksheet_cells_reader(sheet).map_err(|_| scan::damaged()))?;
        Ok(Self { cells, width, limits: limits.clone(), after: 0, ahead: None, ended: false, defect: None })
    }

    /// The next row below the header that is not blank; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<SheetRow>, FileIssue> {
        let mut row = SheetRow::default();
        if let Some((number, column, text, issue)) = self.ahead.take() {
            row.number = number;
            self.put(&mut row, column, text, issue);
        }
        while !self.ended {
            let cell = match guarded(|| self.cells.next_cell().map_err(|_| broken(row.number))) {
                Ok(Some(cell)) => cell,
                Ok(None) => {
                    self.ended = true;
                    break;
                }
                Err(defect) => {
                    (self.ended, self.defect) = (true, Some(defect));
                    break;
                }
            };
            let (zero_row, column) = cell.get_position();
            let (number, column) = (zero_row.saturating_add(1), column as usize);
            if number <= self.after {
                continue;
            }
            let (text, issue) = cell::text(cell.get_value());
            if text.trim().is_empty() {
                continue;
            }
            if row.number == 0 {
                row.number = number;
            }
            if number < row.number {
                return Err(broken(number));
            }
            if number > row.number {
                self.ahead = Some((number, column, text, issue));
                return Ok(Some(row));
            }
            self.put(&mut row, column, text, issue);
        }
        match self.defect.take() {
            Some(defect) if row.number == 0 => Err(defect),
            defect => {
                self.defect = defect;
                Ok((row.number > 0).then_some(row))
            }
        }
    }

    fn put(&self, row: &mut SheetRow, column: usize, mut text: String, issue: Option<Issue>) {
        if column >= self.width {
            if row.issues.iter().all(|(column, _)| column.is_some()) {
                row.issues.push((None, beyond(self.width)));
            }
            return;
        }
        if text.len() > self.limits.cell_bytes {
            row.issues.push((Some(column), too_long(&self.limits)));
            // The rejected row shows its beginning; a sheet of such cells must not fill the memory.
            text = text.chars().take(SHOWN).chain(['…']).collect();
        }
        row.issues.extend(issue.map(|issue| (Some(column), issue)));
        if row.cells.len() <= column {
            row.cells.resize(column + 1, String::new());
        }
        row.cells[column] = text;
    }
}

fn skipped(other: &str, read: &str) -> Issue {
    let message = format!(
        "The sheet {} has the column names too and was not read; only {} was. Put all rows on one sheet, or drop a workbook per sheet.",
        quoted(other),
        quoted(read)
    );
    Issue::warning(IssueCode::SkippedSheet, "", message)
}

/// The reader underneath panics on a few kinds of damage (cell references beyond all bounds); that is damage like any other.
fn guarded<T>(read: impl FnOnce() -> Result<T, FileIssue>) -> Result<T, FileIssue> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(scan::damaged()))
}

fn beyond(width: usize) -> Issue {
    let message =
        format!("The row has text to the right of the header's {width} columns. Move it under a header or remove it.");
    Issue::error(IssueCode::ExtraCells, "", message)
}

fn broken(row: u32) -> FileIssue {
    FileIssue::at(row.max(1), scan::damaged().issue)
}
