//! Collecting rows into batches for the receiver, and checks of a row against the others: its number, repetitions, the
//! file's limits.

use crate::duplicates::Seen;
use crate::failure::FileIssue;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::line::Line;
use crate::mapping::{Compiled, Dates, Survey};
use crate::people::{Met, People};
use crate::read::{Original, Row, Sink, Step};
use iris_model::organization::PatientScope;
use iris_model::{Cells, Issue, IssueCode, OrderRequest};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A batch is handed over early when its rows have this much text, so that huge rows cannot fill the memory.
const HELD: usize = 4 << 20;

/// Collects rows into batches.
pub(crate) struct Batches<'o, 's> {
    sink: &'o mut Sink<'s>,
    rows: Vec<Row>,
    batch: usize,
    /// Bytes of text in the rows collected.
    held: usize,
    /// Bytes of text in all rows.
    passed: u64,
    seen: Seen,
    people: People,
    /// How dates are treated.
    pub(crate) dates: Dates<'o>,
    count: u32,
    /// Number of the last row: no two rows share one, whatever the file.
    last: u32,
    /// The row of the template's example, if it was left in.
    example: Option<u32>,
    limits: &'o Limits,
    stopped: bool,
}

impl<'o, 's> Batches<'o, 's> {
    /// Batches of at most that many rows.
    pub(crate) fn new(
        sink: &'o mut Sink<'s>,
        batch: usize,
        limits: &'o Limits,
        scope: PatientScope,
        dates: Dates<'o>,
    ) -> Self {
        Self {
            sink,
            rows: Vec::with_capacity(batch),
            batch,
            held: 0,
            passed: 0,
            seen: Seen::default(),
            people: People::new(scope),
            dates,
            count: 0,
            last: 0,
            example: None,
            limits,
            stopped: false,
        }
    }

    /// Whether the receiver wants no more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// How many rows there were.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The number of the next row, if it has none of its own.
    pub(crate) fn next_number(&self) -> u32 {
        self.last.saturating_add(1)
    }

    /// Reports what the columns mean.
    pub(crate) fn layout(&mut self, layout: &Layout) {
        self.flush();
        self.tell(Step::Layout(Arc::new(layout.clone())));
    }

    /// Takes a row that is already built.
    pub(crate) fn row(&mut self, row: Row, layout: &Layout) -> Result<(), FileIssue> {
        let number = self.admit(row.number, row.original.bytes())?;
        self.rows.push(Row { number, ..row });
        self.complete(layout);
        Ok(())
    }

