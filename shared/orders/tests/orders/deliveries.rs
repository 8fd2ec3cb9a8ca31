//! Deliveries: what the stores keep of them, and in which order they go.

use crate::backend::{Backend, eventually, on_every_store, published, service};
use iris_model::OrderStatus;
use iris_model::organization::RESULTS_QUEUE;
use iris_orders::deliveries::{Delivery, DeliveryMessage, DeliveryState, Handover};
use iris_orders::store::FailedDelivery;
use iris_orders::{Destination, Orders};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

on_every_store!(
    a_result_is_written_with_its_deliveries,
    a_delivery_is_marked_and_told_once,
    a_later_result_waits_for_an_earlier_one,
    a_destination_fails_is_disabled_and_resumed_in_order,
    an_order_is_complete_when_every_destination_has_its_last_result,
    deliveries_done_at_the_same_time_complete_their_order,
);

const REPORTS: &str = "reports";

/// Grades orders `O1`, `O2`, … and gives their deliveries to the destination `reports`.
async fn graded(orders: &Orders, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for number in 1..=count {
        let order = crate::gradings::graded_order(orders, &format!("O{number}")).await;
        deliveries.extend(of_reports(orders, order).await);
    }
    deliveries
}

async fn of_reports(orders: &Orders, order: i64) -> Vec<Delivery> {
    let deliveries = orders.store().deliveries(order).await.unwrap();
    deliveries.into_iter().filter(|delivery| delivery.destination == REPORTS).collect()
}

fn handover() -> Handover {
    Handover { delivery_type: "azureblob", endpoint: "acme-results/x.pdf".to_owned(), order_local_id: "O1".to_owned() }
}

async fn again(orders: &Orders, delivery: &Delivery) -> Delivery {
    orders.store().delivery(delivery.transaction_id, &delivery.destination).await.unwrap().unwrap()
}

async fn a_result_is_written_with_its_deliveries(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let delivery = graded(&orders, 1).await.remove(0);
    assert_eq!((delivery.state, delivery.is_behind), (DeliveryState::Waiting, false));
    let all = orders.store().deliveries(delivery.order).await.unwrap();
    let names: Vec<&str> = all.iter().map(|delivery| delivery.destination.as_str()).collect();
    assert_eq!(names, [RESULTS_QUEUE, REPORTS]);
    published(&orders).await;
    let sent = recorder.sent.lock().unwrap().clone();
    let messages: Vec<DeliveryMessage> = sent
        .iter()
        .filter(|(destination, _)| *destination == Destination::Deliveries)
        .map(|(_, message)| serde_json::from_str(&message.body).unwrap())
        .collect();
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|message| message.transaction_id == delivery.transaction_id));
    assert_eq!(orders.store().delivery(uuid::Uuid::nil(), REPORTS).await.unwrap(), None);
    orders.close().await;
}

async fn a_delivery_is_marked_and_told_once(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let delivery = graded(&orders, 1).await.remove(0);
    let organization = crate::gradings::grading_organization();
    let now = Timestamp::now();
    for _ in 0..3 {
        orders.delivered(&delivery, &handover(), &organization, now).await.unwrap();
    }
    published(&orders).await;
    let done = again(&orders, &delivery).await;
    assert_eq!(done.state, DeliveryState::Delivered);
    assert!(done.delivered_at.is_some());
    let told =
        recorder.bodies().into_iter().filter(|body| body["ResultObjectType"] == "ResultsDeliveryReceipt").count();
    assert_eq!(told, 1);
    orders.close().await;
}

async fn a_later_result_waits_for_an_earlier_one(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let first = graded(&orders, 1).await.remove(0);
    crate::gradings::resent(&orders, "O1").await;
    let [_, second] = of_reports(&orders, first.order).await.try_into().unwrap();
    assert!(second.is_behind);
    orders.delivered(&first, &handover(), &crate::gradings::grading_organization(), Timestamp::now()).await.unwrap();
    assert!(!again(&orders, &second).await.is_behind);
    orders.close().await;
}

