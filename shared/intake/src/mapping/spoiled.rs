//! What a spreadsheet leaves behind where a value should be: its errors as text, and numbers it has shortened (decision 69).
//!
//! Both look like values. An id of which only the first digits are left could be anyone's, and `#N/A` everyone's.

use iris_model::issue::quoted;
use iris_model::value::ValueError;
use iris_model::{IntakeField, IssueCode};

const ERRORS: [&str; 8] = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!"];

/// Whether a field holds an id: something that is compared and never computed with.
pub(super) fn is_identifier(field: IntakeField) -> bool {
    use IntakeField as F;
    field.name().ends_with("LocalId")
        || matches!(
            field,
            F::HealthPlanMemberId | F::HealthPlanGroupNumber | F::HealthPlanPolicyNumber | F::EncounterNumber
        )
}

/// Why a cell's text is not what was entered.
pub(super) fn spoiled(is_identifier: bool, text: &str) -> Option<ValueError> {
    if text.starts_with('#') && ERRORS.iter().any(|error| text.eq_ignore_ascii_case(error)) {
        let message = format!("The cell holds the spreadsheet error {text}. Correct its formula, or enter its value.");
        return Some(ValueError { code: IssueCode::CellError, message: message.into() });
    }
    if is_identifier && is_shortened(text.as_bytes()) {
        let message = format!(
            "{} is a number that a spreadsheet has shortened. Format the column as text and enter the id again.",
            quoted(text)
        );
        return Some(ValueError { code: IssueCode::BadNumber, message: message.into() });
    }
    None
}

/// `1.23457E+11`: digits, perhaps a fraction, and an exponent with its sign.
fn is_shortened(text: &[u8]) -> bool {
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let Some(at) = text.iter().position(|byte| *byte == b'+') else { return false };
    let (Some([digits @ .., b'E' | b'e']), Some([_, exponent @ ..])) = (text.get(..at), text.get(at..)) else {
        return false;
    };
    let digits = digits.strip_prefix(b"-").unwrap_or(digits);
    let mut parts = digits.splitn(2, |byte| matches!(byte, b'.' | b','));
    parts.all(is_number) && is_number(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortened_numbers_are_recognized() {
        for text in ["1.23457E+11", "1E+12", "1,2e+05", "-1.5E+20", "12E+1"] {
            assert!(is_shortened(text.as_bytes()), "{text}");
        }
        for text in ["", "E+1", "1.E+5", "1.5E+", "ABC-1E+1x", "1E5", "12345", "CASE+1", "1+1"] {
            assert!(!is_shortened(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn errors_are_no_values_in_any_field() {
        assert_eq!(spoiled(false, "#n/a").map(|error| error.code), Some(IssueCode::CellError));
        assert_eq!(spoiled(false, "#7"), None);
        assert_eq!(spoiled(false, "1.2E+11"), None);
        assert_eq!(spoiled(true, "1.2E+11").map(|error| error.code), Some(IssueCode::BadNumber));
    }
}
