//! Messages through the whole service, on every store.

use crate::backend::{Backend, on_every_store, published, service};
use crate::requests::*;
use iris_model::enumeration::OrderStatus;
use iris_model::organization::OpenOrderScope;
use iris_model::{EvaluationType, Issue, IssueCode, OutcomeKind};
use iris_orders::Orders;
use iris_rules::record::{OrderRecord, OrderRef};
use iris_rules::{Answer, Incoming, Outcome, Refusal};
use iris_store::Store;
use iris_store::{Commit, Wanted};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

on_every_store!(
    an_order_is_stored_with_its_history,
    concurrent_orders_of_one_patient_leave_one_open,
    the_same_message_many_times_is_one_order,
    answers_survive_a_restart,
    refused_messages_are_kept_with_their_bytes,
    created_sites_and_cameras_are_known_later,
    orders_per_evaluation_type_are_guarded,
    a_moved_order_with_images_is_recreated,
    the_database_guards_the_one_open_order,
    an_outdated_snapshot_is_a_conflict,
    one_poisoned_message_does_not_harm_the_others,
    lists_are_paged,
    other_peoples_orders_are_out_of_reach,
    after_close_nothing_is_taken,
);

async fn done(orders: &Orders, incoming: Incoming) -> Outcome {
    match orders.submit(incoming).await.unwrap() {
        Answer::Done(outcome) => outcome,
        Answer::NotYet => panic!("not yet"),
    }
}

