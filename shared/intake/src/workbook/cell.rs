//! What a cell of a workbook says, as text.

use calamine::{CellErrorType, DataRef, ExcelDateTime};
use iris_model::issue::quoted;
use iris_model::{Issue, IssueCode};

/// Whole numbers beyond this cannot be told apart in a spreadsheet: it keeps 15 digits.
const EXACT: f64 = 1e15;

/// The text of a cell as a person would type it, and what is wrong with it.
pub(super) fn text(value: &DataRef<'_>) -> (String, Option<Issue>) {
    match value {
        DataRef::Empty => (String::new(), None),
        DataRef::String(text) => (text.clone(), None),
        DataRef::SharedString(text) => ((*text).to_owned(), None),
        DataRef::Int(number) => (number.to_string(), None),
        DataRef::Float(number) => float(*number),
        DataRef::Bool(flag) => (flag.to_string(), None),
        DataRef::DateTime(instant) => (date_time(instant), None),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => (text.clone(), None),
        DataRef::Error(error) => failed(error),
    }
}

/// Numbers as people mean them: an id of 12345 is not 12345.0. One with more digits than a spreadsheet keeps was damaged before it came
/// to us.
fn float(number: f64) -> (String, Option<Issue>) {
    if number.fract() == 0.0 && number.abs() < EXACT {
        return (format!("{number:.0}"), None);
    }
    let text = number.to_string();
    if number.abs() >= EXACT {
        let message = format!(
            "{} has more digits than a spreadsheet keeps; the last ones are lost. Format the column as text and enter it again.",
            quoted(&text)
        );
        return (text, Some(Issue::error(IssueCode::BadNumber, "", message)));
    }
    (text, None)
}

/// Date cells are dates, whatever their format shows (decision 15).
fn date_time(instant: &ExcelDateTime) -> String {
    if instant.is_duration() {
        return instant.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, _) = instant.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

fn failed(error: &CellErrorType) -> (String, Option<Issue>) {
    let text = error.to_string();
    let message = format!("The cell holds the spreadsheet error {text}. Correct its formula, or paste its values.");
    (text, Some(Issue::error(IssueCode::CellError, "", message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ids_and_not_measurements() {
        assert_eq!(text(&DataRef::Float(12345.0)), ("12345".to_owned(), None));
        assert_eq!(text(&DataRef::Float(9_000_000_002.0)), ("9000000002".to_owned(), None));
        assert_eq!(text(&DataRef::Float(1.5)), ("1.5".to_owned(), None));
        assert_eq!(text(&DataRef::Float(1.234_567_890_123_456_8e17)).1.unwrap().code, IssueCode::BadNumber);
    }

    #[test]
    fn error_cells_are_issues() {
        let (shown, issue) = text(&DataRef::Error(CellErrorType::NA));
        assert_eq!(shown, "#N/A");
        assert_eq!(issue.unwrap().code, IssueCode::CellError);
    }
}
