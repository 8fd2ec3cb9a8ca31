//! What a destination gets of a stored result, and which problems of templates are reported.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_channels::{
    Embedded, Pictures, Result as StoredResult, Templates, exam, located, message, report, template_problems,
};
use iris_model::organization::{EnumEncoding, KeySpelling, ResultSettings};
use iris_model::result::DocumentLocation;
use iris_model::{Organization, ResultCode};
use iris_report::EvaluationType;
use iris_report::template::Scope;
use iris_results::Chip;
use serde_json::{Value, json};

/// A valid template.
const GOOD: &str = "<article><p>[[PATIENT_NAME]]</p></article>";

fn document() -> Value {
    json!({
        "Version": "2.3.1",
        "Timestamp": "2026-11-20T18:00:00.0000000+00:00",
        "TransactionId": "5a3d1e70-0000-4000-8000-0000000000ff",
        "Success": true,
        "ResultObjectType": "OrderResult",
        "ResultCode": "F",
        "Site": { "LocalId": "HV-PDX", "Address": { "Street1": "2 Sample Avenue", "City": "Portland", "State": "OR", "PostalCode": "97201" } },
        "Order": { "PatientOrderId": 100_001, "LocalId": "O-1", "EvaluationTypes": ["DR"], "DepartmentId": "EYE",
            "Status": "Complete", "CreatedTime": "2026-11-19T08:00:00.0000000+00:00", "State": "OR", "Expedite": false },
        "ImageDetails": { "TotalCount": 0, "RightEyeCount": 0, "LeftEyeCount": 0, "RightEyeOriginalCount": 0, "LeftEyeOriginalCount": 0,
            "RightEyeEnhancedCount": 0, "LeftEyeEnhancedCount": 0, "SingleEyeOnly": false },
        "Images": [],
        "Patient": { "PatientId": 100_002, "LocalId": "P-1", "Name": { "First": "Sample", "Last": "Testpatient" }, "Gender": "TF" },
        "Gradings": {
            "Pathology": false, "Urgent": false, "Emergent": false, "DxCodes": ["E119"],
            "GradedTime": "2026-11-20T17:30:00.0000000+00:00",
            "CarePlanName": "Return in a year",
            "CarePlanDescription": "Come again in twelve months.",
            "Notes": [{ "Text": "Synthetic note." }],
            "OD": { "Gradable": true, "Findings": [{ "Finding": "Diabetic Retinopathy", "Result": "None" }] },
            "OS": { "Gradable": false, "UngradableReasons": ["Blurry"] },
            "DiagnosisCodes": [{ "Code": "E119", "Description": "Type 2 diabetes mellitus without complications" }]
        }
    })
}

fn basis() -> Value {
    json!({
        "assessment": {
            "gradedAt": "2026-11-20T17:30:00.0000000+00:00",
            "od": { "gradable": [
                { "finding": "Diabetic Retinopathy", "result": "None", "level": "NotReferable", "severity": "NORMAL" }
            ] },
            "os": { "ungradable": ["Blurry"] },
            "carePlan": "not-gradable", "carePlanName": "Return in a year", "carePlanDescription": "Come again in twelve months.",
            "level": "Referable", "severity": "NORMAL"
        },
        "submittedDiagnosis": "E11.9",
        "orderedAt": "2026-11-19T08:00:00Z"
    })
}

fn stored() -> StoredResult {
    StoredResult::read(&document().to_string(), &basis().to_string(), ResultCode::Final).unwrap()
}

fn organization(reports: &Value, site_reports: &Value) -> Organization {
    let document = json!({
        "slug": "harborview",
        "name": "Harborview (sample)",
        "clientGuid": "5a3d1e70-0000-4000-8000-000000000001",
        "sites": [{ "localId": "HV-SEA", "name": "Seattle" }, { "localId": "HV-PDX", "name": "Portland", "reports": site_reports }],
        "reports": reports
    });
    Organization::parse(document.to_string().as_bytes()).unwrap()
}

fn template(html: &str) -> Value {
    json!({ "templates": [{ "evaluationType": "DR", "html": html }] })
}

#[test]
fn what_is_stored_is_read_or_said_to_be_damaged() {
    let stored = stored();
    assert_eq!((stored.order_id(), stored.order_local_id(), stored.site()), (100_001, "O-1", "HV-PDX"));
    assert_eq!(exam(stored.evaluation_types()), EvaluationType::Dr);
    let names = stored.names("2026-11-20T18:00:00Z".parse().unwrap());
    assert_eq!((names.patient_last_name, names.department_local_id), ("Testpatient", Some("EYE")));
    let mut without_order = document();
    without_order.as_object_mut().unwrap().remove("Order");
    for (document, basis) in [
        ("{".to_owned(), basis().to_string()),
        ("[]".to_owned(), basis().to_string()),
        (without_order.to_string(), basis().to_string()),
        (document().to_string(), "{}".to_owned()),
    ] {
        assert!(StoredResult::read(&document, &basis, ResultCode::Final).is_err(), "{document} {basis}");
    }
}

