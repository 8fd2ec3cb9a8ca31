//! The rows of a sheet, put together from its cells.

use super::{Book, careful, cell, scan};
use crate::cells::Cells;
use crate::delimited::too_long;
use crate::failure::FileIssue;
use crate::limits::Limits;
use calamine::XlsxCellReader;
use iris_model::{Issue, IssueCode};
use std::fs::File;
use std::io::BufReader;

/// How many characters are kept of a cell that is too long.
const SHOWN: usize = 200;
/// The last row and column a sheet can have, 0 = first.
const LAST: (u32, u32) = (1_048_575, 16_383);

/// A row of a sheet.
#[derive(Debug, Default)]
pub(crate) struct SheetRow {
    /// 1 = first, as the sheet counts.
    pub(crate) number: u32,
    /// Cells by column, as far as the header goes.
    pub(crate) cells: Cells,
    /// What is wrong with cells, by column.
    pub(crate) issues: Vec<(Option<usize>, Issue)>,
}

/// The rows of a sheet that have any text, in order.
pub(crate) struct SheetRows<'b> {
    cells: XlsxCellReader<'b, BufReader<File>>,
    width: usize,
    /// The header's row; nothing up to it is wanted.
    above: u32,
    /// The last row that was read.
    last: u32,
    limits: Limits,
    /// The first cell of the next row, already read.
    ahead: Option<Ahead>,
    ended: bool,
    /// What ended the sheet early, told after the row before it.
    defect: Option<FileIssue>,
}

struct Ahead {
    number: u32,
    column: usize,
    text: String,
    issue: Option<Issue>,
}

impl<'b> SheetRows<'b> {
    /// The rows below the row `above`, as wide as the header.
    pub(super) fn open(
        book: &'b mut Book,
        sheet: &str,
        width: usize,
        above: u32,
        limits: &Limits,
    ) -> Result<Self, FileIssue> {
        let cells = careful(|| book.worksheet_cells_reader(sheet))?.map_err(|_| scan::damaged())?;
        Ok(Self { cells, width, above, last: above, limits: limits.clone(), ahead: None, ended: false, defect: None })
    }

    /// The next row that is not blank; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<SheetRow>, FileIssue> {
        if let Some(defect) = self.defect.take() {
            return Err(defect);
        }
        let mut row = SheetRow::default();
        let read = careful(|| self.read(&mut row)).unwrap_or_else(|_| Err(broken(self.last.max(row.number))));
        if let Err(defect) = read {
            self.ended = true;
            if row.number <= self.last {
                return Err(defect);
            }
            // Nobody knows what else the row would have had: it fails, and nothing follows it.
            row.issues.push((None, defect.issue.clone()));
            self.defect = Some(defect);
        }
        if row.number == 0 {
            return Ok(None);
        }
        self.last = row.number;
        Ok(Some(row))
    }

    /// Reads a row; it keeps the number 0 when there is none.
    fn read(&mut self, row: &mut SheetRow) -> Result<(), FileIssue> {
        if let Some(first) = self.ahead.take() {
            row.number = first.number;
            self.put(row, first.column, &first.text, first.issue)?;
        }
        while !self.ended {
            let Some(found) = self.cells.next_cell().map_err(|_| broken(self.last.max(row.number)))? else {
                self.ended = true;
                break;
            };
            let (row_index, column) = found.get_position();
            if row_index > LAST.0 || column > LAST.1 {
                return Err(broken(self.last.max(row.number)));
            }
            let (number, column) = (row_index + 1, column as usize);
            let (text, issue) = cell::text(found.get_value());
            if number <= self.above || text.trim().is_empty() {
                continue;
            }
            // Rows come in order, or two of them could be taken for one.
            if number <= self.last || number < row.number {
                return Err(broken(number));
            }
            if row.number == 0 {
                row.number = number;
            }
            if number > row.number {
                self.ahead = Some(Ahead { number, column, text: text.into_owned(), issue });
                return Ok(());
            }
            self.put(row, column, &text, issue)?;
        }
        Ok(())
    }

    fn put(&self, row: &mut SheetRow, column: usize, text: &str, issue: Option<Issue>) -> Result<(), FileIssue> {
        if column >= self.width {
            if row.issues.iter().all(|(column, _)| column.is_some()) {
                row.issues.push((None, beyond(self.width)));
            }
            return Ok(());
        }
        if column < row.cells.len() {
            return Err(broken(row.number));
        }
        row.issues.extend(issue.map(|issue| (Some(column), issue)));
        let is_too_long = text.len() > self.limits.cell_bytes;
        if is_too_long || row.cells.text().len() + text.len() > self.limits.record_bytes {
            row.issues.push((Some(column), if is_too_long { too_long(&self.limits) } else { too_much(&self.limits) }));
            // The rejected row shows its beginning; a sheet of such cells must not fill the memory.
            let beginning: String = text.chars().take(SHOWN).chain(['…']).collect();
            row.cells.put(column, &beginning);
        } else {
            row.cells.put(column, text);
        }
        Ok(())
    }
}

fn too_much(limits: &Limits) -> Issue {
    let message = format!("The row has more than {} bytes of text. Shorten its cells.", limits.record_bytes);
    Issue::error(IssueCode::LimitExceeded, "", message)
}

fn beyond(width: usize) -> Issue {
    let message =
        format!("The row has text to the right of the header's {width} columns. Move it under a header or remove it.");
    Issue::error(IssueCode::ExtraCells, "", message)
}

fn broken(row: u32) -> FileIssue {
    FileIssue::at(row.max(1), scan::damaged().issue)
}
