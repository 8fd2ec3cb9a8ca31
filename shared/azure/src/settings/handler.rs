//! Limits of the custom handler, and what it logs.

use super::read::{Error, Lookup, bounded, parsed};
use std::{str::FromStr, time::Duration};

/// Limits of the custom handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandlerSettings {
    /// Invocations worked on at once; others wait, unread.
    pub concurrency: usize,
    /// Largest request body, in bytes. The host sends base64, so this is somewhat more than 4/3 of the largest message.
    pub max_body_bytes: usize,
    /// Time for one invocation, waiting included.
    pub time_limit: Duration,
}

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// Least severe level of our own code; libraries log only warnings and errors.
    pub level: LogLevel,
}

/// A log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Someone has to act.
    Error,
    /// A problem that the platform solved by itself.
    Warn,
    /// Starts, stops, drops.
    Info,
    /// One line per message.
    Debug,
    /// Everything.
    Trace,
}

impl HandlerSettings {
    pub(super) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, Error> {
        let megabytes = bounded(lookup, "HANDLER_MAX_BODY_MB", 64, 1, 1024)?;
        let concurrency = bounded(lookup, "HANDLER_CONCURRENCY", 256, 1, 10_000)?;
        Ok(Self {
            concurrency: usize::try_from(concurrency).unwrap_or(usize::MAX),
            max_body_bytes: usize::try_from(megabytes * 1024 * 1024).unwrap_or(usize::MAX),
            time_limit: Duration::from_secs(bounded(lookup, "HANDLER_TIME_LIMIT_SECONDS", 1680, 1, 86_400)?),
        })
    }
}

impl TelemetrySettings {
    pub(super) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, Error> {
        Ok(Self { level: parsed(lookup, "LOG_LEVEL", LogLevel::Info, "use error, warn, info, debug or trace")? })
    }
}

impl FromStr for LogLevel {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.to_ascii_lowercase().as_str() {
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            _ => Err(()),
        }
    }
}
