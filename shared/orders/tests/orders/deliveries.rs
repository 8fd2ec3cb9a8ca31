//! Deliveries: what the stores record about them, and in which order they go.

use crate::backend::{Backend, Recorder, eventually, on_every_store, published, service};
use iris_model::OrderStatus;
use iris_model::organization::RESULTS_QUEUE;
use iris_orders::Orders;
use iris_rules::deliveries::life::Attempted;
use iris_rules::deliveries::{
    Attempt, Delivery, DeliveryMessage, DeliveryMove, DeliverySearch, DeliveryState, Handover, LOST_AFTER, LOST_LIMIT,
};
use iris_store::audit::AuditSearch;
use iris_store::{BegunDelivery, Destination, FailedDelivery, RungDeliveries, Store};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

on_every_store!(
    a_result_is_written_with_its_deliveries,
    a_delivery_is_marked_and_told_once,
    a_later_result_waits_for_an_earlier_one,
    a_destination_fails_is_disabled_and_resumed_in_order,
    a_long_queue_parks_nothing_and_attempts_that_break_off_do,
    what_an_operator_resumed_is_not_held_again_by_who_looked_before,
    what_is_behind_another_rings_when_that_one_has_ended,
    one_refused_among_successes_is_parked_and_blames_nobody,
    doorbells_ring_in_turns_between_destinations,
    one_of_several_begins_an_attempt,
    nothing_is_lost_while_the_outbox_holds_it,
    operators_park_and_retry,
    a_destination_is_resumed_once_and_audited,
    an_order_is_complete_when_every_destination_has_its_last_result,
    deliveries_done_at_the_same_time_complete_their_order,
);

const REPORTS: &str = "reports";
/// How long a destination may fail.
const DAYS: SignedDuration = SignedDuration::from_hours(72);

/// Grades orders `O1`, `O2`, … and returns their deliveries to the destination `reports`.
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
    // One success resets the count of days.
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

/// The delivery messages sent so far for the destination `reports`.
fn announced(recorder: &Recorder) -> Vec<(uuid::Uuid, DeliveryMessage)> {
    let sent = recorder.sent.lock().unwrap();
    let messages = sent.iter().filter(|(destination, _)| *destination == Destination::Deliveries);
    let messages = messages.map(|(_, message)| (message.id, serde_json::from_str(&message.body).unwrap()));
    messages.filter(|(_, message): &(_, DeliveryMessage)| message.destination == REPORTS).collect()
}

/// Begins an attempt, as the latest message would.
async fn begun(orders: &Orders, delivery: &Delivery, at: Timestamp) -> Option<Delivery> {
    let number = again(orders, delivery).await.announced;
    let store = orders.store();
    match store.begin_delivery(delivery.transaction_id, &delivery.destination, number, at).await.unwrap() {
        BegunDelivery::Begun(delivery) => Some(*delivery),
        _ => None,
    }
}

async fn fails(orders: &Orders, delivery: &Delivery, at: Timestamp) -> (DeliveryState, Timestamp) {
    let attempt = Attempt { at, took_ms: 12, outcome: "refused".to_owned(), said: "planned".to_owned() };
    orders.postpone(delivery, (Attempted::Failed, Some(attempt)), at, DAYS, 1.0).await.unwrap()
}

/// Marks deliveries to the results queue as made; these tests do not look at them.
async fn without_queues(orders: &Orders, deliveries: &[Delivery]) {
    let organization = crate::gradings::grading_organization();
    for delivery in deliveries {
        for other in orders.store().deliveries(delivery.order).await.unwrap() {
            if other.destination == RESULTS_QUEUE {
                orders.delivered(&other, &handover(), &organization, Timestamp::now()).await.unwrap();
            }
        }
    }
    published(orders).await;
}

