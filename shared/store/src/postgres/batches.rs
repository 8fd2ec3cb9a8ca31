//! Batches of results.

crate::batches::batch_statements!(sqlx::PgPool, "BEGIN");
