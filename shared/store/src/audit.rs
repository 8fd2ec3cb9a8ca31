//! Who changed or viewed what, and why.
//!
//! Entries are only ever added; the database itself refuses to change or remove one (migration 0020). A change of the
//! database is committed together with its entry, so that neither exists without the other. Actions elsewhere (on a
//! queue, a blob, a person's screen) are entered *before* they happen: an entry may then describe something that
//! failed, but nothing is done without an entry.

use iris_model::ClientGuid;
use jiff::Timestamp;
use serde::Serialize;

/// An action about to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it is taken.
    pub at: Timestamp,
    /// The organization whose data it concerns, if it is a single one.
    pub organization: Option<ClientGuid>,
    /// Who takes it, by their own account; the database adds the login it knows.
    pub actor: String,
    /// The action, e.g. `orders.view`.
    pub action: String,
    /// What it is done to: an internal id, never personal data.
    pub subject: String,
    /// Why, in the actor's words.
    pub reason: String,
    /// More details as JSON, never personal data.
    pub details: serde_json::Value,
}

/// A stored audit entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// Its number; later entries have higher ones.
    pub id: i64,
    /// When it was taken.
    pub at: Timestamp,
    /// The organization whose data it concerned.
    pub organization: Option<ClientGuid>,
    /// Who took it, by their own account.
    pub actor: String,
    /// Their login in the database; empty in SQLite, which has no logins.
    pub login: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// More details.
    pub details: serde_json::Value,
}

/// Filters for a list of entries; `None` matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditSearch {
    /// By this actor.
    pub actor: Option<String>,
    /// About this subject.
    pub subject: Option<String>,
    /// Only entries with lower numbers.
    pub before: Option<i64>,
}
