//! What is removed of results, gradings, deliveries, batches and images, and that nothing is removed before it was
//! handed over; on every store.

use crate::administration::{entry, prune};
use crate::backend::{Backend, on_every_store, service};
use crate::requests::*;
use iris_model::ResultCode;
use iris_orders::Orders;
use iris_rules::Answer;
use iris_rules::batches::{BatchEntry, NewBatch};
use iris_rules::deliveries::{DeliveryRecord, DeliveryState};
use iris_rules::record::{GradingRecord, ResultRecord};
use iris_rules::retention::Kind;
use iris_store::{Commit, FailedDelivery, SettledDelivery};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use uuid::Uuid;

on_every_store!(
    results_go_when_they_are_handed_over_and_replaced,
    the_grading_that_stands_and_addenda_stay,
    images_without_an_order_go,
    links_go_after_what_they_link,
);

const REPORTS: &str = "reports";

/// An open order and a closed one.
async fn open_and_closed(orders: &Orders) -> (i64, i64) {
    let acme = Arc::new(organization());
    let mut ids = Vec::new();
    for (name, number) in [("open", 101), ("closed", 102)] {
        let answer = orders.submit(new_order(name, &format!("P-{name}")).message(&acme, number)).await.unwrap();
        let Answer::Done(outcome) = answer else { panic!("{answer:?}") };
        ids.push(outcome.iris_order_id.unwrap());
    }
    orders.submit(cancel("closed").message(&acme, 103)).await.unwrap();
    (ids[0], ids[1])
}

/// Stores a result with a delivery and a batch entry.
async fn result(orders: &Orders, order: i64) -> Uuid {
    let (transaction_id, at, acme) = (Uuid::new_v4(), Timestamp::now(), organization());
    let (organization, code, document) = (acme.client_guid, ResultCode::Final, "{}".to_owned());
    let commit = Commit {
        at: Some(at),
        results: vec![Arc::new(ResultRecord { transaction_id, order, at, code, document, report: "{}".to_owned() })],
        deliveries: vec![DeliveryRecord {
            transaction_id,
            destination: REPORTS.to_owned(),
            organization,
            slug: acme.slug,
            order,
            at,
            purpose: iris_rules::deliveries::life::Purpose::AtLeastOnce,
        }],
        batch_entries: vec![BatchEntry { organization, transaction_id, at, order, code }],
        ..Commit::default()
    };
    orders.store().save(&commit).await.unwrap();
    transaction_id
}

async fn settle(orders: &Orders, transaction: Uuid, state: DeliveryState) {
    let delivery = orders.store().delivery(transaction, REPORTS).await.unwrap().unwrap();
    let at = Timestamp::now();
    let settled = SettledDelivery { sequence: delivery.sequence, state, attempt: None, at, leased_until: at };
    orders.store().settle_delivery(&settled, &[]).await.unwrap();
}

async fn batch(orders: &Orders, number: u32) {
    let now = Timestamp::now();
    let organization = organization().client_guid;
    let day = jiff::civil::date(2026, 11, 20);
    let batch = NewBatch { organization, number, starts_at: None, ends_at: now, day, opened_at: now, limit: 100 };
    orders.store().open_batch(&batch).await.unwrap();
}

