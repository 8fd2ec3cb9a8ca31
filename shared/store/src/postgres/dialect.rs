//! The parts of the statements in `both` that differ here.

use crate::Error;
use crate::fault::Answered;
use sqlx::{Postgres, Transaction};

pub(super) use super::PostgresStore as Database;
pub(super) use sqlx::PgConnection as Connection;
pub(super) use sqlx::PgPool as Pool;

/// Locks the selected rows until the transaction ends.
pub(super) const FOR_UPDATE: &str = " FOR UPDATE";

/// The same, skipping rows that somebody else has locked.
pub(super) const FOR_UPDATE_SKIP_LOCKED: &str = " FOR UPDATE SKIP LOCKED";

/// Unfolds `$1`, a JSON array of arrays, into `k`, one row per key; the table in which to look it up follows.
pub(super) const KEYS: &str = "json_array_elements($1::json) AS k (value) JOIN";

/// The first part of a key, a UUID without hyphens, converted to the column's type.
pub(super) const ID_OF_KEY: &str = "CAST(k.value ->> 0 AS uuid)";

/// Compares a text that may be too long for an index; the index is on its hash.
pub(super) fn same_text(column: &str, value: &str) -> String {
    format!("md5({column}) = md5({value}) AND {column} = {value}")
}

impl Database {
    /// The connections to read from.
    pub(super) async fn reading(&self) -> Result<&Pool, Error> {
        self.pool().await
    }

    /// The connections for a single writing statement.
    pub(super) async fn writing(&self) -> Result<&Pool, Error> {
        self.pool().await
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, Error> {
        self.pool().await?.begin().answered().await
    }
}
