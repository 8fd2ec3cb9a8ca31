//! Why storage could not do what was asked.
//!
//! Error texts never contain a stored value: a database's own message may quote keys, so only its code and the
//! constraint's name are kept.

use iris_rules::content::Unreadable;

/// Failure of the store or the service. Says nothing about the submission itself: refusals are
/// [`Outcome`](iris_rules::Outcome)s.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database is unreachable or the connection broke; whether a commit took place is unknown. It is safe to try
    /// again.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Others kept changing the same rows; try again.
    #[error("concurrent changes of the same rows; the work was not done")]
    Conflict,
    /// Another instance took over the drop; stop working on it.
    #[error("the drop was taken over by another instance")]
    LostDrop,
    /// There is no such drop.
    #[error("no drop with this id")]
    UnknownDrop,
    /// The database refused a statement; trying again will not help.
    #[error("the database refused a statement (code {code}, constraint {constraint})")]
    Refused {
        /// SQLSTATE or SQLite result code.
        code: String,
        /// Name of the violated constraint, or empty.
        constraint: String,
    },
    /// A stored value is not one that this version writes.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// The schema could not be brought up to date.
    #[error("the schema could not be migrated: {0}")]
    Migration(String),
    /// The schema is not the one expected by a program that may not change it. Says what to do.
    #[error("the database's schema {0}")]
    Schema(&'static str),
    /// The settings are not usable.
    #[error("unusable database settings: {0}")]
    Settings(String),
    /// The service is closed.
    #[error("the service is closed")]
    Closed,
}

impl From<Unreadable> for Error {
    fn from(unreadable: Unreadable) -> Self {
        Self::Corrupt(unreadable.to_string())
    }
}

impl Error {
    /// True if the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Conflict | Self::Closed)
    }

    /// A short code, for measurements.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Conflict => "conflict",
            Self::LostDrop => "lost-drop",
            Self::UnknownDrop => "unknown-drop",
            Self::Refused { .. } => "refused",
            Self::Corrupt(_) => "corrupt",
            Self::Migration(_) => "migration",
            Self::Schema(_) => "schema",
            Self::Settings(_) => "settings",
            Self::Closed => "closed",
        }
    }
}
