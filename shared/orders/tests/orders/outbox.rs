//! The outbox: order, failure, parking, sweeping.

use crate::administration::entry;
use crate::backend::{Backend, Recorder, eventually, on_every_store, options, published, service};
use crate::requests::*;
use iris_model::Organization;
use iris_orders::{Options, Orders, Publisher};
use iris_store::Destination;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

on_every_store!(
    events_are_published_in_order,
    a_destination_that_fails_catches_up_in_order,
    partial_success_keeps_only_the_rest,
    a_refused_message_is_parked_and_the_rest_goes_on,
    after_the_last_try_an_envelope_is_parked_and_can_be_put_back,
    what_a_dead_process_left_is_swept_after_its_lease,
    one_bad_destination_does_not_hold_up_another,
    more_than_fits_in_memory_is_published_from_the_store,
    what_is_claimed_late_is_leased_from_then,
);

/// Creates and cancels an order, so that there are two events that must stay in order; returns after both commits.
async fn create_and_cancel(orders: &Orders, acme: &Arc<Organization>, number: u32) {
    let base = u128::from(number) * 10;
    let name = format!("O{number}");
    orders.submit(new_order(&name, &format!("P{number}")).message(acme, base + 1)).await.unwrap();
    orders.submit(cancel(&name).message(acme, base + 2)).await.unwrap();
}

fn assert_in_order(recorder: &Recorder, count: usize) {
    let sent = recorder.sent.lock().unwrap();
    let mut ids: Vec<_> = sent.iter().map(|(_, message)| message.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    for (position, (_, message)) in sent.iter().enumerate() {
        if message.body.contains("OrderCancelled") {
            let created = sent[..position].iter().any(|(_, earlier)| earlier.key == message.key);
            assert!(created, "cancelled before created: {}", message.key);
        }
    }
}

async fn events_are_published_in_order(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let acme = Arc::new(organization());
    futures::future::join_all((0..30).map(|number| create_and_cancel(&orders, &acme, number))).await;
    published(&orders).await;
    assert_in_order(&recorder, 60);
    let sent = recorder.sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 60);
    assert!(sent.iter().all(|(destination, _)| *destination == Destination::Queue("events-acme".into())));
    assert!(sent.iter().all(|(_, message)| message.body.contains(&format!("\"TransactionId\":\"{}\"", message.id))));
    orders.close().await;
}

async fn a_destination_that_fails_catches_up_in_order(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let acme = Arc::new(organization());
    recorder.set_down(true);
    for number in 0..5 {
        create_and_cancel(&orders, &acme, number).await;
    }
    eventually("several tries", async || *recorder.tries.lock().unwrap() >= 3).await;
    let depth = orders.store().outbox_depth().await.unwrap();
    assert_eq!((depth.messages, depth.parked), (10, 0));
    assert!(depth.oldest.is_some());
    recorder.set_down(false);
    for number in 5..10 {
        create_and_cancel(&orders, &acme, number).await;
    }
    published(&orders).await;
    assert_in_order(&recorder, 20);
    orders.close().await;
}

/// Five events in one envelope, because rows of a drop share a commit.
async fn five_events(orders: &Orders, acme: &Arc<Organization>) {
    let drop = iris_store::NewDrop {
        id: uuid::Uuid::from_u128(5),
        organization: acme.client_guid,
        container: "acme-drops".into(),
        name: "five.csv".into(),
        etag: "1".into(),
        size: 1,
        received_at: Timestamp::now(),
    };
    let lease = orders.begin_drop(&drop).await.unwrap().lease.unwrap();
    let rows = (2u32..7).map(|row| {
        let detail = iris_store::RowDetail { row, ..iris_store::RowDetail::default() };
        (new_order(&format!("O{row}"), &format!("P{row}")).row(acme, drop.id, row), detail)
    });
    orders.submit_rows(&lease, 0, rows.collect()).await.unwrap();
}

async fn partial_success_keeps_only_the_rest(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    recorder.fail_next(3, false);
    five_events(&orders, &Arc::new(organization())).await;
    published(&orders).await;
    assert_eq!(recorder.ids().len(), 5);
    assert_in_order(&recorder, 5);
    orders.close().await;
}

async fn put_back(orders: &Orders, parked: i64) -> bool {
    orders.store().administration().retry_parked(parked, &entry("outbox.retry", "1")).await.unwrap()
}

async fn a_refused_message_is_parked_and_the_rest_goes_on(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    recorder.fail_next(2, true);
    five_events(&orders, &Arc::new(organization())).await;
    published(&orders).await;
    assert_eq!(recorder.ids().len(), 4);
    let parked = orders.store().parked(10).await.unwrap();
    assert_eq!((parked.len(), parked[0].messages, parked[0].reason.as_str()), (1, 1, "planned"));
    assert!(put_back(&orders, parked[0].id).await);
    orders.sweep(Timestamp::now()).await.unwrap();
    published(&orders).await;
    assert_eq!(recorder.ids().len(), 5);
    orders.close().await;
}

async fn after_the_last_try_an_envelope_is_parked_and_can_be_put_back(backend: &Backend) {
    let recorder = Arc::new(Recorder::default());
    let options = Options { publish_tries: 3, ..options() };
    let orders = Orders::open(backend.open().await, Arc::clone(&recorder) as Arc<dyn Publisher>, options);
    recorder.set_down(true);
    five_events(&orders, &Arc::new(organization())).await;
    eventually("parked", async || orders.store().outbox_depth().await.unwrap().parked == 1).await;
    recorder.set_down(false);
    let parked = orders.store().parked(10).await.unwrap();
    assert_eq!(parked[0].messages, 5);
    assert!(put_back(&orders, parked[0].id).await);
    assert!(!put_back(&orders, parked[0].id).await);
    // The destination's own task may have found it first.
    orders.sweep(Timestamp::now()).await.unwrap();
    published(&orders).await;
    assert_eq!(orders.store().outbox_depth().await.unwrap().parked, 0);
    assert_in_order(&recorder, 5);
    orders.close().await;
}

