//! Deliveries.

crate::deliveries::delivery_statements!(sqlx::PgPool, sqlx::PgConnection, "BEGIN", " FOR UPDATE");
