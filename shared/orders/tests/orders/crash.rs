//! Failures between the steps. After each of them four properties hold: each accepted order exists once; each input row has one line; each
//! event reaches its destination at least once, with a stable id; nothing that was answered is lost.

use crate::backend::{Backend, Recorder, on_every_store, options, published};
use crate::requests::*;
use async_trait::async_trait;
use iris_model::{ClientGuid, Issue, OutcomeKind};
use iris_orders::{Orders, Publisher};
use iris_rules::batches::{Batch, BatchResult, NewBatch};
use iris_rules::deliveries::{Delivery, DestinationHealth, LostDeliveries};
use iris_rules::record::{GradingRecord, ResultRecord};
use iris_rules::{Answer, Incoming, Snapshot};
use iris_store::drops::{DropFinish, DropLease, DropState, NewDrop, RowDetail};
use iris_store::outbox::{Envelope, NewEnvelope};
use iris_store::queries::*;
use iris_store::{Claim, Commit, FailedDelivery, IdKind, SettledDelivery, Wanted};
use iris_store::{Destination, Error, Store};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

on_every_store!(
    a_failed_commit_is_told_to_every_caller_and_can_be_repeated,
    a_commit_whose_answer_got_lost_is_found_again,
    a_drop_survives_failures_at_every_step,
    messages_survive_failures_at_every_step,
    what_was_published_but_not_deleted_is_sent_again_with_the_same_id,
    two_instances_load_the_same_drop,
);

/// What happens to the next saves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The database was away before.
    Before,
    /// It was away when it should have answered.
    After,
    Conflict,
    None,
}

/// A store that fails as planned.
struct Faulty {
    inner: Arc<dyn Store>,
    saves: Mutex<VecDeque<Fault>>,
    confirms: Mutex<VecDeque<Fault>>,
}

impl Faulty {
    async fn new(backend: &Backend) -> Arc<Self> {
        Arc::new(Self { inner: backend.open().await, saves: Mutex::default(), confirms: Mutex::default() })
    }

    fn plan(&self, faults: &[Fault]) {
        self.saves.lock().unwrap().extend(faults);
    }
}

fn away() -> Error {
    Error::Unavailable("planned".into())
}

