//! What a cell of a workbook says, as text.

use calamine::{CellErrorType, DataRef, ExcelDateTime};
use iris_model::issue::quoted;
use iris_model::{Issue, IssueCode};
use std::borrow::Cow;

/// Whole numbers beyond this cannot be told apart: a spreadsheet keeps 15 digits.
const EXACT: f64 = 1e15;
/// The day after the last one of the calendar, 9999-12-31, in days since 1900.
const LAST_DAY: f64 = 2_958_466.0;

/// The text of a cell as a person would type it, and what is wrong with it.
pub(super) fn text<'c>(value: &'c DataRef<'_>) -> (Cow<'c, str>, Option<Issue>) {
    match value {
        DataRef::Empty => (Cow::Borrowed(""), None),
        DataRef::String(text) => (Cow::Borrowed(text), None),
        DataRef::SharedString(text) => (Cow::Borrowed(text), None),
        DataRef::Int(number) => (Cow::Owned(number.to_string()), None),
        DataRef::Float(number) => float(*number),
        DataRef::Bool(flag) => (Cow::Borrowed(if *flag { "true" } else { "false" }), None),
        DataRef::DateTime(instant) => date_time(instant),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => (Cow::Borrowed(text), None),
        DataRef::Error(error) => failed(error),
    }
}

/// Numbers as people mean them: an id of 12345 is not 12345.0. A number with more digits than a spreadsheet keeps was
/// damaged before it reached us.
fn float(number: f64) -> (Cow<'static, str>, Option<Issue>) {
    if number.abs() < EXACT {
        let whole = number as i64;
        let text = if whole as f64 == number { whole.to_string() } else { number.to_string() };
        return (Cow::Owned(text), None);
    }
    let text = number.to_string();
    let message = format!(
        "{} has more digits than a spreadsheet keeps; the last ones are lost. Format the column as text and enter it \
         again.",
        quoted(&text)
    );
    (Cow::Owned(text), Some(Issue::error(IssueCode::BadNumber, "", message)))
}

/// Date cells are dates, whatever their format shows (decision 15); a time of day without a date stays a time of day.
fn date_time(instant: &ExcelDateTime) -> (Cow<'static, str>, Option<Issue>) {
    let days = instant.as_f64();
    if instant.is_duration() {
        return float(days);
    }
    if !(0.0..LAST_DAY).contains(&days) {
        let message = "The cell is a date that no calendar has. Enter it again as yyyy-MM-dd.";
        return (Cow::Owned(days.to_string()), Some(Issue::error(IssueCode::BadDate, "", message)));
    }
    let (year, month, day, hour, minute, second, _) = instant.to_ymd_hms_milli();
    let date = format_args!("{year:04}-{month:02}-{day:02}");
    let time = format_args!("{hour:02}:{minute:02}:{second:02}");
    let text = match (hour, minute, second) {
        (0, 0, 0) => format!("{date}"),
        _ if days < 1.0 => format!("{time}"),
        _ => format!("{date}T{time}"),
    };
    (Cow::Owned(text), None)
}

fn failed(error: &CellErrorType) -> (Cow<'static, str>, Option<Issue>) {
    let text = error.to_string();
    let message = format!("The cell holds the spreadsheet error {text}. Correct its formula, or paste its values.");
    (Cow::Owned(text), Some(Issue::error(IssueCode::CellError, "", message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    fn shown(value: &DataRef<'_>) -> String {
        let (text, issue) = text(value);
        issue.map_or_else(|| text.to_string(), |issue| format!("{text} {}", issue.code))
    }

    #[test]
    fn numbers_are_ids_and_not_measurements() {
        for (number, text) in [
            (12345.0, "12345"),
            (9_000_000_002.0, "9000000002"),
            (123_456_789_012_345.0, "123456789012345"),
            (-0.0, "0"),
            (1.5, "1.5"),
            (1.234_567_890_123_456_8e17, "123456789012345680 bad-number"),
            (f64::NAN, "NaN bad-number"),
            (f64::INFINITY, "inf bad-number"),
        ] {
            assert_eq!(shown(&DataRef::Float(number)), text);
        }
    }

    #[test]
    fn dates_are_iso() {
        let date = |days, is_1904| DataRef::DateTime(ExcelDateTime::new(days, ExcelDateTimeType::DateTime, is_1904));
        for (days, is_1904, text) in [
            (46_357.0, false, "2026-12-01"),
            (46_357.375, false, "2026-12-01T09:00:00"),
            (44_895.0, true, "2026-12-01"),
            (0.354_166_666_666_667, false, "08:30:00"),
            (-1.0, false, "-1 bad-date"),
            (9_999_999.0, false, "9999999 bad-date"),
            (f64::NAN, false, "NaN bad-date"),
        ] {
            assert_eq!(shown(&date(days, is_1904)), text);
        }
    }

    #[test]
    fn error_cells_are_issues() {
        assert_eq!(shown(&DataRef::Error(CellErrorType::NA)), "#N/A cell-error");
    }
}
