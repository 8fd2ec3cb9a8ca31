//! SQLite: the embedded database.
//!
//! One connection writes, several read (write-ahead log). A commit reaches the disk before it counts (`synchronous = FULL`): a receipt
//! that was handed out survives a power cut. New rows are inserted by statements of many rows: with one row per statement the hand-over
//! to the connection's thread would cost more than the inserting.

mod administration;
mod batches;
mod deliveries;
mod images;
mod inspect;
mod load;
mod save;
mod statements;

use super::fault::fault;
use super::{Administration, Claim, Commit, FailedDelivery, IdKind, SettledDelivery, Store, Wanted};
use crate::Error;
use crate::drops::{DropFinish, DropLease, DropState, NewDrop};
use crate::outbox::{Destination, Envelope, NewEnvelope};
use crate::queries::{
    Counts, DropSummary, OrderDetail, OrderSearch, OrderSummary, OutboxDepth, Page, ParkedEnvelope, SubmissionRecord,
};
use async_trait::async_trait;
use iris_model::{ClientGuid, Issue, OutcomeKind};
use iris_rules::Snapshot;
use iris_rules::batches::{Batch, BatchResult, NewBatch};
use iris_rules::deliveries::{Delivery, DestinationHealth, LostDeliveries};
use iris_rules::images::{DirectiveRecord, ImageRecord};
use iris_rules::record::{GradingRecord, ResultRecord};
use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// Settings of the database file.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The file; created when it does not exist.
    pub path: PathBuf,
    /// Reading connections.
    pub readers: u32,
    /// False gives up durability on power loss (not on a crash of the process) for speed; for measurements only.
    pub durable: bool,
}

impl SqliteOptions {
    /// The defaults for this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), readers: 4, durable: true }
    }
}

/// Orders in a SQLite file.
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file and brings the schema up to date.
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
impl Store for SqliteStore {
    fn writers(&self) -> usize {
        1
    }