#[async_trait]
impl Store for Faulty {
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
    async fn begin_drop(&self, drop: &NewDrop) -> Result<DropState, Error> {
        self.inner.begin_drop(drop).await
    }
    async fn finish_drop(&self, lease: &DropLease, finish: &DropFinish) -> Result<(), Error> {
        self.inner.finish_drop(lease, finish).await
    }
    async fn refuse_drop(&self, drop: &NewDrop, issues: &[Issue]) -> Result<(), Error> {
        self.inner.refuse_drop(drop, issues).await
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
    async fn unpark(&self, id: i64, at: Timestamp) -> Result<bool, Error> {
        self.inner.unpark(id, at).await
    }
    async fn outbox_depth(&self) -> Result<OutboxDepth, Error> {
        self.inner.outbox_depth().await
    }
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
    async fn images_due(&self, now: Timestamp, limit: u32) -> Result<Vec<iris_rules::images::ImageRecord>, Error> {
        self.inner.images_due(now, limit).await
    }

    async fn directives_due(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(ClientGuid, iris_rules::images::DirectiveRecord)>, Error> {
        self.inner.directives_due(now, limit).await
    }

    async fn images_of(&self, order: i64) -> Result<Vec<iris_rules::images::ImageRecord>, Error> {
        self.inner.images_of(order).await
    }

    async fn unlinked_images(
        &self,
        organization: ClientGuid,
        limit: u32,
    ) -> Result<Vec<iris_rules::images::ImageRecord>, Error> {
        self.inner.unlinked_images(organization, limit).await
    }

    async fn results(&self, order: i64) -> Result<Vec<ResultRecord>, Error> {
        self.inner.results(order).await
    }
    async fn gradings(&self, order: i64) -> Result<Vec<GradingRecord>, Error> {
        self.inner.gradings(order).await
    }
    fn administration(&self) -> &dyn iris_store::Administration {
        self.inner.administration()
    }

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
        organization: iris_model::ClientGuid,
        destination: &str,
        at: Timestamp,
        leased_until: Timestamp,
    ) -> Result<(u64, Vec<Envelope>), Error> {
        self.inner.resume_destination(organization, destination, at, leased_until).await
    }
    async fn delivery_seen(&self, sequence: i64, at: Timestamp) -> Result<(), Error> {
        self.inner.delivery_seen(sequence, at).await
    }
    async fn lost_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(LostDeliveries, Vec<Envelope>), Error> {
        self.inner.lost_deliveries(before, at, leased_until, limit).await
    }
    async fn destination_health(
        &self,
        organization: Option<iris_model::ClientGuid>,
    ) -> Result<Vec<DestinationHealth>, Error> {
        self.inner.destination_health(organization).await
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

fn open(store: &Arc<Faulty>, recorder: &Arc<Recorder>) -> Orders {
    let store: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    Orders::open(store, Arc::clone(recorder) as Arc<dyn Publisher>, options())
}

/// Redelivers until it is dealt with, as a queue does.
async fn insist(orders: &Orders, incoming: &Incoming) -> Answer {
    loop {
        match orders.submit(incoming.clone()).await {
            Ok(answer) => return answer,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
}

/// Every event id of the store's history of the world is sent; what is sent twice is the same.
async fn assert_published(orders: &Orders, recorder: &Recorder, expected: usize) {
    // The leases of envelopes whose commit was not answered are over by then.
    orders.sweep(Timestamp::now() + SignedDuration::from_mins(5)).await.unwrap();
    published(orders).await;
    let sent = recorder.sent.lock().unwrap();
    let mut bodies: BTreeMap<Uuid, BTreeSet<&str>> = BTreeMap::new();
    for (_, message) in sent.iter() {
        bodies.entry(message.id).or_default().insert(&message.body);
    }
    assert!(bodies.values().all(|bodies| bodies.len() == 1), "one id, two contents");
    assert_eq!(bodies.len(), expected);
}

async fn a_failed_commit_is_told_to_every_caller_and_can_be_repeated(backend: &Backend) {
    let (store, recorder) = (Faulty::new(backend).await, Arc::new(Recorder::default()));
    let orders = open(&store, &recorder);
    let acme = Arc::new(organization());
    store.plan(&[Fault::Before; 40]);
    let work: Vec<Incoming> = (0..20)
        .map(|number| new_order(&format!("O{number}"), &format!("P{number}")).message(&acme, number + 1))
        .collect();
    let answers = futures::future::join_all(work.iter().map(|incoming| orders.submit(incoming.clone()))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Unavailable(_)))));
    assert_eq!(orders.store().counts(None).await.unwrap().patients, 0);
    store.saves.lock().unwrap().clear();
    let answers = futures::future::join_all(work.iter().map(|incoming| insist(&orders, incoming))).await;
    assert!(answers.iter().all(|answer| answer.outcome().unwrap().kind == OutcomeKind::Created));
    assert_published(&orders, &recorder, 20).await;
    orders.close().await;
}

async fn a_commit_whose_answer_got_lost_is_found_again(backend: &Backend) {
    let (store, recorder) = (Faulty::new(backend).await, Arc::new(Recorder::default()));
    let orders = open(&store, &recorder);
    let acme = Arc::new(organization());
    store.plan(&[Fault::After]);
    let message = new_order("O1", "P1").message(&acme, 1);
    assert!(orders.submit(message.clone()).await.unwrap_err().is_transient());
    let answer = orders.submit(message).await.unwrap();
    assert_eq!(answer.outcome().unwrap().kind, OutcomeKind::Created);
    assert_eq!(orders.store().orders(acme.client_guid, None, 10).await.unwrap().items.len(), 1);
    assert_published(&orders, &recorder, 1).await;
    orders.close().await;
}

fn faults(seed: u32) -> Vec<Fault> {
    // A small generator is enough to mix the faults differently each time.
    let mut state = u64::from(seed) * 2_654_435_761 + 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match (state >> 33) % 5 {
            0 => Fault::Before,
            1 => Fault::After,
            2 => Fault::Conflict,
            _ => Fault::None,
        }
    };
    std::iter::repeat_with(next).take(40).collect()
}

fn drop_of(organization: &iris_model::Organization) -> NewDrop {
    NewDrop {
        id: Uuid::from_u128(99),
        organization: organization.client_guid,
        container: "acme-drops".into(),
        name: "members.csv".into(),
        etag: "1".into(),
        size: 1,
        received_at: Timestamp::now(),
    }
}

/// Batches of ten rows: mostly new orders, some cancelled in a later batch.
fn batches(acme: &Arc<iris_model::Organization>, drop: Uuid) -> Vec<Vec<(Incoming, RowDetail)>> {
    let row = |number: u32| {
        let request = if number.is_multiple_of(10) && number >= 20 {
            cancel(&format!("O{}", number - 15))
        } else {
            new_order(&format!("O{number}"), &format!("P{number}"))
        };
        (request.row(acme, drop, number), RowDetail { row: number, ..RowDetail::default() })
    };
    (0u32..8).map(|batch| (batch * 10 + 2..batch * 10 + 12).map(row).collect()).collect()
}

async fn a_drop_survives_failures_at_every_step(backend: &Backend) {
    let acme = Arc::new(organization());
    let drop = drop_of(&acme);
    let recorder = Arc::new(Recorder::default());
    let mut deliveries = 0u32;
    'delivery: loop {
        deliveries += 1;
        // Another process, that begins with the drop as it finds it.
        let store = Faulty::new(backend).await;
        if deliveries < 10 {
            store.plan(&faults(deliveries));
        }
        let orders = open(&store, &recorder);
        if deliveries.is_multiple_of(3) {
            recorder.fail_next(2, false);
        }
        let state = orders.begin_drop(&drop).await.unwrap();
        let lease = state.lease.unwrap();
        for (number, batch) in (0u32..).zip(batches(&acme, drop.id)) {
            if state.done.contains(&number) {
                continue;
            }
            if orders.submit_rows(&lease, number, batch).await.is_err() {
                orders.close().await;
                continue 'delivery;
            }
        }
        store.saves.lock().unwrap().clear();
        let end = DropFinish { status: iris_store::DropStatus::Loaded, issues: Vec::new(), at: Timestamp::now() };
        orders.finish_drop(&lease, &end).await.unwrap();

        let (mut rows, mut after) = (Vec::new(), None);
        while let Some((number, lines)) = orders.read_lines(drop.id, after).await.unwrap() {
            rows.extend(lines.iter().map(|line| line.row));
            after = Some(number);
        }
        assert_eq!(rows, (2..82).collect::<Vec<_>>());
        let listed = orders.store().orders(acme.client_guid, None, 500).await.unwrap().items;
        let names: BTreeSet<_> = listed.iter().map(|order| order.local_id.as_str()).collect();
        assert_eq!((names.len(), listed.len()), (73, 73));
        assert_eq!(listed.iter().filter(|order| !order.status.is_open()).count(), 7);
        assert_published(&orders, &recorder, 80).await;
        orders.close().await;
        return;
    }
}