/// However far the queue of deliveries falls behind, nothing is set aside: only attempts that break off count.
async fn a_long_queue_parks_nothing_and_attempts_that_break_off_do(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let delivery = graded(&orders, 1).await.remove(0);
    without_queues(&orders, std::slice::from_ref(&delivery)).await;
    let now = Timestamp::now();
    let later = |times: u32| now + (LOST_AFTER + SignedDuration::from_mins(1)) * i32::try_from(times).unwrap();
    assert_eq!(orders.ring_due_deliveries(now).await.unwrap(), RungDeliveries::default(), "it is young");
    let hours = LOST_LIMIT + 5;
    for time in 1..=hours {
        let rung = orders.ring_due_deliveries(later(time)).await.unwrap();
        assert_eq!(rung, RungDeliveries { due: 0, lost: 1 }, "{time}");
        published(&orders).await;
    }
    assert_eq!(again(&orders, &delivery).await.state, DeliveryState::Waiting);
    let messages = announced(&recorder);
    let ids: BTreeSet<_> = messages.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), messages.len(), "no queue takes one for a repetition of another");

    // Handlers that begin it and die.
    let slowly = |time: u32| later(hours) + SignedDuration::from_mins(11) * i32::try_from(time).unwrap();
    for time in 0..LOST_LIMIT {
        assert!(begun(&orders, &delivery, slowly(time)).await.is_some());
    }
    let store = orders.store();
    let number = again(&orders, &delivery).await.announced;
    let ended = store.begin_delivery(delivery.transaction_id, REPORTS, number, slowly(LOST_LIMIT)).await.unwrap();
    assert!(matches!(ended, BegunDelivery::Ended(parked) if parked.state == DeliveryState::Parked));
    assert_eq!(orders.ring_due_deliveries(later(hours + 5)).await.unwrap(), RungDeliveries::default());
    // An attempt that succeeded after all.
    let organization = crate::gradings::grading_organization();
    orders.delivered(&again(&orders, &delivery).await, &handover(), &organization, now).await.unwrap();
    assert_eq!(again(&orders, &delivery).await.state, DeliveryState::Delivered);
    orders.close().await;
}

/// A handler that saw a disabled destination, but tries to hold its delivery only after an operator has resumed the
/// destination, holds nothing.
async fn what_an_operator_resumed_is_not_held_again_by_who_looked_before(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let deliveries = graded(&orders, 3).await;
    without_queues(&orders, &deliveries).await;
    let organization = crate::gradings::grading_organization();
    let (guid, now) = (organization.client_guid, Timestamp::now());
    let failed = |at| FailedDelivery { organization: guid, destination: REPORTS.into(), at, reason: "planned".into() };
    orders.store().delivery_failed(&failed(now - DAYS), DAYS).await.unwrap();
    assert!(orders.store().delivery_failed(&failed(now), DAYS).await.unwrap());
    for delivery in &deliveries[..2] {
        assert!(begun(&orders, delivery, now).await.is_none(), "a disabled destination gets nothing");
        assert_eq!(again(&orders, delivery).await.state, DeliveryState::Held);
    }
    let seen: Vec<Delivery> = vec![again(&orders, &deliveries[0]).await, again(&orders, &deliveries[2]).await];
    assert!(seen.iter().all(|delivery| delivery.disabled_at.is_some()));
    assert_eq!(orders.resume_destination(guid, REPORTS, now).await.unwrap(), 2);
    for stale in &seen {
        orders.hold(stale, now).await.unwrap();
    }
    let mut states = Vec::new();
    for delivery in &deliveries {
        states.push(again(&orders, delivery).await.state);
    }
    assert_eq!(states, [DeliveryState::Resumed, DeliveryState::Resumed, DeliveryState::Waiting]);
    published(&orders).await;
    recorder.sent.lock().unwrap().clear();
    orders.ring_due_deliveries(now + SignedDuration::from_mins(1)).await.unwrap();
    published(&orders).await;
    let rung = announced(&recorder);
    assert!(
        rung.iter().any(|(_, message)| message.transaction_id == deliveries[2].transaction_id),
        "nothing is stranded"
    );
    orders.close().await;
}