    /// Builds a row from its cells directly in its final place, because a request is too large to be moved around.
    pub(crate) fn line(
        &mut self,
        line: Line,
        compiled: &Compiled,
        layout: &Layout,
    ) -> Result<ControlFlow<()>, FileIssue> {
        let Line { number, cells, issues: found } = line;
        if compiled.is_example(|column| cells.get(column)) {
            self.example.get_or_insert(number);
            return Ok(ControlFlow::Continue(()));
        }
        // A report repeats its header at the top of each page.
        if is_header(&cells, &layout.headers) || compiled.skips(cells.iter()) {
            return Ok(ControlFlow::Continue(()));
        }
        let number = self.admit(number, cells.text().len())?;
        // A cell that is an error or damaged is reported as such, not once more as a bad value.
        let spoiled: Vec<usize> = found.iter().filter_map(|(column, _)| *column).collect();
        // Defects in a column that nobody reads do not matter, unless the whole row is in doubt.
        let concerns = |column: Option<usize>, issue: &Issue| {
            !matches!(issue.code, IssueCode::CellError | IssueCode::BadNumber | IssueCode::BadDate)
                || column.is_none_or(|column| layout.path_of(column).is_some())
        };
        let found = found.into_iter().filter(|(column, issue)| concerns(*column, issue));
        let total = is_total(&cells, layout.headers.len()).then(|| layout.locate(None, total_row()));
        let issues = found.map(|(column, issue)| layout.of_cell(column, issue)).chain(total).collect();
        let request = OrderRequest::default();
        self.rows.push(Row { number, request, issues, original: Original::Cells(cells), earlier: None });
        if let Some(Row { request, issues, original: Original::Cells(cells), .. }) = self.rows.last_mut() {
            let is_undecoded = issues.iter().any(|located| located.issue.code == IssueCode::BadEncoding);
            let dates = &mut self.dates;
            let is_no_order = |code| matches!(code, IssueCode::BadQuoting | IssueCode::TotalRow);
            if issues.iter().any(|located| is_no_order(located.issue.code)) {
                // Either it is unclear which cell is which, or no cell belongs to an order.
            } else if spoiled.is_empty() {
                compiled.build(request, |column| cells.get(column), layout, issues, dates, number);
            } else {
                let sound = |column: usize| if spoiled.contains(&column) { "" } else { cells.get(column) };
                compiled.build(request, sound, layout, issues, dates, number);
            }
            // Lost letters are reported once, for the whole row.
            if is_undecoded {
                issues.retain(|located| located.column.is_none() || located.issue.code != IssueCode::BadEncoding);
            }
        }
        self.complete(layout);
        Ok(if self.stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// What was seen of the file's dates.
    pub(crate) fn into_survey(self) -> Survey {
        match self.dates {
            Dates::Collect(survey) => survey,
            Dates::Judge(survey) => survey.clone(),
        }
    }

    /// The warning that the template's example was left in.
    pub(crate) fn example_warning(&self) -> Option<Issue> {
        let row = self.example?;
        let message = format!("Row {row} is the example of the template and was not loaded. Delete it.");
        Some(Issue::warning(IssueCode::ExampleRow, "Patient.LocalId", message))
    }

    /// Counts a row, and gives it a number that no other row has.
    fn admit(&mut self, number: u32, bytes: usize) -> Result<u32, FileIssue> {
        let number = number.max(self.next_number());
        self.last = number;
        self.count += 1;
        self.held += bytes;
        self.passed += bytes as u64;
        let too_many = if self.count > self.limits.rows {
            format!("{} rows", self.limits.rows)
        } else if self.passed > self.limits.inflated_bytes {
            format!("{} MB of text", self.limits.inflated_bytes >> 20)
        } else {
            return Ok(number);
        };
        let message = format!("The file has more than {too_many}. Split it; the rows before this one are loaded.");
        Err(FileIssue::at(number, Issue::error(IssueCode::LimitExceeded, "", message)))
    }

    /// The last row is built: looks for an earlier row with its order id, and hands over a batch when there is enough.
    fn complete(&mut self, layout: &Layout) {
        // If a row's operation could not be read, it is unknown what it repeats.
        let is_known = |row: &Row| row.issues.iter().all(|issue| issue.issue.path != "OrderControlCode");
        if let Some(row) = self.rows.last_mut().filter(|row| is_known(row))
            && let Some(first) = self.seen.first(&row.request, row.number)
        {
            let message = format!(
                "Row {first} has the same order id and operation. Remove one of the two, or give it an id of its own."
            );
            row.issues.push(layout.locate_path(Issue::error(IssueCode::DuplicateRow, "Order.LocalId", message)));
        }
        if let Some(row) = self.rows.last_mut() {
            match self.people.meet(&row.request, row.number) {
                Met::Same(earlier) => row.earlier = earlier,
                Met::Another(other) => {
                    let message = format!(
                        "Row {other} of this file has the same patient id with another first name or birth date: \
                         these are two people. Give each an id of their own; for a family that shares a subscriber's \
                         id, the id of the member."
                    );
                    let issue = Issue::error(IssueCode::PatientMismatch, "Patient.LocalId", message);
                    row.issues.push(layout.locate_path(issue));
                }
            }
        }
        if self.rows.len() >= self.batch || self.held > HELD {
            self.flush();
        }
    }

    /// Hands over what was collected.
    pub(crate) fn flush(&mut self) {
        if !self.rows.is_empty() {
            self.held = 0;
            let rows = std::mem::replace(&mut self.rows, Vec::with_capacity(self.batch));
            self.tell(Step::Batch(rows));
        }
    }

    fn tell(&mut self, step: Step) {
        self.stopped |= !self.stopped && (self.sink)(step).is_break();
    }
}

/// Whether a row repeats the header.
pub(crate) fn is_header(cells: &Cells, headers: &[String]) -> bool {
    let same = |(column, cell): (usize, &str)| {
        headers.get(column).map_or("", String::as_str).eq_ignore_ascii_case(cell.trim())
    };
    headers.len() > 1 && !cells.is_blank() && cells.len() > 1 && cells.iter().enumerate().all(same)
}

/// Whether a row is a total or the end of a report: it has a word that says so, and hardly anything else.
pub(crate) fn is_total(cells: &Cells, width: usize) -> bool {
    const WORDS: [&str; 9] = [
        "total",
        "grand total",
        "subtotal",
        "sub total",
        "sub-total",
        "record count",
        "records:",
        "row count",
        "end of report",
    ];
    let says_so = |cell: &str| {
        let cell = cell.trim().trim_start_matches(['*', '-', '=', ' ']);
        WORDS.iter().any(|word| {
            let (Some(start), rest) = (cell.get(..word.len()), cell.get(word.len()..).unwrap_or_default()) else {
                return false;
            };
            start.eq_ignore_ascii_case(word)
                && !rest.strip_prefix(['s', 'S']).unwrap_or(rest).starts_with(char::is_alphanumeric)
        })
    };
    let filled = || cells.iter().filter(|cell| !cell.trim().is_empty());
    width > 2 && filled().count() <= (width / 3).max(2) && filled().any(says_so)
}

fn total_row() -> Issue {
    let message =
        "This is a total or the end of a report, and no order. Delete the row, or leave it: the others are loaded.";
    Issue::error(IssueCode::TotalRow, "", message)
}
