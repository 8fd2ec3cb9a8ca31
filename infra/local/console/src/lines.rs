//! The rows of a drop: what became of each, and for rejected ones each issue next to its cell.

use crate::failure::Error;
use crate::format;
use crate::page::Look;
use crate::shapes::Shape;
use iris_model::{OutcomeKind, RowIssue, RowLine, Severity};
use iris_store::Store;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

/// Rejected rows shown at a time.
const REJECTED: usize = 50;
/// Batches searched for them at a time.
const BATCHES: usize = 40;
/// The most characters of a cell that are shown.
const CELL: usize = 200;
/// The most characters of a JSON element that are shown.
const ELEMENT: usize = 4_000;

/// Some lines, and where the next ones begin.
pub(crate) struct Part {
    pub(crate) lines: Vec<RowLine>,
    /// Number of the batch after which to continue; `None` at the end.
    pub(crate) next: Option<u32>,
}

/// The lines of the next batch.
pub(crate) async fn batch(store: &dyn Store, drop: Uuid, after: Option<u32>) -> Result<Part, Error> {
    match store.drop_lines(drop, after).await? {
        Some((number, text)) => Ok(Part { lines: parse(&text)?, next: Some(number) }),
        None => Ok(Part { lines: Vec::new(), next: None }),
    }
}

/// The next rejected rows.
pub(crate) async fn rejected(store: &dyn Store, drop: Uuid, after: Option<u32>) -> Result<Part, Error> {
    let mut part = Part { lines: Vec::new(), next: after };
    for _ in 0..BATCHES {
        let Some((number, text)) = store.drop_lines(drop, part.next).await? else {
            part.next = None;
            return Ok(part);
        };
        part.next = Some(number);
        part.lines.extend(parse(&text)?.into_iter().filter(|line| line.outcome == OutcomeKind::Failed));
        if part.lines.len() >= REJECTED {
            break;
        }
    }
    Ok(part)
}

