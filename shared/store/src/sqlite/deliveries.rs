//! Deliveries.

crate::deliveries::delivery_statements!(sqlx::SqlitePool, sqlx::SqliteConnection, "BEGIN IMMEDIATE", "");
