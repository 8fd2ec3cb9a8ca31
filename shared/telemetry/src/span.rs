//! The exported spans.
//!
//! They are `tracing` spans under a separate target, [`TARGET`]. The exporter takes nothing else, so that neither the
//! spans and events of libraries nor our log lines leave the process this way. Names and attributes follow
//! OpenTelemetry's semantic conventions where they exist.

use crate::TraceContext;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of exported spans; log lines do not use it.
pub const TARGET: &str = "exported";

/// The most links of a span. A larger commit or publication has links to the first ones only.
const LINKS: usize = 32;

/// How an invocation ended, as reported to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The trigger is done.
    Done,
    /// It is to be delivered again; the reason is one of our own code words.
    Retry(&'static str),
    /// It failed outside its function; the reason is one of our own code words.
    Failed(&'static str),
}

impl End {
    /// `done`, `retry`, `failed`.
    #[must_use]
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry(_) => "retry",
            Self::Failed(_) => "failed",
        }
    }

    /// The reason, if it did not end well.
    #[must_use]
    pub fn error(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Retry(code) | Self::Failed(code) => Some(code),
        }
    }
}

/// The span of an invocation; `function` is one of our function names. Not started until its parent is known: see
/// [`begin`].
#[must_use]
pub fn invocation(function: &str, id: Option<&str>) -> Span {
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "invocation",
        otel.name = function,
        otel.kind = "server",
        otel.status_code = Empty,
        faas.name = function,
        faas.invocation_id = id,
        faas.trigger = Empty,
        iris.outcome = Empty,
        "error.type" = Empty,
    )
}

/// Starts an invocation's span and returns its place in the trace. If nothing is exported, that is the parent's place,
/// so that later work still knows its cause.
///
/// A message's own context says what caused it, the host's says which invocation this is. The host continues the
/// context of the message, so normally both name the same trace; if they do not, the message's is used and the other is
/// linked.
#[must_use]
pub fn begin(span: &Span, host: Option<TraceContext>, message: Option<TraceContext>) -> Option<TraceContext> {
    let (parent, linked) = match (host, message) {
        (Some(host), Some(message)) if host.trace_id() != message.trace_id() => (Some(message), Some(host)),
        (host, message) => (host.or(message), None),
    };
    if span.is_disabled() {
        return parent;
    }
    if let Some(parent) = parent {
        // Fails if the span is not exported, and then it does not matter.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote(parent)));
    }
    if let Some(linked) = linked {
        span.add_link(remote(linked));
    }
    let own = span.context();
    let own = own.span().span_context().clone();
    let bytes = (u128::from_be_bytes(own.trace_id().to_bytes()), u64::from_be_bytes(own.span_id().to_bytes()));
    TraceContext::new(bytes.0, bytes.1, own.is_sampled()).or(parent)
}

/// Ends an invocation's span.
pub fn end(span: &Span, trigger: &'static str, end: End) {
    span.record("faas.trigger", trigger);
    span.record("iris.outcome", end.outcome());
    if let Some(code) = end.error() {
        span.record("error.type", code);
        span.record("otel.status_code", "ERROR");
    }
}

/// The wait for a commit: gathering the group, its decisions, its transaction. `items` = how many messages or rows the
/// caller has in it.
#[must_use]
pub fn commit(items: usize) -> Span {
    tracing::info_span!(target: TARGET, "commit", otel.kind = "client", iris.commit.items = items)
}

/// Sending messages to a queue of the platform. `causes` = their places in traces; if they are all in one place, the
/// span goes there too, unless it is already part of an invocation.
#[must_use]
pub fn send(queue: &str, messages: usize, causes: impl IntoIterator<Item = TraceContext>) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "send",
        otel.name = format_args!("send {queue}"),
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = "servicebus",
        messaging.operation.name = "send",
        "messaging.operation.type" = "send",
        messaging.destination.name = queue,
        messaging.batch.message_count = messages,
        "error.type" = Empty,
    );
    if span.is_disabled() {
        return span;
    }
    let here = crate::context::current();
    let mut elsewhere: Vec<TraceContext> = Vec::new();
    for cause in causes {
        let known = here.is_some_and(|here| here.trace_id() == cause.trace_id()) || elsewhere.contains(&cause);
        if elsewhere.len() < LINKS && !known {
            elsewhere.push(cause);
        }
    }
    match (here, &elsewhere[..]) {
        (None, [cause]) => {
            let _ = span.set_parent(Context::new().with_remote_span_context(remote(*cause)));
        }
        _ => elsewhere.into_iter().for_each(|cause| span.add_link(remote(cause))),
    }
    span
}

/// Marks a span as failed; `code` is one of our own code words.
pub fn failed(span: &Span, code: &'static str) {
    span.record("error.type", code);
    span.record("otel.status_code", "ERROR");
}

fn remote(context: TraceContext) -> SpanContext {
    let flags = if context.sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let trace_id = TraceId::from_bytes(context.trace_id().to_be_bytes());
    let span_id = SpanId::from_bytes(context.span_id().to_be_bytes());
    SpanContext::new(trace_id, span_id, flags, true, TraceState::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_exported_work_belongs_where_it_came_from() {
        let [host, same, other] = [(1, 2), (1, 3), (4, 5)].map(|(trace, span)| TraceContext::new(trace, span, false));
        for (host, message, expected) in
            [(None, None, None), (host, None, host), (None, other, other), (host, same, host), (host, other, other)]
        {
            assert_eq!(begin(&Span::none(), host, message), expected);
        }
    }

    #[test]
    fn an_end_says_how_and_why() {
        let told = |end: End| (end.outcome(), end.error());
        assert_eq!(told(End::Done), ("done", None));
        assert_eq!(told(End::Retry("service-bus")), ("retry", Some("service-bus")));
        assert_eq!(told(End::Failed("panic")), ("failed", Some("panic")));
    }
}
