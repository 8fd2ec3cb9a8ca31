//! SQLite: the embedded database.
//!
//! One connection writes, several read (write-ahead log). A commit counts only once it is on disk (`synchronous =
//! FULL`), so a receipt that was handed out survives a power failure. New rows are inserted with multi-row statements:
//! with one statement per row, passing it to the connection's thread would cost more than the insert itself.

mod dialect;
mod load;
mod save;

#[path = "../both/administration.rs"]
mod administration;
#[path = "../both/batches.rs"]
mod batches;
#[path = "../both/deliveries.rs"]
mod deliveries;
#[path = "../both/drops.rs"]
mod drops;
#[path = "../both/images.rs"]
mod images;
#[path = "../both/inspection.rs"]
mod inspection;
#[path = "../both/outbox.rs"]
mod outbox;
#[path = "../both/retention.rs"]
mod retention;

use crate::fault::fault;
use crate::orders::Orders;
use crate::{Administration, Commit, Error, IdKind, Store, Wanted};
use async_trait::async_trait;
use iris_rules::Snapshot;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::PathBuf;
use std::time::Duration;

/// Settings of the database file.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The file; created when it does not exist.
    pub path: PathBuf,
    /// The number of reading connections.
    pub readers: u32,
    /// False gives up durability on power failure (not on a crash of the process) for speed; for measurements only.
    pub durable: bool,
}

impl SqliteOptions {
    /// The defaults, for this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), readers: 4, durable: true }
    }
}

/// The store in a SQLite file.
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file and migrates the schema.
    pub async fn open(options: SqliteOptions) -> Result<Self, Error> {
        let connect = SqliteConnectOptions::new()
            .filename(&options.path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if options.durable { SqliteSynchronous::Full } else { SqliteSynchronous::Normal })
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(256)
            .pragma("cache_size", "-32768")
            .pragma("wal_autocheckpoint", "4000");
        let pool =
            |connections| SqlitePoolOptions::new().max_connections(connections).idle_timeout(None).max_lifetime(None);
        let writer = pool(1).connect_with(connect.clone()).await.map_err(fault)?;
        sqlx::migrate!("migrations/sqlite")
            .run(&writer)
            .await
            .map_err(|error| Error::Migration(super::migration(&error)))?;
        let readers = pool(options.readers.max(1)).connect_with(connect).await.map_err(fault)?;
        Ok(Self { writer, readers })
    }
}

#[async_trait]
impl Orders for SqliteStore {
    fn writers(&self) -> usize {
        1
    }

    async fn load(&self, wanted: &Wanted) -> Result<Snapshot, Error> {
        // One snapshot for all statements, so that versions, contents and everything derived from them are consistent.
        let mut transaction = self.readers.begin().await.map_err(fault)?;
        let loaded = load::load(&mut transaction, wanted).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(loaded)
    }

    async fn save(&self, commit: &Commit) -> Result<Vec<i64>, Error> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
        let envelopes = save::save(&mut transaction, commit).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(envelopes)
    }

    async fn allocate(&self, kind: IdKind, count: u32) -> Result<i64, Error> {
        sqlx::query_scalar("UPDATE ids SET next = next + $2 WHERE name = $1 RETURNING next - $2")
            .bind(kind.as_str())
            .bind(i64::from(count))
            .fetch_one(&self.writer)
            .await
            .map_err(fault)
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn administration(&self) -> &dyn Administration {
        self
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
