//! Organization documents: what is accepted, and how precisely a wrong one is described.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::{LocalId, Organization};
use serde_json::{Value, json};

fn sample() -> Value {
    json!({
        "slug": "harborview",
        "name": "Harborview Health Plan (sample)",
        "clientGuid": "5a3d1e70-0000-4000-8000-000000000001",
        "evaluationTypes": ["DR", "DR_AMD"],
        "sites": [
            { "localId": "HV-SEA", "name": "Seattle", "address": { "state": "Washington" } },
            { "localId": "HV-PDX", "name": "Portland", "address": { "state": "or" } }
        ],
        "cameras": [{ "localId": "CAM-1", "site": "HV-SEA" }],
        "users": ["intake@harborview.example"],
        "drops": [
            {
                "pattern": "members-*.csv",
                "mapping": {
                    "name": "members",
                    "columns": {
                        "OrderControlCode": { "constant": "NW" },
                        "SiteLocalId": { "headers": ["CLINIC"], "default": "HV-SEA", "values": { "PORTLAND": "HV-PDX" } },
                        "PatientBirthGender": { "headers": ["SEX"], "values": { "1": "M", "2": "F", "9": "" } },
                        "PatientDob": { "headers": ["BIRTH_DT"] }
                    },
                    "dateOrder": "d/M/yyyy"
                }
            },
            { "pattern": "*.csv", "mapping": {} }
        ]
    })
}

fn parse(document: &Value) -> Result<Organization, String> {
    Organization::parse(document.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// The sample with one place replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = sample();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(entries) => drop(entries.insert(key.to_owned(), value)),
        Value::Array(items) => match key.parse::<usize>() {
            Ok(index) => items[index] = value,
            Err(_) => items.push(value),
        },
        other => panic!("{other}"),
    }
    document
}

#[test]
fn a_good_document() {
    let organization = parse(&sample()).unwrap();
    let site = organization.site(&LocalId::new("HV-SEA").unwrap()).unwrap();
    assert_eq!(site.address.state.as_deref(), Some("WA"), "states are two-letter codes once read");
    assert_eq!(organization.events_queue().as_deref(), Some("events-harborview"));
    assert_eq!(organization.rule_for("in/Members-2026-11.CSV").unwrap().mapping.name, "members");
    assert_eq!(organization.rule_for("other.csv").unwrap().pattern, "*.csv");
    assert!(organization.rule_for("other.xlsx").is_none());
    let again = serde_json::to_vec(&organization).unwrap();
    assert_eq!(Organization::parse(&again).unwrap(), organization, "a document written out is the same document");
}

#[test]
fn the_least_a_document_needs() {
    let least = json!({ "slug": "abc", "name": "A", "clientGuid": "5a3d1e70-0000-4000-8000-000000000001" });
    let organization = parse(&least).unwrap();
    assert!(organization.change_receipts && organization.cancel_receipts && organization.events_for_drops);
    assert_eq!(organization.late_parent_patience_seconds, 120);
    let with_mark = [b"\xEF\xBB\xBF".as_slice(), least.to_string().as_bytes()].concat();
    assert!(Organization::parse(&with_mark).is_ok());
}

