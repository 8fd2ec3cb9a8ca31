//! Spans and measurements to an OpenTelemetry collector, over OTLP (http/protobuf).
//!
//! Enabled only if the standard setting `OTEL_EXPORTER_OTLP_ENDPOINT` (or that of one signal) is set; the SDK reads
//! this and its other settings from the environment (docs/OPERATIONS.md). Exporting never holds up the work: spans and
//! measurements go into bounded buffers, SDK threads encode them now and then, and the runtime sends them. A full
//! buffer, a collector that is down or slow, or an unusable setting costs telemetry, never an invocation; it is logged
//! once, and once more when it is over.

use super::collector::Collector;
use crate::settings::Lookup;
use iris_telemetry::{metrics, span};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// How long the last spans and measurements may take to send when the process ends.
const LAST: Duration = Duration::from_secs(2);

/// The name of the scope of all instruments and spans.
const SCOPE: &str = "iris";

/// What is exported; stop it before the process ends.
#[derive(Default)]
pub(super) struct Export {
    tracer: Option<SdkTracerProvider>,
    meter: Option<SdkMeterProvider>,
}

impl Export {
    /// Starts what the environment asks for. Does not connect yet.
    pub(super) fn start(runtime: &Handle, lookup: Lookup<'_>) -> Result<Self, ExporterBuildError> {
        if lookup("OTEL_SDK_DISABLED").is_some_and(|text| text.trim().eq_ignore_ascii_case("true")) {
            return Ok(Self::default());
        }
        let (collector, resource) = (Collector::new(runtime.clone()), resource(lookup));
        let mut export = Self::default();
        if wanted("TRACES", lookup) {
            let exporter = SpanExporter::builder().with_http().with_http_client(collector.clone()).build()?;
            let builder = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.clone());
            export.tracer = Some(if set("OTEL_TRACES_SAMPLER", lookup) {
                builder.build()
            } else {
                // The SDK's default trusts the parent's flag, which the Functions host never sets.
                builder.with_sampler(Sampler::AlwaysOn).build()
            });
        }
        if wanted("METRICS", lookup) {
            let builder = MetricExporter::builder().with_http().with_http_client(collector);
            let exporter = if set("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", lookup) {
                builder.build()?
            } else {
                // Instances come and go without notice, so totals over their lifetime mean nothing, and the last value
                // of a gauge even less.
                builder.with_temporality(Temporality::Delta).build()?
            };
            let reader = PeriodicReader::builder(exporter).build();
            let meter = SdkMeterProvider::builder().with_reader(reader).with_resource(resource).build();
            metrics::install(&meter.meter(SCOPE));
            export.meter = Some(meter);
        }
        Ok(export)
    }

    /// Passes only the spans meant for export to the exporter.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + Send + Sync + use<S>>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let tracer = self.tracer.as_ref()?.tracer(SCOPE);
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false);
        Some(layer.with_filter(Targets::new().with_target(span::TARGET, LevelFilter::INFO)))
    }

    /// Sends the rest, within a short time.
    pub(super) async fn stop(self) {
        let Self { tracer, meter } = self;
        let spans = tokio::task::spawn_blocking(move || tracer.map(|tracer| tracer.shutdown_with_timeout(LAST)));
        let numbers = tokio::task::spawn_blocking(move || meter.map(|meter| meter.shutdown_with_timeout(LAST)));
        // What could not be sent is lost; the collector's failure has been logged already.
        let _ = tokio::time::timeout(2 * LAST, async { tokio::join!(spans, numbers) }).await;
    }
}

/// Whether a signal has somewhere to go.
fn wanted(signal: &str, lookup: Lookup<'_>) -> bool {
    let none = lookup(&format!("OTEL_{signal}_EXPORTER")).is_some_and(|text| text.trim() == "none");
    !none
        && (set("OTEL_EXPORTER_OTLP_ENDPOINT", lookup) || set(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"), lookup))
}

/// An empty variable counts as not set, as everywhere in OpenTelemetry.
fn set(name: &str, lookup: Lookup<'_>) -> bool {
    lookup(name).is_some_and(|text| !text.trim().is_empty())
}

/// Who exports. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` add to this or override it.
fn resource(lookup: Lookup<'_>) -> Resource {
    let builder = Resource::builder().with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
    ]);
    if set("OTEL_SERVICE_NAME", lookup) { builder.build() } else { builder.with_service_name(SCOPE).build() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_goes_where_it_is_sent_and_nowhere_else() {
        // Settings; whether traces are exported, whether measurements are.
        let cases = [
            (&[][..], false, false),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], false, false),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")], true, true),
            (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/v1/traces")], true, false),
            (&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://collector:4318/v1/metrics")], false, true),
            (
                &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"), ("OTEL_METRICS_EXPORTER", "none")],
                true,
                false,
            ),
        ];
        for (settings, traces, measurements) in cases {
            let lookup =
                |name: &str| settings.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
            assert_eq!((wanted("TRACES", &lookup), wanted("METRICS", &lookup)), (traces, measurements), "{settings:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_started_that_is_not_asked_for() {
        let disabled = |name: &str| match name {
            "OTEL_SDK_DISABLED" => Some("TRUE".to_owned()),
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("http://collector:4318".to_owned()),
            _ => None,
        };
        for lookup in [&disabled as Lookup<'_>, &|_| None] {
            let export = Export::start(&Handle::current(), lookup).unwrap();
            assert!(export.tracer.is_none() && export.meter.is_none());
            export.stop().await;
        }
    }
}
