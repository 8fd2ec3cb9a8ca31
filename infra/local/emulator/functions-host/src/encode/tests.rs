//! The literal requests from the custom handler's own tests, rebuilt with the same meaning (member order is not part of
//! the contract).

use std::collections::BTreeMap;

use bytes::Bytes;
use iris_local_servicebus::broker::{Delivery, MessageState};
use iris_local_servicebus::message::Message;
use serde_json::{Value, json};

use super::*;
use crate::config::{BlobTrigger, DataType, QueueTrigger, ServiceBusTrigger};

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn context<'a>(function: &'a str, binding: &'a str, now: &str) -> Context<'a> {
    let guid = "0d9f2c1e-7a54-4f0b-9a53-2f6f3b1a8b10".parse().unwrap();
    Context { function, binding, now: now.parse().unwrap(), guid, retry: None }
}

const NOW: &str = "2026-11-20T09:15:03.1234567Z";

fn trigger(many: bool, data_type: DataType) -> ServiceBusTrigger {
    ServiceBusTrigger {
        entity: "orders".to_owned(),
        namespace: "acme.servicebus.windows.net".to_owned(),
        many,
        data_type,
    }
}

fn delivery(message: Message, sequence_number: u64, lock_token: &str, millis: u32) -> Delivery {
    let time = |day: &str| Some(format!("{day}T09:15:02.{millis:03}Z").parse().unwrap());
    Delivery {
        message,
        lock_token: lock_token.parse().unwrap(),
        sequence_number,
        delivery_count: 1,
        enqueued_time: time("2026-11-20").unwrap(),
        locked_until: time("2026-11-20"),
        expires_at: time("2026-12-04"),
        dead_letter_source: None,
        state: MessageState::Active,
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn full(body: &'static str) -> Delivery {
    let message = Message {
        message_id: text("order-1001"),
        content_type: text("application/json"),
        subject: text("result"),
        correlation_id: text("abc"),
        reply_to: text("replies"),
        to: text("dest"),
        session_id: text("site-7"),
        reply_to_session_id: text("r"),
        partition_key: text("site-7"),
        ..Message::new(body)
    };
    let message = message.with_property("tenant", "acme").with_property("attempt", 1_i64);
    delivery(message, 42, "3f1c0c44-5a6b-4b4e-8f0e-0a6f3b1a8b10", 123)
}

fn batch() -> [Delivery; 2] {
    let first = Message {
        content_type: text("application/json"),
        correlation_id: text("abc"),
        subject: text("result"),
        ..Message::new(r#"{"a":1}"#).with_message_id("m-1").with_property("tenant", "acme")
    };
    let second = Message::new(r#"{"a":2}"#).with_message_id("m-2");
    [
        delivery(first, 41, "3f1c0c44-5a6b-4b4e-8f0e-0a6f3b1a8b10", 123),
        delivery(second, 42, "9b0e0c44-5a6b-4b4e-8f0e-0a6f3b1a8b11", 456),
    ]
}

/// Parses what was encoded. `Client` is a reflected object whose members are not part of the contract.
fn parsed(body: &str, client: &Value) -> Value {
    let mut value: Value = serde_json::from_str(body).unwrap();
    let own = &mut value["Metadata"]["Client"];
    assert_eq!(own["IsClosed"], json!(false));
    *own = client.clone();
    value
}

#[test]
fn one_message() {
    let expected = fixture("service-bus-one-binary.json");
    let body =
        service_bus(&context("ProcessOrder", "msg", NOW), &trigger(false, DataType::Binary), &full(r#"{"a":1}"#));
    assert_eq!(parsed(&body, &expected["Metadata"]["Client"]), expected);
}

#[test]
fn one_text_message_pollutes_its_metadata() {
    let expected = fixture("service-bus-one-text-polluted.json");
    for data_type in [DataType::Unspecified, DataType::String] {
        let body = service_bus(
            &context("ProcessOrder", "msg", NOW),
            &trigger(false, data_type),
            &full(r#"{"MessageId":"evil","x":1}"#),
        );
        assert_eq!(parsed(&body, &expected["Metadata"]["Client"]), expected);
    }
}

#[test]
fn pollution_follows_newtonsoft() {
    let body = r#" {"messageid":"m","flag":true,"none":null,"list":[1],"object":{"k":"v"},"OrderTrigger":"t","sys":"s",
        "when":"2026-11-20T09:15:02.5Z","half":0.5}"#;
    let body = service_bus(&context("f", "m", NOW), &trigger(false, DataType::String), &full(body));
    let value: Value = serde_json::from_str(&body).unwrap();
    let metadata = value["Metadata"].as_object().unwrap();
    for (key, expected) in [
        ("MessageId", json!("\"m\"")),
        ("flag", json!("\"True\"")),
        ("object", json!({"k": "v"})),
        ("sys", json!("\"s\"")),
        ("when", json!("\"11/20/2026 09:15:02\"")),
        ("half", json!("\"0.5\"")),
    ] {
        assert_eq!(metadata.get(key), Some(&expected), "{key}");
    }
    for absent in ["messageid", "none", "list", "OrderTrigger"] {
        assert!(!metadata.contains_key(absent), "{absent}");
    }
}

#[test]
fn absent_properties_are_omitted() {
    let mut bare = delivery(Message::new("x"), 1, "3f1c0c44-5a6b-4b4e-8f0e-0a6f3b1a8b10", 0);
    bare.expires_at = None;
    let body = service_bus(&context("f", "m", NOW), &trigger(false, DataType::Binary), &bare);
    let value: Value = serde_json::from_str(&body).unwrap();
    let mut keys: Vec<&str> = value["Metadata"].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "ApplicationProperties",
            "Client",
            "DeliveryCount",
            "EnqueuedTime",
            "EnqueuedTimeUtc",
            "ExpiresAt",
            "ExpiresAtUtc",
            "LockToken",
            "MessageActions",
            "MessageReceiver",
            "MessageSession",
            "ReceiveActions",
            "SequenceNumber",
            "SessionActions",
            "UserProperties",
            "sys"
        ]
    );
    assert_eq!(value["Metadata"]["ExpiresAt"], "9999-12-31T23:59:59+00:00");
}

#[test]
fn property_values_keep_their_kind() {
    let message = Message::new("x")
        .with_property("n", iris_local_servicebus::message::PropertyValue::Null)
        .with_property("b", iris_local_servicebus::message::PropertyValue::Bool(true))
        .with_property("d", iris_local_servicebus::message::PropertyValue::Double(0.5))
        .with_property(
            "t",
            iris_local_servicebus::message::PropertyValue::Timestamp("2026-11-20T09:15:02.5Z".parse().unwrap()),
        )
        .with_property("x", iris_local_servicebus::message::PropertyValue::Binary(Bytes::from_static(b"{}")));
    let properties = service_bus::properties(&message);
    let expected = json!({"n": null, "b": true, "d": 0.5, "t": "2026-11-20T09:15:02.5Z", "x": "e30="});
    assert_eq!(serde_json::from_str::<Value>(&properties).unwrap(), expected);
}

#[test]
fn batches() {
    for (name, data_type) in [
        ("service-bus-many-untyped.json", DataType::Unspecified),
        ("service-bus-many-string.json", DataType::String),
        ("service-bus-many-binary.json", DataType::Binary),
    ] {
        let expected = fixture(name);
        let body =
            service_bus_batch(&context("ProcessBatch", "msgs", NOW), &trigger(true, data_type), &batch()).unwrap();
        assert_eq!(parsed(&body, &expected["Metadata"]["Client"]), expected, "{name}");
    }
}

#[test]
fn untyped_batches_are_parsed_all_or_none() {
    let untyped = trigger(true, DataType::Unspecified);
    let mut messages = batch();
    messages[0].message.body = Bytes::from_static(br#"{"at":["2026-11-20T09:15:02+02:00"]}"#);
    let body = service_bus_batch(&context("f", "m", NOW), &untyped, &messages).unwrap();
    let value: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(value["Data"]["m"], r#"[{"at":["2026-11-20T07:15:02+00:00"]},{"a":2}]"#);
    for broken in ["[1]", "plain", "\"text\""] {
        messages[1].message.body = Bytes::from_static(broken.as_bytes());
        let refused = service_bus_batch(&context("f", "m", NOW), &untyped, &messages);
        assert_eq!(refused, Err(Error::NotAnObject { index: 1 }));
    }
}

#[test]
fn timers() {
    let sweep = context("Sweep", "timer", "2026-11-20T09:15:00.0123456Z");
    let at = |text: &str| text.parse().unwrap();
    let status = ScheduleStatus {
        last: Some(at("2026-11-20T09:10:00Z")),
        next: at("2026-11-20T09:15:00Z"),
        updated: Some(at("2026-11-20T09:10:00Z")),
    };
    let value = |body: String| serde_json::from_str::<Value>(&body).unwrap();
    assert_eq!(value(timer(&sweep, Some(&status), false)), fixture("timer.json"));
    assert_eq!(value(timer(&sweep, None, true)), fixture("timer-unmonitored.json"));

    let first = ScheduleStatus { last: None, next: status.next, updated: None };
    let retry = RetryContext { count: 2, max: Some(3), failure: Some("the \"reason\"") };
    let retried = value(timer(&Context { retry: Some(retry), ..sweep }, Some(&first), false));
    assert_eq!(retried["Data"]["timer"]["ScheduleStatus"]["Last"], "0001-01-01T00:00:00+00:00");
    assert_eq!(
        retried["Metadata"]["RetryContext"],
        json!({"RetryCount": 2, "MaxRetryCount": 3, "Exception": {"Message": "the \"reason\""}, "Instance": null, "State": {}})
    );
}

#[test]
fn queue_messages() {
    let at = |text: &str| text.parse().unwrap();
    let message = QueueMessage {
        body: Bytes::from_static(br#"{"a":1}"#),
        id: "b5e0c6a4-6b4f-4e0e-8a0f-3b1a8b100a6f".to_owned(),
        pop_receipt: "AgAAAAMAAAAAAAAA".to_owned(),
        dequeue_count: 1,
        inserted_at: at("2026-11-20T09:15:02Z"),
        expires_at: at("2026-11-27T09:15:02Z"),
        visible_at: at("2026-11-20T09:25:02Z"),
    };
    let encoded = |data_type| {
        let body = queue(&context("OnQueue", "item", NOW), &QueueTrigger { data_type }, &message);
        serde_json::from_str::<Value>(&body).unwrap()
    };
    assert_eq!(encoded(DataType::Binary), fixture("queue.json"));
    let untyped = encoded(DataType::Unspecified);
    assert_eq!(untyped["Data"]["item"], r#""{\"a\":1}""#);
    assert_eq!(untyped["Metadata"]["a"], "\"1\"");
}

#[test]
fn blobs() {
    let mut expected = fixture("blob.json");
    let content = Bytes::from_static(b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00");
    expected["Metadata"]["Properties"]["ContentLength"] = json!(content.len());
    let trigger = BlobTrigger { path: "inbox/{site}/{name}".to_owned() };
    let mut value = Blob {
        content,
        uri: "https://acct.blob.core.windows.net/inbox/site7/batch.xlsx".to_owned(),
        container: "inbox".to_owned(),
        name: "site7/batch.xlsx".to_owned(),
        content_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned(),
        modified_at: "2026-11-20T09:15:02Z".parse().unwrap(),
        metadata: BTreeMap::from([("uploader".to_owned(), "alice".to_owned())]),
    };
    let body = blob(&context("OnBlob", "file", NOW), &trigger, &value).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    value.container = "outbox".to_owned();
    assert!(blob(&context("OnBlob", "file", NOW), &trigger, &value).is_err());
}

#[test]
fn events() {
    let expected = fixture("event-grid.json");
    let body = event_grid(&context("OnEvent", "event", NOW), &expected["Data"]["event"]);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
}
