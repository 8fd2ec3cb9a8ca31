//! From request to submission: what each operation needs, and how issues are reported.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::submission::{Action, Context, Origin, fingerprint, validate};
use iris_model::{EvaluationType, Issue, IssueCode, LocalId, OrderRequest, Organization, Submission};
use serde_json::{Value, json};

const GUID: &str = "5a3d1e70-0000-4000-8000-000000000001";

fn organization(change: impl FnOnce(&mut Value)) -> Organization {
    let mut document = json!({
        "slug": "harborview", "name": "Harborview (sample)", "clientGuid": GUID,
        "evaluationTypes": ["DR", "DR_AMD"],
        "sites": [
            { "localId": "HV-SEA", "name": "Seattle", "address": { "state": "WA" } },
            { "localId": "HV-MOBILE", "name": "Mobile unit" }
        ],
        "cameras": [{ "localId": "CAM-SEA", "site": "HV-SEA" }, { "localId": "CAM-MOBILE", "site": "HV-MOBILE" }],
        "users": ["intake@harborview.example"]
    });
    change(&mut document);
    Organization::parse(document.to_string().as_bytes()).unwrap()
}

fn origin() -> Origin {
    Origin { today: jiff::civil::date(2026, 11, 20), fill_from_organization: false, derived_order_id: None }
}

fn row_origin() -> Origin {
    Origin { fill_from_organization: true, ..origin() }
}

fn new_order() -> Value {
    json!({
        "Version": "V2.3.1", "ClientGuid": GUID, "OrderControlCode": "NW",
        "Site": { "LocalId": "HV-SEA" },
        "Order": { "LocalId": "O-1", "EvaluationTypes": ["DR"] },
        "Patient": {
            "LocalId": "P-1", "Name": { "First": "Ada", "Last": "Testpatient" }, "Dob": "1961-04-12",
            "Genders": [{ "Context": "BirthGender", "Gender": "F" }]
        }
    })
}

fn change(pointer: &str, value: Value) -> Value {
    let mut request = new_order();
    put(&mut request, pointer, value);
    request
}

/// Sets a place, making the objects on the way; null removes it.
fn put(request: &mut Value, pointer: &str, value: Value) {
    let mut at = request;
    let (parents, last) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    for key in parents.split('/').filter(|key| !key.is_empty()) {
        at = &mut at[key];
    }
    match value {
        Value::Null => drop(at.as_object_mut().unwrap().remove(last)),
        value => at[last] = value,
    }
}

fn check_with(request: &Value, organization: &Organization, origin: &Origin) -> Result<Submission, Vec<Issue>> {
    let parsed = OrderRequest::parse(request.to_string().as_bytes()).unwrap();
    validate(parsed.request, parsed.issues, &Context { organization, origin })
}

fn check(request: &Value) -> Result<Submission, Vec<Issue>> {
    check_with(request, &organization(|_| ()), &origin())
}

fn told(issues: &[Issue]) -> Vec<String> {
    let sign = |issue: &Issue| if issue.is_error() { "" } else { "warning " };
    issues.iter().map(|issue| format!("{}{} {}", sign(issue), issue.code, issue.path)).collect()
}

fn refused(request: &Value) -> Vec<String> {
    told(&check(request).unwrap_err())
}

fn warned(request: &Value) -> Vec<String> {
    told(&check(request).unwrap().warnings)
}

#[test]
fn a_new_order() {
    let submission = check(&new_order()).unwrap();
    assert_eq!(submission.warnings, []);
    assert_eq!(submission.request.version.as_deref(), Some("2.3.1"));
    let Action::Create { site, patient, order } = submission.action else { panic!() };
    assert_eq!(site.as_str(), "HV-SEA");
    assert_eq!(patient.local_id.as_str(), "P-1");
    assert_eq!(patient.demographics.unwrap().dob.to_string(), "1961-04-12");
    assert_eq!(order.evaluation_types, [EvaluationType::Dr]);
    assert_eq!((order.state, order.camera), (None, None));
}

