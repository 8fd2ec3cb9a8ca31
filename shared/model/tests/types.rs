//! The small types: codes, identifiers, names of fields.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::enumeration::*;
use iris_model::field::normalized_name;
use iris_model::issue::quoted;
use iris_model::{ClientGuid, IntakeField, IssueCode, LocalId, Slug};
use std::collections::HashSet;

macro_rules! every_value_is_read {
    ($($name:ident),+) => { $(
        for value in $name::ALL.iter().copied() {
            let spellings = [value.code().to_owned(), value.code().to_lowercase(), format!(" {} ", value.code().to_uppercase())];
            for text in spellings.into_iter().chain(value.id().map(|id| id.to_string())) {
                assert_eq!($name::from_text(&text), Some(value), "{} {text}", stringify!($name));
            }
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(json, format!("\"{}\"", value.code()));
            assert_eq!(serde_json::from_str::<$name>(&json).unwrap(), value);
        }
        for text in ["", "nonsense", "-1", "99999999999999999999999", "1.5"] {
            assert_eq!($name::from_text(text), None, "{} {text}", stringify!($name));
        }
    )+ };
}

#[test]
fn every_code_is_read_in_any_case_and_by_number() {
    every_value_is_read!(
        OrderControlCode,
        EvaluationType,
        Laterality,
        GenderContext,
        Gender,
        MaritalStatus,
        ImageContext,
        ImageClass,
        ImageEncoding,
        OrderStatus
    );
}

#[test]
fn codes_of_issues_are_distinct_words() {
    let codes: HashSet<&str> = IssueCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), IssueCode::ALL.len());
    assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
}

#[test]
fn fields_have_distinct_names_even_when_compared_loosely() {
    let names: HashSet<String> = IntakeField::ALL.iter().map(|field| normalized_name(field.name())).collect();
    assert_eq!(names.len(), IntakeField::ALL.len());
    for field in IntakeField::ALL {
        assert_eq!(serde_json::to_value(field).unwrap(), field.name());
    }
    for text in ["Patient_Dob__c", "patient dob", "PATIENT-DOB", " PatientDob ", "patientdob__C"] {
        assert_eq!(normalized_name(text), "patientdob");
    }
    assert_eq!(normalized_name("é__c"), "é");
    assert_eq!(normalized_name("__c"), "");
}

#[test]
fn identifiers() {
    assert_eq!(LocalId::new(" a b ").unwrap().as_str(), "a b");
    assert!(LocalId::new(&"é".repeat(64)).is_some());
    for text in ["", "  ", "a\u{0}b", "a\nb", &"x".repeat(65)] {
        assert!(LocalId::new(text).is_none(), "{text:?}");
    }
    assert!(Slug::new("harborview-2").is_some());
    for text in ["", "ab", "Harbor", "a--b", "-ab", "ab-", "a_b", &"x".repeat(41)] {
        assert!(Slug::new(text).is_none(), "{text:?}");
    }
    let guid = ClientGuid::from_text("5A3D1E70000040008000000000000001").unwrap();
    assert_eq!(guid.to_string(), "5a3d1e70-0000-4000-8000-000000000001");
    assert!(ClientGuid::from_text("5a3d1e70-0000-4000-8000").is_none());
}

#[test]
fn quoting() {
    assert_eq!(quoted("a\"b\\c\n"), r#""a\"b\\c\n""#);
    assert_eq!(quoted(&"ü".repeat(41)), format!("\"{}…\"", "ü".repeat(40)));
    assert_eq!(quoted(""), "\"\"");
}
