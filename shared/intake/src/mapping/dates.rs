//! Dates of three numbers, judged by their column.
//!
//! `03/04/1961` is a day in March or one in April, and nothing in the cell says which. The mapping does. But if the
//! same column also has `23/04/1961`, which is valid only in the order that the mapping does not use, then the mapping
//! is wrong about the file or the file mixes both orders, and reading on would load wrong birth dates that look right.
//! So a file is read twice: once to see what its columns show ([`Dates::Collect`]), and once to read them with that
//! knowledge ([`Dates::Judge`]).

use iris_model::issue::quoted;
use iris_model::organization::DateOrder;
use iris_model::value::{Shown, ValueError, order_shown};
use iris_model::{IntakeField, IssueCode};

/// What a file shows about itself before it is loaded: the order of day and month in the dates of its columns, and
/// whether it is to be loaded as a whole or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    evidence: Vec<Evidence>,
    /// As set by the mapping that was found to read the file.
    pub all_or_nothing: bool,
}

/// A date that is valid in one order only, or a header that names the order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Evidence {
    field: IntakeField,
    order: DateOrder,
    /// Its row and text; `None` for a header.
    date: Option<(u32, String)>,
}

/// How dates are treated while a file is read.
#[derive(Debug)]
pub(crate) enum Dates<'s> {
    /// Only note what they show.
    Collect(Survey),
    /// Read them, knowing what the file shows.
    Judge(&'s Survey),
}

impl Survey {
    /// Notes what a cell shows, if it is the first of its kind in its column.
    pub(super) fn note(&mut self, field: IntakeField, text: &str, row: u32) {
        if let Some(Shown::Only(order)) = order_shown(text)
            && self.of(field, order).is_none()
        {
            self.evidence.push(Evidence { field, order, date: Some((row, text.trim().to_owned())) });
        }
    }

    /// Notes what a header shows.
    pub(super) fn note_header(&mut self, field: IntakeField, header: &str) {
        if let Some(order) = order_in(header)
            && self.of(field, order).is_none()
        {
            self.evidence.push(Evidence { field, order, date: None });
        }
    }

    fn of(&self, field: IntakeField, order: DateOrder) -> Option<&Evidence> {
        self.evidence.iter().find(|evidence| evidence.field == field && evidence.order == order)
    }

    /// Why a date of a column cannot be read in the order assumed, although it could be one.
    pub(super) fn objection(&self, field: IntakeField, text: &str, assumed: DateOrder) -> Option<ValueError> {
        let other = match assumed {
            DateOrder::MonthFirst => DateOrder::DayFirst,
            DateOrder::DayFirst => DateOrder::MonthFirst,
        };
        let evidence = self.of(field, other)?;
        if order_shown(text) != Some(Shown::Either) {
            return None;
        }
        let (assumed, other) = (written(assumed), written(other));
        let shown = match &evidence.date {
            Some((row, date)) => format!("row {row} has {}, which can only be {other}", quoted(date)),
            None => format!("its header says {other}"),
        };
        let message = format!(
            "{} could be either of two days: the column is read as {assumed}, but {shown}. Write yyyy-MM-dd, or have \
             the mapping's date order set to {other}.",
            quoted(text)
        );
        Some(ValueError { code: IssueCode::BadDate, message: message.into() })
    }
}

fn written(order: DateOrder) -> &'static str {
    match order {
        DateOrder::MonthFirst => "M/d/yyyy",
        DateOrder::DayFirst => "d/M/yyyy",
    }
}

/// The order that a header gives after its name: `Birth date (DD/MM/YYYY)`.
fn order_in(header: &str) -> Option<DateOrder> {
    let (_, hint) = header.split_once('(')?;
    let letters: String = hint.chars().filter(char::is_ascii_alphabetic).flat_map(char::to_lowercase).collect();
    let day = letters.find('d')?;
    let month = letters.find('m')?;
    let year = letters.find('y')?;
    match (day < month, year > day && year > month) {
        (true, true) => Some(DateOrder::DayFirst),
        (false, true) => Some(DateOrder::MonthFirst),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_may_say_the_order() {
        for (header, order) in [
            ("PatientDob (DD/MM/YYYY)", Some(DateOrder::DayFirst)),
            ("PatientDob (mm/dd/yyyy)", Some(DateOrder::MonthFirst)),
            ("PatientDob (yyyy-mm-dd)", None),
            ("PatientDob (local)", None),
            ("PatientDob", None),
        ] {
            assert_eq!(order_in(header), order, "{header}");
        }
    }

    #[test]
    fn a_column_of_two_minds_is_not_read() {
        let mut survey = Survey::default();
        survey.note(IntakeField::PatientDob, "23/04/1961", 3);
        survey.note(IntakeField::PatientDob, "25/04/1961", 4);
        let objection = |text, order| survey.objection(IntakeField::PatientDob, text, order).map(|error| error.message);
        let message = objection("03/04/1961", DateOrder::MonthFirst).unwrap();
        assert!(message.contains("row 3 has \"23/04/1961\""), "{message}");
        for text in ["3/3/1961", "1961-03-04", "4/23/1961"] {
            assert_eq!(objection(text, DateOrder::MonthFirst), None, "{text}");
        }
        assert_eq!(objection("03/04/1961", DateOrder::DayFirst), None);
        assert_eq!(survey.objection(IntakeField::OrderScheduledTime, "03/04/2026", DateOrder::MonthFirst), None);
    }
}
