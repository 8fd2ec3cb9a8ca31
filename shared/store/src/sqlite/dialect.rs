//! The parts of the statements in `both` that differ here.

use crate::Error;
use crate::fault::fault;
use sqlx::{Sqlite, Transaction};

pub(super) use super::SqliteStore as Database;
pub(super) use sqlx::SqliteConnection as Connection;
pub(super) use sqlx::SqlitePool as Pool;

/// Locks the selected rows until the transaction ends.
pub(super) const FOR_UPDATE: &str = "";

/// The same, skipping rows that somebody else has locked.
pub(super) const FOR_UPDATE_SKIP_LOCKED: &str = "";

/// Unfolds `$1`, a JSON array of arrays, into `k`, one row per key; the table in which to look it up follows.
pub(super) const KEYS: &str = "json_each($1) k CROSS JOIN";

/// The first part of a key, a UUID without hyphens, converted to the column's type.
pub(super) const ID_OF_KEY: &str = "unhex(k.value ->> 0)";

/// Compares a text that may be long.
pub(super) fn same_text(column: &str, value: &str) -> String {
    format!("{column} = {value}")
}

impl Database {
    /// The connections to read from.
    pub(super) async fn reading(&self) -> Result<&Pool, Error> {
        std::future::ready(Ok(&self.readers)).await
    }

    /// The connection for a single writing statement.
    pub(super) async fn writing(&self) -> Result<&Pool, Error> {
        std::future::ready(Ok(&self.writer)).await
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)
    }
}
