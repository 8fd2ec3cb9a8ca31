//! The occasion of a timer trigger.

use super::value;
use jiff::Timestamp;
use serde_json::Value;

/// Why a timer fired. The schedule's status is known only where the host keeps it (`useMonitor`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimerTrigger {
    /// The occasion should have been earlier: nothing was running at the time.
    pub is_past_due: bool,
    /// The occasion before this one.
    pub last: Option<Timestamp>,
    /// The occasion after this one.
    pub next: Option<Timestamp>,
}

impl TimerTrigger {
    /// Whatever is missing or unreadable is left out: a timer has nothing to say that a function depends on.
    pub(super) fn decode(encoded: &Value) -> Self {
        let timer = value::object(encoded).unwrap_or_default();
        let status = timer.get("ScheduleStatus").and_then(value::object).unwrap_or_default();
        let time = |key: &str| status.get(key).and_then(value::time);
        Self {
            is_past_due: timer.get("IsPastDue").and_then(value::boolean).unwrap_or_default(),
            last: time("Last"),
            next: time("Next"),
        }
    }
}
