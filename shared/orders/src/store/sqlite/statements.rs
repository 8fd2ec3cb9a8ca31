//! Drops, outbox and queries.

crate::store::shared::shared_statements!(sqlx::SqlitePool, "BEGIN IMMEDIATE", "");
