//! Several handlers work on the same orders: nothing that was acknowledged is lost.

use crate::backend::{Backend, on_every_store, service};
use crate::requests::*;
use iris_model::{Organization, OutcomeKind};
use iris_orders::Orders;
use iris_rules::images::{DirectiveRecord, DirectiveState};
use iris_rules::record::{OrderChange, OrderRef};
use iris_store::{Commit, Error, Wanted};
use std::collections::BTreeSet;
use std::sync::Arc;

on_every_store!(
    changes_of_different_fields_all_stay,
    a_late_change_of_a_directive_does_not_undo_another,
    the_same_rows_in_any_order_never_wait_for_each_other,
    the_longest_name_of_a_blob_is_stored_and_found,
);

/// Orders that all handlers change.
const ORDERS: u32 = 6;
/// How often each handler changes each order.
const ROUNDS: u32 = 12;

fn name(order: u32) -> String {
    format!("O{order}")
}

/// Submits until it is answered, as a queue would.
async fn answered(orders: &Orders, request: Request, acme: &Arc<Organization>, id: u128) -> OutcomeKind {
    let message = request.message(acme, id);
    loop {
        match orders.submit(message.clone()).await {
            Ok(answer) => return answer.outcome().unwrap().kind,
            Err(error) => assert!(matches!(error, Error::Conflict), "{error}"),
        }
    }
}

/// One handler changes the order's information, the other its camera operator; each change differs from the last.
async fn change_all(orders: &Orders, acme: &Arc<Organization>, handler: u32) -> u32 {
    let mut changed = 0;
    for round in 0..ROUNDS {
        for order in 0..ORDERS {
            let mut request = change(&name(order));
            let text = format!("{handler}-{round}");
            match handler {
                0 => request = request.info(&text),
                _ => request.request.user_name_submitting = Some(text),
            }
            let id = u128::from(1_000_000 * (handler + 1) + 1_000 * round + order);
            let outcome = answered(orders, request, acme, id).await;
            changed += u32::from(outcome == OutcomeKind::Changed);
            // In between, an order is canceled and created again under the same id.
            if handler == 0 && order == 0 {
                answered(orders, cancel(&name(order)), acme, id + 10_000_000).await;
                let again = new_order(&name(order), &format!("P{order}")).info("again");
                answered(orders, again, acme, id + 20_000_000).await;
            }
        }
    }
    changed
}

async fn changes_of_different_fields_all_stay(backend: &Backend) {
    let (one, _) = service(backend).await;
    let (two, _) = service(backend).await;
    let acme = Arc::new(organization());
    for order in 0..ORDERS {
        let request = new_order(&name(order), &format!("P{order}")).info("first");
        answered(&one, request, &acme, u128::from(order) + 1).await;
    }
    let (by_one, by_two) = tokio::join!(change_all(&one, &acme, 0), change_all(&two, &acme, 1));
    let mut recorded = 0;
    for summary in one.store().orders(acme.client_guid, None, 1_000).await.unwrap().items {
        let detail = one.store().order(summary.id).await.unwrap().unwrap();
        let change = OrderChange::Changed.as_str();
        recorded += u32::try_from(detail.history.iter().filter(|entry| entry.change == change).count()).unwrap();
        let content: serde_json::Value = serde_json::from_str(&detail.content).unwrap();
        assert!(content["Order"]["AdditionalInfo"].is_string(), "{content}");
        assert_eq!(content["Site"]["LocalId"], "S1", "{content}");
        assert_eq!(content["Order"]["EvaluationTypes"], serde_json::json!(["DR"]), "{content}");
    }
    assert_eq!(by_one + by_two, recorded);
    let last = format!("-{}", ROUNDS - 1);
    for order in 1..ORDERS {
        let key = OrderRef { organization: acme.client_guid, local_id: local(&name(order)) };
        let wanted = Wanted { orders: [(key.clone(), true)].into(), ..Wanted::default() };
        let snapshot = one.store().load(&wanted).await.unwrap();
        let content = snapshot.order(&key).unwrap().content.clone().unwrap();
        assert!(content.contains(&format!("0{last}")) && content.contains(&format!("1{last}")), "{content}");
    }
    one.close().await;
    two.close().await;
}

