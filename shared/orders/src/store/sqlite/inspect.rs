//! Searches.

crate::store::inspect::inspect_statements!(sqlx::SqlitePool);
