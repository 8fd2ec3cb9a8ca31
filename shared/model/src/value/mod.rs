//! Text into typed values, as cells and JSON strings have them (decisions 13, 15; iris-facts §13 #14).
//!
//! All functions ignore surrounding white space and allocate nothing but their result. Dates are never guessed: a date
//! of three numbers is read in the one [`DateOrder`](crate::organization::DateOrder) it is given, and a two-digit year
//! is refused.

use crate::issue::quoted;
use crate::{Issue, IssueCode};
use std::borrow::Cow;

mod date;
pub mod residue;

pub use date::{Shown, date, date_time, date_time_offset, order_shown};

/// Why a text is not the value it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ValueError {
    /// What kind of trouble.
    pub code: IssueCode,
    /// What is wrong and what to do; quotes the value, capped and escaped.
    pub message: Cow<'static, str>,
}

impl ValueError {
    pub(crate) fn new(code: IssueCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// The error as an issue that refuses the submission, about this place.
    pub fn at(self, path: impl Into<Cow<'static, str>>) -> Issue {
        Issue::error(self.code, path, self.message)
    }
}

/// A truth value: `true`/`false`, `yes`/`no`, `y`/`n`, `t`/`f`, `1`/`0`, in any case; also `1.0`/`0.0`, from programs
/// that keep numbers with fractions.
pub fn boolean(text: &str) -> Result<bool, ValueError> {
    let text = whole(text.trim());
    let is_one_of = |words: [&str; 5]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["true", "yes", "y", "t", "1"]) {
        Ok(true)
    } else if is_one_of(["false", "no", "n", "f", "0"]) {
        Ok(false)
    } else {
        Err(ValueError::new(
            IssueCode::BadBoolean,
            format!("{} is neither true nor false. Write true or false.", quoted(text)),
        ))
    }
}

/// A national provider identifier: ten digits; a fraction of `.0` is dropped. The check digit is checked separately, by
/// [`npi_check_digit_ok`].
pub fn npi(text: &str) -> Result<String, ValueError> {
    let text = whole(text.trim());
    if text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(ValueError::new(IssueCode::BadNpi, format!("{} is not an NPI. An NPI has exactly ten digits.", quoted(text))))
}

/// Whether the last digit of an NPI fits the others: Luhn's formula over `80840` and the NPI. False for anything but
/// ten digits.
#[must_use]
pub fn npi_check_digit_ok(npi: &str) -> bool {
    /// The digits of the prefix 80840 contribute this to the sum.
    const PREFIX: u32 = 24;
    if npi.len() != 10 || !npi.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = npi
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            let weighed = if place % 2 == 1 { digit * 2 } else { digit };
            weighed / 10 + weighed % 10
        })
        .sum();
    (sum + PREFIX).is_multiple_of(10)
}

/// An ICD-10-CM code, dotted or not: a letter, a digit, a letter or digit, then up to four more. Given back in upper
/// case.
pub fn diagnosis_code(text: &str) -> Result<String, ValueError> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let (category, rest) = bytes.split_at(bytes.len().min(3));
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    let well_formed = matches!(category, [first, second, third]
            if first.is_ascii_alphabetic() && second.is_ascii_digit() && third.is_ascii_alphanumeric())
        && rest.len() <= 4
        && rest.iter().all(u8::is_ascii_alphanumeric);
    if well_formed {
        return Ok(text.strip_suffix('.').unwrap_or(text).to_ascii_uppercase());
    }
    Err(ValueError::new(
        IssueCode::BadDiagnosisCode,
        format!("{} is not an ICD-10-CM code. Send one code such as E11.9 or E119.", quoted(text)),
    ))
}