#[test]
fn everything_missing_is_told_at_once() {
    assert_eq!(
        refused(
            &json!({ "OrderControlCode": "NW", "Order": { "EvaluationTypes": ["DR"] }, "Patient": { "Dob": "1/1/1950" } })
        ),
        [
            "missing Version",
            "missing ClientGuid",
            "missing Site.LocalId",
            "missing Patient.LocalId",
            "missing Patient.Name.First",
            "missing Patient.Name.Last",
            "missing Patient.Genders",
            "missing Order.LocalId",
        ]
    );
    assert_eq!(refused(&json!({})), ["missing Version", "missing ClientGuid", "missing OrderControlCode"]);
}

#[test]
fn what_could_not_be_read_is_not_also_missing() {
    assert_eq!(refused(&change("Patient/Dob", json!("31/31/1950"))), ["bad-date Patient.Dob"]);
    assert_eq!(refused(&change("Patient/Name", json!("Ada"))), ["wrong-type Patient.Name"]);
    assert_eq!(
        refused(&change("Patient/Genders", json!([{ "Context": "BirthGender", "Gender": "Q" }]))),
        ["unknown-code Patient.Genders[0].Gender"]
    );
    assert_eq!(refused(&change("Order", json!("O-1"))), ["wrong-type Order"]);
    assert_eq!(refused(&change("Order/EvaluationTypes", json!(["XYZ"]))), ["unknown-code Order.EvaluationTypes[0]"]);
    assert_eq!(refused(&change("ClientGuid", json!("x"))), ["bad-guid ClientGuid"]);
    assert_eq!(
        refused(&change("Patient", json!({ "LocalId": "P", "Dob": "1/1/50" }))).first().unwrap(),
        "two-digit-year Patient.Dob"
    );
}

#[test]
fn the_message_itself() {
    assert_eq!(refused(&change("Version", json!("2.4"))), ["unsupported-version Version"]);
    assert_eq!(
        refused(&change("ClientGuid", json!("5a3d1e70-0000-4000-8000-00000000000f"))),
        ["wrong-organization ClientGuid"]
    );
    for code in ["CloneOrder", "ChangeEvaluationType", "OC", "Submission", "SC"] {
        assert_eq!(refused(&change("OrderControlCode", json!(code))), ["unsupported-control-code OrderControlCode"]);
    }
    assert_eq!(
        warned(&change("UserNameSubmitting", json!("other@harborview.example"))),
        ["warning unknown-user UserNameSubmitting"]
    );
    assert_eq!(warned(&change("UserNameSubmitting", json!("Intake@Harborview.example"))), [""; 0]);
    let nobody = organization(|document| document["users"] = json!([]));
    let submission = check_with(&change("UserNameSubmitting", json!("anybody")), &nobody, &origin()).unwrap();
    assert_eq!(submission.warnings, [], "users are checked only where the organization lists them");
}

#[test]
fn rows_take_from_the_organization_what_their_container_says() {
    let mut row = new_order();
    for absent in ["Version", "ClientGuid", "OrderControlCode"] {
        put(&mut row, absent, Value::Null);
    }
    let organization = organization(|_| ());
    let submission = check_with(&row, &organization, &row_origin()).unwrap();
    let whole = check(&new_order()).unwrap();
    assert_eq!(submission, whole);

    put(&mut row, "ClientGuid", json!("5a3d1e70-0000-4000-8000-00000000000f"));
    assert_eq!(told(&check_with(&row, &organization, &row_origin()).unwrap_err()), ["wrong-organization ClientGuid"]);
    put(&mut row, "ClientGuid", json!("scribble"));
    assert_eq!(told(&check_with(&row, &organization, &row_origin()).unwrap_err()), ["bad-guid ClientGuid"]);
    put(&mut row, "ClientGuid", Value::Null);
    put(&mut row, "OrderControlCode", json!("NEW"));
    assert_eq!(told(&check_with(&row, &organization, &row_origin()).unwrap_err()), ["unknown-code OrderControlCode"]);
}

#[test]
fn a_missing_order_id_is_derived_where_the_mapping_allows() {
    let request = change("Order/LocalId", Value::Null);
    assert_eq!(refused(&request), ["missing Order.LocalId"]);
    let origin = Origin { derived_order_id: LocalId::new("drop-7"), ..origin() };
    let submission = check_with(&request, &organization(|_| ()), &origin).unwrap();
    assert_eq!(submission.request.order.unwrap().local_id.as_deref(), Some("drop-7"));
    let Action::Create { order, .. } = submission.action else { panic!() };
    assert_eq!(order.local_id.as_str(), "drop-7");
}