#[test]
fn problems_name_their_place() {
    let column = |field: &str, rule: Value| with(&format!("/drops/0/mapping/columns/{field}"), rule);
    let cases = [
        ("unknown property", with("/connectionString", json!("x"))),
        ("unknown nested property", with("/sites/0/password", json!("x"))),
        ("no slug", json!({ "name": "A", "clientGuid": "5a3d1e70-0000-4000-8000-000000000001" })),
        ("slug", with("/slug", json!("Harbor_View"))),
        ("guid", with("/clientGuid", json!("1234"))),
        ("nil guid", with("/clientGuid", json!("00000000-0000-0000-0000-000000000000"))),
        ("empty name", with("/name", json!(" "))),
        ("no evaluation types", with("/evaluationTypes", json!([]))),
        ("evaluation type twice", with("/evaluationTypes", json!(["DR", "dr"]))),
        ("unknown evaluation type", with("/evaluationTypes", json!(["XX"]))),
        ("site twice", with("/sites/-", json!({ "localId": "HV-SEA", "name": "Again" }))),
        ("site without name", with("/sites/0/name", json!(""))),
        ("state", with("/sites/1/address/state", json!("Cascadia"))),
        ("camera twice", with("/cameras/-", json!({ "localId": "CAM-1", "site": "HV-PDX" }))),
        ("camera's site", with("/cameras/0/site", json!("HV-XXX"))),
        ("user", with("/users/-", json!("somebody"))),
        ("user twice", with("/users/-", json!("Intake@harborview.example"))),
        ("queue", with("/events", json!({ "queue": "a queue" }))),
        ("patience", with("/lateParentPatienceSeconds", json!(1_000_000))),
        ("image patience", with("/imagePatienceSeconds", json!(1_000_000))),
        ("pattern", with("/drops/1/pattern", json!(" "))),
        ("pattern twice", with("/drops/1/pattern", json!("MEMBERS-*.csv"))),
        ("unknown field", column("PatientColor", json!({}))),
        ("header", column("DxCode", json!({ "headers": [""] }))),
        ("sheet", with("/drops/0/mapping/sheet", json!(""))),
        ("constant version", column("Version", json!({ "constant": "3" }))),
        ("constant guid", column("ClientGuid", json!({ "constant": "5a3d1e70-0000-4000-8000-00000000000f" }))),
        ("constant code", column("OrderControlCode", json!({ "constant": "NEW" }))),
        ("default site", column("SiteLocalId", json!({ "default": "HV-XXX" }))),
        ("table site", column("SiteLocalId", json!({ "values": { "TACOMA": "HV-TAC" } }))),
        ("gender", column("PatientBirthGender", json!({ "values": { "W": "woman" } }))),
        ("cell twice", column("PatientBirthGender", json!({ "values": { "w": "F", "W": "M" } }))),
        ("evaluation type of a mapping", column("EvaluationType", json!({ "constant": "Glaucoma" }))),
        ("date in the wrong order", column("PatientDob", json!({ "default": "12/31/1999" }))),
        ("evaluation type of a cell", column("EvaluationType", json!({ "values": { "macula": "MACULA" } }))),
        ("npi", column("OrderingProviderNPI", json!({ "constant": "123" }))),
        ("truth value", column("SingleEyeOnly", json!({ "default": "maybe" }))),
        ("state of a mapping", column("OrderState", json!({ "constant": "Cascadia" }))),
        ("diagnosis", column("DxCode", json!({ "default": "250.00" }))),
    ];
    insta::assert_snapshot!(report(&cases));
}

fn report(cases: &[(&str, Value)]) -> String {
    let lines: Vec<String> =
        cases.iter().map(|(name, document)| format!("{name}: {}", parse(document).unwrap_err())).collect();
    lines.join("\n")
}

#[test]
fn all_problems_are_told_at_once() {
    let mut document = with("/name", json!(""));
    document["users"] = json!(["a", "b"]);
    assert_eq!(parse(&document).unwrap_err().split("; ").count(), 3);
}

#[test]
fn what_is_not_json_or_says_something_twice() {
    for (text, expected) in [
        ("", "no content"),
        ("{", "line 1"),
        (r#"{"slug":"abc","slug":"abd"}"#, "slug is there twice"),
        (
            r#"{"drops":[{"mapping":{"columns":{"DxCode":{},"DxCode":{}}}}]}"#,
            "drops[0].mapping.columns.DxCode is there twice",
        ),
        ("[]", "expected"),
    ] {
        let error = Organization::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn batches_need_an_hour_a_zone_and_a_file() {
    let batches = json!({ "every": "weekly", "hour": 24, "timeZone": "America/Atlantis", "formats": [] });
    let problems = parse(&with("/batches", batches)).unwrap_err();
    for place in ["batches.hour", "batches.timeZone", "batches.formats"] {
        assert!(problems.contains(place), "{place}: {problems}");
    }
    let twice = json!({ "formats": ["csv", "csv"] });
    assert!(parse(&with("/batches", twice)).unwrap_err().contains("batches.formats[1] \"csv\" is there twice"));
    let settings = parse(&with("/batches", json!({}))).unwrap().batches.unwrap();
    assert_eq!((settings.hour, settings.time_zone.as_str(), settings.formats.len()), (0, "UTC", 1));
}