/// Whether a text has the form of a procedure code: CPT's five digits, the last of which may be a category letter, or a
/// letter and four digits of HCPCS; each may have modifiers after hyphens.
#[must_use]
pub fn is_procedure_code(text: &str) -> bool {
    let mut parts = text.trim().split('-');
    let is_code = match parts.next().map(str::as_bytes) {
        Some([digits @ .., last]) if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit) => {
            matches!(last.to_ascii_uppercase(), b'0'..=b'9' | b'A' | b'F' | b'M' | b'T' | b'U')
        }
        Some([first, digits @ ..]) => {
            first.is_ascii_alphabetic() && digits.len() == 4 && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    is_code && parts.all(|modifier| modifier.len() == 2 && modifier.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The digits of a whole number that a program wrote with a fraction of zero.
pub(crate) fn whole(text: &str) -> &str {
    residue::without_fraction(text).unwrap_or(text)
}

/// Whether a code is of a category that ICD-10-CM has (release of April 1, 2026, CDC/NCHS).
#[must_use]
pub fn is_known_diagnosis(code: &str) -> bool {
    const CATEGORIES: &str = include_str!("../../data/icd-10-cm-categories.txt");
    let category = code.trim().get(..3).map(str::to_ascii_uppercase);
    category.is_some_and(|category| CATEGORIES.lines().any(|known| known == category))
}

/// A whole number.
pub fn integer(text: &str) -> Result<i64, ValueError> {
    let text = whole(text.trim());
    text.parse().map_err(|_| ValueError::new(IssueCode::BadNumber, format!("{} is not a whole number.", quoted(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_values() {
        for text in ["true", "TRUE", " Yes ", "y", "T", "1"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["false", "No", "n", "F", "0"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        assert_eq!((boolean("1.0"), boolean("0.0")), (Ok(true), Ok(false)));
        for text in ["", "2", "maybe", "ja", "truee", "1.5", "2.0"] {
            assert_eq!(boolean(text).map_err(|error| error.code), Err(IssueCode::BadBoolean), "{text}");
        }
    }

    #[test]
    fn npis_have_ten_digits() {
        assert_eq!(npi(" 1234567893 "), Ok("1234567893".to_owned()));
        assert_eq!(npi("1234567893.0"), Ok("1234567893".to_owned()));
        for text in
            ["", "123456789", "12345678901", "123456789A", "1234567893.5", "1234 567893", "１２３４５６７８９３"]
        {
            assert_eq!(npi(text).map_err(|error| error.code), Err(IssueCode::BadNpi), "{text}");
        }
    }

    #[test]
    fn check_digits_follow_luhn_with_the_health_prefix() {
        assert!(npi_check_digit_ok("1234567893"));
        assert!(!npi_check_digit_ok("1234567890"));
        for wrong in ["", "123456789", "123456789x"] {
            assert!(!npi_check_digit_ok(wrong));
        }
        for base in 900_000_000u64..900_000_050 {
            let fitting = (0..10).filter(|digit| npi_check_digit_ok(&format!("{base}{digit}"))).count();
            assert_eq!(fitting, 1, "exactly one check digit fits {base}");
        }
    }

    #[test]
    fn diagnosis_codes_are_dotted_or_not() {
        for (text, code) in [
            ("E11.9", "E11.9"),
            ("e119", "E119"),
            (" E11 ", "E11"),
            ("E11.", "E11"),
            ("S52.521A", "S52.521A"),
            ("C7A.00", "C7A.00"),
        ] {
            assert_eq!(diagnosis_code(text), Ok(code.to_owned()), "{text}");
        }
        for text in ["", "E1", "11.9", "E11.9, I10", "E11.99999", "250.00", "E11..9", "Ä11", "Diabetes"] {
            assert_eq!(diagnosis_code(text).map_err(|error| error.code), Err(IssueCode::BadDiagnosisCode), "{text}");
        }
    }

    #[test]
    fn procedure_codes_have_their_form() {
        for code in ["92250", "92227-26", "2022F", "0123T", "G2025", "92250-26-RT", " 92229 "] {
            assert!(is_procedure_code(code), "{code}");
        }
        for text in ["92250.0", "9225O", "92250,92228", "9225", "922501", "92250-", "", "GG025", "２９２２５"] {
            assert!(!is_procedure_code(text), "{text}");
        }
    }

    #[test]
    fn messages_quote_at_most_forty_characters_escaped() {
        let error = npi(&"\u{1b}[31m\n".repeat(1_000)).unwrap_err();
        assert!(error.message.chars().count() < 140, "{}", error.message);
        assert!(!error.message.chars().any(char::is_control));
    }
}
