//! The handler's process (functions-host-contract §3).
//!
//! There is one child at a time. It is *starting* until anything speaking HTTP answers `GET /` on its port, then
//! *ready* until it dies. What follows depends on how it died:
//!
//! | death | consequence |
//! |---|---|
//! | exit code 0 | never started again; every later invocation fails |
//! | exit code 200, a kill ordered by the host | started again at once |
//! | any other code, a signal, no readiness in time | the same, and a strike; the third strike within 30 minutes each stops the host |
//! | the host stops | SIGKILL, no notice |
//!
//! Every start gets a new port below the systems' ranges for outgoing connections, so that neither a connection that
//! happens to use it nor a late packet from the previous process can disturb it. The child's standard input is a pipe
//! that stays open while the host lives: a handler that wants to end with its host, even one that was killed, can wait
//! for the pipe to close.

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