#[test]
fn a_patient_without_an_order_is_registered() {
    for order in [
        json!(null),
        json!({}),
        json!({ "SingleEyeOnly": false, "Urgent": false, "LocalId": "", "EvaluationTypes": [] }),
    ] {
        let submission = check(&change("Order", order)).unwrap();
        assert_eq!(submission.request.order, None);
        let Action::RegisterPatient { site, patient } = submission.action else { panic!() };
        assert_eq!((site.as_str(), patient.local_id.as_str()), ("HV-SEA", "P-1"));
    }
    let mut alone = change("Order", Value::Null);
    put(&mut alone, "Patient", json!({ "LocalId": "P-1" }));
    assert_eq!(refused(&alone), ["missing Patient"], "registering takes more than an id");
    put(&mut alone, "Patient", Value::Null);
    assert_eq!(refused(&alone)[0], "missing Patient");
    let with_time = change("Order", json!({ "ScheduledTime": "2026-12-01" }));
    assert_eq!(
        refused(&with_time),
        ["missing Order.LocalId", "missing Order.EvaluationTypes"],
        "an order that says something is an order"
    );
}

#[test]
fn an_order_for_a_known_patient_has_its_local_id_alone() {
    let submission =
        check(&change("Patient", json!({ "LocalId": "P-1", "Name": {}, "Dob": "", "Phone": "206-555-0100" }))).unwrap();
    let Action::Create { patient, .. } = submission.action else { panic!() };
    assert_eq!(patient.demographics, None);
}

#[test]
fn changes_cancellations_and_resends_need_their_order() {
    let head = |code: &str| json!({ "Version": "2.3.1", "ClientGuid": GUID, "OrderControlCode": code, "Order": { "LocalId": "O-1" } });
    assert!(matches!(check(&head("XO")).unwrap().action, Action::Change { site: None, .. }));
    assert!(matches!(check(&head("XR")).unwrap().action, Action::Change { .. }));
    assert!(matches!(check(&head("CA")).unwrap().action, Action::Cancel { .. }));
    assert!(matches!(check(&head("CR")).unwrap().action, Action::Cancel { .. }));
    assert!(matches!(check(&head("ResendResult")).unwrap().action, Action::ResendResult { .. }));
    for code in ["XO", "CA", "ResendResult"] {
        let mut request = head(code);
        put(&mut request, "Order", Value::Null);
        assert_eq!(refused(&request), ["missing Order.LocalId"]);
    }
    let mut change = head("XO");
    put(&mut change, "Site/LocalId", json!("HV-XXX"));
    put(&mut change, "Patient/Dob", json!("2027-01-01"));
    assert_eq!(refused(&change), ["implausible-date Patient.Dob", "unknown-site Site.LocalId"]);
}

#[test]
fn cancelling_forgives_everything_but_the_order_and_the_sender() {
    let mut request = new_order();
    put(&mut request, "OrderControlCode", json!("CA"));
    put(&mut request, "Patient/Dob", json!("nonsense"));
    put(&mut request, "Site/LocalId", json!("HV-XXX"));
    put(&mut request, "Order/AdditionalInfo", json!("x".repeat(5_000)));
    let submission = check(&request).unwrap();
    assert_eq!(
        told(&submission.warnings),
        ["warning bad-date Patient.Dob", "warning too-long Order.AdditionalInfo", "warning unknown-site Site.LocalId"]
    );
    assert_eq!(
        submission.request.to_json(),
        format!(
            r#"{{"Version":"2.3.1","ClientGuid":"{GUID}","OrderControlCode":"CA","Site":{{"LocalId":"HV-XXX"}},"Order":{{"LocalId":"O-1"}},"Patient":{{"LocalId":"P-1"}}}}"#
        )
    );
    put(&mut request, "Order/LocalId", json!("x".repeat(65)));
    assert!(refused(&request).contains(&"too-long Order.LocalId".to_owned()));
}

