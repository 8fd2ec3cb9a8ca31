//! The exported measurements.
//!
//! Names, units and attributes are listed in docs/OPERATIONS.md; a test compares that list with what a collector
//! receives. Names follow OpenTelemetry's semantic conventions where they exist (`faas.*`, `messaging.*`); the rest is
//! `iris.*`. Every attribute has few values: names of functions and queues, outcomes, kinds, our own codes, and slugs
//! of organizations.
//!
//! A measurement before [`install`], or in a process that never calls it, costs one look at an empty cell.

use crate::span::End;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};
use opentelemetry::{KeyValue, Value};
use std::sync::OnceLock;
use std::time::Duration;

/// Histogram bounds for durations in seconds: from a commit in memory to a long drop.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];

/// Histogram bounds for the number of things committed together.
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1000.0];

static INSTRUMENTS: OnceLock<Instruments> = OnceLock::new();

struct Instruments {
    invoke_duration: Histogram<f64>,
    commit_size: Histogram<u64>,
    commit_duration: Histogram<f64>,
    sent_messages: Counter<u64>,
    send_duration: Histogram<f64>,
    drops: Counter<u64>,
    drop_rows: Counter<u64>,
    delivery_duration: Histogram<f64>,
    outbox_messages: Gauge<u64>,
    outbox_age: Gauge<u64>,
    outbox_parked: Gauge<u64>,
}

/// Sends all further measurements to this meter. Only the first call has an effect.
pub fn install(meter: &Meter) {
    let _ = INSTRUMENTS.set(Instruments::new(meter));
}

impl Instruments {
    fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str, description: &'static str| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(description);
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        let counter = |name: &'static str, unit: &'static str, description: &'static str| {
            meter.u64_counter(name).with_unit(unit).with_description(description).build()
        };
        let gauge = |name: &'static str, unit: &'static str, description: &'static str| {
            meter.u64_gauge(name).with_unit(unit).with_description(description).build()
        };
        let size = meter.u64_histogram("iris.commit.size").with_unit("{item}");
        let size = size.with_description("Messages, images or rows committed in one transaction");
        Self {
            invoke_duration: seconds("faas.invoke_duration", "Invocations, from request to answer"),
            commit_size: size.with_boundaries(SIZES.to_vec()).build(),
            commit_duration: seconds("iris.commit.duration", "Group commits, with all repetitions after conflicts"),
            sent_messages: counter(
                "messaging.client.sent.messages",
                "{message}",
                "Messages the platform sent, or could not",
            ),
            send_duration: seconds("messaging.client.operation.duration", "Calls that send messages, with repetitions"),
            drops: counter("iris.drops", "{drop}", "Files that were loaded or refused"),
            drop_rows: counter("iris.drop.rows", "{row}", "Rows of files, as they are committed"),
            delivery_duration: seconds("iris.delivery.duration", "Attempts to deliver a result to a destination"),
            outbox_messages: gauge("iris.outbox.messages", "{message}", "Messages that wait in the outbox"),
            outbox_age: gauge("iris.outbox.age", "s", "Age of the oldest message that waits in the outbox"),
            outbox_parked: gauge("iris.outbox.parked", "{envelope}", "Envelopes nobody tries to send any more"),
        }
    }
}

/// An invocation ended.
pub fn invocation(function: &str, trigger: &'static str, end: End, elapsed: Duration) {
    let Some(instruments) = INSTRUMENTS.get() else { return };
    let mut attributes = vec![
        KeyValue::new("faas.name", function.to_owned()),
        KeyValue::new("faas.trigger", trigger),
        KeyValue::new("iris.outcome", end.outcome()),
    ];
    attributes.extend(end.error().map(|code| KeyValue::new("error.type", code)));
    instruments.invoke_duration.record(elapsed.as_secs_f64(), &attributes);
}

/// A group commit ended. `kind` = `messages` or `rows`, `outcome` = `committed` or `failed`.
pub fn commit(kind: &'static str, outcome: &'static str, items: usize, elapsed: Duration) {
    let Some(instruments) = INSTRUMENTS.get() else { return };
    let attributes = [KeyValue::new("iris.commit.kind", kind), KeyValue::new("iris.outcome", outcome)];
    instruments.commit_size.record(items as u64, &attributes);
    instruments.commit_duration.record(elapsed.as_secs_f64(), &attributes);
}

/// Messages were sent to a queue, or sending failed; then `error` is one of our own code words.
pub fn sent(queue: &str, messages: usize, error: Option<&'static str>, elapsed: Duration) {
    let Some(instruments) = INSTRUMENTS.get() else { return };
    let mut attributes = vec![
        KeyValue::new("messaging.system", "servicebus"),
        KeyValue::new("messaging.operation.name", "send"),
        KeyValue::new("messaging.destination.name", queue.to_owned()),
    ];
    attributes.extend(error.map(|code| KeyValue::new("error.type", code)));
    instruments.sent_messages.add(messages as u64, &attributes);
    instruments.send_duration.record(elapsed.as_secs_f64(), &attributes);
}

/// A file was handled; `outcome` is the one in its receipt.
pub fn drop_ended(organization: &str, outcome: &'static str) {
    let Some(instruments) = INSTRUMENTS.get() else { return };
    instruments.drops.add(1, &[slug(organization), KeyValue::new("iris.outcome", outcome)]);
}

/// Rows of a file were committed with this outcome.
pub fn drop_rows(organization: &str, outcome: &'static str, rows: u64) {
    let Some(instruments) = INSTRUMENTS.get() else { return };
    instruments.drop_rows.add(rows, &[slug(organization), KeyValue::new("iris.outcome", outcome)]);
}

/// A delivery was attempted. `kind` = the kind of destination, `outcome` = `delivered`, `impossible`, `unavailable`
/// (our fault) or `refused` (theirs).
pub fn delivery(organization: &str, kind: &'static str, outcome: &'static str, elapsed: Duration) {
    let Some(instruments) = INSTRUMENTS.get() else { return };
    let attributes =
        [slug(organization), KeyValue::new("iris.destination.kind", kind), KeyValue::new("iris.outcome", outcome)];
    instruments.delivery_duration.record(elapsed.as_secs_f64(), &attributes);
}

/// The outbox was measured; `age` is in seconds.
pub fn outbox(messages: u64, parked: u64, age: u64) {
    let Some(instruments) = INSTRUMENTS.get() else { return };
    instruments.outbox_messages.record(messages, &[]);
    instruments.outbox_parked.record(parked, &[]);
    instruments.outbox_age.record(age, &[]);
}

fn slug(organization: &str) -> KeyValue {
    KeyValue::new("iris.organization", Value::from(organization.to_owned()))
}