async fn messages_survive_failures_at_every_step(backend: &Backend) {
    let acme = Arc::new(organization());
    let recorder = Arc::new(Recorder::default());
    let work: Vec<Incoming> = (0u32..30)
        .flat_map(|number| {
            let base = u128::from(number) * 10;
            let order = format!("O{number}");
            let create = new_order(&order, &format!("P{number}")).message(&acme, base + 1);
            let update = change(&order).info("changed").message(&acme, base + 2);
            [create, update]
        })
        .collect();
    for seed in 1..6 {
        let store = Faulty::new(backend).await;
        store.plan(&faults(seed));
        let orders = open(&store, &recorder);
        // Each message is delivered in every round: once more than needed, and in a different grouping.
        let orders = &orders;
        let chains = work.chunks(2).map(|pair| async move {
            for incoming in pair {
                insist(orders, incoming).await;
            }
        });
        futures::future::join_all(chains).await;
        orders.close().await;
    }
    let store = Faulty::new(backend).await;
    let orders = open(&store, &recorder);
    let listed = orders.store().orders(acme.client_guid, None, 500).await.unwrap().items;
    assert_eq!(listed.len(), 30);
    for order in &listed {
        let order = orders.store().order(order.id).await.unwrap().unwrap();
        assert_eq!(order.history.len(), 1);
    }
    assert_eq!(orders.store().submissions(None, None, 500).await.unwrap().len(), 60);
    assert_published(&orders, &recorder, 60).await;
    orders.close().await;
}

async fn what_was_published_but_not_deleted_is_sent_again_with_the_same_id(backend: &Backend) {
    let (store, recorder) = (Faulty::new(backend).await, Arc::new(Recorder::default()));
    store.confirms.lock().unwrap().extend([Fault::Before; 100]);
    let orders = open(&store, &recorder);
    let acme = Arc::new(organization());
    insist(&orders, &new_order("O1", "P1").message(&acme, 1)).await;
    crate::backend::eventually("sent", async || recorder.ids().len() == 1).await;
    orders.close().await;

    let store = Faulty::new(backend).await;
    let orders = open(&store, &recorder);
    assert_published(&orders, &recorder, 1).await;
    assert_eq!(recorder.ids().len(), 2);
    orders.close().await;
}

async fn two_instances_load_the_same_drop(backend: &Backend) {
    let acme = Arc::new(organization());
    let drop = drop_of(&acme);
    let recorder = Arc::new(Recorder::default());
    let (one, two) = (open(&Faulty::new(backend).await, &recorder), open(&Faulty::new(backend).await, &recorder));
    // Both go on until the drop is theirs to the end, taking it from each other.
    let load = async |orders: &Orders| {
        'delivery: loop {
            let state = orders.begin_drop(&drop).await.unwrap();
            let Some(lease) = state.lease else { return };
            for (number, batch) in (0u32..).zip(batches(&acme, drop.id)) {
                if state.done.contains(&number) {
                    continue;
                }
                match orders.submit_rows(&lease, number, batch).await {
                    Ok(_) => {}
                    Err(Error::LostDrop | Error::Conflict) => continue 'delivery,
                    Err(error) => panic!("{error}"),
                }
            }
            let end = DropFinish { status: iris_store::DropStatus::Loaded, issues: Vec::new(), at: Timestamp::now() };
            match orders.finish_drop(&lease, &end).await {
                Ok(()) | Err(Error::LostDrop) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    futures::future::join(load(&one), load(&two)).await;
    let summary = one.store().drop_summary(drop.id).await.unwrap().unwrap();
    assert_eq!(summary.totals.rows(), 80);
    assert_eq!(one.store().orders(acme.client_guid, None, 500).await.unwrap().items.len(), 73);
    assert_published(&one, &recorder, 80).await;
    one.close().await;
    two.close().await;
}