async fn results_go_when_they_are_handed_over_and_replaced(backend: &Backend) {
    const NOTHING: [u64; 0] = [];
    let (orders, _) = service(backend).await;
    let guid = organization().client_guid;
    let (open, closed) = open_and_closed(&orders).await;
    let mut of_closed = Vec::new();
    for _ in 0..3 {
        of_closed.push(result(&orders, closed).await);
        result(&orders, open).await;
    }
    let all = [Kind::Deliveries, Kind::BatchEntries, Kind::Batches, Kind::Results];
    for kind in all {
        assert_eq!(prune(&orders, kind, 10).await, NOTHING, "{kind:?}: nothing was handed over");
    }

    settle(&orders, of_closed[0], DeliveryState::Delivered).await;
    settle(&orders, of_closed[1], DeliveryState::Dropped).await;
    let day = SignedDuration::from_hours(24);
    for ago in [day, SignedDuration::ZERO] {
        let (destination, reason, at) = (REPORTS.to_owned(), "planned".to_owned(), Timestamp::now() - ago);
        let failed = FailedDelivery { organization: guid, destination, at, reason };
        orders.store().delivery_failed(&failed, day).await.unwrap();
    }
    settle(&orders, of_closed[2], DeliveryState::Held).await;
    assert_eq!(prune(&orders, Kind::Results, 10).await, NOTHING, "deliveries have records");
    assert_eq!(prune(&orders, Kind::Deliveries, 1).await, [1, 1], "those that wait or are held stay");
    assert_eq!(prune(&orders, Kind::Results, 10).await, NOTHING, "they belong to no batch yet");

    batch(&orders, 1).await;
    batch(&orders, 2).await;
    assert_eq!(prune(&orders, Kind::BatchEntries, 10).await, NOTHING, "no file of the batch is complete");
    orders.store().close_batch(guid, 1, Timestamp::now()).await.unwrap();
    orders.store().close_batch(guid, 2, Timestamp::now()).await.unwrap();
    assert_eq!(prune(&orders, Kind::Batches, 10).await, NOTHING, "what it had goes first");
    assert_eq!(prune(&orders, Kind::BatchEntries, 4).await, [4, 2]);
    assert_eq!(prune(&orders, Kind::Batches, 10).await, [1]);
    assert_eq!(orders.store().last_batch(guid).await.unwrap().unwrap().number, 2, "the last one stays");

    assert_eq!(prune(&orders, Kind::Results, 10).await, [2]);
    let kept = orders.store().results(closed).await.unwrap();
    assert_eq!(kept.iter().map(|result| result.transaction_id).collect::<Vec<_>>(), [of_closed[2]]);
    assert_eq!(orders.store().results(open).await.unwrap().len(), 3, "the order is open");
    assert_eq!(orders.store().deliveries(closed).await.unwrap()[0].state, DeliveryState::Held);
    orders.close().await;
}

async fn the_grading_that_stands_and_addenda_stay(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let (open, closed) = open_and_closed(&orders).await;
    use ResultCode::{Addendum, Correction, Final};
    let mut gradings = Vec::new();
    for order in [open, closed] {
        for (number, code) in (1..).zip([Final, Addendum, Correction, Correction, Addendum]) {
            let (submission, fingerprint) = (Uuid::new_v4(), Uuid::new_v4());
            let at = Timestamp::now();
            let details = "[]".to_owned();
            gradings.push(Arc::new(GradingRecord { order, number, at, code, submission, fingerprint, details }));
        }
    }
    orders.store().save(&Commit { at: Some(Timestamp::now()), gradings, ..Commit::default() }).await.unwrap();
    assert_eq!(prune(&orders, Kind::Gradings, 10).await, [2]);
    let kept = orders.store().gradings(closed).await.unwrap();
    assert_eq!(kept.iter().map(|grading| grading.number).collect::<Vec<_>>(), [2, 4, 5]);
    assert_eq!(orders.store().gradings(open).await.unwrap().len(), 5);
    orders.close().await;
}

async fn images_without_an_order_go(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let (order, _) = open_and_closed(&orders).await;
    let images = crate::images::one_of_each_status(order);
    orders.store().save(&Commit { at: Some(Timestamp::now()), new_images: images, ..Commit::default() }).await.unwrap();
    assert_eq!(prune(&orders, Kind::Images, 10).await, [1]);
    let guid = organization().client_guid;
    assert_eq!(orders.store().images_of(order).await.unwrap().len(), 1);
    assert_eq!(orders.store().unlinked_images(guid, 10).await.unwrap().len(), 1, "one still waits");
    orders.close().await;
}

async fn links_go_after_what_they_link(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let (first, second) = (new_order("O1", "P1").message(&acme, 1), cancel("O1").message(&acme, 2));
    let (original, again) = (first.id, second.id);
    orders.submit(first).await.unwrap();
    let store = orders.store().administration();
    let mut entry = entry("submissions.resubmit", "1");
    entry.at = Timestamp::now() - SignedDuration::from_mins(1);
    store.link_resubmission(original, again, &entry).await.unwrap();
    assert_eq!(prune(&orders, Kind::Links, 10).await, [0_u64; 0]);
    orders.submit(second).await.unwrap();
    assert_eq!(prune(&orders, Kind::Submissions, 10).await, [2]);
    assert_eq!(prune(&orders, Kind::Links, 10).await, [1]);
    assert_eq!(store.original_of(again).await.unwrap(), None);
    orders.close().await;
}
