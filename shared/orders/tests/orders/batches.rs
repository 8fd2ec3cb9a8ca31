//! Batches of results: each result is in exactly one, whatever happens.

use crate::backend::{Backend, eventually, on_every_store, service};
use crate::requests::organization;
use iris_model::{ClientGuid, ResultCode};
use iris_rules::batches::{BatchEntry, BatchResult, NewBatch};
use iris_rules::deliveries::Handover;
use iris_rules::record::ResultRecord;
use iris_store::Commit;
use iris_store::{Error, Store};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

on_every_store!(
    a_result_is_in_one_batch,
    an_order_is_there_once_with_what_happened_to_it,
    more_than_fits_goes_into_the_next,
    only_one_opens_a_batch,
    when_a_result_was_sent_is_fixed_when_its_batch_is_opened,
    results_that_come_while_batches_are_opened_are_neither_lost_nor_doubled,
);

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Stores a result as a grading would.
async fn result(store: &dyn Store, order: i64, second: i64, code: ResultCode) -> Uuid {
    let transaction_id = Uuid::new_v4();
    let organization = organization().client_guid;
    let at = time(second);
    let document = format!("{{\"n\":{second}}}");
    let record = ResultRecord { transaction_id, order, at, code, document, report: "{}".to_owned() };
    let commit = Commit {
        at: Some(at),
        results: vec![Arc::new(record)],
        batch_entries: vec![BatchEntry { organization, transaction_id, at, order, code }],
        ..Commit::default()
    };
    store.save(&commit).await.unwrap();
    transaction_id
}

fn new_batch(number: u32, ends: i64) -> NewBatch {
    NewBatch {
        organization: organization().client_guid,
        number,
        starts_at: None,
        ends_at: time(ends),
        day: jiff::civil::date(2026, 11, 20),
        opened_at: time(ends + 60),
        limit: 100,
    }
}

async fn all(store: &dyn Store, number: u32) -> Vec<BatchResult> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = store.batch_page(organization().client_guid, number, after, 2).await.unwrap();
        let Some(last) = page.last() else { return found };
        after = last.sequence;
        found.extend(page);
    }
}

fn orders(results: &[BatchResult]) -> Vec<(i64, &'static str, Option<u32>)> {
    results.iter().map(|result| (result.order, result.code.code(), result.earlier)).collect()
}

async fn a_result_is_in_one_batch(backend: &Backend) {
    let store = backend.open().await;
    let guid = organization().client_guid;
    assert_eq!(store.last_batch(guid).await.unwrap(), None);
    for number in 1..=5 {
        result(&*store, number, number, ResultCode::Final).await;
    }
    let opened = store.open_batch(&new_batch(1, 4)).await.unwrap();
    assert_eq!((opened.closed_at, opened.has_more), (None, false));
    assert_eq!(orders(&all(&*store, 1).await), [(1, "F", None), (2, "F", None), (3, "F", None)]);
    assert_eq!(all(&*store, 1).await[0].document, "{\"n\":1}");

    // A result of that period that is committed late goes into the next batch; another process sees the same.
    result(&*store, 6, 2, ResultCode::Final).await;
    let other = backend.open().await;
    assert_eq!(other.last_batch(guid).await.unwrap(), Some(opened));
    other.close_batch(guid, 1, time(100)).await.unwrap();
    other.close_batch(guid, 1, time(200)).await.unwrap();
    assert_eq!(store.last_batch(guid).await.unwrap().unwrap().closed_at, Some(time(100)));
    store.open_batch(&new_batch(2, 10)).await.unwrap();
    assert_eq!(orders(&all(&*store, 2).await), [(4, "F", None), (5, "F", None), (6, "F", None)]);
    store.open_batch(&new_batch(3, 20)).await.unwrap();
    assert!(all(&*store, 3).await.is_empty());
    assert_eq!(all(&*store, 1).await.len(), 3);
    assert_eq!(store.last_batch(ClientGuid(Uuid::from_u128(7))).await.unwrap(), None);
}

async fn an_order_is_there_once_with_what_happened_to_it(backend: &Backend) {
    use ResultCode::{Addendum, Correction, Final, Resend};
    let store = backend.open().await;
    for (order, second, code) in [(1, 1, Final), (2, 2, Final), (1, 3, Correction), (2, 4, Resend), (3, 5, Final)] {
        result(&*store, order, second, code).await;
    }
    store.open_batch(&new_batch(1, 10)).await.unwrap();
    let first = all(&*store, 1).await;
    // The latest document. To a receiver that has never seen it, a resent result is still the first.
    assert_eq!(orders(&first), [(1, "C", None), (2, "F", None), (3, "F", None)]);
    assert_eq!(first[1].document, "{\"n\":4}");

    result(&*store, 3, 11, Addendum).await;
    result(&*store, 2, 12, Resend).await;
    store.open_batch(&new_batch(2, 20)).await.unwrap();
    assert_eq!(orders(&all(&*store, 2).await), [(3, "A", Some(1)), (2, "R", Some(1))]);
}