#[test]
fn sites_and_states() {
    assert_eq!(refused(&change("Site/LocalId", json!("HV-XXX"))), ["unknown-site Site.LocalId"]);
    assert_eq!(refused(&change("Site/LocalId", json!("HV-MOBILE"))), ["no-state Order.State"]);
    let mut mobile = change("Site/LocalId", json!("HV-MOBILE"));
    put(&mut mobile, "Order/State", json!("new york"));
    let Action::Create { order, .. } = check(&mobile).unwrap().action else { panic!() };
    assert_eq!(order.state.as_deref(), Some("NY"));
    put(&mut mobile, "Order/State", json!("Cascadia"));
    assert_eq!(refused(&mobile), ["unknown-state Order.State"]);

    let creating = organization(|document| document["autoCreateSites"] = json!(true));
    assert!(check_with(&change("Site/LocalId", json!("HV-NEW")), &creating, &origin()).is_ok(), "it may be on record");
    let mut request = change("Site", json!({ "LocalId": "HV-NEW", "Name": "New", "Address": { "State": "Cascadia" } }));
    assert_eq!(told(&check_with(&request, &creating, &origin()).unwrap_err()), ["unknown-state Site.Address.State"]);
    put(&mut request, "Site/LocalId", json!("HV-SEA"));
    assert_eq!(
        told(&check_with(&request, &creating, &origin()).unwrap().warnings),
        ["warning unknown-state Site.Address.State"]
    );

    assert_eq!(
        warned(&change("Patient/Address/State", json!("Cascadia"))),
        ["warning unknown-state Patient.Address.State"]
    );
    assert_eq!(warned(&change("Patient/Address", json!({ "State": "Ontario", "Country": "Canada" }))), [""; 0]);
}

#[test]
fn cameras_and_images() {
    let Action::Create { order, .. } = check(&change("Camera/LocalId", json!("CAM-SEA"))).unwrap().action else {
        panic!()
    };
    assert_eq!(order.camera.unwrap().as_str(), "CAM-SEA");
    assert_eq!(refused(&change("Camera/LocalId", json!("CAM-MOBILE"))), ["camera-of-other-site Camera.LocalId"]);
    assert_eq!(refused(&change("Camera/LocalId", json!("CAM-NEW"))), ["unknown-camera Camera.LocalId"]);
    assert_eq!(warned(&change("Camera/SerialNumber", json!("123"))), ["warning missing Camera.LocalId"]);
    let creating = organization(|document| document["autoCreateCameras"] = json!(true));
    assert!(check_with(&change("Camera/LocalId", json!("CAM-NEW")), &creating, &origin()).is_ok());

    let image =
        json!({ "LocalId": "I", "Laterality": "OD", "AzureBlobStorage": { "Container": "c", "FileName": "f" } });
    assert_eq!(warned(&change("Camera/Images", json!([image]))), [""; 0]);
    assert_eq!(
        refused(&change(
            "Camera/Images",
            json!([image, { "LocalId": "I-2" }, { "Laterality": "left", "AzureBlobStorage": { "Container": "c" } }])
        )),
        [
            "unknown-code Camera.Images[2].Laterality",
            "missing Camera.Images[1].AzureBlobStorage.Container",
            "missing Camera.Images[1].AzureBlobStorage.FileName",
            "missing Camera.Images[1].Laterality",
            "missing Camera.Images[2].AzureBlobStorage.FileName",
        ]
    );
}

#[test]
fn evaluation_types() {
    assert_eq!(refused(&change("Order/EvaluationTypes", Value::Null)), ["missing Order.EvaluationTypes"]);
    let one_exam = organization(|document| document["evaluationTypes"] = json!(["DR_AMD"]));
    let submission = check_with(&change("Order/EvaluationTypes", Value::Null), &one_exam, &origin()).unwrap();
    assert_eq!(submission.request.order.unwrap().evaluation_types, [EvaluationType::DrAmd], "there is no other");
    let Action::Create { order, .. } = check(&change("Order/EvaluationTypes", json!("DR_AMD,DR,DR"))).unwrap().action
    else {
        panic!()
    };
    assert_eq!(order.evaluation_types, [EvaluationType::Dr, EvaluationType::DrAmd]);
    assert_eq!(
        refused(&change("Order/EvaluationTypes", json!(["DR", "Glaucoma"]))),
        ["evaluation-not-subscribed Order.EvaluationTypes"]
    );
}

