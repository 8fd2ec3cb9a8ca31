//! What is not JSON is refused with the place and a hint; nothing panics.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::{IssueCode, OrderRequest, json};
use proptest::prelude::*;

fn message(text: &str) -> String {
    let issue = json::parse(text.as_bytes()).unwrap_err();
    assert!(issue.is_error());
    format!("{}: {}", issue.code, issue.message)
}

#[test]
fn hints_say_what_to_do() {
    let cases = [
        "{\n  \"Version\": \"2.3.1\",\n}",
        "{\"Order\": {\"EvaluationTypes\": [\"DR\",]}}",
        "{\"Version\": \"2.3.1\"",
        "{\"Version\": \"2.3.1",
        "{\"Version\": \"2.3.1\"} {}",
        "{\"Version\": \"2.3.1\" \"Order\": 1}",
        "{\"Version\" \"2.3.1\"}",
        "{'Version': 1}",
        "{\"Version\": 'x'}",
        "{Version: 1}",
        "{\"Version\": True}",
        "{\"Version\": truth}",
        "{\"Version\": 0012}",
        "{\"Version\": +1}",
        "{\"Version\": \"a\nb\"}",
        "{\"Version\": \"C:\\path\"}",
        "{\"Version\": \"\\ud800\"}",
        "{ // comment\n}",
        "{\"Version\": }",
        "not json",
    ];
    let report: Vec<String> = cases.iter().map(|case| format!("{case:?}\n    {}", message(case))).collect();
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn caps_and_encodings() {
    let code = |bytes: &[u8]| json::parse(bytes).unwrap_err().code;
    assert_eq!(code(b""), IssueCode::Empty);
    assert_eq!(code(b"\xEF\xBB\xBF \r\n"), IssueCode::Empty);
    assert_eq!(code(b"{\"a\":\"\xE9\"}"), IssueCode::BadEncoding);
    assert_eq!(code("[".repeat(65).as_bytes()), IssueCode::TooDeep);
    assert_eq!(code("{\"a\":".repeat(100_000).as_bytes()), IssueCode::TooDeep);
    assert_eq!(code(&vec![b' '; json::SIZE_LIMIT + 1]), IssueCode::TooLarge);
    let deepest = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert!(json::parse(deepest.as_bytes()).is_ok());
    assert!(json::parse(format!("\"{}\"", "x".repeat(json::SIZE_LIMIT - 2)).as_bytes()).is_ok());
}

#[test]
fn numbers_keep_their_digits_or_say_that_they_cannot() {
    let number = |text: &str| match json::parse(text.as_bytes()) {
        Ok(json::Node::Number(number)) => (number.text(), number.integer()),
        other => panic!("{other:?}"),
    };
    assert_eq!(number("-7"), (Some("-7".into()), Some(-7)));
    assert_eq!(number("18446744073709551615"), (Some("18446744073709551615".into()), None));
    assert_eq!(number("18446744073709551616"), (None, None));
    assert_eq!(number("12.50"), (Some("12.5".into()), None));
    assert_eq!(number("3.0"), (Some("3.0".into()), Some(3)));
    assert_eq!(number("1e300"), (None, None));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = OrderRequest::parse(&bytes);
    }

    #[test]
    fn no_json_panics(text in json_like()) {
        if let Ok(parsed) = OrderRequest::parse(text.as_bytes()) {
            let again = OrderRequest::parse(parsed.request.to_json().as_bytes()).unwrap();
            prop_assert_eq!(again.issues, []);
            prop_assert_eq!(again.request, parsed.request);
        }
    }
}

/// JSON made of the model's own keys with values of every type in every place.
fn json_like() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        "[a-zA-Z0-9/: .-]{0,12}".prop_map(|text| format!("\"{text}\"")),
        proptest::sample::select(vec![
            "\"NW\"",
            "\"DR\"",
            "\"1/2/2000\"",
            "\"2026-01-02T03:04:05.123456789+01:00\"",
            "\"WA\"",
            "1",
            "0",
            "\"\""
        ])
        .prop_map(str::to_owned),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let key = proptest::sample::select(vec![
        "Version",
        "ClientGuid",
        "OrderControlCode",
        "Site",
        "Camera",
        "Order",
        "Patient",
        "OrderingProvider",
        "HealthPlan",
        "LocalId",
        "Name",
        "First",
        "Address",
        "Street",
        "Zip",
        "State",
        "Images",
        "Taken",
        "Laterality",
        "AzureBlobStorage",
        "Container",
        "EvaluationTypes",
        "ScheduledTime",
        "CPTCode",
        "Code",
        "Cpt",
        "SingleEyeOnly",
        "Dob",
        "Genders",
        "Gender",
        "Value",
        "Context",
        "MaritalStatus",
        "PrimaryCareProvider",
        "NPI",
        "EffectiveDate",
        "localid",
        "GroupId",
        "Description",
        "CPTDescription",
        "x",
    ]);
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((key.clone(), inner), 0..8).prop_map(|entries| {
                let entries: Vec<String> = entries.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}
