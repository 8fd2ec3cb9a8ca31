//! An OpenTelemetry collector that stores what it receives.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A collector on this machine; it ends when it is dropped.
pub(crate) struct Collector {
    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(crate) endpoint: String,
    received: Arc<Received>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Received {
    traces: Mutex<Vec<Bytes>>,
    metrics: Mutex<Vec<Bytes>>,
}

/// One point of a measurement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The sum of a counter, the count of a histogram, the value of a gauge.
    pub(crate) value: u64,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let received = Arc::new(Received::default());
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(Arc::clone(&received));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { endpoint, received, server }
    }

    /// Settings of a handler that exports to it at short intervals.
    pub(crate) fn settings(&self) -> BTreeMap<String, String> {
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", self.endpoint.as_str()),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
        ];
        settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// All spans so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self.received.traces.lock().unwrap().clone();
        let requests = requests.into_iter().map(|body| ExportTraceServiceRequest::decode(body).unwrap());
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// All points of measurements so far.
    pub(crate) fn points(&self) -> Vec<Point> {
        let mut points = Vec::new();
        for body in self.received.metrics.lock().unwrap().clone() {
            let request = ExportMetricsServiceRequest::decode(body).unwrap();
            let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
            for metric in scopes.flat_map(|scope| scope.metrics) {
                let mut point = |given: &[KeyValue], value: u64| {
                    let attributes = attributes(given);
                    points.push(Point { name: metric.name.clone(), unit: metric.unit.clone(), attributes, value });
                };
                match metric.data.unwrap() {
                    Data::Histogram(histogram) => {
                        histogram.data_points.iter().for_each(|found| point(&found.attributes, found.count));
                    }
                    Data::Sum(sum) => sum.data_points.iter().for_each(|found| point(&found.attributes, number(found))),
                    Data::Gauge(gauge) => {
                        gauge.data_points.iter().for_each(|found| point(&found.attributes, number(found)));
                    }
                    other => panic!("a kind of measurement nobody asked for: {other:?}"),
                }
            }
        }
        points
    }

    /// The sum over all points of a measurement with these attributes so far.
    pub(crate) fn total(&self, name: &str, wanted: &[(&str, &str)]) -> u64 {
        let matches = |point: &&Point| {
            let has = |(name, value): &(&str, &str)| point.attributes.get(*name).is_some_and(|given| given == value);
            point.name == name && wanted.iter().all(has)
        };
        self.points().iter().filter(matches).map(|point| point.value).sum()
    }

    /// Names, units and attributes of all measurements so far, one line each; without the reasons of failures, because
    /// a run may have some.
    pub(crate) fn inventory(&self) -> Vec<String> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for point in self.points() {
            let names = point.attributes.into_keys().filter(|name| name != "error.type");
            found.entry(format!("{} [{}]", point.name, point.unit)).or_default().extend(names);
        }
        let line = |(name, attributes): (String, BTreeSet<String>)| {
            format!("{name} {}", attributes.into_iter().collect::<Vec<_>>().join(", ")).trim_end().to_owned()
        };
        found.into_iter().map(line).collect()
    }

    /// Everything it received, unchanged: texts can be searched in it.
    pub(crate) fn bytes(&self) -> Vec<Bytes> {
        let mut all = self.received.traces.lock().unwrap().clone();
        all.extend(self.received.metrics.lock().unwrap().clone());
        all
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Attributes as texts.
pub(crate) fn attributes(given: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.clone()) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => panic!("an attribute that is neither text nor number: {other:?}"),
    };
    given.iter().map(|attribute| (attribute.key.clone(), text(&attribute.value))).collect()
}

fn number(point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint) -> u64 {
    use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
    match point.value.unwrap() {
        Value::AsInt(number) => u64::try_from(number).unwrap(),
        Value::AsDouble(number) => panic!("{number} is not a whole number"),
    }
}

async fn traces(State(received): State<Arc<Received>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    received.traces.lock().unwrap().push(body);
    StatusCode::OK
}

async fn metrics(State(received): State<Arc<Received>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    received.metrics.lock().unwrap().push(body);
    StatusCode::OK
}
