//! A store that can be made to fail.

use crate::backend::Backend;
use async_trait::async_trait;
use iris_model::{ClientGuid, OutcomeKind};
use iris_rules::Snapshot;
use iris_rules::batches::{Batch, BatchResult, NewBatch};
use iris_rules::deliveries::{Attempt, Delivery, DestinationHealth};
use iris_rules::images::{DirectiveRecord, ImageRecord};
use iris_rules::record::{GradingRecord, ResultRecord};
use iris_store::batches::Batches;
use iris_store::deliveries::Deliveries;
use iris_store::drops::{DropFinish, DropLease, DropState, Drops, NewDrop, Takeover};
use iris_store::images::Images;
use iris_store::inspection::Inspection;
use iris_store::orders::Orders;
use iris_store::outbox::{Envelope, NewEnvelope, Outbox};
use iris_store::queries::*;
use iris_store::{
    Administration, BegunDelivery, Claim, Commit, Destination, Error, FailedDelivery, IdKind, PostponedDelivery,
    RungDeliveries, SettledDelivery, Store, Wanted,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// What happens to the next saves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// The database became unavailable before the commit.
    Before,
    /// It became unavailable after the commit, before it answered.
    After,
    Conflict,
    None,
}

/// A store that fails as planned.
pub(crate) struct Faulty {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) saves: Mutex<VecDeque<Fault>>,
    pub(crate) confirms: Mutex<VecDeque<Fault>>,
}

impl Faulty {
    pub(crate) async fn new(backend: &Backend) -> Arc<Self> {
        Arc::new(Self { inner: backend.open().await, saves: Mutex::default(), confirms: Mutex::default() })
    }

    pub(crate) fn plan(&self, faults: &[Fault]) {
        self.saves.lock().unwrap().extend(faults);
    }
}

fn away() -> Error {
    Error::Unavailable("planned".into())
}

#[async_trait]
impl Orders for Faulty {
    fn writers(&self) -> usize {
        self.inner.writers()
    }
    async fn load(&self, wanted: &Wanted) -> Result<Snapshot, Error> {
        self.inner.load(wanted).await
    }
    async fn save(&self, commit: &Commit) -> Result<Vec<i64>, Error> {
        let fault = self.saves.lock().unwrap().pop_front().unwrap_or(Fault::None);
        match fault {
            Fault::Before => Err(away()),
            Fault::Conflict => Err(Error::Conflict),
            Fault::After => self.inner.save(commit).await.and(Err(away())),
            Fault::None => self.inner.save(commit).await,
        }
    }
    async fn allocate(&self, kind: IdKind, count: u32) -> Result<i64, Error> {
        self.inner.allocate(kind, count).await
    }
}

#[async_trait]
impl Drops for Faulty {
    async fn begin_drop(&self, drop: &NewDrop, takeover: Takeover) -> Result<DropState, Error> {
        self.inner.begin_drop(drop, takeover).await
    }
    async fn finish_drop(&self, lease: &DropLease, finish: &DropFinish) -> Result<(), Error> {
        self.inner.finish_drop(lease, finish).await
    }
    async fn drop_lines(&self, drop: Uuid, after: Option<u32>) -> Result<Option<(u32, String)>, Error> {
        self.inner.drop_lines(drop, after).await
    }
    async fn drops(&self, organization: Option<ClientGuid>, limit: u32) -> Result<Vec<DropSummary>, Error> {
        self.inner.drops(organization, limit).await
    }
    async fn drop_summary(&self, drop: Uuid) -> Result<Option<DropSummary>, Error> {
        self.inner.drop_summary(drop).await
    }
}

