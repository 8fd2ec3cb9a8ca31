//! What the process reports: log lines, one JSON object each, on standard output; and, if configured, spans and
//! measurements to a collector ([`export`]).
//!
//! The Functions host turns every line of standard output into a trace, and every line of standard error into an
//! *error* (functions-host-contract §3.4). Fields of the spans around an event (`invocation`, `organization` …) are
//! written next to the event's own, outermost first, so that a line can be read without its neighbors.
//!
//! Nothing can break out of its line: control characters, and separators that some viewers take for line ends, are
//! escaped. Libraries log only warnings and errors, whatever level our own code has, because their more verbose lines
//! contain URLs and with them blob names. A panic is logged by its location alone, because its message may quote data.

mod collector;
mod export;

use crate::settings::{LogLevel, Lookup, TelemetrySettings};
use export::Export;
use serde_json::{Map, Value};
use std::fmt::Debug;
use std::panic::PanicHookInfo;
use tokio::runtime::Handle;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// A subscriber was already installed in this process.
#[derive(Debug, thiserror::Error)]
#[error("logging was already started in this process")]
pub struct Error;

/// The telemetry that was started; stop it before the process ends.
pub struct Telemetry(Export);

/// Starts logging to standard output, including panics, and starts exporting as far as the environment asks for it.
/// Once per process.
///
/// # Errors
/// [`Error`] when logging was started before.
pub fn init(settings: TelemetrySettings, runtime: &Handle, lookup: Lookup<'_>) -> Result<Telemetry, Error> {
    let (export, failure) = match Export::start(runtime, lookup) {
        Ok(export) => (export, None),
        Err(failure) => (Export::default(), Some(failure)),
    };
    match export.layer() {
        // Each layer sees only its own: spans for export are not logged, and everything else is not exported.
        Some(spans) => {
            let lines = SpanFields.and_then(lines(std::io::stdout)).with_filter(targets(settings));
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines).with(spans))
        }
        None => tracing::subscriber::set_global_default(subscriber(settings, std::io::stdout)),
    }
    .map_err(|_| Error)?;
    std::panic::set_hook(Box::new(log_panic));
    if let Some(failure) = failure {
        tracing::error!(code = "telemetry", %failure, "settings of the telemetry's export cannot be used; nothing is exported");
    }
    Ok(Telemetry(export))
}

impl Telemetry {
    /// Sends the rest to the collector, within a short time.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

/// The subscriber for log lines, for tests that check what is logged.
pub fn subscriber<W>(settings: TelemetrySettings, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(targets(settings)).with(SpanFields).with(lines(writer))
}

/// What is logged.
fn targets(settings: TelemetrySettings) -> Targets {
    let level = match settings.level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    Targets::new().with_default(Level::WARN.min(level)).with_target("iris", level)
}

fn lines<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer().event_format(Lines).with_writer(writer)
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let (file, line) = panic.location().map_or(("unknown", 0), |place| (place.file(), place.line()));
    tracing::error!(target: "iris_azure::telemetry", code = "panic", file, line, "a thread panicked");
}

/// The fields of a span, kept with the span.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, Value::from(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, Value::from(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.insert(field, Value::from(format!("{value:?}")));
    }
}

impl Fields {
    fn insert(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().trim_start_matches("r#").to_owned(), value);
    }
}

/// Keeps the fields of each span as JSON.
struct SpanFields;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanFields {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }
}

/// Writes an event and the fields around it as one line.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let metadata = event.metadata();
        let mut line = Fields::default();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.0.extend(fields.0.clone());
            }
        }
        event.record(&mut line);
        line.0.insert("timestamp".to_owned(), Value::from(jiff::Timestamp::now().to_string()));
        line.0.insert("level".to_owned(), Value::from(metadata.level().as_str()));
        line.0.insert("target".to_owned(), Value::from(metadata.target()));
        writer.write_str(&one_line(&Value::Object(line.0).to_string()))?;
        writer.write_char('\n')
    }
}

/// JSON text without any character that could end a line or control a terminal. JSON itself escapes the ASCII ones; the
/// others can only occur inside strings, where an escape means the same.
fn one_line(json: &str) -> String {
    use std::fmt::Write;
    json.chars().fold(String::with_capacity(json.len()), |mut line, c| {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            let _ = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(level: LogLevel, log: impl FnOnce()) -> Vec<Value> {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber(TelemetrySettings { level }, move || writer.clone());
        tracing::subscriber::with_default(subscriber, log);
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn fields_of_spans_stand_beside_those_of_the_event() {
        let lines = lines(LogLevel::Info, || {
            let span = tracing::info_span!("invocation", invocation = "id-1", trace = tracing::field::Empty);
            span.record("trace", "0af7");
            let _outer = span.enter();
            let _inner = tracing::info_span!("drop", organization = "harborview").entered();
            tracing::info!(rows = 3, "a drop was loaded");
            tracing::debug!("not at this level");
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!((&line["level"], &line["message"]), (&Value::from("INFO"), &Value::from("a drop was loaded")));
        assert_eq!((&line["invocation"], &line["trace"]), (&Value::from("id-1"), &Value::from("0af7")));
        assert_eq!((&line["organization"], &line["rows"]), (&Value::from("harborview"), &Value::from(3)));
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        assert!(line["target"].as_str().unwrap().starts_with("iris_azure"));
    }

    #[test]
    fn nothing_leaves_its_line() {
        let evil = "a\nb\r\u{1b}[31m\u{85}\u{2028}\u{9b}\u{202e}\u{7f}{\"level\":\"INFO\"}";
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber(TelemetrySettings { level: LogLevel::Info }, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || tracing::info!(value = evil, "text"));
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.chars().filter(|c| c.is_control() || "\u{2028}\u{202e}".contains(*c)).count(), 1);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["value"], evil);
    }

    #[test]
    fn libraries_log_warnings_and_errors_only() {
        let lines = lines(LogLevel::Trace, || {
            tracing::debug!(target: "typespec_client_core::http", "performing request GET 'https://…/Doe_Jane.csv'");
            tracing::warn!(target: "hyper", "a warning");
            tracing::trace!(target: "iris_orders", "ours");
        });
        assert_eq!(lines.len(), 2);
    }
}
