//! The decoders against the literal requests of the Functions host.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use iris_azure::handler::{Error, Invocation, Outcome, Router, bind, serve};
use iris_azure::settings::HandlerSettings;
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn fixture(name: &str) -> Invocation {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let body = std::fs::read(&path).unwrap();
    Invocation::decode("ProcessOrder", Some("5f0c2a52"), None, &body).unwrap()
}

fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn a_message_with_everything() {
    let message = fixture("service-bus-one-binary.json").service_bus_message("msg").unwrap();
    assert_eq!(message.body, r#"{"a":1}"#);
    assert_eq!(message.message_id.as_deref(), Some("order-1001"));
    assert_eq!(message.delivery_count, Some(1));
    assert_eq!(message.sequence_number, Some(42));
    assert_eq!(message.enqueued_time, time("2026-11-20T09:15:02Z"));
    assert_eq!(message.correlation_id.as_deref(), Some("abc"));
    assert_eq!(message.session_id.as_deref(), Some("site-7"));
    assert_eq!(message.subject.as_deref(), Some("result"));
    assert_eq!(message.content_type.as_deref(), Some("application/json"));
    assert_eq!(message.property("tenant"), Some("acme"));
    assert_eq!(message.application_properties["attempt"], 1);
}

#[test]
fn a_message_with_the_body_alone() {
    let message = fixture("service-bus-one-bare.json").service_bus_message("msg").unwrap();
    assert_eq!(message.body, r#"{"a":1}"#);
    assert_eq!((message.message_id, message.delivery_count), (None, None));
    assert!(message.application_properties.is_empty());
}

#[test]
fn a_message_whose_metadata_is_sparse_and_oddly_encoded() {
    let message = fixture("service-bus-one-sparse.json").service_bus_message("MSG").unwrap();
    assert!(message.body.is_empty());
    assert_eq!(message.message_id.as_deref(), Some("order-1001"));
    assert_eq!(message.delivery_count, Some(2));
    assert_eq!(message.sequence_number, Some(43));
    assert_eq!(message.enqueued_time, time("2026-11-20T09:15:02.123Z"));
    assert_eq!(message.content_type, None);
    assert_eq!(message.subject.as_deref(), Some("result"));
    assert_eq!(message.property("tenant"), Some("acme"));
}

#[test]
fn a_message_that_polluted_its_metadata_is_refused() {
    let invocation = fixture("service-bus-one-text-polluted.json");
    assert_eq!(invocation.metadata.text("MessageId").as_deref(), Some("evil"));
    assert_eq!(invocation.service_bus_message("msg"), Err(Error::NotBase64 { binding: "msg" }));
}

#[test]
fn several_messages_at_once_are_refused() {
    for name in ["service-bus-many-binary.json", "service-bus-many-string.json", "service-bus-many-untyped.json"] {
        assert_eq!(fixture(name).service_bus_message("msgs"), Err(Error::NotBase64 { binding: "msgs" }), "{name}");
    }
}

#[test]
fn a_timer_with_and_without_its_schedule() {
    let timer = fixture("timer.json").timer("timer").unwrap();
    assert!(!timer.is_past_due);
    assert_eq!((timer.last, timer.next), (time("2026-11-20T09:10:00Z"), time("2026-11-20T09:15:00Z")));
    let timer = fixture("timer-unmonitored.json").timer("timer").unwrap();
    assert!(timer.is_past_due);
    assert_eq!((timer.last, timer.next), (None, None));
}

#[test]
fn the_envelopes_of_all_triggers_decode() {
    for (name, binding) in
        [("blob.json", "file"), ("queue.json", "item"), ("http.json", "req"), ("event-grid.json", "event")]
    {
        let invocation = fixture(name);
        assert!(invocation.data(binding).is_some(), "{name}");
        assert!(invocation.metadata.object("sys").is_some(), "{name}");
    }
    assert!(fixture("event-grid.json").data("event").unwrap()["data"]["api"] == "PutBlob");
}

/// Sends text as it is, reads until the server closes.
async fn talk(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_literal_request_of_the_host_is_answered_on_the_wire() {
    let limits = HandlerSettings { concurrency: 4, max_body_bytes: 1 << 20, time_limit: Duration::from_secs(60) };
    let router = Router::new(limits).function("ProcessOrder", |invocation: Invocation| async move {
        let message = invocation.service_bus_message("msg").unwrap();
        assert_eq!(invocation.id, "5f0c2a52-8a0d-4d6f-9d8e-0d6f3c5a9b11");
        if message.session_id.as_deref() == Some("site-7") { Outcome::Done } else { Outcome::Retry { code: "session" } }
    });
    let listener = bind(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(router, listener, std::future::pending()));

    let ping = talk(address, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await;
    assert!(ping.starts_with("HTTP/1.1 200 OK\r\n") && ping.ends_with("\r\n\r\n{}"), "{ping}");

    let head = include_str!("fixtures/request-head.txt").replace('\n', "\r\n");
    let body = include_str!("fixtures/service-bus-one-binary.json");
    let (first, second) = body.split_at(100);
    let chunk = |part: &str| format!("{:x}\r\n{part}\r\n", part.len());
    let request = format!("{head}Connection: close\r\n\r\n{}{}0\r\n\r\n", chunk(first), chunk(second));
    let answer = talk(address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("content-type: application/json\r\n") && answer.contains("content-length: 2\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n{}"), "{answer}");
    server.abort();
}