#[async_trait]
impl Outbox for Faulty {
    async fn confirm(&self, envelopes: &[i64]) -> Result<(), Error> {
        let fault = self.confirms.lock().unwrap().pop_front().unwrap_or(Fault::None);
        if fault == Fault::None { self.inner.confirm(envelopes).await } else { Err(away()) }
    }
    async fn destinations_due(&self, now: Timestamp) -> Result<Vec<Destination>, Error> {
        self.inner.destinations_due(now).await
    }
    async fn claim(
        &self,
        destination: &Destination,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Claim, Error> {
        self.inner.claim(destination, now, until, limit).await
    }
    async fn postpone(&self, envelope: &Envelope, at: Timestamp) -> Result<(), Error> {
        self.inner.postpone(envelope, at).await
    }
    async fn release(&self, envelopes: &[i64], at: Timestamp) -> Result<(), Error> {
        self.inner.release(envelopes, at).await
    }
    async fn park(&self, parked: &Envelope, rest: Option<&Envelope>, reason: &str, at: Timestamp) -> Result<(), Error> {
        self.inner.park(parked, rest, reason, at).await
    }
    async fn parked(&self, limit: u32) -> Result<Vec<ParkedEnvelope>, Error> {
        self.inner.parked(limit).await
    }
    async fn outbox_depth(&self) -> Result<OutboxDepth, Error> {
        self.inner.outbox_depth().await
    }
}

#[async_trait]
impl Images for Faulty {
    async fn images_due(&self, now: Timestamp, limit: u32) -> Result<Vec<ImageRecord>, Error> {
        self.inner.images_due(now, limit).await
    }
    async fn directives_due(&self, now: Timestamp, limit: u32) -> Result<Vec<(ClientGuid, DirectiveRecord)>, Error> {
        self.inner.directives_due(now, limit).await
    }
    async fn images_of(&self, order: i64) -> Result<Vec<ImageRecord>, Error> {
        self.inner.images_of(order).await
    }
    async fn unlinked_images(&self, organization: ClientGuid, limit: u32) -> Result<Vec<ImageRecord>, Error> {
        self.inner.unlinked_images(organization, limit).await
    }
}

#[async_trait]
impl Deliveries for Faulty {
    async fn delivery(&self, transaction: Uuid, destination: &str) -> Result<Option<Delivery>, Error> {
        self.inner.delivery(transaction, destination).await
    }
    async fn deliveries(&self, order: i64) -> Result<Vec<Delivery>, Error> {
        self.inner.deliveries(order).await
    }
    async fn settle_delivery(
        &self,
        settled: &SettledDelivery,
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Envelope>, Error> {
        self.inner.settle_delivery(settled, envelopes).await
    }
    async fn delivery_failed(&self, failed: &FailedDelivery, disable_after: SignedDuration) -> Result<bool, Error> {
        self.inner.delivery_failed(failed, disable_after).await
    }
    async fn resume_destination(
        &self,
        organization: ClientGuid,
        destination: &str,
        at: Timestamp,
        leased_until: Timestamp,
    ) -> Result<(u64, Vec<Envelope>), Error> {
        self.inner.resume_destination(organization, destination, at, leased_until).await
    }
    async fn begin_delivery(
        &self,
        transaction: Uuid,
        destination: &str,
        message: u32,
        at: Timestamp,
    ) -> Result<BegunDelivery, Error> {
        self.inner.begin_delivery(transaction, destination, message, at).await
    }
    async fn postpone_delivery(&self, postponed: &PostponedDelivery) -> Result<Vec<Envelope>, Error> {
        self.inner.postpone_delivery(postponed).await
    }
    async fn ring_due_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(RungDeliveries, Vec<Envelope>), Error> {
        self.inner.ring_due_deliveries(before, at, leased_until, limit).await
    }
    async fn postponed_deliveries(&self) -> Result<u64, Error> {
        self.inner.postponed_deliveries().await
    }
    async fn delivery_attempts(&self, sequence: i64, limit: u32) -> Result<Vec<Attempt>, Error> {
        self.inner.delivery_attempts(sequence, limit).await
    }
    async fn destination_health(&self, organization: Option<ClientGuid>) -> Result<Vec<DestinationHealth>, Error> {
        self.inner.destination_health(organization).await
    }
}

#[async_trait]
impl Batches for Faulty {
    async fn last_batch(&self, organization: ClientGuid) -> Result<Option<Batch>, Error> {
        self.inner.last_batch(organization).await
    }
    async fn open_batch(&self, batch: &NewBatch) -> Result<Batch, Error> {
        self.inner.open_batch(batch).await
    }
    async fn batch_page(
        &self,
        organization: ClientGuid,
        number: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BatchResult>, Error> {
        self.inner.batch_page(organization, number, after, limit).await
    }
    async fn close_batch(&self, organization: ClientGuid, number: u32, at: Timestamp) -> Result<(), Error> {
        self.inner.close_batch(organization, number, at).await
    }
}

#[async_trait]
impl Inspection for Faulty {
    async fn counts(&self, organization: Option<ClientGuid>) -> Result<Counts, Error> {
        self.inner.counts(organization).await
    }
    async fn orders(
        &self,
        organization: ClientGuid,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page<OrderSummary>, Error> {
        self.inner.orders(organization, before, limit).await
    }
    async fn search_orders(&self, search: &OrderSearch, limit: u32) -> Result<Page<OrderSummary>, Error> {
        self.inner.search_orders(search, limit).await
    }
    async fn order(&self, id: i64) -> Result<Option<OrderDetail>, Error> {
        self.inner.order(id).await
    }
    async fn submissions(
        &self,
        organization: Option<ClientGuid>,
        only: Option<OutcomeKind>,
        limit: u32,
    ) -> Result<Vec<SubmissionRecord>, Error> {
        self.inner.submissions(organization, only, limit).await
    }
    async fn refused_body(&self, submission: Uuid) -> Result<Option<Vec<u8>>, Error> {
        self.inner.refused_body(submission).await
    }
    async fn results(&self, order: i64) -> Result<Vec<ResultRecord>, Error> {
        self.inner.results(order).await
    }
    async fn gradings(&self, order: i64) -> Result<Vec<GradingRecord>, Error> {
        self.inner.gradings(order).await
    }
}

#[async_trait]
impl Store for Faulty {
    fn administration(&self) -> &dyn Administration {
        self.inner.administration()
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}