fn parse(text: &str) -> Result<Vec<RowLine>, Error> {
    Ok(text.lines().filter(|line| !line.is_empty()).map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Rows with different problems: the first of each kind, with the number of similar ones.
pub(crate) fn unlike(lines: &[RowLine]) -> Vec<(&RowLine, u64)> {
    let wrong = |line: &RowLine| -> Vec<_> {
        let errors = line.issues.iter().filter(|located| located.issue.is_error());
        errors.map(|located| (located.column, located.issue.code, located.issue.message.clone())).collect()
    };
    let mut places = HashMap::new();
    let mut kinds: Vec<(&RowLine, u64)> = Vec::new();
    for line in lines {
        let place = *places.entry(wrong(line)).or_insert(kinds.len());
        match kinds.get_mut(place) {
            Some((_, alike)) => *alike += 1,
            None => kinds.push((line, 0)),
        }
    }
    kinds
}

/// A rejected row.
pub(crate) fn rejected_row(line: &RowLine, shape: &Shape, look: Look) -> Markup {
    let cells = line.cells.as_deref().unwrap_or_default();
    let apart = |issue: &&RowIssue| {
        issue.column.is_none_or(|_| shape.json || column(issue).is_none_or(|at| at >= width(shape, cells)))
    };
    html! {
        article.rejected id={ "row-" (line.row) } {
            header {
                h3 { @if shape.json { "Element " } @else { "Row " } (line.row) }
                @if let Some(id) = &line.order_local_id { span { "order " code { (look.private(id)) } } }
                @if let Some(id) = &line.patient_local_id { span { "patient " code { (look.private(id)) } } }
            }
            @for issue in line.issues.iter().filter(apart) { (said(issue, look, true)) }
            @if shape.json {
                @for text in cells { pre { (look.private(&format::cut(&format::pretty(text), ELEMENT))) } }
            } @else {
                dl.cells { @for place in 0..width(shape, cells) { (cell(line, shape, place, look)) } }
            }
        }
    }
}

fn width(shape: &Shape, cells: &[String]) -> usize {
    shape.headers.len().max(cells.len())
}

/// The place of an issue's column, 0 = first.
fn column(issue: &RowIssue) -> Option<usize> {
    issue.column.and_then(|column| usize::try_from(column).ok()?.checked_sub(1))
}

/// A cell with its issues. Empty cells without issues are left out.
fn cell(line: &RowLine, shape: &Shape, place: usize, look: Look) -> Markup {
    let value = line.cells.as_deref().and_then(|cells| cells.get(place)).map_or("", |value| value.trim());
    let header = shape.headers.get(place).map_or("", |header| header.as_str());
    let issues: Vec<&RowIssue> = line.issues.iter().filter(|issue| column(issue) == Some(place)).collect();
    let bad = issues.iter().any(|issue| issue.issue.severity == Severity::Error);
    let tone = if bad {
        "bad"
    } else if issues.is_empty() {
        "fine"
    } else {
        "warn"
    };
    html! {
        @if !value.is_empty() || !issues.is_empty() {
            div.(tone) data-column=(header) {
                dt { (letters(place)) " " @if header.is_empty() { "(no header)" } @else { (format::foreign(header)) } }
                dd.value { @if value.is_empty() { i { "empty" } } @else { (look.private(&format::cut(value, CELL))) } }
                @for issue in issues { dd { (said(issue, look, false)) } }
            }
        }
    }
}

/// What is said about a row or cell.
pub(crate) fn said(issue: &RowIssue, look: Look, with_path: bool) -> Markup {
    let tone = if issue.issue.severity == Severity::Error { "bad" } else { "warn" };
    html! {
        p.issue.(tone) {
            @if with_path {
                @match (&issue.header, issue.issue.path.is_empty()) {
                    (Some(header), _) => { strong { (format::foreign(header)) ": " } }
                    (None, false) => { strong { (issue.issue.path) ": " } }
                    (None, true) => {}
                }
            }
            (look.message(&issue.issue.message)) " " code { (issue.issue.code.as_str()) }
        }
    }
}

/// What became of rows, one line each.
pub(crate) fn table(lines: &[RowLine], look: Look) -> Markup {
    html! {
        table.list.rows {
            thead { tr { th.number { "Row" } th { "Outcome" } th { "Order in IRIS" } th { "Order" } th { "Patient" } th.wide { "Remarks" } } }
            tbody {
                @for line in lines {
                    tr {
                        td.number { (line.row) }
                        td { (format::outcome(line.outcome)) }
                        td { @if let Some(id) = line.iris_order_id { a href={ "/orders/" (id) } { (id) } } }
                        td { (look.private(line.order_local_id.as_deref().unwrap_or_default())) }
                        td { (look.private(line.patient_local_id.as_deref().unwrap_or_default())) }
                        td { @for issue in &line.issues { (said(issue, look, true)) } }
                    }
                }
            }
        }
    }
}

/// A spreadsheet's name of a column: 0 = A, 26 = AA.
fn letters(place: usize) -> String {
    let mut rest = place + 1;
    let mut letters = Vec::new();
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use iris_model::{Issue, IssueCode};

    const OPEN: Look = Look { hides: false };
    const HIDING: Look = Look { hides: true };

    fn line(column: Option<u32>) -> RowLine {
        let issue = Issue::error(IssueCode::TwoDigitYear, "Patient.Dob", "\"3/4/61\" has a year of two digits.");
        RowLine {
            row: 12,
            outcome: OutcomeKind::Failed,
            iris_order_id: None,
            order_local_id: Some("D-8".to_owned()),
            patient_local_id: None,
            issues: vec![RowIssue { column, header: None, issue }],
            cells: Some(vec!["<b>Tina</b>".to_owned(), String::new(), "3/4/61".to_owned()]),
        }
    }

    fn shape() -> Shape {
        Shape { json: false, headers: ["First", "Middle", "DOB"].map(str::to_owned).to_vec() }
    }

    #[test]
    fn an_issue_stands_in_its_cell() {
        let shown = rejected_row(&line(Some(3)), &shape(), OPEN).into_string();
        let cell = shown.split("data-column=\"DOB\"").nth(1).unwrap();
        assert!(cell.contains("C <bdi>DOB</bdi>") && cell.contains("has a year of two digits"), "{shown}");
        assert_eq!(shown.matches("two digits").count(), 1);
        assert!(!shown.contains("Middle"), "an empty cell without an issue is left out");
    }

    #[test]
    fn rows_with_the_same_trouble_are_one_card() {
        let other = || {
            let mut line = line(Some(3));
            line.issues[0].issue.message = "\"3/4/62\" has a year of two digits.".into();
            line
        };
        let lines = [line(Some(3)), other(), line(Some(3)), line(None), line(Some(3))];
        let alike: Vec<u64> = unlike(&lines).into_iter().map(|(_, alike)| alike).collect();
        assert_eq!(alike, [2, 0, 0]);
    }

    #[test]
    fn an_issue_without_a_cell_stands_above_the_row() {
        for column in [None, Some(9)] {
            let shown = rejected_row(&line(column), &shape(), OPEN).into_string();
            let (above, _) = shown.split_once("<dl").unwrap();
            assert!(above.contains("two digits"), "{shown}");
        }
    }

    #[test]
    fn values_are_escaped_and_can_be_hidden() {
        let shown = rejected_row(&line(Some(3)), &shape(), OPEN).into_string();
        assert!(shown.contains("&lt;b&gt;Tina"), "{shown}");
        let hidden = rejected_row(&line(Some(3)), &shape(), HIDING).into_string();
        assert!(!hidden.contains("Tina") && !hidden.contains("3/4/61") && !hidden.contains("D-8"), "{hidden}");
    }

    #[test]
    fn columns_are_named_as_spreadsheets_name_them() {
        assert_eq!([0, 25, 26, 701, 702].map(letters), ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}
