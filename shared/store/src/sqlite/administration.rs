//! Operators' part.

use super::SqliteStore;
use sqlx::{Sqlite, SqlitePool, Transaction};

impl SqliteStore {
    async fn reading(&self) -> Result<&SqlitePool, Error> {
        std::future::ready(Ok(&self.readers)).await
    }

    async fn writing(&self) -> Result<&SqlitePool, Error> {
        std::future::ready(Ok(&self.writer)).await
    }
}

crate::administration::administration!(SqliteStore, Transaction<'_, Sqlite>, "BEGIN IMMEDIATE");
