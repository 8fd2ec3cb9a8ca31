//! Looking into the database while the handler works on it.

use anyhow::{Context, Result};
use iris_orders::store::{PostgresStore, SqliteStore, Store};
use std::sync::Arc;

/// Opens the database of the handler and brings its schema up to date, so that the handler finds it ready.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn Store>> {
    if url.starts_with("sqlite:") {
        return Ok(Arc::new(SqliteStore::open(url).await.context("the database file cannot be opened")?));
    }
    Ok(Arc::new(PostgresStore::open(url, 2).await.context("the database cannot be opened; check --database")?))
}