/// The directive of the only order.
async fn directive(orders: &Orders, acme: &Organization) -> DirectiveRecord {
    let key = OrderRef { organization: acme.client_guid, local_id: local("O1") };
    let wanted = Wanted { orders: [(key.clone(), true)].into(), ..Wanted::default() };
    let snapshot = orders.store().load(&wanted).await.unwrap();
    let order = snapshot.order(&key).unwrap().id;
    snapshot.images.directives(order)[0].clone()
}

async fn a_late_change_of_a_directive_does_not_undo_another(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    answered(&orders, new_order("O1", "P1").image("a.jpg"), &acme, 1).await;
    let seen = directive(&orders, &acme).await;
    let with = |state, seen: &DirectiveRecord| {
        let next = DirectiveRecord { state, version: seen.version + 1, ..seen.clone() };
        Commit { changed_directives: vec![(next, seen.version)], ..Commit::default() }
    };
    orders.store().save(&with(DirectiveState::Linked, &seen)).await.unwrap();
    let late = orders.store().save(&with(DirectiveState::Failed, &seen)).await;
    assert!(matches!(late, Err(Error::Conflict)));
    assert_eq!(directive(&orders, &acme).await.state, DirectiveState::Linked);
    // Nor does it touch a directive that replaced it.
    let linked = directive(&orders, &acme).await;
    answered(&orders, change("O1").image("b.jpg"), &acme, 2).await;
    let late = orders.store().save(&with(DirectiveState::Failed, &linked)).await;
    assert!(matches!(late, Err(Error::Conflict)));
    assert_eq!(directive(&orders, &acme).await.state, DirectiveState::Pending);
    orders.close().await;
}

async fn the_same_rows_in_any_order_never_wait_for_each_other(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let patients: BTreeSet<u32> = (0..60).collect();
    for patient in &patients {
        answered(&orders, register(&format!("P{patient}")), &acme, u128::from(*patient) + 1).await;
    }
    let (one, two) = (backend.open().await, backend.open().await);
    for _ in 0..20 {
        let keys = patients.iter().map(|patient| format!("P{patient}"));
        let wanted = Wanted {
            patients: keys.map(|key| iris_rules::decide::patient_ref(&acme, &local("S1"), &local(&key))).collect(),
            ..Wanted::default()
        };
        let snapshot = one.load(&wanted).await.unwrap();
        let mut changed: Vec<_> = snapshot
            .patients()
            .map(|patient| {
                let mut next = patient.clone();
                next.version += 1;
                (Arc::new(next), patient.version)
            })
            .collect();
        changed.sort_by_key(|(patient, _)| patient.id);
        let there = Commit { changed_patients: changed.clone(), ..Commit::default() };
        changed.reverse();
        let back = Commit { changed_patients: changed, ..Commit::default() };
        let (there, back) = tokio::join!(one.save(&there), two.save(&back));
        assert_eq!(u32::from(there.is_ok()) + u32::from(back.is_ok()), 1);
    }
    one.close().await;
    two.close().await;
    orders.close().await;
    assert_eq!(backend.deadlocks().await, 0);
}

async fn the_longest_name_of_a_blob_is_stored_and_found(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    // Characters that do not repeat, because PostgreSQL compresses index entries.
    let name: String = ('\u{4e00}'..).take(1_000).collect();
    answered(&orders, new_order("O1", "P1").image(&name), &acme, 1).await;
    assert_eq!(directive(&orders, &acme).await.file_name, name);
    let mut wanted = Wanted::default();
    let blob = directive(&orders, &acme).await.blob(acme.client_guid);
    wanted.images.blobs.insert(blob.clone());
    let snapshot = orders.store().load(&wanted).await.unwrap();
    assert_eq!(snapshot.directives_of(&blob).len(), 1);
    orders.close().await;
}
