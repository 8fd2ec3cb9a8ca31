//! The published schemas accept what we write and refuse what is clearly wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::event::EventKind;
use iris_model::{DateTimeOffset, Event, OrderRequest, Organization, schema};
use serde_json::{Value, json};

fn validator(name: &str) -> jsonschema::Validator {
    let (_, schema) = schema::all().into_iter().find(|(file, _)| *file == name).unwrap();
    jsonschema::draft202012::options().build(&schema).unwrap()
}

fn submission() -> Value {
    json!({
        "$schema": "order-submission.schema.json",
        "Version": "2.3.1", "ClientGuid": "5a3d1e70-0000-4000-8000-000000000001", "OrderControlCode": "NW",
        "UserNameSubmitting": "intake@harborview.example",
        "Site": { "LocalId": "HV-SEA", "Name": "Seattle", "Address": { "Street1": "1 Sample Street", "State": "WA", "PostalCode": "98101" } },
        "Camera": { "LocalId": "CAM-1", "IPAddress": "10.0.0.1", "Images": [{
            "LocalId": "I-1", "Taken": "2026-11-20T09:15:02.0000000+00:00", "Laterality": "OD", "ImageContext": "Primary",
            "AzureBlobStorage": { "Container": "harborview-images", "FileName": "i-1.jpg" }, "GroupId": 1
        }] },
        "Order": { "EvaluationTypes": ["DR"], "LocalId": "O-1", "ScheduledTime": "2026-12-01T09:00:00", "State": "WA",
            "CPTCode": "92250", "SingleEyeOnly": true, "Urgent": true },
        "Patient": { "LocalId": "P-1", "Name": { "First": "Ada", "Last": "Testpatient" }, "Dob": "1961-04-12",
            "Genders": [{ "Context": "BirthGender", "Gender": "F" }], "MaritalStatus": "M", "DxCode": "E11.9" },
        "OrderingProvider": { "NPI": "9000000015", "Name": { "Last": "Sample" } },
        "HealthPlan": { "MemberId": "M", "EffectiveDate": "2026-01-01", "PrimaryCareProvider": { "NPI": "9000000015" } }
    })
}

#[test]
fn every_schema_is_one() {
    for (name, schema) in schema::all() {
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let text = schema.to_string();
        for word in ["iris-facts", "decision ", "decisions ", "(R-"] {
            assert!(!text.contains(word), "{name} speaks of {word:?}, which its reader does not have");
        }
    }
}

#[test]
fn canonical_submissions_are_valid() {
    let validator = validator("order-submission.schema.json");
    let parsed = OrderRequest::parse(submission().to_string().as_bytes()).unwrap();
    assert_eq!(parsed.issues, []);
    let canonical: Value = serde_json::from_str(&parsed.request.to_json()).unwrap();
    for valid in [
        submission(),
        canonical,
        json!({ "Version": "V2.3.1", "ClientGuid": "5a3d1e70-0000-4000-8000-000000000001", "OrderControlCode": "CA", "Order": { "LocalId": "O" } }),
    ] {
        assert!(
            validator.is_valid(&valid),
            "{:?}",
            validator.iter_errors(&valid).map(|error| error.to_string()).collect::<Vec<_>>()
        );
    }
    let mut patient_only = submission();
    patient_only.as_object_mut().unwrap().remove("Order");
    assert!(validator.is_valid(&patient_only));
}

#[test]
fn the_samples_are_valid() {
    let order: Value = serde_json::from_slice(include_bytes!("../../../samples/order.json")).unwrap();
    assert!(validator("order-submission.schema.json").is_valid(&order));
    let document = include_bytes!("../../../samples/harborview.json");
    assert!(validator("organization.schema.json").is_valid(&serde_json::from_slice(document).unwrap()));
    Organization::parse(document).unwrap();
}

