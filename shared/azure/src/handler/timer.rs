//! The data of a timer trigger.

use super::value;
use jiff::Timestamp;
use serde_json::Value;

/// Why a timer fired. The schedule's status is known only where the host keeps it (`useMonitor`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimerTrigger {
    /// The timer should have fired earlier, but nothing was running at the time.
    pub is_past_due: bool,
    /// When it fired before.
    pub last: Option<Timestamp>,
    /// When it will fire next.
    pub next: Option<Timestamp>,
}

impl TimerTrigger {
    /// Anything missing or unreadable is left out: no function depends on what a timer says.
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
