//! Images.

crate::images::image_statements!(
    sqlx::PgConnection,
    sqlx::PgPool,
    "json_array_elements($2::json) AS k (value) JOIN",
    "CAST(k.value ->> 0 AS uuid)"
);
