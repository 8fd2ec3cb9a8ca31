//! Every published variant of a message is read as the same canonical request (iris-facts §2, §13).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::json::Node;
use iris_model::{IssueCode, OrderRequest, Severity};

fn read(json: &str) -> iris_model::request::Parsed {
    OrderRequest::parse(json.as_bytes()).unwrap_or_else(|issue| panic!("{json}: {issue:?}"))
}

/// The canonical form of a message that is read without any issue.
fn canonical(json: &str) -> String {
    let parsed = read(json);
    assert!(parsed.issues.is_empty(), "{json}: {:?}", parsed.issues);
    parsed.request.to_json()
}

/// The issues of a message as `code path`.
fn issues(json: &str) -> Vec<String> {
    read(json).issues.iter().map(|issue| format!("{} {}", issue.code, issue.path)).collect()
}

#[test]
fn published_variants_are_one_canonical_form() {
    for (variant, expected) in [
        // 1, 2: version and enumerations
        (r#"{"Version":"V2.3.1"}"#, r#"{"Version":"V2.3.1"}"#),
        (r#"{"OrderControlCode":1}"#, r#"{"OrderControlCode":"NW"}"#),
        (r#"{"OrderControlCode":"nw"}"#, r#"{"OrderControlCode":"NW"}"#),
        (r#"{"OrderControlCode":"11"}"#, r#"{"OrderControlCode":"ResendResult"}"#),
        (r#"{"OrderControlCode":4.0}"#, r#"{"OrderControlCode":"CA"}"#),
        // 3: case of keys
        (r#"{"order":{"localID":"A"}}"#, r#"{"Order":{"LocalId":"A"}}"#),
        (r#"{"orderingprovider":{"npi":"9000000015"}}"#, r#"{"OrderingProvider":{"NPI":"9000000015"}}"#),
        // 4: unset
        (r#"{"Site":null,"Order":{},"Patient":{"Name":{"First":"","Last":" "},"Genders":[],"Phone":null}}"#, "{}"),
        (r#"{"Camera":{"Images":[{},null,{"AzureBlobStorage":{"Container":""}}]},"HealthPlan":"","Patient":[]}"#, "{}"),
        (r#"{"$schema":"https://example.org/x.json"}"#, "{}"),
        ("{}", "{}"),
        ("null", "{}"),
        // 5, 6: genders
        (r#"{"Patient":{"Gender":"F"}}"#, r#"{"Patient":{"Genders":[{"Context":"Unknown","Gender":"F"}]}}"#),
        (r#"{"Patient":{"Gender":"male"}}"#, r#"{"Patient":{"Genders":[{"Context":"Unknown","Gender":"M"}]}}"#),
        (
            r#"{"Patient":{"Genders":[{"Context":2,"Value":1}],"Gender":1}}"#,
            r#"{"Patient":{"Genders":[{"Context":"BirthGender","Gender":"M"}]}}"#,
        ),
        (
            r#"{"Patient":{"Genders":[{"Context":"BirthGender","Value":{}}]}}"#,
            r#"{"Patient":{"Genders":[{"Context":"BirthGender","Gender":"U"}]}}"#,
        ),
        (
            r#"{"Patient":{"Genders":[{"Context":{},"Value":2}]}}"#,
            r#"{"Patient":{"Genders":[{"Context":"Unknown","Gender":"F"}]}}"#,
        ),
        (r#"{"Patient":{"Genders":[{"Context":"BirthGender","Gender":""}]}}"#, "{}"),
        (
            r#"{"Patient":{"Genders":{"Context":"IdentityGender","Gender":"NL"}}}"#,
            r#"{"Patient":{"Genders":[{"Context":"IdentityGender","Gender":"NL"}]}}"#,
        ),
        // 7: procedure
        (r#"{"Order":{"CPTCode":"92250"}}"#, r#"{"Order":{"CPTCode":"92250"}}"#),
        (r#"{"Order":{"CPTCode":92250}}"#, r#"{"Order":{"CPTCode":"92250"}}"#),
        (
            r#"{"Order":{"CPTCode":{"Code":"92250","Description":"Photo"}}}"#,
            r#"{"Order":{"CPTCode":"92250","CPTDescription":"Photo"}}"#,
        ),
        (r#"{"Cpt":{"Code":"92250"}}"#, r#"{"Order":{"CPTCode":"92250"}}"#),
        (r#"{"Order":{"Cpt":"1"},"Cpt":"2"}"#, r#"{"Order":{"CPTCode":"1"}}"#),
        // 8, 9: evaluation types
        (r#"{"Order":{"EvaluationTypes":["DR"]}}"#, r#"{"Order":{"EvaluationTypes":["DR"]}}"#),
        (r#"{"Order":{"EvaluationTypes":[1,"1",13]}}"#, r#"{"Order":{"EvaluationTypes":["DR","AI_Eyenuk_O1"]}}"#),
        (
            r#"{"Order":{"EvaluationTypes":"dr_amd, Glaucoma;"}}"#,
            r#"{"Order":{"EvaluationTypes":["DR_AMD","Glaucoma"]}}"#,
        ),
        (r#"{"Order":{"EvaluationTypes":6}}"#, r#"{"Order":{"EvaluationTypes":["DR_REFNOREF"]}}"#),
        (r#"{"Order":{"EvaluationType":"ME"}}"#, r#"{"Order":{"EvaluationTypes":["ME"]}}"#),
        // 10, 11: addresses
        (r#"{"Patient":{"Address":{"Zip":"98101"}}}"#, r#"{"Patient":{"Address":{"PostalCode":"98101"}}}"#),
        (
            r#"{"Patient":{"Address":{"Zip":"1","PostalCode":98101}}}"#,
            r#"{"Patient":{"Address":{"PostalCode":"98101"}}}"#,
        ),
        (
            r#"{"Patient":{"Address":{"Zip":"98101","PostalCode":""}}}"#,
            r#"{"Patient":{"Address":{"PostalCode":"98101"}}}"#,
        ),
        (
            r#"{"Site":{"Address":{"Street":"1 Way","Territory":"guam","Country":"US"}}}"#,
            r#"{"Site":{"Address":{"Street1":"1 Way","State":"GU","Country":"US"}}}"#,
        ),
        (r#"{"Patient":{"Address":{"Province":"Ontario"}}}"#, r#"{"Patient":{"Address":{"State":"Ontario"}}}"#),
        // 12, 13: names
        (
            r#"{"ReferringProvider":{"Name":"Olive Sample"}}"#,
            r#"{"ReferringProvider":{"Name":{"First":"Olive","Last":"Sample"}}}"#,
        ),
        (
            r#"{"ReferringProvider":{"Name":"Sample, Olive B."}}"#,
            r#"{"ReferringProvider":{"Name":{"First":"Olive B.","Last":"Sample"}}}"#,
        ),
        (r#"{"CameraOperator":{"Name":"Sample"}}"#, r#"{"CameraOperator":{"Name":{"Last":"Sample"}}}"#),
        (
            r#"{"Patient":{"Name":{"First":" A ","Middle":"B","Title":"Dr"}}}"#,
            r#"{"Patient":{"Name":{"First":"A","Middle":"B","Title":"Dr"}}}"#,
        ),
        // 14, 15: dates
        (r#"{"Patient":{"Dob":"1/2/2000"}}"#, r#"{"Patient":{"Dob":"2000-01-02"}}"#),
        (r#"{"Patient":{"Dob":"01/02/2000"}}"#, r#"{"Patient":{"Dob":"2000-01-02"}}"#),
        (r#"{"Patient":{"Dob":"2000-01-02T00:00:00.0000000-08:00"}}"#, r#"{"Patient":{"Dob":"2000-01-02"}}"#),
        (r#"{"Patient":{"Dob":20000102}}"#, r#"{"Patient":{"Dob":"2000-01-02"}}"#),
        (r#"{"Order":{"ScheduledTime":"1/1/2025"}}"#, r#"{"Order":{"ScheduledTime":"2025-01-01T00:00:00"}}"#),
        (
            r#"{"Order":{"ScheduledTime":"2025-01-01T09:30:00-05:00"}}"#,
            r#"{"Order":{"ScheduledTime":"2025-01-01T09:30:00"}}"#,
        ),
        // 21 to 24: images
        (
            r#"{"Camera":{"Images":[{"DateTimeOffset":"2026-01-02T03:04:05.1234567-08:00","Laterality":0,"ImageContext":"Secondary"}]}}"#,
            r#"{"Camera":{"Images":[{"Taken":"2026-01-02T03:04:05.1234567-08:00","Laterality":"OS","ImageContext":"SecondaryViewField"}]}}"#,
        ),
        (
            r#"{"Camera":{"Images":[{"Taken":"2026-01-02T03:04:05Z","Laterality":"ou","ImageContext":1,"GroupId":0,"GroupOrdinal":"2"}]}}"#,
            r#"{"Camera":{"Images":[{"Taken":"2026-01-02T03:04:05.0000000+00:00","Laterality":"OU","ImageContext":"SecondaryViewField","GroupId":0,"GroupOrdinal":2}]}}"#,
        ),
        (
            r#"{"Camera":{"ipaddress":"10.0.0.1","MacAddress":"00"}}"#,
            r#"{"Camera":{"IPAddress":"10.0.0.1","MACAddress":"00"}}"#,
        ),
        // 47 to 49, 66
        (
            r#"{"HealthPlan":{"IndividualId":1,"PayerName":"P","EffectiveDate":"1/1/2026"}}"#,
            r#"{"HealthPlan":{"IndividualId":"1","HealthPlanPayerName":"P","EffectiveDate":"2026-01-01"}}"#,
        ),
        (r#"{"Order":{"Urgent":true}}"#, r#"{"Order":{"Urgent":true}}"#),
        (r#"{"Patient":{"MaritalStatus":"C"}}"#, r#"{"Patient":{"MaritalStatus":"C"}}"#),
        (r#"{"Patient":{"MaritalStatus":4}}"#, r#"{"Patient":{"MaritalStatus":"M"}}"#),
        // Truth values as clients and spreadsheets write them; what a client sends is kept.
        (r#"{"Order":{"SingleEyeOnly":"TRUE","Urgent":0}}"#, r#"{"Order":{"SingleEyeOnly":true,"Urgent":false}}"#),
        (r#"{"Order":{"SingleEyeOnly":false}}"#, r#"{"Order":{"SingleEyeOnly":false}}"#),
        // States
        (r#"{"Order":{"State":"washington"}}"#, r#"{"Order":{"State":"WA"}}"#),
        // GUIDs
        (
            r#"{"ClientGuid":"{5A3D1E70-0000-4000-8000-000000000001}"}"#,
            r#"{"ClientGuid":"5a3d1e70-0000-4000-8000-000000000001"}"#,
        ),
        // Free text keeps its line breaks, and JSON inside it.
        (r#"{"Order":{"AdditionalInfo":"{\"a\":\t1}\n"}}"#, r#"{"Order":{"AdditionalInfo":"{\"a\":\t1}"}}"#),
        ("\u{feff}{\"Version\":\"2.3.1\"}", r#"{"Version":"2.3.1"}"#),
    ] {
        assert_eq!(canonical(variant), expected, "{variant}");
    }
}

#[test]
fn what_cannot_be_read_is_reported_with_its_place_and_left_out() {
    for (json, expected) in [
        (r#"[]"#, vec![]),
        (r#"[1]"#, vec!["wrong-type "]),
        (r#""text""#, vec!["wrong-type "]),
        (r#"{"Patient":"Ada"}"#, vec!["wrong-type Patient"]),
        (r#"{"Patient":{"Name":["Ada"]}}"#, vec!["wrong-type Patient.Name"]),
        (r#"{"Patient":{"Name":"Ada"}}"#, vec!["wrong-type Patient.Name"]),
        (r#"{"Patient":{"LocalId":true}}"#, vec!["wrong-type Patient.LocalId"]),
        (r#"{"Patient":{"LocalId":{"a":1}}}"#, vec!["wrong-type Patient.LocalId"]),
        (r#"{"Patient":{"LocalId":123456789012345678901234567890}}"#, vec!["wrong-type Patient.LocalId"]),
        (r#"{"Patient":{"Dob":"31/12/1999"}}"#, vec!["bad-date Patient.Dob"]),
        (r#"{"Patient":{"Dob":"1/2/99"}}"#, vec!["two-digit-year Patient.Dob"]),
        (r#"{"Patient":{"Dob":[1999]}}"#, vec!["wrong-type Patient.Dob"]),
        (r#"{"Patient":{"Genders":[{"Context":"X","Gender":"F"}]}}"#, vec!["unknown-code Patient.Genders[0].Context"]),
        (r#"{"Patient":{"Genders":["F"]}}"#, vec!["wrong-type Patient.Genders[0]"]),
        (r#"{"OrderControlCode":0}"#, vec!["unknown-code OrderControlCode"]),
        (r#"{"OrderControlCode":-1}"#, vec!["unknown-code OrderControlCode"]),
        (r#"{"ClientGuid":"sample"}"#, vec!["bad-guid ClientGuid"]),
        (
            r#"{"Order":{"EvaluationTypes":["DR",{"a":1},"XYZ",5]}}"#,
            vec![
                "wrong-type Order.EvaluationTypes[1]",
                "unknown-code Order.EvaluationTypes[2]",
                "unknown-code Order.EvaluationTypes[3]",
            ],
        ),
        (r#"{"Order":{"EvaluationTypes":"DR,XYZ"}}"#, vec!["unknown-code Order.EvaluationTypes"]),
        (r#"{"Order":{"SingleEyeOnly":"perhaps"}}"#, vec!["bad-boolean Order.SingleEyeOnly"]),
        (
            r#"{"Camera":{"Images":[{},{"Laterality":7,"GroupId":1.5,"Taken":"now"}]}}"#,
            vec![
                "bad-date Camera.Images[1].Taken",
                "unknown-code Camera.Images[1].Laterality",
                "bad-number Camera.Images[1].GroupId",
            ],
        ),
        (r#"{"Order":{"LocalId":"1","localId":"2"}}"#, vec!["duplicate-property Order.LocalId"]),
        (r#"{"Version":"2.3.1","Version":"2.3.1"}"#, vec!["duplicate-property Version"]),
        (r#"{"Extra":1,"Order":{"Colour":"blue","Empty":""}}"#, vec!["unknown-property Order", "unknown-property "]),
    ] {
        assert_eq!(issues(json), expected, "{json}");
    }
}

#[test]
fn unknown_properties_are_only_warnings() {
    assert!(
        read(r#"{"Extra":1,"Order":{"Colour":"blue"}}"#).issues.iter().all(|issue| issue.severity == Severity::Warning)
    );
}

#[test]
fn the_first_of_a_repeated_property_is_read_and_an_error_stands() {
    let parsed = read(r#"{"Order":{"LocalId":"1","LocalId":"2"}}"#);
    assert_eq!(parsed.request.order.unwrap().local_id.as_deref(), Some("1"));
    assert!(parsed.issues[0].is_error());
}

#[test]
fn issues_about_hostile_documents_are_capped() {
    let many: Vec<String> = (0..20_000).map(|index| format!("\"K{index}\":1")).collect();
    let parsed = read(&format!("{{{}}}", many.join(",")));
    assert!(parsed.issues.len() <= 101);
    assert!(parsed.issues.iter().any(|issue| issue.code == IssueCode::LimitExceeded));

    let many = vec!["{\"Laterality\":9}"; 999].join(",");
    let parsed = read(&format!("{{\"Camera\":{{\"Images\":[{many}]}}}}"));
    assert_eq!(parsed.issues.len(), 101);
    assert!(parsed.issues.last().unwrap().is_error());

    let many = vec!["{\"Laterality\":1}"; 1_001].join(",");
    assert_eq!(issues(&format!("{{\"Camera\":{{\"Images\":[{many}]}}}}")), ["limit-exceeded Camera.Images"]);
}

#[test]
fn messages_quote_values_capped_and_escaped() {
    let parsed = read(&format!(r#"{{"OrderControlCode":"{}\u001b[31m"}}"#, "x".repeat(5_000)));
    let message = &parsed.issues[0].message;
    assert!(message.len() < 250 && !message.contains('\u{1b}'), "{message}");
    insta::assert_snapshot!(read(r#"{"OrderControlCode":"ZZ"}"#).issues[0].message, @r#""ZZ" is not a control code. Use one of NW (new), XO (change), CA (cancel), ResendResult."#);
}

#[test]
fn trees_from_elsewhere_are_read_alike() {
    let node: Node<'static> = iris_model::json::parse(br#"{"Version":"2.3.1"}"#).unwrap().into_owned();
    assert_eq!(OrderRequest::from_node(&node).request.version.as_deref(), Some("2.3.1"));
}
