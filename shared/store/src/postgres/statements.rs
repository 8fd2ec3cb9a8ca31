//! Drops, outbox and queries.

crate::shared::shared_statements!(sqlx::PgPool, "BEGIN", " FOR UPDATE");
