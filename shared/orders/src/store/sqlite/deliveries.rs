//! Deliveries.

crate::store::deliveries::delivery_statements!(sqlx::SqlitePool, sqlx::SqliteConnection, "BEGIN IMMEDIATE", "");
