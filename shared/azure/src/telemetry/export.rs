//! Spans and measurements to an OpenTelemetry collector, over OTLP (http/protobuf).
//!
//! On only where the standard setting `OTEL_EXPORTER_OTLP_ENDPOINT` (or that of one signal) is set; the SDK reads this and its other
//! settings from the environment (docs/OPERATIONS.md). Everything happens beside the work: spans and measurements go into bounded buffers,
//! threads of the SDK encode them now and then, and what is sent is sent by the runtime. A full buffer, a collector that is away or slow, or a
//! setting that cannot be used cost telemetry, never an invocation; the log tells about it once, and once more when it is over.

use super::collector::Collector;
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

/// How long the last spans and measurements may take when the process ends.
const LAST: Duration = Duration::from_secs(2);

/// What the instruments and spans are said to come from.
const SCOPE: &str = "iris";

/// What is exported; stop it before the process ends.
#[derive(Default)]
pub(super) struct Export {
    tracer: Option<SdkTracerProvider>,
    meter: Option<SdkMeterProvider>,
}

impl Export {
    /// Starts what the environment asks for. Connects to nothing yet.
    pub(super) fn start(runtime: &Handle, lookup: crate::settings::Lookup<'_>) -> Result<Self, ExporterBuildError> {
        if lookup("OTEL_SDK_DISABLED").is_some_and(|text| text.trim().eq_ignore_ascii_case("true")) {
            return Ok(Self::default());
        }
        let collector = Collector::new(runtime.clone());
        let mut export = Self::default();
        if wanted("TRACES", lookup) {
            let exporter = SpanExporter::builder().with_http().with_http_client(collector.clone()).build()?;
            let builder = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource(lookup));
            export.tracer = Some(match lookup("OTEL_TRACES_SAMPLER") {
                Some(_) => builder.build(),
                // The SDK's own default believes the flag of the parent, and the Functions host never sets it.
                None => builder.with_sampler(Sampler::AlwaysOn).build(),
            });
        }
        if wanted("METRICS", lookup) {
            let builder = MetricExporter::builder().with_http().with_http_client(collector);
            let exporter = match lookup("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE") {
                Some(_) => builder.build()?,
                // Instances come and go without notice: what each adds up over its life means nothing, and the last value of a gauge less.
                None => builder.with_temporality(Temporality::Delta).build()?,
            };
            let reader = PeriodicReader::builder(exporter).build();
            let meter = SdkMeterProvider::builder().with_reader(reader).with_resource(resource(lookup)).build();
            metrics::install(&meter.meter(SCOPE));
            export.meter = Some(meter);
        }
        Ok(export)
    }

    /// Hands the spans meant for it, and nothing else, to the exporter.
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

    /// Sends what is left, within a short time.
    pub(super) async fn stop(self) {
        let Self { tracer, meter } = self;
        let spans = tokio::task::spawn_blocking(move || tracer.map(|tracer| tracer.shutdown_with_timeout(LAST)));
        let numbers = tokio::task::spawn_blocking(move || meter.map(|meter| meter.shutdown_with_timeout(LAST)));
        // What could not be sent is lost; the collector has been complained about already.
        let _ = tokio::time::timeout(2 * LAST, async { tokio::join!(spans, numbers) }).await;
    }
}

/// Whether a signal has somewhere to go.
fn wanted(signal: &str, lookup: crate::settings::Lookup<'_>) -> bool {
    let set = |name: &str| lookup(name).is_some_and(|text| !text.trim().is_empty());
    let none = lookup(&format!("OTEL_{signal}_EXPORTER")).is_some_and(|text| text.trim() == "none");
    !none && (set("OTEL_EXPORTER_OTLP_ENDPOINT") || set(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")))
}

/// Who exports. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say more, or otherwise.
fn resource(lookup: crate::settings::Lookup<'_>) -> Resource {
    let named = lookup("OTEL_SERVICE_NAME").is_some_and(|name| !name.trim().is_empty());
    let builder = Resource::builder().with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
    ]);
    if named { builder.build() } else { builder.with_service_name(SCOPE).build() }
}
