//! Images.

crate::images::image_statements!(
    sqlx::SqliteConnection,
    sqlx::SqlitePool,
    "json_each($2) k CROSS JOIN",
    "unhex(k.value ->> 0)"
);
