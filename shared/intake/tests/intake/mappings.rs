//! What a mapping makes of cells.

use crate::support::{Outcome, take_with, with_mapping};
use iris_intake::Limits;
use iris_model::OrderRequest;
use iris_model::submission::{Context, Origin, validate};
use jiff::civil::date;
use serde_json::{Value, json};

fn mapped(mapping: Value, text: &str) -> Outcome {
    take_with("members.csv", text.as_bytes(), &with_mapping(mapping), &Limits::default())
}

fn only(outcome: Outcome) -> OrderRequest {
    assert_eq!((outcome.code(), outcome.rows.len()), (String::new(), 1));
    assert_eq!(outcome.rows[0].issues, []);
    outcome.rows.into_iter().next().unwrap().request
}

#[test]
fn aliases_constants_defaults_and_translations() {
    let mapping = json!({
        "name": "members",
        "columns": {
            "OrderControlCode": {"constant": "NW"},
            "SiteLocalId": {"headers": ["CLINIC"], "default": "S1", "values": {"seattle": "S1"}},
            "PatientLocalId": {"headers": ["Chart No", "MRN"]},
            "PatientFirstName": {"headers": ["FIRST"]},
            "PatientLastName": {"headers": ["LAST"]},
            "PatientDob": {"headers": ["DOB"]},
            "PatientBirthGender": {"headers": ["SEX"], "values": {"1": "M", "2": "F", "ÜBRIG": "U"}},
            "EvaluationType": {"constant": "DR_AMD"},
        },
        "ignoredColumns": ["run_id"],
        "dateOrder": "d/M/yyyy",
    });
    let outcome = mapped(
        mapping,
        "RUN ID,m r n,FIRST,LAST,DOB,SEX,CLINIC,Order_Local-ID\n1,77,Ada,Testpatient,3/2/1950,übrig,SEATTLE,O-1\n",
    );
    assert!(outcome.warnings().is_empty());
    let request = only(outcome);
    insta::assert_snapshot!(request.to_json(), @r#"{"OrderControlCode":"NW","Site":{"LocalId":"S1"},"Order":{"EvaluationTypes":["DR_AMD"],"LocalId":"O-1"},"Patient":{"LocalId":"77","Name":{"First":"Ada","Last":"Testpatient"},"Dob":"1950-02-03","Genders":[{"Context":"BirthGender","Gender":"U"}]}}"#);
}

#[test]
fn a_row_without_anything_about_an_order_is_a_patient() {
    let mapping =
        json!({"name": "m", "columns": {"EvaluationType": {"default": "DR"}, "OrderState": {"constant": "WA"}}});
    let text = "SiteLocalId,PatientLocalId,OrderLocalId\nS1,P1,\nS1,P2,O-2\n";
    let outcome = mapped(mapping, text);
    assert_eq!(outcome.rows[0].request.order, None);
    let order = outcome.rows[1].request.order.as_ref().unwrap();
    assert_eq!((order.state.as_deref(), order.evaluation_types.len()), (Some("WA"), 1));
}

#[test]
fn translated_to_nothing_is_not_set() {
    let mapping = json!({"name": "m", "columns": {"PatientPhone": {"values": {"none": ""}}}});
    let request = only(mapped(mapping, "SiteLocalId,PatientLocalId,OrderLocalId,PatientPhone\nS1,P1,O1, NONE \n"));
    assert_eq!(request.patient.unwrap().phone, None);
}

#[test]
fn one_column_may_feed_two_fields_and_one_be_enough() {
    let mapping = json!({"name": "m", "columns": {
        "PatientLocalId": {"headers": ["MBR"]}, "HealthPlanMemberId": {"headers": ["MBR"]}, "SiteLocalId": {"constant": "S1"},
    }});
    let request = only(mapped(mapping, "MBR\n42\n"));
    assert_eq!(request.health_plan.unwrap().member_id.as_deref(), Some("42"));
    let cancel = json!({"name": "c", "columns": {"OrderControlCode": {"constant": "CA"}}});
    let request = only(mapped(cancel, "List of cancellations\nOrder Local Id\nO-1\n"));
    assert_eq!(request.order.unwrap().local_id.as_deref(), Some("O-1"));
}

#[test]
fn every_intake_field_reaches_its_place() {
    let fields = iris_model::IntakeField::ALL;
    let header: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    let value = |name: &str| match name {
        "Version" => "2.3.1",
        "ClientGuid" => "5A3D1E70-0000-4000-8000-000000000001",
        "OrderControlCode" => "NW",
        "PatientBirthGender" => "F",
        "PatientIdentityGender" => "M",
        "EvaluationType" => "DR",
        "SingleEyeOnly" => "yes",
        "PatientDob" => "1950-02-03",
        "HealthPlanEffectiveDate" => "20260101",
        "HealthPlanExpirationDate" => "12/31/2026",
        "OrderScheduledTime" => "12/1/2026 9:00 AM",
        _ => "",
    };
    let cells: Vec<String> = header
        .iter()
        .map(|name| if value(name).is_empty() { format!("v-{name}") } else { value(name).to_owned() })
        .collect();
    let request = only(mapped(json!({"name": "m"}), &format!("{}\n{}\n", header.join(","), cells.join(","))));
    let json: Value = serde_json::from_str(&request.to_json()).unwrap();
    insta::assert_json_snapshot!("every_field", json);
}

#[test]
fn later_issues_find_their_cell() {
    let outcome = mapped(json!({"name": "m"}), "SiteLocalId,PatientLocalId,Order Local Id\nS1,P1,O1\n");
    let layout = outcome.layout.unwrap();
    assert_eq!(layout.column_of("Order.LocalId"), Some((3, "Order Local Id")));
    assert_eq!(layout.column_of("Patient"), Some((2, "PatientLocalId")));
    assert_eq!(layout.column_of("HealthPlan.Name"), None);
    assert_eq!(layout.column_of(""), None);
}

/// The issues of the only row once it is validated, as `code path`.
fn validated(mapping: Value, text: &str) -> Vec<String> {
    let organization = with_mapping(mapping);
    let outcome = take_with("members.csv", text.as_bytes(), &organization, &Limits::default());
    let row = outcome.rows.into_iter().next().unwrap();
    let known = row.issues.into_iter().map(|located| located.issue).collect();
    let origin = Origin { today: date(2026, 11, 21), fill_from_organization: true, derived_order_id: None };
    let issues = match validate(row.request, known, &Context { organization: &organization, origin: &origin }) {
        Ok(submission) => submission.warnings,
        Err(issues) => issues,
    };
    issues.iter().map(|issue| format!("{} {}", issue.code, issue.path)).collect()
}

#[test]
fn headers_may_carry_marks() {
    let header = "Site.LocalId *,Patient Local ID (required),PatientFirstName:,Patient.Name.Last,Patient.Dob*,PatientBirthGender (optional),OrderLocalId";
    let outcome = mapped(json!({"name": "m"}), &format!("{header}\nS1,P1,Ada,Testpatient,1950-02-03,F,O1\n"));
    assert_eq!(outcome.warnings(), Vec::<String>::new());
    let patient = only(outcome).patient.unwrap();
    assert_eq!((patient.name.unwrap().last.as_deref(), patient.dob.is_some()), (Some("Testpatient"), true));
}

const COMPLETE: &str =
    "SiteLocalId,PatientLocalId,PatientFirstName,PatientLastName,PatientDob,PatientBirthGender,OrderLocalId";

#[test]
fn a_required_cell_that_is_spoiled_is_reported_once() {
    let mapping = json!({"name": "m", "columns": {"EvaluationType": {"constant": "DR"}}});
    let one = |row: &str| validated(mapping.clone(), &format!("{COMPLETE}\n{row}\n"));
    assert_eq!(one("S1,P1,Ada,Testpatient,#N/A,F,O1"), ["cell-error Patient.Dob"]);
    assert_eq!(one("#REF!,P1,Ada,Testpatient,1950-02-03,F,O1"), ["cell-error Site.LocalId"]);
    assert_eq!(one("S1,1.2E+11,Ada,Testpatient,1950-02-03,F,O1"), ["bad-number Patient.LocalId"]);
    assert_eq!(one("S1,P1,Ada,#n/a,1950-02-03,F,O1"), ["cell-error Patient.Name.Last"]);
    assert_eq!(one("S1,P1,Ada,Testpatient,1950-02-03,woman,O1"), ["unknown-code Patient.Genders"]);
}

#[test]
fn a_patient_of_whom_there_is_only_an_id_is_one_issue() {
    let text = format!("{COMPLETE}\nS1,P1,,,,,\n");
    assert_eq!(validated(json!({"name": "m"}), &text), ["missing Patient"]);
}

#[test]
fn messages_offer_what_can_be_used() {
    let header = format!("{COMPLETE},EvaluationType,OrderControlCode");
    let text = format!("{header}\nS1,P1,Ada,Testpatient,1950-02-03,lady,O1,eyes,maybe\n");
    let outcome = mapped(json!({"name": "m"}), &text);
    let messages: Vec<&str> = outcome.rows[0].issues.iter().map(|issue| issue.issue.message.as_ref()).collect();
    let all = messages.join("\n");
    assert!(all.contains("Use one of: DR, DR_AMD."), "only exams the organization has: {all}");
    assert!(all.contains("CA (cancel)") && !all.contains("CloneOrder"), "{all}");
    assert!(all.contains("F or Female"), "{all}");
}