#[test]
fn wrong_submissions_are_not() {
    let validator = validator("order-submission.schema.json");
    for (pointer, value) in [
        ("/Version", json!("3.0")),
        ("/Version", json!(null)),
        ("/OrderControlCode", json!("CloneOrder")),
        ("/OrderControlCode", json!(1)),
        ("/Site", json!({})),
        ("/Patient", json!("Ada")),
        ("/Patient/LocalId", json!("x".repeat(65))),
        ("/Patient/Genders/0/Gender", json!("female")),
        ("/Patient/DxCode", json!("diabetes")),
        ("/Order", json!({ "EvaluationTypes": ["DR"] })),
        ("/Order/EvaluationTypes/0", json!("XYZ")),
        ("/Order/State", json!("Cascadia")),
        ("/Order/ScheduledTime", json!("tomorrow")),
        ("/Order/SingleEyeOnly", json!("yes")),
        ("/Camera/Images/0/Laterality", json!("left")),
        ("/Camera/Images/0/AzureBlobStorage", json!({ "Container": "c" })),
        ("/OrderingProvider/NPI", json!("12345")),
    ] {
        let mut wrong = submission();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&wrong), "{pointer}");
    }
    assert!(!validator.is_valid(&json!({})));
    assert!(
        !validator.is_valid(&json!({ "Version": "2.3.1", "ClientGuid": "x", "OrderControlCode": "CA" })),
        "a cancellation names its order"
    );
}

#[test]
fn events() {
    let validator = validator("order-event.schema.json");
    let event = Event {
        transaction_id: uuid::Uuid::from_u128(7),
        timestamp: DateTimeOffset::utc("2026-11-20T09:15:02Z".parse().unwrap()),
        image_local_id: None,
        iris_image_id: None,
        iris_order_id: None,
        order_local_id: Some("O-1".to_owned()),
        patient_local_id: None,
        iris_patient_id: None,
        time_delivered: None,
        delivery_type: None,
        endpoint: None,
        transmission_status: None,
        success: false,
        error_message: Some("why".to_owned()),
        warnings: Vec::new(),
        result_object_type: EventKind::OrderCreationReceipt,
        version: "2.3.1".to_owned(),
    };
    let mut event = serde_json::to_value(event).unwrap();
    assert!(validator.is_valid(&event));
    event["ErrorMessage"] = Value::Null;
    assert!(validator.is_valid(&event));
    event["Success"] = json!("no");
    assert!(!validator.is_valid(&event));
}

#[test]
fn organizations() {
    let validator = validator("organization.schema.json");
    let document = json!({
        "slug": "harborview", "name": "Sample", "clientGuid": "5a3d1e70-0000-4000-8000-000000000001", "environment": "test",
        "sites": [{ "localId": "A", "name": "A", "address": { "state": "WA" } }],
        "events": { "queue": "their-events" },
        "drops": [{ "pattern": "*.csv", "mapping": { "columns": { "DxCode": { "headers": ["DX1"] } }, "dateOrder": "d/M/yyyy" } }]
    });
    assert!(
        validator.is_valid(&document),
        "{:?}",
        validator.iter_errors(&document).map(|error| error.to_string()).collect::<Vec<_>>()
    );
    let written = serde_json::to_value(Organization::parse(document.to_string().as_bytes()).unwrap()).unwrap();
    assert!(
        validator.is_valid(&written),
        "{:?}",
        validator.iter_errors(&written).map(|error| error.to_string()).collect::<Vec<_>>()
    );
    for (key, value) in [
        ("slug", json!("Harborview")),
        ("password", json!("secret")),
        ("evaluationTypes", json!(["XYZ"])),
        ("drops", json!([{ "pattern": "*.csv" }])),
        ("drops", json!([{ "pattern": "*.csv", "mapping": { "columns": { "NoSuchField": {} } } }])),
        ("drops", json!([{ "pattern": "*.csv", "mapping": { "dateOrder": "guess" } }])),
    ] {
        let mut wrong = document.clone();
        wrong[key] = value;
        assert!(!validator.is_valid(&wrong), "{key} {}", wrong[key]);
    }
}
