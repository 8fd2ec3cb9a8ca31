//! Searches.

crate::inspect::inspect_statements!(sqlx::SqlitePool);