#[test]
fn plausibility_of_values() {
    assert_eq!(refused(&change("Patient/Dob", json!("1899-12-31"))), ["implausible-date Patient.Dob"]);
    assert_eq!(refused(&change("Patient/Dob", json!("2026-11-21"))), ["implausible-date Patient.Dob"]);
    assert!(check(&change("Patient/Dob", json!("2026-11-20"))).is_ok());
    assert_eq!(refused(&change("OrderingProvider/NPI", json!("12345"))), ["bad-npi OrderingProvider.NPI"]);
    assert_eq!(
        warned(&change("ReferringProvider/NPI", json!("1234567890"))),
        ["warning npi-check-digit ReferringProvider.NPI"]
    );
    assert_eq!(warned(&change("CameraOperator/NPI", json!(1_234_567_893))), [""; 0]);
    assert_eq!(
        refused(&change("HealthPlan/PrimaryCareProvider/NPI", json!("x"))),
        ["bad-npi HealthPlan.PrimaryCareProvider.NPI"]
    );
    assert_eq!(refused(&change("Patient/DxCode", json!("diabetes"))), ["bad-diagnosis-code Patient.DxCode"]);
    assert_eq!(
        check(&change("Patient/DxCode", json!("e11.9"))).unwrap().request.patient.unwrap().dx_code.as_deref(),
        Some("E11.9")
    );
    assert_eq!(warned(&change("Patient/Race", json!("9999-9"))), ["warning unlisted-code Patient.Race"]);
    assert_eq!(warned(&change("Patient/Ethnicity", json!("2186-5"))), [""; 0]);
    assert_eq!(warned(&change("Patient/PrimaryLanguage", json!("pt-BR"))), [""; 0]);
    assert_eq!(
        warned(&change("Patient/PrimaryLanguage", json!("Portuguese"))),
        ["warning unlisted-code Patient.PrimaryLanguage"]
    );
    assert_eq!(
        warned(&change("HealthPlan", json!({ "EffectiveDate": "2026-02-01", "ExpirationDate": "2026-01-01" }))),
        ["warning implausible-date HealthPlan.ExpirationDate"]
    );
    let genders = |second: &str| json!([{ "Context": "BirthGender", "Gender": "F" }, { "Context": "BirthGender", "Gender": second }]);
    assert_eq!(refused(&change("Patient/Genders", genders("M"))), ["duplicate-property Patient.Genders"]);
    assert_eq!(check(&change("Patient/Genders", genders("F"))).unwrap().request.patient.unwrap().genders.len(), 1);
}

#[test]
fn limits_of_text() {
    for (place, limit) in [
        ("Patient/LocalId", 64),
        ("Order/LocalId", 64),
        ("HealthPlan/LocalId", 64),
        ("Patient/Name/First", 100),
        ("OrderingProvider/Name/Last", 100),
        ("HealthPlan/MemberId", 100),
        ("HealthPlan/PrimaryCareProvider/FaxNumber", 100),
        ("Patient/Address/Street1", 100),
        ("Patient/Email", 254),
        ("Order/AdditionalInfo", 4_000),
        ("Patient/AdditionalInfo", 4_000),
        ("Order/MissingEyeReason", 4_000),
    ] {
        let path = place.replace('/', ".");
        // Such a text is no fax number or e-mail address either, which causes a warning of its own.
        let said = |mut issues: Vec<String>| {
            issues.retain(|issue| !issue.starts_with("warning implausible-value"));
            issues
        };
        assert_eq!(said(warned(&change(place, json!("é".repeat(limit))))), [""; 0], "{place}");
        assert_eq!(said(refused(&change(place, json!("é".repeat(limit + 1))))), [format!("too-long {path}")]);
        assert_eq!(said(refused(&change(place, json!("a\u{7}b")))), [format!("control-character {path}")]);
        let breaks = check(&change(place, json!("a\n\tb")));
        assert_eq!(breaks.is_ok(), limit == 4_000, "{place}: only free text has line breaks");
    }
}