/// Submits everything concurrently and waits for all outcomes.
async fn all(work: Vec<(Orders, Incoming)>) -> Vec<Outcome> {
    let mut tasks = Vec::new();
    for (orders, incoming) in work {
        tasks.push(tokio::spawn(async move { done(&orders, incoming).await }));
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

async fn an_order_is_stored_with_its_history(backend: &Backend) {
    let (orders, recorder) = service(backend).await;
    let acme = Arc::new(organization());
    let created =
        done(&orders, new_order("O1", "P1").camera("C1").image("a.jpg").image("b.jpg").message(&acme, 1)).await;
    assert_eq!(created.kind, OutcomeKind::Created);
    let id = created.iris_order_id.unwrap();
    assert!((100_001..1 << 31).contains(&id));
    let changed = change("O1").info("changed").image("c.jpg").person("Test", "Renamed", jiff::civil::date(1960, 5, 17));
    assert_eq!(done(&orders, changed.message(&acme, 2)).await.kind, OutcomeKind::Changed);
    assert_eq!(done(&orders, cancel("O1").message(&acme, 3)).await.kind, OutcomeKind::Cancelled);

    let order = orders.store().order(id).await.unwrap().unwrap();
    assert_eq!(order.summary.status, OrderStatus::OrderCancelled);
    assert_eq!((order.summary.local_id.as_str(), order.summary.patient_local_id.as_str()), ("O1", "P1"));
    assert_eq!(order.summary.evaluation_types, [EvaluationType::Dr]);
    assert!(order.content.contains("changed") && order.patient.contains("Renamed"));
    assert_eq!(order.images.len(), 1);
    let history: Vec<_> = order.history.iter().map(|entry| (entry.version, entry.change.as_str())).collect();
    assert_eq!(history, [(1, "changed"), (2, "cancelled")]);
    assert!(!order.history[0].content.as_deref().unwrap().contains("changed"));
    assert_eq!(order.history[1].content, None);

    published(&orders).await;
    let kinds: Vec<_> = recorder.bodies().iter().map(|event| event["ResultObjectType"].clone()).collect();
    assert_eq!(kinds, ["OrderCreationReceipt", "OrderChangeReceipt", "OrderCancelled"]);
    let counts = orders.store().counts(None).await.unwrap();
    assert_eq!((counts.patients, counts.orders), (1, vec![(OrderStatus::OrderCancelled, 1)]));
    assert!(orders.store().order(5).await.unwrap().is_none());
    orders.close().await;
}

async fn concurrent_orders_of_one_patient_leave_one_open(backend: &Backend) {
    let (one, _) = service(backend).await;
    let (two, _) = service(backend).await;
    let acme = Arc::new(organization());
    let work = (0u32..40)
        .map(|number| {
            let orders = if number % 2 == 0 { one.clone() } else { two.clone() };
            let patient = format!("P{}", number % 4);
            (orders, new_order(&format!("O{number}"), &patient).message(&acme, u128::from(number) + 1))
        })
        .collect();
    let outcomes = all(work).await;
    assert!(outcomes.iter().all(|outcome| outcome.kind == OutcomeKind::Created), "{outcomes:?}");
    let counts = one.store().counts(None).await.unwrap();
    assert_eq!(counts.patients, 4);
    assert_eq!(counts.orders, [(OrderStatus::AwaitingImages, 4), (OrderStatus::OrderCancelled, 36)]);
    one.close().await;
    two.close().await;
}

async fn the_same_message_many_times_is_one_order(backend: &Backend) {
    let (one, first) = service(backend).await;
    let (two, second) = service(backend).await;
    let acme = Arc::new(organization());
    let message = new_order("O1", "P1").message(&acme, 7);
    let work =
        (0..30).map(|number| (if number % 2 == 0 { one.clone() } else { two.clone() }, message.clone())).collect();
    let outcomes = all(work).await;
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
    assert_eq!(outcomes[0].kind, OutcomeKind::Created);
    published(&one).await;
    assert_eq!(first.ids().len() + second.ids().len(), 1);
    one.close().await;
    two.close().await;
}

async fn answers_survive_a_restart(backend: &Backend) {
    let acme = Arc::new(organization());
    let mut warned = new_order("O1", "P1").message(&acme, 7);
    if let Ok(submission) = &mut warned.request {
        submission.warnings.push(Issue::warning(IssueCode::UnknownUser, "UserNameSubmitting", "Who is that?"));
    }
    let (orders, _) = service(backend).await;
    let first = done(&orders, warned.clone()).await;
    orders.close().await;
    let (orders, recorder) = service(backend).await;
    done(&orders, cancel("O1").message(&acme, 8)).await;
    assert_eq!(done(&orders, warned).await, first);
    assert_eq!(first.issues.len(), 1);
    published(&orders).await;
    assert_eq!(recorder.ids().len(), 1);
    orders.close().await;
}

async fn refused_messages_are_kept_with_their_bytes(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let mut broken = new_order("O1", "P1").message(&acme, 1);
    broken.request = Err(Refusal {
        issues: vec![Issue::error(IssueCode::BadJson, "", "Not JSON.")],
        order_local_id: Some("a\u{0}b".into()),
        ..Refusal::default()
    });
    broken.body = Some(Arc::from(&b"\x00\xff{"[..]));
    assert_eq!(done(&orders, broken.clone()).await.kind, OutcomeKind::Failed);
    assert_eq!(done(&orders, broken.clone()).await.order_local_id.as_deref(), Some("ab"));
    let good = new_order("O2", "P2").message(&acme, 2);
    done(&orders, good.clone()).await;
    let store = orders.store();
    assert_eq!(store.refused_body(broken.id).await.unwrap().as_deref(), Some(&b"\x00\xff{"[..]));
    assert_eq!(store.refused_body(good.id).await.unwrap(), None);
    let failed = store.submissions(Some(acme.client_guid), Some(OutcomeKind::Failed), 10).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].id, failed[0].issues[0].code), (broken.id, IssueCode::BadJson));
    assert_eq!(store.submissions(None, None, 10).await.unwrap().len(), 2);
    assert_eq!(store.counts(Some(acme.client_guid)).await.unwrap().refused_messages, 1);
    orders.close().await;
}

async fn created_sites_and_cameras_are_known_later(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let mut document = organization();
    (document.auto_create_sites, document.auto_create_cameras) = (true, true);
    let acme = Arc::new(document);
    let work = (0..8)
        .map(|number| {
            let request =
                new_order(&format!("O{number}"), &format!("P{number}")).new_site("S9", "West", "NV").camera("C9");
            (orders.clone(), request.message(&acme, number + 1))
        })
        .collect();
    assert!(all(work).await.iter().all(|outcome| outcome.kind == OutcomeKind::Created));
    let known = new_order("O9", "P9").site("S9").camera("C9").message(&acme, 20);
    assert_eq!(done(&orders, known).await.kind, OutcomeKind::Created);
    let moved = change("O9").site("S1").message(&acme, 21);
    assert_eq!(done(&orders, moved).await.issues[0].code, IssueCode::CameraOfOtherSite);
    orders.close().await;
}