/// A correction has no message under way while the previous result is under way; its doorbell rings when that one has
/// ended.
async fn what_is_behind_another_rings_when_that_one_has_ended(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let first = graded(&orders, 1).await.remove(0);
    crate::gradings::resent(&orders, "O1").await;
    let [_, second] = of_reports(&orders, first.order).await.try_into().unwrap();
    without_queues(&orders, std::slice::from_ref(&first)).await;
    recorder.sent.lock().unwrap().clear();
    let (organization, now) = (crate::gradings::grading_organization(), Timestamp::now());
    let begun_first = begun(&orders, &first, now).await.unwrap();
    assert!(begun(&orders, &second, now).await.is_none(), "it does not overtake");
    let (_, due) = fails(&orders, &begun_first, now).await;
    // However often the sweep runs, it rings only for the first, and only once.
    for _ in 0..5 {
        orders.ring_due_deliveries(due + SignedDuration::from_mins(1)).await.unwrap();
    }
    published(&orders).await;
    let rung: Vec<_> = announced(&recorder).into_iter().map(|(_, message)| message.transaction_id).collect();
    assert_eq!(rung, [first.transaction_id]);
    orders.delivered(&first, &handover(), &organization, now).await.unwrap();
    published(&orders).await;
    assert_eq!(announced(&recorder).last().unwrap().1.transaction_id, second.transaction_id);
    assert!(begun(&orders, &second, now).await.is_some());
    orders.close().await;
}

/// A result that a destination keeps refusing while it takes all others is parked after some days; and the failing days
/// of a delivery that was set aside do not count against the next one.
async fn one_refused_among_successes_is_parked_and_blames_nobody(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let deliveries = graded(&orders, 2).await;
    let organization = crate::gradings::grading_organization();
    let (store, guid, start) = (orders.store(), organization.client_guid, Timestamp::now());
    let mut now = start;
    let state = loop {
        let delivery = begun(&orders, &deliveries[0], now).await.unwrap();
        let failed =
            FailedDelivery { organization: guid, destination: REPORTS.into(), at: now, reason: "planned".into() };
        assert!(!store.delivery_failed(&failed, DAYS).await.unwrap(), "the destination works");
        let (state, due) = fails(&orders, &delivery, now).await;
        if state != DeliveryState::Waiting {
            break state;
        }
        // Another one arrives, so the destination is healthy.
        crate::gradings::resent(&orders, "O2").await;
        let other = of_reports(&orders, deliveries[1].order).await.pop().unwrap();
        orders.delivered(&other, &handover(), &organization, now).await.unwrap();
        now = due.max(now + SignedDuration::from_hours(12));
    };
    assert_eq!(state, DeliveryState::Parked);
    assert!(now.duration_since(start) >= DAYS && now.duration_since(start) < DAYS * 2);
    assert_eq!(store.destination_health(None).await.unwrap(), [], "nothing fails there any more");
    let attempts = store.delivery_attempts(deliveries[0].sequence, 3).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].said.as_str(), attempts[0].took_ms), (3, "planned", 12));
    orders.close().await;
}

/// Eight are due at one destination and one at another: a page of two has one of each.
async fn doorbells_ring_in_turns_between_destinations(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let deliveries = graded(&orders, 8).await;
    published(&orders).await;
    without_queues(&orders, &deliveries[1..]).await;
    let later = Timestamp::now() + LOST_AFTER * 2;
    let before = later - LOST_AFTER;
    let (rung, _) = orders.store().ring_due_deliveries(before, later, later, 2).await.unwrap();
    assert_eq!(rung.lost, 2);
    let mut rang = BTreeSet::new();
    for delivery in &deliveries {
        let all = orders.store().deliveries(delivery.order).await.unwrap();
        rang.extend(all.into_iter().filter(|one| one.announced > 0).map(|one| (one.destination, one.sequence)));
    }
    let names: BTreeSet<&str> = rang.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((rang.len(), names.len()), (2, 2), "{rang:?}");
    orders.close().await;
}

