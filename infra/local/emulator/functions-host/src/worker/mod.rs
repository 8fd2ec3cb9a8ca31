//! The handler's process (functions-host-contract §3).
//!
//! One child at a time. It is *starting* until anything HTTP answers `GET /` on its port, then *ready* until it dies.
//! What follows a death depends on how it came:
//!
//! | death | consequence |
//! |---|---|
//! | exit code 0 | never started again; every later invocation fails |
//! | exit code 200, a kill ordered by the host | started again at once |
//! | any other code, a signal, no readiness in time | the same, and a strike; the third strike within 30 minutes each stops the host |
//! | the host stops | SIGKILL, no notice |
//!
//! Every start gets a fresh port below the systems' ranges for outgoing connections, so that neither a connection that
//! happens to use it nor a late packet of the last life can disturb the next. The child's standard input is a pipe that
//! stays open while the host lives: a handler that wants to end with a host that was itself killed can wait for its
//! end.

mod launch;
mod lines;
mod memory;
mod port;
mod strikes;
mod supervisor;

pub use lines::MAX_LINE_BYTES;

pub(crate) use launch::Launch;
pub(crate) use memory::{peak_rss, rss};
pub(crate) use supervisor::Worker;
