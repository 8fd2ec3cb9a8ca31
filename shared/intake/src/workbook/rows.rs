//! The rows of a sheet, put together from its cells.

use super::number_format::NumberFormat;
use super::remarks::Remark;
use super::stored::{Findings, Stored};
use super::{Book, careful, cell, refusal};
use crate::delimited::too_long;
use crate::failure::FileIssue;
use crate::limits::Limits;
use crate::line::{Line, Lines};
use calamine::{DataRef, Style, XlsxCellReader};
use iris_model::issue::quoted;
use iris_model::{Issue, IssueCode};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many characters of an overlong cell are kept.
const SHOWN: usize = 200;
/// The last row and column a sheet can have, 0 = first.
const LAST: (u32, u32) = (1_048_575, 16_383);

/// How many rows that were read are hidden in the sheet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hidden(Arc<AtomicU32>);

impl Hidden {
    /// The warning about them.
    pub(crate) fn warning(&self) -> Option<Issue> {
        let rows = match self.0.load(Ordering::Relaxed) {
            0 => return None,
            1 => "One row is hidden or filtered out in the sheet and was".to_owned(),
            rows => format!("{rows} rows are hidden or filtered out in the sheet and were"),
        };
        let message = format!("{rows} read like all others. Delete what is not meant, or drop the visible rows alone.");
        Some(Issue::warning(IssueCode::HiddenRows, "", message))
    }
}

/// The rows of a sheet that have any text, in order.
pub(crate) struct SheetRows<'b> {
    cells: XlsxCellReader<'b, BufReader<Stored>>,
    findings: Findings,
    /// Remarks about this row and later ones.
    remarks: VecDeque<Remark>,
    hidden: Hidden,
    /// By style: how numbers are shown, if that is more than their digits.
    formats: Vec<Option<NumberFormat>>,
    width: usize,
    /// The header's row; rows up to it are skipped.
    above: u32,
    /// The last row that was read.
    last: u32,
    limits: Limits,
    /// The first cell of the next row, already read.
    ahead: Option<Ahead>,
    ended: bool,
    /// What ended the sheet early; reported after the row before it.
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
        findings: &Findings,
        sheet: &str,
        width: usize,
        above: u32,
        limits: &Limits,
    ) -> Result<Self, FileIssue> {
        let cells = careful(|| book.worksheet_cells_reader(sheet))?;
        let cells = cells.map_err(|_| findings.defect().unwrap_or_else(refusal::damaged))?;
        let format = |style: &Style| NumberFormat::of(&style.number_format.as_ref()?.format_code);
        let formats = cells.styles().iter().map(format).collect();
        Ok(Self {
            cells,
            findings: findings.clone(),
            remarks: VecDeque::new(),
            hidden: Hidden::default(),
            formats,
            width,
            above,
            last: above,
            limits: limits.clone(),
            ahead: None,
            ended: false,
            defect: None,
        })
    }

    /// Counts the rows read that are hidden.
    pub(crate) fn hidden(&self) -> Hidden {
        self.hidden.clone()
    }

    /// Reads a row; its number stays 0 when there is none.
    fn read(&mut self, row: &mut Line) -> Result<(), FileIssue> {
        if let Some(first) = self.ahead.take() {
            row.number = first.number;
            self.put(row, first.column, &first.text, first.issue)?;
        }
        while !self.ended {
            let Some((found, style)) = self.cells.next_cell_with_style_id().map_err(|_| self.broken(row.number))?
            else {
                self.ended = true;
                break;
            };
            let (row_index, column) = found.get_position();
            if row_index > LAST.0 || column > LAST.1 {
                return Err(self.broken(row.number));
            }
            let (number, column) = (row_index + 1, column as usize);
            let (mut text, mut issue) = cell::text(found.get_value());
            if number <= self.above {
                continue;
            }
            if text.trim().is_empty() {
                issue = remarked(&self.findings, &mut self.remarks, number, column);
                if issue.is_none() {
                    continue;
                }
            } else if let Some(format) = self.formats.get(style).and_then(Option::as_ref)
                && let DataRef::Float(_) | DataRef::Int(_) = found.get_value()
            {
                match format.applied(&text) {
                    Some(shown) => text = Cow::Owned(shown),
                    None => issue = Some(issue.unwrap_or_else(|| shown_otherwise(&text))),
                }
            }
            // Rows must come in order, or two of them could share a number.
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

    /// Counts the row if it is hidden, and forgets the remarks up to it.
    fn count_hidden(&mut self, row: u32) {
        self.findings.remarks(&mut self.remarks);
        while let Some(remark) = self.remarks.front().copied().filter(|remark| remark.row() <= row) {
            self.remarks.pop_front();
            if remark == Remark::HiddenRow(row) {
                self.hidden.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Why nothing follows, reported for the current row or the last one.
    fn broken(&self, row: u32) -> FileIssue {
        let place = self.last.max(row).max(1);
        self.findings.defect().map_or_else(|| broken(place), |defect| FileIssue::at(place, defect.issue))
    }

    fn put(&self, row: &mut Line, column: usize, text: &str, issue: Option<Issue>) -> Result<(), FileIssue> {
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
            // The rejected row shows only its beginning: a sheet of such cells must not fill the memory.
            let beginning: String = text.chars().take(SHOWN).chain(['…']).collect();
            row.cells.put(column, &beginning);
        } else {
            row.cells.put(column, text);
        }
        Ok(())
    }
}

impl Lines for SheetRows<'_> {
    fn next(&mut self) -> Result<Option<Line>, FileIssue> {
        if let Some(defect) = self.defect.take() {
            return Err(defect);
        }
        let mut row = Line::default();
        let read = careful(|| self.read(&mut row)).unwrap_or_else(|_| Err(self.broken(row.number)));
        if let Err(defect) = read {
            self.ended = true;
            if row.number <= self.last {
                return Err(defect);
            }
            // It is unknown what else the row would have had: it fails, and nothing follows it.
            row.issues.push((None, defect.issue.clone()));
            self.defect = Some(defect);
        }
        if row.number == 0 {
            return Ok(None);
        }
        self.last = row.number;
        self.count_hidden(row.number);
        Ok(Some(row))
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

/// What is wrong with an empty cell: it is a formula whose result was not stored, or its value could not be read.
fn remarked(findings: &Findings, remarks: &mut VecDeque<Remark>, row: u32, column: usize) -> Option<Issue> {
    findings.remarks(remarks);
    remarks.iter().take_while(|remark| remark.row() <= row).find_map(|remark| match *remark {
        Remark::Uncalculated(of_row, of_column) if (of_row, of_column) == (row, column) => Some(uncalculated()),
        Remark::Unreadable(of_row, of_column) if (of_row, of_column) == (row, column) => Some(unreadable()),
        _ => None,
    })
}

fn unreadable() -> Issue {
    let message = "The value of the cell is written in a way that no program can read for sure. Open the workbook in a spreadsheet program, \
                   check the cell, and save it.";
    Issue::error(IssueCode::CellError, "", message)
}

fn shown_otherwise(text: &str) -> Issue {
    let message = format!(
        "The cell holds the number {} and shows something else, by its format. Format the column as text and enter \
         what it shows.",
        quoted(text)
    );
    Issue::error(IssueCode::BadNumber, "", message)
}

fn uncalculated() -> Issue {
    let message = "The cell holds a formula whose result is not stored in the file. Open the workbook in a spreadsheet program, let it \
                   calculate, and save it; or paste the values.";
    Issue::error(IssueCode::CellError, "", message)
}

fn broken(row: u32) -> FileIssue {
    FileIssue::at(row.max(1), refusal::damaged().issue)
}
