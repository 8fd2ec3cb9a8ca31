//! What the statements in `both` find different here.

use crate::Error;
use crate::fault::fault;
use sqlx::{Sqlite, Transaction};

pub(super) use super::SqliteStore as Database;
pub(super) use sqlx::SqliteConnection as Connection;
pub(super) use sqlx::SqlitePool as Pool;

/// Locks the selected rows until the transaction ends.
pub(super) const FOR_UPDATE: &str = "";

/// The same, without those that somebody else has locked.
pub(super) const FOR_UPDATE_SKIP_LOCKED: &str = "";

/// Unfolds `$1`, a JSON array of arrays, into `k`, one row per key; what follows is the table it is looked up in.
pub(super) const KEYS: &str = "json_each($1) k CROSS JOIN";

/// The first part of a key, a UUID without hyphens, as the column has it.
pub(super) const ID_OF_KEY: &str = "unhex(k.value ->> 0)";

/// Compares a text that may be long.
pub(super) fn same_text(column: &str, value: &str) -> String {
    format!("{column} = {value}")
}

impl Database {
    /// Where to read.
    pub(super) async fn reading(&self) -> Result<&Pool, Error> {
        std::future::ready(Ok(&self.readers)).await
    }

    /// Where to write with a single statement.
    pub(super) async fn writing(&self) -> Result<&Pool, Error> {
        std::future::ready(Ok(&self.writer)).await
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)
    }
}
