//! What starts functions: messages, schedules, and the fault that kills the handler.

mod batch;
mod kills;
mod renewal;
mod settle;
mod single;
mod status;
mod timer;

pub(crate) use batch::run as run_batches;
pub(crate) use kills::run as run_kills;
pub(crate) use single::run as run_single;
pub(crate) use timer::{RunNow, run as run_timer};

use std::time::Duration;

/// How long one receive waits for messages.
const RECEIVE_WAIT: Duration = Duration::from_secs(30);
/// The pause after the broker refused to hand out messages.
const RECEIVE_PAUSE: Duration = Duration::from_secs(1);