async fn more_than_fits_goes_into_the_next(backend: &Backend) {
    let store = backend.open().await;
    for number in 1..=6 {
        result(&*store, number, number, ResultCode::Final).await;
    }
    let limited = |number| NewBatch { limit: 3, ..new_batch(number, 10) };
    assert!(store.open_batch(&limited(1)).await.unwrap().has_more);
    assert!(store.last_batch(organization().client_guid).await.unwrap().unwrap().has_more);
    assert!(!store.open_batch(&limited(2)).await.unwrap().has_more);
    assert_eq!((all(&*store, 1).await.len(), all(&*store, 2).await.len()), (3, 3));
}

async fn only_one_opens_a_batch(backend: &Backend) {
    let (first, second) = (backend.open().await, backend.open().await);
    for number in 1..=20 {
        result(&*first, number, number, ResultCode::Final).await;
    }
    let batch = new_batch(1, 100);
    let (one, two) = tokio::join!(first.open_batch(&batch), second.open_batch(&batch));
    let lost = [one, two].into_iter().filter(|opened| matches!(opened, Err(Error::Conflict))).count();
    assert_eq!(lost, 1);
    assert_eq!(all(&*first, 1).await.len(), 20);
}

async fn when_a_result_was_sent_is_fixed_when_its_batch_is_opened(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let store = orders.store();
    let grading = crate::gradings::grading_organization();
    let handover = Handover { delivery_type: "azureblob", endpoint: "x".to_owned(), order_local_id: "O".to_owned() };
    // One result that only the batch delivers, then one that both destinations received, one that a single one
    // received, and one that neither received.
    result(store, 1, 1, ResultCode::Final).await;
    let mut late = None;
    for (second, delivered) in [(2, 2), (3, 1), (4, 0)] {
        let order = crate::gradings::graded_order(&orders, &format!("O{second}")).await;
        let deliveries = store.deliveries(order).await.unwrap();
        let (transaction_id, at) = (deliveries[0].transaction_id, time(second));
        let organization = organization().client_guid;
        let entry = BatchEntry { organization, transaction_id, at, order, code: ResultCode::Final };
        store.save(&Commit { at: Some(at), batch_entries: vec![entry], ..Commit::default() }).await.unwrap();
        for (minute, delivery) in (1..).zip(deliveries.iter().take(delivered)) {
            orders.delivered(delivery, &handover, &grading, time(minute * 60)).await.unwrap();
        }
        late = deliveries.into_iter().next_back().filter(|_| delivered == 1).or(late);
    }
    store.open_batch(&new_batch(1, 1_000)).await.unwrap();
    let sent = async || all(store, 1).await.iter().map(|result| result.sent_at).collect::<Vec<_>>();
    let expected = [Some(time(1_060)), Some(time(120)), None, None];
    assert_eq!(sent().await, expected);
    orders.delivered(&late.unwrap(), &handover, &grading, time(70)).await.unwrap();
    assert_eq!(sent().await, expected, "a batch does not change");
    orders.close().await;
}

async fn results_that_come_while_batches_are_opened_are_neither_lost_nor_doubled(backend: &Backend) {
    const WRITERS: i64 = 4;
    const EACH: i64 = 40;
    let store = backend.open().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for number in 0..EACH {
                    result(&*store, 1 + writer * EACH + number, 1, ResultCode::Final).await;
                }
            })
        })
        .collect();
    let mut found: BTreeMap<i64, u32> = BTreeMap::new();
    let mut number = 0;
    let opener = backend.open().await;
    loop {
        let over = writers.iter().all(|writer| writer.is_finished());
        number += 1;
        opener.open_batch(&new_batch(number, 10)).await.unwrap();
        for result in all(&*opener, number).await {
            *found.entry(result.order).or_default() += 1;
        }
        if over && opener.last_batch(organization().client_guid).await.unwrap().is_some_and(|last| !last.has_more) {
            break;
        }
    }
    eventually("writers", async || writers.iter().all(|writer| writer.is_finished())).await;
    assert_eq!(found.len(), usize::try_from(WRITERS * EACH).unwrap());
    assert!(found.values().all(|times| *times == 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However results are graded, corrected and resent between batches, and however small the batches are: each result
    /// is claimed once, and each batch has each order once, with its latest document.
    #[test]
    fn batches_partition_results(steps in proptest::collection::vec((1i64..5, 0u8..4, any::<bool>()), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let backend = Backend::sqlite();
            let store = backend.open().await;
            let codes = [ResultCode::Final, ResultCode::Correction, ResultCode::Addendum, ResultCode::Resend];
            let (mut batch, mut pending): (u32, BTreeMap<i64, i64>) = (0, BTreeMap::new());
            let mut batches: Vec<(u32, BTreeMap<i64, i64>)> = Vec::new();
            for (second, (order, code, opens)) in (1..).zip(steps) {
                result(&*store, order, second, codes[usize::from(code)]).await;
                pending.insert(order, second);
                if opens {
                    batch += 1;
                    store.open_batch(&new_batch(batch, second + 1)).await.unwrap();
                    batches.push((batch, std::mem::take(&mut pending)));
                }
            }
            for (number, wanted) in batches {
                let found: BTreeMap<i64, i64> = all(&*store, number)
                    .await
                    .into_iter()
                    .map(|result| (result.order, result.at.as_second() - time(0).as_second()))
                    .collect();
                assert_eq!(found, wanted);
            }
        });
    }
}
