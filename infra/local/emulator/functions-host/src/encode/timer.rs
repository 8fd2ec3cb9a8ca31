//! timerTrigger (functions-host-contract §1.8).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::value::whole_seconds;
use super::{Context, Metadata, envelope};

/// What the host knows about a schedule's past and future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleStatus {
    /// The last run; `None` before the first.
    pub last: Option<Timestamp>,
    /// The next occurrence.
    pub next: Timestamp,
    /// When this status was written; `None` before the first run.
    pub updated: Option<Timestamp>,
}

/// The request body for a timer run. `status` is `None` when the schedule is not monitored.
#[must_use]
pub fn timer(context: &Context<'_>, status: Option<&ScheduleStatus>, past_due: bool) -> String {
    let time = |time: Option<Timestamp>| time.map_or_else(|| "0001-01-01T00:00:00".to_owned(), whole_seconds);
    let status = status.map_or_else(
        || "null".to_owned(),
        |status| {
            format!(
                "{{\"Last\":\"{}+00:00\",\"Next\":\"{}+00:00\",\"LastUpdated\":\"{}+00:00\"}}",
                time(status.last),
                time(Some(status.next)),
                time(status.updated)
            )
        },
    );
    let data =
        format!("{{\"Schedule\":{{\"AdjustForDST\":true}},\"ScheduleStatus\":{status},\"IsPastDue\":{past_due}}}");
    envelope(context, &data, Metadata::default())
}
