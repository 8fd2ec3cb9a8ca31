//! Failures between the steps. After each of them four properties hold: each accepted order exists once; each input row
//! has one line; each event reaches its destination at least once, with a stable id; nothing that was answered is lost.

use crate::backend::{Backend, Recorder, on_every_store, options, published};
use crate::faulty::{Fault, Faulty};
use crate::requests::*;
use iris_model::OutcomeKind;
use iris_orders::{Orders, Publisher};
use iris_rules::{Answer, Incoming};
use iris_store::drops::{DropFinish, NewDrop, RowDetail};
use iris_store::{Error, Store};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

on_every_store!(
    a_failed_commit_is_told_to_every_caller_and_can_be_repeated,
    a_commit_whose_answer_got_lost_is_found_again,
    a_drop_survives_failures_at_every_step,
    messages_survive_failures_at_every_step,
    what_was_published_but_not_deleted_is_sent_again_with_the_same_id,
    two_instances_load_the_same_drop,
);

fn open(store: &Arc<Faulty>, recorder: &Arc<Recorder>) -> Orders {
    let store: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    Orders::open(store, Arc::clone(recorder) as Arc<dyn Publisher>, options())
}

/// Redelivers until it is handled, as a queue would.
async fn insist(orders: &Orders, incoming: &Incoming) -> Answer {
    loop {
        match orders.submit(incoming.clone()).await {
            Ok(answer) => return answer,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
}

/// Every event the store ever recorded has been sent, and whatever was sent twice is identical.
async fn assert_published(orders: &Orders, recorder: &Recorder, expected: usize) {
    // By then, the leases of envelopes whose commit was not answered are over.
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
    // A small random generator is enough to mix the faults differently each time.
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

/// Batches of ten rows: mostly new orders, some of them canceled in a later batch.
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
        // Another process, which finds the drop as it was left.
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
        // Each message is delivered in every round: once more than needed, and in different groups.
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
    // Both continue until the drop is finished, taking it from each other.
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
