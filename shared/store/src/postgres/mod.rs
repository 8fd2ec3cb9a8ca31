//! PostgreSQL: the production database.
//!
//! Every statement is set-based (`UNNEST` of arrays), so that a batch costs a handful of round trips whatever its size. Isolation is READ
//! COMMITTED: what a batch rests on is guarded by versions and unique indexes, and the epoch of a drop by a share lock on its row.

mod administration;
mod batches;
mod deliveries;
mod images;
mod inspect;
mod load;
mod password;
mod save;
mod schema;
mod statements;

pub use password::{Password, PasswordSource};

use super::fault::fault;
use super::{Administration, Claim, Commit, FailedDelivery, IdKind, SettledDelivery, Store, Wanted, codec};
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
use password::Passwords;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long a connection waits for work before it is given back: many small instances share what the server allows.
const IDLE: Duration = Duration::from_secs(120);

/// Settings of the connections.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user@host:5432/database?sslmode=verify-full`, with or without password.
    pub url: SecretString,
    /// Asked for the password instead of the one in the URL.
    pub password: Option<Arc<dyn PasswordSource>>,
    /// Most connections.
    pub connections: u32,
    /// How many batches are saved at the same time; at most `connections`.
    pub writers: usize,
    /// How long to wait for a connection before the database counts as unavailable.
    pub acquire_timeout: Duration,
    /// True for the handler, which owns the schema and brings it up to date; false for others, who find it as they know it or refuse it.
    pub migrates: bool,
}

impl PostgresOptions {
    /// The defaults with this URL.
    #[must_use]
    pub fn new(url: SecretString) -> Self {
        let acquire_timeout = Duration::from_secs(5);
        Self { url, password: None, connections: 8, writers: 2, acquire_timeout, migrates: true }
    }
}