#[test]
fn a_message_is_the_document_with_the_report_in_it() {
    let (stored, usual) = (stored(), ResultSettings::default());
    let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    assert_eq!(read(message(&stored, Embedded::Nothing, &usual)), document());
    let with_pdf = read(message(&stored, Embedded::Pdf(b"%PDF-"), &usual));
    let expected = json!({ "Type": "PDF", "Encoding": "Base64", "Content": "JVBERi0=" });
    assert_eq!(with_pdf["ResultsDocument"], expected);
    let place = || DocumentLocation { container: "c".into(), file_name: "results/1.json".into(), size: 9 };
    let without = read(located(&stored, Embedded::Pdf(b"%PDF-"), place(), &usual).unwrap());
    let expected = json!({ "Type": "PDF", "Encoding": "Base64", "Content": null,
        "Location": { "Container": "c", "FileName": "results/1.json", "Size": 9 } });
    assert_eq!(without["ResultsDocument"], expected);
    assert_eq!(without["Gradings"], document()["Gradings"], "everything that was found");
    assert_eq!(located(&stored, Embedded::Nothing, place(), &usual), None);
    assert_eq!(read(message(&stored, Embedded::Html("<p/>"), &usual))["ResultsDocument"]["Type"], "HTML");
    let settings = ResultSettings {
        key_spelling: KeySpelling::Both,
        enum_encoding: EnumEncoding::Numeric,
        ..ResultSettings::default()
    };
    let other = read(message(&stored, Embedded::Nothing, &settings));
    assert_eq!(other["Order"]["PatientOrderID"], 100_001);
    assert!(other["Order"]["EvaluationTypes"][0].is_i64());
}

#[test]
fn a_report_says_what_the_result_says() {
    let (stored, organization) = (stored(), organization(&json!({ "phone": "555-0100" }), &json!({})));
    let page = report(&stored, &organization, &Templates::of(&organization, stored.site()), Pictures::default());
    assert_eq!(page.letterhead.address, ["2 Sample Avenue", "Portland, OR 97201"]);
    assert_eq!(page.letterhead.phone.as_deref(), Some("555-0100"));
    assert_eq!(page.patient.gender.as_deref(), Some("Transgender female"));
    assert_eq!(
        (page.od.said.chip, page.od.said.sentence.as_str()),
        (Chip::NothingFound, "No diabetic retinopathy seen")
    );
    assert_eq!((page.os.said.chip, page.os.said.more.as_slice()), (Chip::NotGradable, &["Blurry".to_owned()][..]));
    assert_eq!(page.care_plan.as_ref().unwrap().chip, Chip::Referral);
    let listed: Vec<_> = page.diagnoses.iter().map(|own| (own.code.as_str(), own.description.as_str())).collect();
    assert_eq!(listed, [("E119", "Type 2 diabetes mellitus without complications (submitted, too)")]);
    assert!(page.code_edition.unwrap().ends_with("Graded in fiscal year 2027."));
    assert_eq!(page.notes, ["Synthetic note."]);
}

#[test]
fn the_sites_template_comes_first_and_a_broken_one_is_passed_over() {
    let chosen = |organization: &Organization, site: &str| {
        let (resolved, unusable) = Templates::of(organization, site).resolve(EvaluationType::Dr);
        (resolved.scope, unusable.into_iter().map(|(scope, _)| scope).collect::<Vec<_>>())
    };
    let good = || template(GOOD);
    let both = organization(&good(), &good());
    assert_eq!(chosen(&both, "HV-PDX"), (Scope::Site, vec![]));
    assert_eq!(chosen(&both, "HV-SEA"), (Scope::Organization, vec![]));
    assert_eq!(chosen(&organization(&json!({}), &json!({})), "HV-PDX"), (Scope::Default, vec![]));
    let broken = organization(&good(), &template("<script>"));
    assert_eq!(chosen(&broken, "HV-PDX"), (Scope::Organization, vec![Scope::Site]));
}

#[test]
fn problems_of_templates_name_their_place() {
    let broken = "<article>\n<p>[[PATIENT_NAME]], [[PATIENT_SHOE_SIZE]]</p>\n<script>alert(1)</script></article>";
    let wrong = organization(&template(broken), &template("<article><p>not closed</article>"));
    insta::assert_snapshot!(template_problems(&wrong).join("\n"));
    assert_eq!(template_problems(&organization(&template(GOOD), &json!({}))), [""; 0]);
}

#[test]
fn times_are_those_of_the_site_else_of_the_organization() {
    let zone = |organization: &Organization, site: &str| {
        let page = report(&stored(), organization, &Templates::of(organization, site), Pictures::default());
        page.time_zone.and_then(|zone| zone.iana_name().map(str::to_owned))
    };
    let both = organization(&json!({ "timeZone": "America/New_York" }), &json!({ "timeZone": "America/Los_Angeles" }));
    assert_eq!(zone(&both, "HV-PDX").as_deref(), Some("America/Los_Angeles"));
    assert_eq!(zone(&both, "HV-SEA").as_deref(), Some("America/New_York"));
    assert_eq!(zone(&organization(&json!({}), &json!({})), "HV-PDX"), None);
}