/// Of several handlers that hear the bell, one begins the attempt.
async fn one_of_several_begins_an_attempt(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let (other, _) = service(backend).await;
    let delivery = graded(&orders, 1).await.remove(0);
    let now = Timestamp::now();
    let begin = |orders: &Arc<dyn Store>, message: u32| {
        let orders = Arc::clone(orders);
        let transaction = delivery.transaction_id;
        async move { orders.begin_delivery(transaction, REPORTS, message, now).await.unwrap() }
    };
    let stores = [backend.open().await, backend.open().await];
    let all = futures::future::join_all((0..8_u32).map(|number| begin(&stores[number as usize % 2], number))).await;
    assert_eq!(all.iter().filter(|begun| matches!(begun, BegunDelivery::Begun(_))).count(), 1);
    for store in stores {
        store.close().await;
    }
    other.close().await;
    orders.close().await;
}

async fn nothing_is_lost_while_the_outbox_holds_it(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    recorder.set_down(true);
    let delivery = graded(&orders, 1).await.remove(0);
    let later = Timestamp::now() + LOST_AFTER * 2;
    assert_eq!(orders.ring_due_deliveries(later).await.unwrap(), RungDeliveries::default());
    recorder.set_down(false);
    published(&orders).await;
    assert_eq!(orders.ring_due_deliveries(later).await.unwrap().lost, 2);
    assert_eq!(again(&orders, &delivery).await.seen_at.map(Timestamp::as_second), Some(later.as_second()));
    published(&orders).await;
    orders.close().await;
}

async fn operators_park_and_retry(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let first = graded(&orders, 1).await.remove(0);
    crate::gradings::resent(&orders, "O1").await;
    let [_, second] = of_reports(&orders, first.order).await.try_into().unwrap();
    let organization = crate::gradings::grading_organization();
    let store = orders.store().administration();
    let now = Timestamp::now();
    let entry = |what: &str| crate::administration::entry(what, "delivery");
    let search = DeliverySearch { states: vec![DeliveryState::Parked], ..DeliverySearch::default() };

    assert_eq!(store.park_delivery(first.sequence, &entry("park")).await.unwrap(), DeliveryMove::Done);
    assert_eq!(store.search_deliveries(&search, 10).await.unwrap()[0].id, first.sequence);
    assert!(!again(&orders, &second).await.is_behind, "a parked one holds nobody up");
    let refused = DeliveryMove::Refused(DeliveryState::Parked);
    assert_eq!(store.park_delivery(first.sequence, &entry("park again")).await.unwrap(), refused);
    orders.hold(&first, now).await.unwrap();
    assert_eq!(again(&orders, &first).await.state, DeliveryState::Parked, "an operator's word stands");

    // When the first was parked, it rang for the one behind it; the sweep publishes what operators put into the outbox.
    // One sweep passes over what somebody else has in hand in that moment.
    eventually("outbox empty", async || {
        orders.sweep(Timestamp::now()).await.unwrap();
        orders.store().outbox_depth().await.unwrap().envelopes == 0
    })
    .await;
    recorder.sent.lock().unwrap().clear();
    assert_eq!(store.retry_delivery(first.sequence, &entry("retry")).await.unwrap(), DeliveryMove::Done);
    assert!(again(&orders, &second).await.is_behind, "it goes first again");
    orders.sweep(Timestamp::now()).await.unwrap();
    assert_eq!(announced(&recorder)[0].1.transaction_id, first.transaction_id);

    // Overtaken, delivered, held, unknown.
    store.park_delivery(first.sequence, &entry("park")).await.unwrap();
    orders.delivered(&second, &handover(), &organization, now).await.unwrap();
    assert_eq!(store.retry_delivery(first.sequence, &entry("no")).await.unwrap(), DeliveryMove::Overtaken);
    let refused = DeliveryMove::Refused(DeliveryState::Delivered);
    assert_eq!(store.retry_delivery(second.sequence, &entry("no")).await.unwrap(), refused);
    assert_eq!(store.park_delivery(second.sequence, &entry("no")).await.unwrap(), refused);
    assert_eq!(store.retry_delivery(4_711, &entry("no")).await.unwrap(), DeliveryMove::Unknown);
    let entries = store.audit_entries(&AuditSearch::default(), 10).await.unwrap();
    let actions: Vec<&str> = entries.iter().rev().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["park", "retry", "park"], "what was done, and nothing else");

    let everything = store.search_deliveries(&DeliverySearch::default(), 10).await.unwrap();
    assert_eq!(everything.len(), 4, "two results, two destinations");
    assert!(everything.is_sorted_by(|a, b| a.id > b.id));
    let of_order = DeliverySearch {
        organization: Some(organization.client_guid),
        destination: Some(REPORTS.to_owned()),
        order: Some(first.order),
        before: Some(second.sequence),
        ..DeliverySearch::default()
    };
    let found = store.search_deliveries(&of_order, 10).await.unwrap();
    assert_eq!(found.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [first.sequence]);
    orders.close().await;
}