#[test]
fn equal_content_has_equal_fingerprints_after_validation() {
    let one = check(&new_order()).unwrap().request;
    let mut variant = change("Order/EvaluationTypes", json!("dr"));
    put(&mut variant, "Version", json!("2.3.1"));
    put(&mut variant, "UserNameSubmitting", json!("intake@harborview.example"));
    put(&mut variant, "Patient/Dob", json!("4/12/1961"));
    put(&mut variant, "Patient/Genders", json!([{ "Context": 2, "Value": 2 }]));
    put(&mut variant, "OrderingProvider", json!({ "NPI": "", "Name": {} }));
    assert_eq!(fingerprint(&check(&variant).unwrap().request), fingerprint(&one));
    put(&mut variant, "Patient/Dob", json!("4/13/1961"));
    assert_ne!(fingerprint(&check(&variant).unwrap().request), fingerprint(&one));
}

/// The words a sender reads.
#[test]
fn messages() {
    let requests = [
        json!({}),
        json!({ "OrderControlCode": "NW" }),
        json!({ "OrderControlCode": "NW", "Order": { "LocalId": "O" }, "Patient": { "LocalId": "P", "Dob": "2030-01-01" } }),
        change("Version", json!("3\u{1b}")),
        change("ClientGuid", json!("5a3d1e70-0000-4000-8000-00000000000f")),
        change("OrderControlCode", json!("SC")),
        change("UserNameSubmitting", json!("x")),
        change("Site/LocalId", json!("HV-XXX")),
        change("Site/LocalId", json!("HV-MOBILE")),
        change("Camera", json!({ "LocalId": "CAM-MOBILE", "Images": [{ "LocalId": "I" }] })),
        change("Camera/LocalId", json!("CAM-NEW")),
        change("Order/EvaluationTypes", json!(["Glaucoma"])),
        change("Order/State", json!("Cascadia")),
        change("Patient/Race", json!("human")),
        change("Patient/LocalId", json!("x".repeat(65))),
        change("Patient/Name/First", json!("a\u{0}b")),
        change("OrderingProvider/NPI", json!("1234567890")),
        change("Patient/Genders", json!([{ "Context": 2, "Value": 1 }, { "Context": 2, "Value": 2 }])),
    ];
    let mut lines: Vec<String> = requests
        .iter()
        .flat_map(|request| check(request).map_or_else(|issues| issues, |submission| submission.warnings))
        .map(|issue| format!("[{}] {}: {}", issue.code, issue.path, issue.message))
        .collect();
    lines.sort();
    lines.dedup();
    insta::assert_snapshot!(lines.join("\n"));
    assert!(!lines.iter().any(|line| line.chars().any(|character| character.is_control() && character != '\n')));
}

#[test]
fn issues_found_while_reading_count() {
    let organization = organization(|_| ());
    let origin = origin();
    let context = Context { organization: &organization, origin: &origin };
    let request = OrderRequest::parse(new_order().to_string().as_bytes()).unwrap().request;
    let cell = Issue::error(IssueCode::CellError, "Order.ScheduledTime", "The cell holds #N/A.");
    assert_eq!(validate(request.clone(), vec![cell.clone()], &context), Err(vec![cell]));
    let note = Issue::warning(IssueCode::UnknownProperty, "", "…");
    assert_eq!(validate(request, vec![note.clone()], &context).unwrap().warnings, [note]);
}

proptest::proptest! {
    /// What was accepted is accepted again, as it is.
    #[test]
    fn accepted_requests_are_canonical(
        first in "[a-zA-Z ']{1,20}", id in "[A-Z0-9][A-Z0-9-]{0,29}", year in 1900i16..2026, info in "\\PC{0,40}", eye in proptest::option::of(proptest::bool::ANY),
    ) {
        let mut request = new_order();
        put(&mut request, "Patient/Name/First", json!(format!("x{first}")));
        put(&mut request, "Order/LocalId", json!(id));
        put(&mut request, "Patient/Dob", json!(format!("1/31/{year}")));
        put(&mut request, "Order/AdditionalInfo", json!(info));
        put(&mut request, "Order/SingleEyeOnly", json!(eye));
        let accepted = check(&request).unwrap();
        let again = serde_json::from_str(&accepted.request.to_json()).unwrap();
        proptest::prop_assert_eq!(check(&again).unwrap(), accepted);
    }
}