async fn orders_per_evaluation_type_are_guarded(backend: &Backend) {
    let (one, _) = service(backend).await;
    let (two, _) = service(backend).await;
    let mut document = organization();
    document.open_order_scope = OpenOrderScope::PatientAndEvaluation;
    let acme = Arc::new(document);
    let types = [&[EvaluationType::Dr][..], &[EvaluationType::Amd], &[EvaluationType::Dr, EvaluationType::Amd]];
    let work = (0usize..24)
        .map(|number| {
            let orders = if number % 2 == 0 { one.clone() } else { two.clone() };
            let request = new_order(&format!("O{number}"), "P1").evaluations(types[number % 3]);
            (orders, request.message(&acme, number as u128 + 1))
        })
        .collect();
    assert!(all(work).await.iter().all(|outcome| outcome.kind == OutcomeKind::Created));
    let open: Vec<_> = one.store().orders(acme.client_guid, None, 100).await.unwrap().items;
    let mut per_type: BTreeMap<EvaluationType, u32> = BTreeMap::new();
    for order in open.iter().filter(|order| order.status.is_open()) {
        for kind in &order.evaluation_types {
            *per_type.entry(*kind).or_default() += 1;
        }
    }
    assert!(per_type.values().all(|count| *count == 1), "{per_type:?}");
    let last = done(&one, new_order("Last", "P1").evaluations(types[2]).message(&acme, 99)).await;
    assert_eq!(last.kind, OutcomeKind::Created);
    assert_eq!(done(&two, cancel("Last").message(&acme, 100)).await.kind, OutcomeKind::Cancelled);
    assert_eq!(done(&two, new_order("Next", "P1").message(&acme, 101)).await.kind, OutcomeKind::Created);
    one.close().await;
    two.close().await;
}

/// Advances an order as later stages would.
async fn advance(store: &dyn Store, key: OrderRef, status: OrderStatus) {
    let wanted = Wanted { orders: BTreeMap::from([(key.clone(), true)]), ..Wanted::default() };
    let snapshot = store.load(&wanted).await.unwrap();
    let mut order = snapshot.order(&key).unwrap().clone();
    let loaded = order.version;
    (order.status, order.version) = (status, loaded + 1);
    let commit = Commit { changed_orders: vec![(order.into(), loaded)], ..Commit::default() };
    store.save(&commit).await.unwrap();
}

async fn a_moved_order_with_images_is_recreated(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let key = OrderRef { organization: acme.client_guid, local_id: local("O1") };
    let first = done(&orders, new_order("O1", "P1").message(&acme, 1)).await;
    advance(orders.store(), key, OrderStatus::QueuedForGrading).await;
    let moved = done(&orders, change("O1").state("NM").message(&acme, 2)).await;
    assert_eq!(moved.kind, OutcomeKind::Changed);
    assert_ne!(moved.iris_order_id, first.iris_order_id);
    let old = orders.store().order(first.iris_order_id.unwrap()).await.unwrap().unwrap();
    assert_eq!((old.summary.status, old.history[0].change.as_str()), (OrderStatus::OrderCancelled, "recreated"));
    let new = orders.store().order(moved.iris_order_id.unwrap()).await.unwrap().unwrap();
    assert_eq!((new.summary.status, new.summary.state.as_str()), (OrderStatus::AwaitingImages, "NM"));
    assert_eq!(done(&orders, cancel("O1").message(&acme, 3)).await.iris_order_id, moved.iris_order_id);
    assert_eq!(done(&orders, new_order("O1", "P1").message(&acme, 4)).await.kind, OutcomeKind::Created);
    orders.close().await;
}

/// Loads an order and makes a copy of it that a faulty program might insert.
async fn copy_of(store: &dyn Store, key: &OrderRef, id: i64) -> OrderRecord {
    let wanted = Wanted { orders: BTreeMap::from([(key.clone(), true)]), ..Wanted::default() };
    let mut order = store.load(&wanted).await.unwrap().order(key).unwrap().clone();
    order.id = id;
    order
}