async fn a_destination_is_resumed_once_and_audited(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let deliveries = graded(&orders, 3).await;
    let guid = crate::gradings::grading_organization().client_guid;
    let now = Timestamp::now();
    let store = orders.store();
    let entry = crate::administration::entry("destinations.resume", "acme/reports");
    let failed = |at| FailedDelivery { organization: guid, destination: REPORTS.into(), at, reason: "planned".into() };
    let day = SignedDuration::from_hours(24);
    store.delivery_failed(&failed(now - day), day).await.unwrap();
    assert_eq!(store.administration().resume_disabled(guid, REPORTS, &entry).await.unwrap(), None);
    assert_eq!(store.destination_health(None).await.unwrap().len(), 1, "it still fails since then");
    assert!(store.delivery_failed(&failed(now), day).await.unwrap());
    for delivery in &deliveries {
        orders.hold(delivery, now).await.unwrap();
    }
    published(&orders).await;
    recorder.sent.lock().unwrap().clear();
    assert_eq!(store.administration().resume_disabled(guid, REPORTS, &entry).await.unwrap(), Some(3));
    assert_eq!(store.administration().resume_disabled(guid, REPORTS, &entry).await.unwrap(), None);
    assert_eq!(store.administration().audit_entries(&AuditSearch::default(), 10).await.unwrap().len(), 1);
    orders.sweep(Timestamp::now()).await.unwrap();
    assert_eq!(announced(&recorder)[0].1.transaction_id, deliveries[0].transaction_id);

    // The first is lost. Only that one is sent again, since the others come after it; once parked, it makes way for
    // them.
    let rung = orders.ring_due_deliveries(now + LOST_AFTER * 2).await.unwrap();
    let queues = deliveries.len() as u64;
    assert_eq!(rung.due + rung.lost, 1 + queues, "beside what is for the queue");
    store.administration().park_delivery(deliveries[0].sequence, &entry).await.unwrap();
    orders.sweep(Timestamp::now()).await.unwrap();
    published(&orders).await;
    assert_eq!(announced(&recorder).last().unwrap().1.transaction_id, deliveries[1].transaction_id);
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
    // A destination removed from the document has nothing to wait for.
    orders.drop_delivery(last, now).await.unwrap();
    assert_eq!(status(&orders, order).await, OrderStatus::Complete);
    let history = orders.store().order(order).await.unwrap().unwrap().history;
    let changes: Vec<&str> = history.iter().map(|entry| entry.change.as_str()).collect();
    assert_eq!(changes, ["graded", "completed"]);
    // When the result is resent, the order stays complete; when it is corrected, the order is not complete until the
    // correction was delivered.
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
