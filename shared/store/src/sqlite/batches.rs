//! Batches of results.

crate::batches::batch_statements!(sqlx::SqlitePool, "BEGIN IMMEDIATE");