async fn the_database_guards_the_one_open_order(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    done(&orders, new_order("O1", "P1").message(&acme, 1)).await;
    let store = orders.store();
    let key = OrderRef { organization: acme.client_guid, local_id: local("O1") };
    let mut second = copy_of(store, &key, 900_000).await;
    let save =
        async |order: OrderRecord| store.save(&Commit { new_orders: vec![order.into()], ..Commit::default() }).await;
    assert!(matches!(save(second.clone()).await, Err(iris_store::Error::Conflict)), "local id");
    second.key.local_id = local("O2");
    assert!(matches!(save(second.clone()).await, Err(iris_store::Error::Conflict)), "open order");
    second.status = OrderStatus::Complete;
    assert!(save(second).await.is_ok());
    orders.close().await;
}

async fn an_outdated_snapshot_is_a_conflict(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    done(&orders, new_order("O1", "P1").message(&acme, 1)).await;
    let store = orders.store();
    let key = OrderRef { organization: acme.client_guid, local_id: local("O1") };
    let mut order = copy_of(store, &key, 0).await;
    order.id = done(&orders, new_order("O1", "P1").message(&acme, 2)).await.iris_order_id.unwrap();
    order.version += 1;
    let commit = |order: OrderRecord| Commit { changed_orders: vec![(order.into(), 1)], ..Commit::default() };
    store.save(&commit(order.clone())).await.unwrap();
    assert!(matches!(store.save(&commit(order)).await, Err(iris_store::Error::Conflict)));
    orders.close().await;
}

async fn one_poisoned_message_does_not_harm_the_others(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let mut tasks = Vec::new();
    for number in 0u32..20 {
        let mut request = new_order(&format!("O{number}"), &format!("P{number}"));
        if number == 9 {
            // PostgreSQL cannot store NUL, SQLite can. Validation never lets one through.
            request = request.state("T\u{0}");
        }
        let (orders, incoming) = (orders.clone(), request.message(&acme, u128::from(number) + 1));
        tasks.push(tokio::spawn(async move { orders.submit(incoming).await }));
    }
    for (number, task) in tasks.into_iter().enumerate() {
        let answer = task.await.unwrap();
        match answer {
            Ok(answer) => assert_eq!(answer.outcome().unwrap().kind, OutcomeKind::Created),
            Err(error) => assert!(number == 9 && !error.is_transient(), "{number}: {error}"),
        }
    }
    orders.close().await;
}

async fn lists_are_paged(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let work = (0..25)
        .map(|number| {
            (orders.clone(), new_order(&format!("O{number}"), &format!("P{number}")).message(&acme, number + 1))
        })
        .collect();
    all(work).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = orders.store().orders(acme.client_guid, before, 10).await.unwrap();
        seen.extend(page.items.iter().map(|order| order.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|left, right| left > right));
    orders.close().await;
}

async fn other_peoples_orders_are_out_of_reach(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let (acme, other) = (Arc::new(organization()), Arc::new(other_organization(2)));
    done(&orders, new_order("O1", "P1").message(&acme, 1)).await;
    let foreign = done(&orders, out_of_patience(cancel("O1").message(&other, 2))).await;
    assert_eq!(foreign.issues[0].code, IssueCode::UnknownOrder);
    assert_eq!(done(&orders, new_order("O1", "P1").message(&other, 3)).await.kind, OutcomeKind::Created);
    assert_eq!(orders.store().orders(acme.client_guid, None, 10).await.unwrap().items.len(), 1);
    assert_eq!(orders.store().counts(Some(other.client_guid)).await.unwrap().patients, 1);
    orders.close().await;
}

async fn after_close_nothing_is_taken(backend: &Backend) {
    let (orders, _) = service(backend).await;
    orders.close().await;
    let acme = Arc::new(organization());
    let error = orders.submit(new_order("O1", "P1").message(&acme, 1)).await.unwrap_err();
    assert!(error.is_transient());
    assert!(orders.sweep(Timestamp::now()).await.is_err());
}
