//! Batches of results.

crate::store::batches::batch_statements!(sqlx::PgPool, "BEGIN");
