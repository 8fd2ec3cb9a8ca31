//! Events as they go over the wire: published keys in published order (iris-facts §4.3).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::event::EventKind;
use iris_model::{DateTimeOffset, Event};
use uuid::Uuid;

fn event(kind: EventKind) -> Event {
    Event {
        transaction_id: Uuid::from_u128(7),
        timestamp: DateTimeOffset::utc("2026-11-20T09:15:02.5314827Z".parse().unwrap()),
        image_local_id: None,
        iris_image_id: None,
        iris_order_id: Some(100_001),
        order_local_id: Some("O-1".to_owned()),
        patient_local_id: Some("P-1".to_owned()),
        iris_patient_id: None,
        time_delivered: None,
        delivery_type: None,
        endpoint: None,
        transmission_status: None,
        success: true,
        error_message: None,
        warnings: Vec::new(),
        result_object_type: kind,
        version: "2.3.1".to_owned(),
    }
}

#[test]
fn a_created_order() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&event(EventKind::OrderCreationReceipt)).unwrap());
}

#[test]
fn a_refused_order() {
    let refused = Event {
        iris_order_id: None,
        patient_local_id: None,
        success: false,
        error_message: Some("[missing] Patient.LocalId: A patient carries an id of yours.".to_owned()),
        ..event(EventKind::OrderCreationReceipt)
    };
    insta::assert_snapshot!(serde_json::to_string_pretty(&refused).unwrap());
}

#[test]
fn a_registered_patient() {
    let registered = Event {
        iris_order_id: None,
        order_local_id: None,
        iris_patient_id: Some(100_002),
        ..event(EventKind::PatientReceipt)
    };
    insta::assert_snapshot!(serde_json::to_string_pretty(&registered).unwrap());
}

#[test]
fn a_linked_image() {
    let linked = Event {
        image_local_id: Some("IMG-1".to_owned()),
        iris_image_id: Some(100_003),
        ..event(EventKind::ImageReceipt)
    };
    insta::assert_snapshot!(serde_json::to_string_pretty(&linked).unwrap());
}

#[test]
fn events_are_read_back() {
    let kinds = [
        "OrderCreationReceipt",
        "OrderCancelled",
        "OrderChangeReceipt",
        "OrderCancelReceipt",
        "PatientReceipt",
        "ResendReceipt",
        "ImageReceipt",
        "ReadyForGradingEvent",
    ];
    for kind in kinds {
        let kind: EventKind = serde_json::from_value(serde_json::json!(kind)).unwrap();
        let event = event(kind);
        let text = serde_json::to_string(&event).unwrap();
        assert!(text.contains(&format!("\"ResultObjectType\":\"{}\"", kind.as_str())));
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