async fn what_a_dead_process_left_is_swept_after_its_lease(backend: &Backend) {
    let (dead, recorder) = service(backend).await;
    recorder.set_down(true);
    five_events(&dead, &Arc::new(organization())).await;
    eventually("tried", async || *recorder.tries.lock().unwrap() >= 1).await;
    dead.close().await;

    let recorder = Arc::new(Recorder::default());
    let options =
        Options { back_off: Duration::from_secs(3600), back_off_limit: Duration::from_secs(3600), ..options() };
    let orders = Orders::open(backend.open().await, Arc::clone(&recorder) as Arc<dyn Publisher>, options);
    recorder.fail_next(1, false);
    let later = Timestamp::now() + SignedDuration::from_mins(5);
    let report = orders.sweep(later).await.unwrap();
    assert_eq!((report.published, report.postponed), (1, 1));
    assert_eq!(orders.sweep(later).await.unwrap().published, 0);
    let report = orders.sweep(later + SignedDuration::from_hours(2)).await.unwrap();
    assert_eq!((report.published, report.postponed), (4, 0));
    assert_in_order(&recorder, 5);
    orders.close().await;
}

/// Accepts everything except what goes to one queue.
struct Partly {
    recorder: Arc<Recorder>,
    refuses: Destination,
}

#[async_trait::async_trait]
impl Publisher for Partly {
    async fn publish(
        &self,
        destination: &Destination,
        messages: &[iris_store::OutboxMessage],
    ) -> Result<(), iris_orders::PublishError> {
        if *destination == self.refuses {
            return Err(iris_orders::PublishError { sent: 0, refused: false, reason: "down".into() });
        }
        self.recorder.publish(destination, messages).await
    }
}

async fn one_bad_destination_does_not_hold_up_another(backend: &Backend) {
    let recorder = Arc::new(Recorder::default());
    let publisher = Partly { recorder: Arc::clone(&recorder), refuses: Destination::Queue("events-acme".into()) };
    // With so many tries nothing is parked before everything has arrived, however slow the machine is.
    let options = Options { publish_tries: u32::MAX, ..options() };
    let orders = Orders::open(backend.open().await, Arc::new(publisher), options);
    let (acme, other) = (Arc::new(organization()), Arc::new(other_organization(2)));
    for number in 0..5 {
        create_and_cancel(&orders, &acme, number).await;
        create_and_cancel(&orders, &other, 100 + number).await;
    }
    let left = async || orders.store().outbox_depth().await.unwrap().messages == 10;
    eventually("the other's events", left).await;
    assert_eq!(recorder.ids().len(), 10);
    orders.close().await;
}

async fn more_than_fits_in_memory_is_published_from_the_store(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let acme = Arc::new(organization());
    // The publisher is blocked while the commits go on.
    let hold = recorder.sent.lock().unwrap();
    let busy = {
        let (orders, acme) = (orders.clone(), Arc::clone(&acme));
        tokio::spawn(async move {
            for number in 0..40 {
                create_and_cancel(&orders, &acme, number).await;
            }
        })
    };
    tokio::task::block_in_place(|| {
        while !busy.is_finished() {
            std::thread::yield_now();
        }
    });
    drop(hold);
    published(&orders).await;
    assert_in_order(&recorder, 80);
    orders.close().await;
}

/// Takes longer over each message than a lease lasts, and checks what another process could claim in the meantime.
struct Slow {
    other: Arc<dyn iris_store::Store>,
    lease: Duration,
    claimed: std::sync::Mutex<Vec<iris_store::Claim>>,
}

#[async_trait::async_trait]
impl Publisher for Slow {
    async fn publish(
        &self,
        destination: &Destination,
        messages: &[iris_store::OutboxMessage],
    ) -> Result<(), iris_orders::PublishError> {
        if messages[0].key == "late" {
            let now = Timestamp::now();
            let claim = self.other.claim(destination, now, now, 1).await.unwrap();
            self.claimed.lock().unwrap().push(claim);
        }
        let began = std::time::Instant::now();
        while began.elapsed() < self.lease / 4 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

async fn what_is_claimed_late_is_leased_from_then(backend: &Backend) {
    let lease = Duration::from_millis(800);
    let publisher = Arc::new(Slow { other: backend.open().await, lease, claimed: std::sync::Mutex::default() });
    let store = backend.open().await;
    let destination = Destination::Queue("events-acme".into());
    // One more than is claimed at a time.
    let envelopes = (1..=17_u128).flat_map(|number| {
        let key = if number == 17 { "late" } else { "early" };
        let body = String::from("{}");
        let id = uuid::Uuid::from_u128(number);
        let message = iris_store::OutboxMessage { id, key: key.into(), body, answers: None, trace: None };
        iris_store::outbox::seal(vec![(destination.clone(), message)])
    });
    let commit = iris_store::Commit { envelopes: envelopes.collect(), ..iris_store::Commit::default() };
    store.save(&commit).await.unwrap();
    let options = Options { envelope_lease: lease, ..options() };
    let orders = Orders::open(store, Arc::clone(&publisher) as Arc<dyn Publisher>, options);
    let report = orders.sweep(Timestamp::now()).await.unwrap();
    assert_eq!(report.published, 17);
    let claimed = publisher.claimed.lock().unwrap().clone();
    assert!(matches!(claimed[..], [iris_store::Claim::Blocked(_)]), "{claimed:?}");
    orders.close().await;
    publisher.other.close().await;
}
