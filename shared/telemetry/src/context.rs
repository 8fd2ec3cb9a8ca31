//! W3C trace context: `00-<trace id>-<parent id>-<flags>`.
//!
//! It arrives with an invocation (header `traceparent`) or a message (application property `Diagnostic-Id`), stays with
//! the work as a task-local value, is stored with the messages that the work puts into the outbox, and is sent with
//! them. It is only a hint, chosen by the sender of the message: no decision depends on it.

use std::fmt;

/// The application property with a message's trace context; the name that Azure's own clients use.
pub const DIAGNOSTIC_ID: &str = "Diagnostic-Id";

/// Longer texts are not parsed. A trace context has 55 characters; later versions may append some.
const LONGEST: usize = 256;

tokio::task_local! {
    static CURRENT: Option<TraceContext>;
}

/// A place in a distributed trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
}

impl TraceContext {
    /// A context; `None` if one of the ids is zero, which means that there is none.
    #[must_use]
    pub fn new(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id, sampled })
    }

    /// Parses what [`Display`](fmt::Display) writes, and what others write. Later versions may append fields; any other
    /// deviation means that it is not a trace context.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let mut parts = text.split('-');
        let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let exact = |text: &str, length| {
            text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let well_formed = exact(version, 2) && exact(trace_id, 32) && exact(span_id, 16) && exact(flags, 2);
        let known = version != "ff" && (version != "00" || parts.next().is_none());
        if !well_formed || !known {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Self::new(u128::from_str_radix(trace_id, 16).ok()?, u64::from_str_radix(span_id, 16).ok()?, sampled)
    }

    /// The trace's id; displayed as 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(self) -> u128 {
        self.trace_id
    }

    /// The span's id within the trace; displayed as 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(self) -> u64 {
        self.span_id
    }

    /// Whether its creator records the trace.
    #[must_use]
    pub fn sampled(self) -> bool {
        self.sampled
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

/// The trace context of the current task. Tasks that it spawns do not inherit it.
#[must_use]
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|context| *context).ok().flatten()
}

/// Runs the work with this trace context.
pub async fn within<F: Future>(context: Option<TraceContext>, work: F) -> F::Output {
    CURRENT.scope(context, work).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_header_of_the_host_is_read() {
        let context = TraceContext::parse(HEADER).unwrap();
        assert_eq!(context.trace_id(), 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!(context.span_id(), 0xb7ad_6b71_6920_3331);
        assert!(context.sampled());
        assert_eq!(context.to_string(), HEADER);
    }

    #[test]
    fn later_versions_may_append_fields() {
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more";
        assert!(!TraceContext::parse(later).unwrap().sampled());
        let endless = format!("{later}{}", "-more".repeat(100));
        assert_eq!(TraceContext::parse(&endless), None);
    }

    #[test]
    fn anything_else_is_no_context() {
        for header in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-é-b7ad6b7169203331-01",
            "|0af7651916cd43dd8448eb211c80319c.b7ad6b7169203331.",
            "Doe^Jane",
        ] {
            assert_eq!(TraceContext::parse(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace_id in 1_u128.., span_id in 1_u64.., sampled: bool) {
            let context = TraceContext::new(trace_id, span_id, sampled).unwrap();
            prop_assert_eq!(TraceContext::parse(&context.to_string()), Some(context));
        }

        #[test]
        fn no_text_does_harm(text in "\\PC{0,300}", dashes in "[-0-9a-f]{0,80}") {
            let _ = TraceContext::parse(&text);
            if let Some(context) = TraceContext::parse(&dashes) {
                prop_assert!(context.to_string().len() == 55);
            }
        }
    }

    #[tokio::test]
    async fn work_knows_where_it_belongs() {
        let context = TraceContext::parse(HEADER);
        assert_eq!(current(), None);
        within(context, async { assert_eq!(current(), context) }).await;
        assert_eq!(within(None, async { current() }).await, None);
        let spawned = within(context, async { tokio::spawn(async { current() }).await }).await;
        assert_eq!(spawned.unwrap(), None);
    }
}
