//! Drops, outbox and queries.

crate::store::shared::shared_statements!(sqlx::PgPool, "BEGIN", " FOR UPDATE");
