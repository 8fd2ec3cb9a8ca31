//! Who changed or viewed what, and why.
//!
//! Entries are only ever added; the database itself refuses to change or remove one (migration 0020). A change of the
//! database is committed together with its entry, so that neither exists without the other. What happens elsewhere (a
//! queue, a blob, a person's screen) is entered *before* it happens: an entry may then tell of something that failed,
//! but nothing is done that no entry tells of.

use iris_model::ClientGuid;
use jiff::Timestamp;
use serde::Serialize;

/// Something about to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Whose data it concerns, when it is one organization's.
    pub organization: Option<ClientGuid>,
    /// Who does it, by their own account; the database adds the login it knows.
    pub actor: String,
    /// What is done, e.g. `orders.view`.
    pub action: String,
    /// What it is done to: an id of ours, never personal data.
    pub subject: String,
    /// Why, in the actor's words.
    pub reason: String,
    /// More about it as JSON, never personal data.
    pub details: serde_json::Value,
}

/// An entry on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// Its number, rising with time.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Whose data it concerns.
    pub organization: Option<ClientGuid>,
    /// Who, by their own account.
    pub actor: String,
    /// The database's name for them; empty in SQLite, which has none.
    pub login: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// More about it.
    pub details: serde_json::Value,
}

/// Which entries to list; what is `None` is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditSearch {
    /// By whom.
    pub actor: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// Only entries with numbers below.
    pub before: Option<i64>,
}