async fn a_destination_fails_is_disabled_and_resumed_in_order(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let deliveries = graded(&orders, 4).await;
    let organization = crate::gradings::grading_organization();
    let guid = organization.client_guid;
    let days = SignedDuration::from_hours(72);
    let failed = |at: Timestamp| FailedDelivery {
        organization: guid,
        destination: REPORTS.to_owned(),
        at,
        reason: "planned".to_owned(),
    };
    let now = Timestamp::now();
    let store = Arc::clone(&backend.open().await);
    assert!(!store.delivery_failed(&failed(now - days), days).await.unwrap());
    assert!(!store.delivery_failed(&failed(now - SignedDuration::from_hours(1)), days).await.unwrap());
    // One success starts the days anew.
    orders.delivered(&deliveries[0], &handover(), &organization, now).await.unwrap();
    assert_eq!(store.destination_health(None).await.unwrap(), []);
    assert!(!store.delivery_failed(&failed(now - days), days).await.unwrap());
    assert!(store.delivery_failed(&failed(now), days).await.unwrap());
    assert!(!store.delivery_failed(&failed(now), days).await.unwrap(), "disabled once");
    assert!(again(&orders, &deliveries[1]).await.disabled_at.is_some());
    for delivery in &deliveries[1..] {
        orders.hold(delivery, now).await.unwrap();
    }
    let health = store.destination_health(Some(guid)).await.unwrap();
    assert_eq!((health.len(), health[0].held, health[0].disabled_at), (1, 3, Some(health[0].disabled_at.unwrap())));

    published(&orders).await;
    recorder.sent.lock().unwrap().clear();
    assert_eq!(orders.resume_destination(guid, REPORTS, now).await.unwrap(), 3);
    assert_eq!(store.destination_health(None).await.unwrap(), []);
    for delivery in &deliveries[1..] {
        let next = || async {
            let sent = recorder.sent.lock().unwrap();
            let mut messages = sent.iter().filter(|(destination, _)| *destination == Destination::Deliveries);
            let last: Option<DeliveryMessage> =
                messages.next_back().map(|(_, message)| serde_json::from_str(&message.body).unwrap());
            last.is_some_and(|message| message.transaction_id == delivery.transaction_id)
        };
        eventually("the next of those that were held", next).await;
        let resumed = again(&orders, delivery).await;
        assert_eq!(resumed.state, DeliveryState::Resumed);
        orders.delivered(&resumed, &handover(), &organization, now).await.unwrap();
    }
    assert_eq!(orders.resume_destination(guid, REPORTS, now).await.unwrap(), 0);
    store.close().await;
    orders.close().await;
}

async fn status(orders: &Orders, order: i64) -> OrderStatus {
    orders.store().order(order).await.unwrap().unwrap().summary.status
}

async fn an_order_is_complete_when_every_destination_has_its_last_result(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let organization = crate::gradings::grading_organization();
    let order = graded(&orders, 1).await.remove(0).order;
    let now = Timestamp::now();
    crate::gradings::resent(&orders, "O1").await;
    let deliveries = orders.store().deliveries(order).await.unwrap();
    let [first, second, resent, last] = deliveries.as_slice() else { panic!("{deliveries:?}") };
    orders.delivered(first, &handover(), &organization, now).await.unwrap();
    orders.delivered(second, &handover(), &organization, now).await.unwrap();
    assert_eq!(status(&orders, order).await, OrderStatus::Graded, "of the last result");
    orders.delivered(resent, &handover(), &organization, now).await.unwrap();
    assert_eq!(status(&orders, order).await, OrderStatus::Graded, "to all");
    // A destination that is gone from the document waits for nothing.
    orders.drop_delivery(last, now).await.unwrap();
    assert_eq!(status(&orders, order).await, OrderStatus::Complete);
    let history = orders.store().order(order).await.unwrap().unwrap().history;
    let changes: Vec<&str> = history.iter().map(|entry| entry.change.as_str()).collect();
    assert_eq!(changes, ["graded", "completed"]);
    // Sent again, the order stays complete; corrected, it is not until the correction was delivered.
    crate::gradings::resent(&orders, "O1").await;
    assert_eq!(status(&orders, order).await, OrderStatus::Complete);
    crate::gradings::corrected(&orders, "O1").await;
    assert_eq!(status(&orders, order).await, OrderStatus::Graded);
    for delivery in orders.store().deliveries(order).await.unwrap().iter().skip(4) {
        orders.delivered(delivery, &handover(), &organization, now).await.unwrap();
    }
    assert_eq!(status(&orders, order).await, OrderStatus::Complete);
    orders.close().await;
}

async fn deliveries_done_at_the_same_time_complete_their_order(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let (other, _) = service(backend).await;
    let organization = crate::gradings::grading_organization();
    for delivery in graded(&orders, 8).await {
        let both = orders.store().deliveries(delivery.order).await.unwrap();
        let [one, two] = both.as_slice() else { panic!("{both:?}") };
        let (handover, now) = (handover(), Timestamp::now());
        let done = tokio::join!(
            orders.delivered(one, &handover, &organization, now),
            other.delivered(two, &handover, &organization, now)
        );
        assert!(done.0.is_ok() && done.1.is_ok());
        assert_eq!(status(&orders, delivery.order).await, OrderStatus::Complete);
    }
    other.close().await;
    orders.close().await;
}
