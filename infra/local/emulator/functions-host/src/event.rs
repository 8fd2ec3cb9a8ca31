//! What a running host reports: log lines through a [`LineSink`], everything else as [`HostEvent`]s.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineSource {
    /// The handler's standard output.
    Stdout,
    /// The handler's standard error.
    Stderr,
    /// `Logs` of an answer.
    Function,
    /// The host itself.
    Host,
}

/// How the host would log a line (functions-host-contract §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Standard output, `Logs`, and the host's notes.
    Information,
    /// Standard error that contains "warn".
    Warning,
    /// Any other standard error, and the host's own errors.
    Error,
}

/// One line of log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it comes from.
    pub source: LineSource,
    /// How important it is.
    pub level: Level,
    /// The text without its line end, capped at [`crate::MAX_LINE_BYTES`].
    pub text: String,
}

/// Receives log lines. Called on the host's tasks: must not block.
pub type LineSink = Arc<dyn Fn(Line) + Send + Sync>;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostEvent {
    /// The handler answers on this port.
    HandlerReady {
        /// The port on 127.0.0.1.
        port: u16,
        /// The process.
        pid: u32,
        /// How often it was started, from 1.
        generation: u32,
    },
    /// The handler's process is gone.
    HandlerExited {
        /// Why, in words.
        reason: String,
        /// Whether it is started again.
        restarts: bool,
    },
    /// An invocation ended.
    Invoked {
        /// The function.
        function: Arc<str>,
        /// The `X-Azure-Functions-InvocationId`.
        invocation: Uuid,
        /// How long it took.
        elapsed: Duration,
        /// Why it failed, if it did. Holds no message content.
        failure: Option<String>,
    },
    /// The host stopped: on request, or because it had to.
    Stopped {
        /// Why, in words.
        reason: String,
    },
}