    async fn load(&self, wanted: &Wanted) -> Result<Snapshot, Error> {
        let mut connection = self.readers.acquire().await.map_err(fault)?;
        load::load(&mut connection, wanted).await
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

    async fn begin_drop(&self, drop: &NewDrop) -> Result<DropState, Error> {
        statements::begin_drop(&self.writer, drop).await
    }

    async fn finish_drop(&self, lease: &DropLease, finish: &DropFinish) -> Result<(), Error> {
        statements::finish_drop(&self.writer, lease, finish).await
    }

    async fn refuse_drop(&self, drop: &NewDrop, issues: &[Issue]) -> Result<(), Error> {
        statements::refuse_drop(&self.writer, drop, issues).await
    }

    async fn drop_lines(&self, drop: Uuid, after: Option<u32>) -> Result<Option<(u32, String)>, Error> {
        statements::drop_lines(&self.readers, drop, after).await
    }

    async fn drops(&self, organization: Option<ClientGuid>, limit: u32) -> Result<Vec<DropSummary>, Error> {
        statements::drops(&self.readers, organization, limit).await
    }

    async fn drop_summary(&self, drop: Uuid) -> Result<Option<DropSummary>, Error> {
        statements::drop_summary(&self.readers, drop).await
    }

    async fn confirm(&self, envelopes: &[i64]) -> Result<(), Error> {
        statements::confirm(&self.writer, envelopes).await
    }

    async fn destinations_due(&self, now: Timestamp) -> Result<Vec<Destination>, Error> {
        statements::destinations_due(&self.readers, now).await
    }

    async fn claim(
        &self,
        destination: &Destination,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Claim, Error> {
        statements::claim(&self.writer, destination, now, until, limit).await
    }

    async fn postpone(&self, envelope: &Envelope, at: Timestamp) -> Result<(), Error> {
        statements::postpone(&self.writer, envelope, at).await
    }

    async fn release(&self, envelopes: &[i64], at: Timestamp) -> Result<(), Error> {
        statements::release(&self.writer, envelopes, at).await
    }

    async fn park(&self, parked: &Envelope, rest: Option<&Envelope>, reason: &str, at: Timestamp) -> Result<(), Error> {
        statements::park(&self.writer, parked, rest, reason, at).await
    }

    async fn parked(&self, limit: u32) -> Result<Vec<ParkedEnvelope>, Error> {
        statements::parked(&self.readers, limit).await
    }

    async fn unpark(&self, id: i64, at: Timestamp) -> Result<bool, Error> {
        statements::unpark(&self.writer, id, at).await
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, Error> {
        statements::outbox_depth(&self.readers).await
    }

    async fn counts(&self, organization: Option<ClientGuid>) -> Result<Counts, Error> {
        statements::counts(&self.readers, organization).await
    }

    async fn orders(
        &self,
        organization: ClientGuid,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page<OrderSummary>, Error> {
        statements::orders(&self.readers, organization, before, limit).await
    }

    async fn search_orders(&self, search: &OrderSearch, limit: u32) -> Result<Page<OrderSummary>, Error> {
        inspect::search_orders(&self.readers, search, limit).await
    }

    async fn order(&self, id: i64) -> Result<Option<OrderDetail>, Error> {
        statements::order(&self.readers, id).await
    }

    async fn submissions(
        &self,
        organization: Option<ClientGuid>,
        only: Option<OutcomeKind>,
        limit: u32,
    ) -> Result<Vec<SubmissionRecord>, Error> {
        statements::submissions(&self.readers, organization, only, limit).await
    }

    async fn refused_body(&self, submission: Uuid) -> Result<Option<Vec<u8>>, Error> {
        statements::refused_body(&self.readers, submission).await
    }

    async fn images_due(&self, now: Timestamp, limit: u32) -> Result<Vec<ImageRecord>, Error> {
        images::images_due(&self.readers, now, limit).await
    }

    async fn directives_due(&self, now: Timestamp, limit: u32) -> Result<Vec<(ClientGuid, DirectiveRecord)>, Error> {
        images::directives_due(&self.readers, now, limit).await
    }

    async fn images_of(&self, order: i64) -> Result<Vec<ImageRecord>, Error> {
        images::images_of(&self.readers, order).await
    }

    async fn unlinked_images(&self, organization: ClientGuid, limit: u32) -> Result<Vec<ImageRecord>, Error> {
        images::unlinked_images(&self.readers, organization, limit).await
    }

    async fn results(&self, order: i64) -> Result<Vec<ResultRecord>, Error> {
        statements::results(&self.readers, order).await
    }

    async fn gradings(&self, order: i64) -> Result<Vec<GradingRecord>, Error> {
        statements::gradings(&self.readers, order).await
    }

    fn administration(&self) -> &dyn Administration {
        self
    }

    async fn delivery(&self, transaction: Uuid, destination: &str) -> Result<Option<Delivery>, Error> {
        deliveries::delivery(&self.readers, transaction, destination).await
    }

    async fn deliveries(&self, order: i64) -> Result<Vec<Delivery>, Error> {
        deliveries::deliveries(&self.readers, order).await
    }

    async fn settle_delivery(
        &self,
        settled: &SettledDelivery,
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Envelope>, Error> {
        deliveries::settle_delivery(&self.writer, settled, envelopes).await
    }

    async fn delivery_failed(&self, failed: &FailedDelivery, disable_after: SignedDuration) -> Result<bool, Error> {
        deliveries::delivery_failed(&self.writer, failed, disable_after).await
    }

    async fn resume_destination(
        &self,
        organization: ClientGuid,
        destination: &str,
        at: Timestamp,
        leased_until: Timestamp,
    ) -> Result<(u64, Vec<Envelope>), Error> {
        deliveries::resume_destination(&self.writer, organization, destination, at, leased_until).await
    }

    async fn delivery_seen(&self, sequence: i64, at: Timestamp) -> Result<(), Error> {
        deliveries::delivery_seen(&self.writer, sequence, at).await
    }

    async fn lost_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(LostDeliveries, Vec<Envelope>), Error> {
        deliveries::lost_deliveries(&self.writer, before, at, leased_until, limit).await
    }

    async fn destination_health(&self, organization: Option<ClientGuid>) -> Result<Vec<DestinationHealth>, Error> {
        deliveries::destination_health(&self.readers, organization).await
    }

    async fn last_batch(&self, organization: ClientGuid) -> Result<Option<Batch>, Error> {
        batches::last_batch(&self.readers, organization).await
    }

    async fn open_batch(&self, batch: &NewBatch) -> Result<Batch, Error> {
        batches::open_batch(&self.writer, batch).await
    }

    async fn batch_page(
        &self,
        organization: ClientGuid,
        number: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BatchResult>, Error> {
        batches::batch_page(&self.readers, organization, number, after, limit).await
    }

    async fn close_batch(&self, organization: ClientGuid, number: u32, at: Timestamp) -> Result<(), Error> {
        batches::close_batch(&self.writer, organization, number, at).await
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
