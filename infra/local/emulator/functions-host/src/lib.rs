//! The Azure Functions host for custom handlers, emulated on one machine.
//!
//! [`Host::start`] reads `host.json` and every `function.json`, starts the handler as a child process, and from then on
//! does to it what Azure does: POSTs every trigger value in the host's own peculiar JSON, judges the answers, settles
//! messages, renews locks, fires timers, and restarts the handler when it dies. It is exact where Azure is unpleasant
//! (immediate redelivery, dead-lettering after the last delivery, empty answers, SIGKILL without notice), and louder
//! than Azure where that helps: a configuration that would fail late there fails at start here.
//!
//! ```text
//! host.json, function.json ──► config
//! broker ──► triggers ──► encode ──► invoke ──HTTP──► handler (worker)
//!    ▲            └── complete / abandon ◄── answer ──┘
//!    └── outputs
//! ```
//!
//! The contract was researched from the host's source; where a rule comes from it, the documentation names the section
//! as "functions-host-contract §…".

pub mod config;
mod core;
pub mod encode;
mod event;
mod faults;
mod host;
mod invoke;
pub mod ncrontab;
mod options;
mod statistics;
mod triggers;
mod worker;

pub use event::{HostEvent, Level, Line, LineSink, LineSource};
pub use faults::{Duplicates, Faults, Kills};
pub use host::{Error, Host, Input};
pub use invoke::Error as InvocationError;
pub use options::{Executable, HostOptions, Mode};
pub use statistics::FunctionStatistics;
pub use worker::MAX_LINE_BYTES;