/// Orders in PostgreSQL.
pub struct PostgresStore {
    pool: PgPool,
    writers: usize,
    passwords: Option<Passwords>,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date or checks it.
    pub async fn connect(options: PostgresOptions) -> Result<Self, Error> {
        let url: PgConnectOptions = options.url.expose_secret().parse().map_err(fault)?;
        // Every statement of ours is a look-up by index. Without this, plans made and kept while a table was small would scan it for good.
        let session =
            [("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("jit", "off")];
        let mut connect = url.application_name("iris-orders").options(session);
        let mut passwords = None;
        if let Some(source) = options.password {
            let (source, first) = Passwords::first(source).await?;
            connect = connect.password(first.expose_secret());
            passwords = Some(source);
        }
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .idle_timeout(IDLE)
            .acquire_timeout(options.acquire_timeout)
            .connect_with(connect)
            .await
            .map_err(fault)?;
        if options.migrates {
            schema::migrate(&pool).await?;
        } else {
            schema::expect(&pool).await?;
        }
        Ok(Self { pool, writers: options.writers.max(1), passwords })
    }

    /// The pool, with a password that is fresh enough for a new connection.
    async fn pool(&self) -> Result<&PgPool, Error> {
        if let Some(passwords) = &self.passwords
            && let Some(fresh) = passwords.renewed(Timestamp::now()).await?
        {
            let connect = self.pool.connect_options().as_ref().clone();
            self.pool.set_connect_options(connect.password(fresh.expose_secret()));
        }
        Ok(&self.pool)
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn writers(&self) -> usize {
        self.writers
    }

    async fn load(&self, wanted: &Wanted) -> Result<Snapshot, Error> {
        let mut connection = self.pool().await?.acquire().await.map_err(fault)?;
        load::load(&mut connection, wanted).await
    }

    async fn save(&self, commit: &Commit) -> Result<Vec<i64>, Error> {
        let mut transaction = self.pool().await?.begin().await.map_err(fault)?;
        let envelopes = save::save(&mut transaction, commit).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(envelopes)
    }

    async fn allocate(&self, kind: IdKind, count: u32) -> Result<i64, Error> {
        let first: i32 = sqlx::query_scalar("UPDATE ids SET next = next + $2 WHERE name = $1 RETURNING next - $2")
            .bind(kind.as_str())
            .bind(codec::id(i64::from(count))?)
            .fetch_one(self.pool().await?)
            .await
            .map_err(fault)?;
        Ok(i64::from(first))
    }

    async fn begin_drop(&self, drop: &NewDrop) -> Result<DropState, Error> {
        statements::begin_drop(self.pool().await?, drop).await
    }

    async fn finish_drop(&self, lease: &DropLease, finish: &DropFinish) -> Result<(), Error> {
        statements::finish_drop(self.pool().await?, lease, finish).await
    }

    async fn refuse_drop(&self, drop: &NewDrop, issues: &[Issue]) -> Result<(), Error> {
        statements::refuse_drop(self.pool().await?, drop, issues).await
    }

    async fn drop_lines(&self, drop: Uuid, after: Option<u32>) -> Result<Option<(u32, String)>, Error> {
        statements::drop_lines(self.pool().await?, drop, after).await
    }

    async fn drops(&self, organization: Option<ClientGuid>, limit: u32) -> Result<Vec<DropSummary>, Error> {
        statements::drops(self.pool().await?, organization, limit).await
    }

    async fn drop_summary(&self, drop: Uuid) -> Result<Option<DropSummary>, Error> {
        statements::drop_summary(self.pool().await?, drop).await
    }

    async fn confirm(&self, envelopes: &[i64]) -> Result<(), Error> {
        statements::confirm(self.pool().await?, envelopes).await
    }

    async fn destinations_due(&self, now: Timestamp) -> Result<Vec<Destination>, Error> {
        statements::destinations_due(self.pool().await?, now).await
    }

    async fn claim(
        &self,
        destination: &Destination,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Claim, Error> {
        statements::claim(self.pool().await?, destination, now, until, limit).await
    }

    async fn postpone(&self, envelope: &Envelope, at: Timestamp) -> Result<(), Error> {
        statements::postpone(self.pool().await?, envelope, at).await
    }

    async fn release(&self, envelopes: &[i64], at: Timestamp) -> Result<(), Error> {
        statements::release(self.pool().await?, envelopes, at).await
    }

    async fn park(&self, parked: &Envelope, rest: Option<&Envelope>, reason: &str, at: Timestamp) -> Result<(), Error> {
        statements::park(self.pool().await?, parked, rest, reason, at).await
    }

    async fn parked(&self, limit: u32) -> Result<Vec<ParkedEnvelope>, Error> {
        statements::parked(self.pool().await?, limit).await
    }

    async fn unpark(&self, id: i64, at: Timestamp) -> Result<bool, Error> {
        statements::unpark(self.pool().await?, id, at).await
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, Error> {
        statements::outbox_depth(self.pool().await?).await
    }

    async fn counts(&self, organization: Option<ClientGuid>) -> Result<Counts, Error> {
        statements::counts(self.pool().await?, organization).await
    }

    async fn orders(
        &self,
        organization: ClientGuid,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page<OrderSummary>, Error> {
        statements::orders(self.pool().await?, organization, before, limit).await
    }

    async fn search_orders(&self, search: &OrderSearch, limit: u32) -> Result<Page<OrderSummary>, Error> {
        inspect::search_orders(self.pool().await?, search, limit).await
    }

    async fn order(&self, id: i64) -> Result<Option<OrderDetail>, Error> {
        statements::order(self.pool().await?, id).await
    }

    async fn submissions(
        &self,
        organization: Option<ClientGuid>,
        only: Option<OutcomeKind>,
        limit: u32,
    ) -> Result<Vec<SubmissionRecord>, Error> {
        statements::submissions(self.pool().await?, organization, only, limit).await
    }

    async fn refused_body(&self, submission: Uuid) -> Result<Option<Vec<u8>>, Error> {
        statements::refused_body(self.pool().await?, submission).await
    }

    async fn images_due(&self, now: Timestamp, limit: u32) -> Result<Vec<ImageRecord>, Error> {
        images::images_due(self.pool().await?, now, limit).await
    }

    async fn directives_due(&self, now: Timestamp, limit: u32) -> Result<Vec<(ClientGuid, DirectiveRecord)>, Error> {
        images::directives_due(self.pool().await?, now, limit).await
    }

    async fn images_of(&self, order: i64) -> Result<Vec<ImageRecord>, Error> {
        images::images_of(self.pool().await?, order).await
    }

    async fn unlinked_images(&self, organization: ClientGuid, limit: u32) -> Result<Vec<ImageRecord>, Error> {
        images::unlinked_images(self.pool().await?, organization, limit).await
    }

    async fn results(&self, order: i64) -> Result<Vec<ResultRecord>, Error> {
        statements::results(self.pool().await?, order).await
    }

    async fn gradings(&self, order: i64) -> Result<Vec<GradingRecord>, Error> {
        statements::gradings(self.pool().await?, order).await
    }

    fn administration(&self) -> &dyn Administration {
        self
    }

    async fn delivery(&self, transaction: Uuid, destination: &str) -> Result<Option<Delivery>, Error> {
        deliveries::delivery(self.pool().await?, transaction, destination).await
    }

    async fn deliveries(&self, order: i64) -> Result<Vec<Delivery>, Error> {
        deliveries::deliveries(self.pool().await?, order).await
    }

    async fn settle_delivery(
        &self,
        settled: &SettledDelivery,
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Envelope>, Error> {
        deliveries::settle_delivery(self.pool().await?, settled, envelopes).await
    }

    async fn delivery_failed(&self, failed: &FailedDelivery, disable_after: SignedDuration) -> Result<bool, Error> {
        deliveries::delivery_failed(self.pool().await?, failed, disable_after).await
    }

    async fn resume_destination(
        &self,
        organization: ClientGuid,
        destination: &str,
        at: Timestamp,
        leased_until: Timestamp,
    ) -> Result<(u64, Vec<Envelope>), Error> {
        deliveries::resume_destination(self.pool().await?, organization, destination, at, leased_until).await
    }

    async fn delivery_seen(&self, sequence: i64, at: Timestamp) -> Result<(), Error> {
        deliveries::delivery_seen(self.pool().await?, sequence, at).await
    }

    async fn lost_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(LostDeliveries, Vec<Envelope>), Error> {
        deliveries::lost_deliveries(self.pool().await?, before, at, leased_until, limit).await
    }

    async fn destination_health(&self, organization: Option<ClientGuid>) -> Result<Vec<DestinationHealth>, Error> {
        deliveries::destination_health(self.pool().await?, organization).await
    }

    async fn last_batch(&self, organization: ClientGuid) -> Result<Option<Batch>, Error> {
        batches::last_batch(self.pool().await?, organization).await
    }

    async fn open_batch(&self, batch: &NewBatch) -> Result<Batch, Error> {
        batches::open_batch(self.pool().await?, batch).await
    }

    async fn batch_page(
        &self,
        organization: ClientGuid,
        number: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BatchResult>, Error> {
        batches::batch_page(self.pool().await?, organization, number, after, limit).await
    }

    async fn close_batch(&self, organization: ClientGuid, number: u32, at: Timestamp) -> Result<(), Error> {
        batches::close_batch(self.pool().await?, organization, number, at).await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
