//! Operators' part.

use super::PostgresStore;
use sqlx::{PgPool, Postgres, Transaction};

impl PostgresStore {
    async fn reading(&self) -> Result<&PgPool, Error> {
        self.pool().await
    }

    async fn writing(&self) -> Result<&PgPool, Error> {
        self.pool().await
    }
}

crate::administration::administration!(PostgresStore, Transaction<'_, Postgres>, "BEGIN");
