//! Drops, outbox and queries.

crate::shared::shared_statements!(sqlx::SqlitePool, "BEGIN IMMEDIATE", "");
