//! What a collector receives: the trace of a message from its sender to its events and deliveries, and the
//! measurements. And what does not change when there is no collector, or a dead one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/collector.rs"]
mod collector;
#[path = "support/handler.rs"]
mod handler;
mod support;

use collector::{Collector, attributes};
use handler::Handler;
use iris_azure::servicebus::OutgoingMessage;
use iris_local_servicebus::message::PropertyValue;
use iris_model::Organization;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use std::collections::BTreeMap;
use support::generate::{csv, order};
use support::results::{grade, grading};
use support::{TestHost, message, until};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CAUSE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn host(settings: BTreeMap<String, String>) -> TestHost {
    let mut organization = iris_local::organizations::read(None).unwrap().remove(0).organization;
    organization.grading.without_images = true;
    let organization = Organization::parse(&serde_json::to_vec(&organization).unwrap()).unwrap();
    TestHost::configured(&[organization], settings).await
}

/// A message that states its cause.
fn caused(id: &str, body: &serde_json::Value, cause: &str) -> OutgoingMessage {
    let mut message = message(id, body);
    message.application_properties.insert("Diagnostic-Id".to_owned(), cause.into());
    message
}

/// The causes that the messages of a queue state.
fn causes(host: &TestHost, queue: &str) -> Vec<Option<String>> {
    let deliveries = host.host.broker.peek(queue, 0, usize::MAX).unwrap();
    let cause = |properties: &[(String, PropertyValue)]| match &properties
        .iter()
        .find(|(name, _)| name == "Diagnostic-Id")?
        .1
    {
        PropertyValue::String(text) => Some(text.clone()),
        other => panic!("{other:?} is no trace context"),
    };
    deliveries.iter().map(|delivery| cause(&delivery.message.application_properties)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_from_a_message_to_its_events() {
    let collector = Collector::start().await;
    let host = host(collector.settings()).await;
    let events = host.organization.events_queue().unwrap();
    let send = format!("send {events}");
    host.post(vec![caused("1", &order("A", 1), CAUSE), message("2", &order("A", 2))]).await;
    host.events(2).await;
    until("both traces", async || {
        let spans = collector.spans();
        named(&spans, "submit_order").len() == 2 && !named(&spans, &send).is_empty()
    })
    .await;

    let spans = collector.spans();
    let of_trace = |span: &&&Span| hex(&span.trace_id) == TRACE;
    let invocations = named(&spans, "submit_order");
    let invocation = *invocations.iter().find(of_trace).expect("the message's own trace is continued");
    assert_eq!(invocation.kind(), SpanKind::Server);
    assert_eq!(invocation.parent_span_id.len(), 8, "the host's span lies between");
    let given = attributes(&invocation.attributes);
    assert_eq!((given["faas.trigger"].as_str(), given["iris.outcome"].as_str()), ("pubsub", "done"));
    assert_eq!(given["faas.invocation_id"].len(), 36);
    let commits = named(&spans, "commit");
    let commit = commits.iter().find(of_trace).unwrap();
    assert_eq!(commit.parent_span_id, invocation.span_id);

    let causes = causes(&host, &events);
    let expected = format!("00-{TRACE}-{}-01", hex(&invocation.span_id));
    assert!(causes.contains(&Some(expected.clone())), "{causes:?} lacks {expected}");
    let others: Vec<_> = causes.iter().flatten().filter(|cause| **cause != expected).collect();
    let other = *invocations.iter().find(|span| hex(&span.trace_id) != TRACE).unwrap();
    assert_eq!(others, [&format!("00-{}-{}-01", hex(&other.trace_id), hex(&other.span_id))]);
    // Messages sent together share a span that belongs to both traces; messages sent one after the other have a span
    // each.
    for publication in named(&spans, &send) {
        assert_eq!(publication.kind(), SpanKind::Producer);
        let linked = publication.links.iter().any(|link| link.span_id == invocation.span_id);
        let child = publication.parent_span_id == invocation.span_id || publication.parent_span_id == other.span_id;
        assert!(linked || child, "{publication:?}");
    }
    let known = ["submit_order", "commit", "sweep_outbox", "prune", "write_batches"];
    let strange = spans.iter().find(|span| !known.contains(&span.name.as_str()) && !span.name.starts_with("send "));
    assert_eq!(strange, None);
    assert!(spans.iter().all(|span| span.events.is_empty()), "log lines are not exported");
    let documented = include_str!("../docs/OPERATIONS.md");
    for name in spans.iter().flat_map(|span| attributes(&span.attributes).into_keys()) {
        assert!(documented.contains(&format!("`{name}`")), "{name} is not in docs/OPERATIONS.md");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_trace_contexts_are_no_matter() {
    let collector = Collector::start().await;
    let host = host(collector.settings()).await;
    let hostile = ["Zzyzx^Doe", "", "|a.b.", &"0".repeat(10_000), "ff-00-00-00", &format!("{CAUSE}-{CAUSE}")];
    let messages = hostile.iter().enumerate();
    let messages = messages.map(|(number, cause)| caused(&format!("{number}"), &order("A", number + 1), cause));
    host.post(messages.collect()).await;
    host.events(hostile.len()).await;
    until("all invocations", async || named(&collector.spans(), "submit_order").len() == hostile.len()).await;
    for body in collector.bytes() {
        assert!(!String::from_utf8_lossy(&body).contains("Zzyzx"), "a text of the sender was exported");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_measurement_arrives() {
    let collector = Collector::start().await;
    let host = host(collector.settings()).await;
    host.post(vec![message("1", &order("A", 1)), message("2", &order("A", 2))]).await;
    host.events(2).await;
    grade(&host, vec![message("3", &grading("A", 1))]).await;
    host.load("members.csv", csv("B", 20, 4)).await;
    host.drop_file("broken.xlsx", "PK\u{3}\u{4}").await;
    host.receipts(2).await;
    host.settled().await;
    host.host.functions.run_now("sweep_outbox").await.unwrap();

    let slug = host.organization.slug.as_str().to_owned();
    let organization = ("iris.organization", slug.as_str());
    until("every measurement", async || {
        let total = |name: &str, wanted: &[(&str, &str)]| collector.total(name, wanted);
        let done = |function| total("faas.invoke_duration", &[("faas.name", function), ("iris.outcome", "done")]);
        done("submit_order") == 2
            && done("apply_grading") == 1
            && done("load_drop") == 2
            && done("deliver_result") >= 2
            && done("sweep_outbox") >= 1
            && total("iris.drops", &[organization]) == 2
            && total("iris.drops", &[("iris.outcome", "refused")]) == 1
            && total("iris.drop.rows", &[organization]) == 20
            && total("iris.delivery.duration", &[organization, ("iris.outcome", "delivered")]) >= 2
            && total("messaging.client.sent.messages", &[("messaging.destination.name", "deliveries")]) >= 2
            && total("iris.commit.size", &[("iris.commit.kind", "rows")]) >= 1
            && total("iris.commit.size", &[("iris.commit.kind", "messages"), ("iris.outcome", "committed")]) >= 1
            && collector.points().iter().any(|point| point.name == "iris.outbox.age")
    })
    .await;
    assert_eq!(collector.total("iris.drop.rows", &[("iris.outcome", "failed")]), 5);
    let documented = include_str!("../docs/OPERATIONS.md");
    let inventory = collector.inventory();
    for line in &inventory {
        let (name, _) = line.split_once(' ').unwrap();
        assert!(documented.contains(&format!("`{name}`")), "{name} is not in docs/OPERATIONS.md");
    }
    insta::assert_snapshot!(inventory.join("\n"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_the_trace_goes_on_all_the_same() {
    let host = host(BTreeMap::new()).await;
    host.post(vec![caused("1", &order("A", 1), CAUSE)]).await;
    host.events(1).await;
    let causes = causes(&host, &host.organization.events_queue().unwrap());
    let cause = causes[0].as_ref().unwrap();
    assert!(cause.starts_with(&format!("00-{TRACE}-")), "{cause}");
    assert_ne!(cause, CAUSE, "the host's span lies between, as on Azure");
    assert!(host.log().contains(TRACE), "log lines name the trace");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_collector_costs_nothing_but_its_telemetry() {
    // One refuses connections, one accepts them and never answers, one is nonsense.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for endpoint in [format!("http://{closed}"), format!("http://{}", silent.local_addr().unwrap()), "::".to_owned()] {
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_BSP_SCHEDULE_DELAY", "10"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "8"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "10"),
        ];
        let host = host(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()).await;
        host.post((1..=100).map(|number| message(number.to_string(), &order("A", number))).collect()).await;
        assert!(host.events(100).await.iter().all(|event| event.success));
        if !endpoint.contains(&silent.local_addr().unwrap().to_string()) {
            until("a complaint", async || host.log().contains(r#""code":"telemetry""#)).await;
        }
        host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told() {
    let collector = Collector::start().await;
    let handler = Handler::start(collector.settings()).await;
    handler.post("/submit_order", "Doe^Jane").await;
    until("the failure", async || {
        let failed = [("faas.name", "submit_order"), ("iris.outcome", "failed"), ("error.type", "envelope")];
        collector.total("faas.invoke_duration", &failed) == 1
            && named(&collector.spans(), "submit_order")
                .iter()
                .any(|span| span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_is_sent_when_the_handler_stops() {
    let collector = Collector::start().await;
    let mut settings = collector.settings();
    for interval in ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL"] {
        settings.insert(interval.to_owned(), "3600000".to_owned());
    }
    let handler = Handler::start(settings).await;
    handler.post("/submit_order", "{}").await;
    assert!(collector.bytes().is_empty());
    assert_eq!(handler.stop().await.code(), Some(143), "a code that the host restarts");
    assert_eq!(named(&collector.spans(), "submit_order").len(), 1);
    assert_eq!(collector.total("faas.invoke_duration", &[("error.type", "envelope")]), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_collector_does_not_keep_the_handler() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let handler = Handler::start([("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint)].into()).await;
    handler.post("/submit_order", "{}").await;
    assert_eq!(handler.stop().await.code(), Some(143), "a code that the host restarts");
}
