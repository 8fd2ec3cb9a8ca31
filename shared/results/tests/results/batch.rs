//! Results as rows, and files of rows.

use iris_model::OrderResult;
use iris_results::batch::{BatchCsv, BatchWorkbook, HEADERS, Row, file_name, row};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

/// A result with everything that a row shows. The patient is invented.
fn full() -> Value {
    json!({
        "Version": "2.3.1", "TransactionId": "6f0a51f7-93f4-4be5-9d5c-2b8e70c1a3d4", "Success": true,
        "ResultObjectType": "OrderResult", "Images": [],
        "Timestamp": "2026-11-21T02:30:00.0000000+00:00",
        "ResultCode": "F",
        "Site": { "LocalId": "S1", "Name": "Sample Clinic" },
        "ImageDetails": {
            "TotalCount": 5, "RightEyeCount": 4, "LeftEyeCount": 1, "RightEyeOriginalCount": 2, "LeftEyeOriginalCount": 1,
            "RightEyeEnhancedCount": 2, "LeftEyeEnhancedCount": 0, "SingleEyeOnly": false
        },
        "Order": {
            "PatientOrderId": 100001, "Status": "Complete", "LocalId": "A-1", "EvaluationTypes": ["DR", "AMD"],
            "ScheduledTime": "2026-11-20T09:30:00", "CreatedTime": "2026-11-19T08:00:00.0000000+00:00", "State": "WA",
            "Expedite": false
        },
        "Patient": {
            "PatientId": 100002, "LocalId": "MRN-1", "Name": { "First": "Sample", "Middle": "Q", "Last": "Testpatient" },
            "Dob": "1961-12-01", "Gender": "F", "Phone": "555-0100"
        },
        "OrderingProvider": { "NPI": "9000000015", "Name": { "First": "Synthia", "Last": "Example" } },
        "CameraOperator": { "UserName": "operator@example.org", "Notes": [{ "Text": "Small pupil" }] },
        "Gradings": {
            "Notes": [{ "Text": "First | remark" }, { "Text": "Second\nline" }],
            "GradedTime": "2026-11-20T23:59:59.0000000+00:00",
            "CarePlanName": "Eye care within a year", "CarePlanDescription": "", "Pathology": true, "Urgent": false,
            "Emergent": false, "DiagnosisCodes": [],
            "OD": { "Gradable": true, "Findings": [
                { "Finding": "Diabetic Retinopathy", "Result": "Moderate" }, { "Finding": "Suspected Cataract" }
            ] },
            "OS": { "Gradable": false, "UngradableReasons": ["Blurred", "Too dark"] },
            "DxCodes": ["E113313", "H2513"],
            "Provider": { "NPI": "9000000007", "Name": { "First": "Sample", "Last": "Grader" }, "Degrees": "OD" }
        },
        "Cpt": { "Code": "92250" }
    })
}

fn read(document: &Value) -> OrderResult {
    serde_json::from_value(document.clone()).unwrap()
}

fn named(row: &Row) -> BTreeMap<&'static str, &str> {
    HEADERS.into_iter().zip(row.iter().map(String::as_str)).collect()
}

#[test]
fn a_result_fills_the_published_columns() {
    let zone = TimeZone::get("America/Chicago").unwrap();
    let row = row(&read(&full()), Some("2026-11-21T02:31:07Z".parse().unwrap()), &zone);
    let lines: Vec<String> = HEADERS.iter().zip(&row).map(|(header, cell)| format!("{header}: {cell}")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_a_result_does_not_say_is_an_empty_cell() {
    let mut least = full();
    for section in ["OrderingProvider", "CameraOperator", "Cpt"] {
        least.as_object_mut().unwrap().remove(section);
    }
    least["Site"] = json!({ "LocalId": "S1" });
    least["Order"].as_object_mut().unwrap().remove("ScheduledTime");
    least["Patient"] = json!({ "PatientId": 100002, "LocalId": "MRN-1" });
    for part in ["OD", "OS", "Provider"] {
        least["Gradings"].as_object_mut().unwrap().remove(part);
    }
    least["Gradings"]["Notes"] = json!([{}, { "Text": null }]);
    least["Gradings"]["DxCodes"] = json!([]);
    let row = row(&read(&least), None, &TimeZone::UTC);
    let empty: Vec<_> = HEADERS.iter().zip(&row).filter(|(_, cell)| cell.is_empty()).map(|(name, _)| *name).collect();
    assert_eq!(
        empty,
        [
            "Scheduled Date",
            "Patient Name",
            "Patient Gender",
            "Patient DOB",
            "Patient Phone Number",
            "Camera Operator",
            "Ordering Provider",
            "Interpreting Provider",
            "Findings",
            "Diagnoses",
            "CPT",
            "Camera Operator Notes",
            "Interpreting Provider Notes",
            "Results Sent Date"
        ]
    );
    assert_eq!(named(&row)["Exam Location"], "S1", "the id where there is no name");
}

#[test]
fn eyes_that_were_not_examined_say_why() {
    let mut result = full();
    result["Gradings"]["OD"] = json!({ "Gradable": false, "MissingEyeReason": "Prosthesis" });
    result["Gradings"]["OS"] = json!({ "Gradable": false });
    let row = row(&read(&result), None, &TimeZone::UTC);
    assert_eq!(named(&row)["Findings"], "OD: Missing: Prosthesis|OS: Not gradable");
}

#[test]
fn no_cell_runs_as_a_formula() {
    let mut result = full();
    result["Patient"]["Phone"] = json!("+1 555 0100");
    result["Patient"]["Name"] = json!({ "First": "=cmd|' /C calc'!A0", "Last": "@SUM(A1)" });
    result["Gradings"]["Notes"] = json!([{ "Text": "-2+3" }]);
    let row = row(&read(&result), None, &TimeZone::UTC);
    let mut content = Vec::new();
    let mut csv = BatchCsv::new(&mut content).unwrap();
    csv.write(&row).unwrap();
    drop(csv);
    let mut reader = csv::Reader::from_reader(Cursor::new(content));
    let record = reader.records().next().unwrap().unwrap();
    assert!(record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])), "{record:?}");
    assert_eq!(record.len(), 24);
}

#[test]
fn a_workbook_is_the_same_whenever_it_is_written() {
    let written = || {
        let mut book = BatchWorkbook::new(Timestamp::from_second(1_790_000_000).unwrap()).unwrap();
        book.write(&row(&read(&full()), None, &TimeZone::UTC)).unwrap();
        let mut file = Cursor::new(Vec::new());
        book.save(&mut file).unwrap();
        file.into_inner()
    };
    let book = written();
    assert_eq!(book, written());
    let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut sheet = String::new();
    archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
    assert!(!sheet.contains("<f>"));
    assert!(sheet.contains("<v>100001</v>") && sheet.contains("Testpatient"));
}

#[test]
fn names_sort_as_batches_do() {
    assert_eq!(file_name(date(2026, 11, 21), 12, ".csv"), "batches/2026-11-21.000012.csv");
}
