//! Queries for people, on every store.

use crate::backend::{Backend, on_every_store, service};
use crate::requests::*;
use iris_model::enumeration::OrderStatus;
use iris_orders::Orders;
use iris_rules::{Answer, Incoming};
use iris_store::queries::OrderSearch;
use std::sync::Arc;

on_every_store!(orders_are_found_by_what_people_know, a_search_is_paged, a_patients_orders_are_found);

async fn submit(orders: &Orders, incoming: Incoming) -> i64 {
    match orders.submit(incoming).await.unwrap() {
        Answer::Done(outcome) => outcome.iris_order_id.unwrap(),
        Answer::NotYet => panic!("not yet"),
    }
}

/// The submitters' ids of the orders that a search finds.
async fn found(orders: &Orders, search: OrderSearch) -> Vec<String> {
    let page = orders.store().search_orders(&search, 50).await.unwrap();
    page.items.into_iter().map(|order| order.local_id).collect()
}

fn text(text: &str) -> OrderSearch {
    OrderSearch { text: Some(text.to_owned()), ..OrderSearch::default() }
}

async fn orders_are_found_by_what_people_know(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let (acme, other) = (Arc::new(organization()), Arc::new(other_organization(2)));
    let first = submit(&orders, new_order("Alpha-1", "Pat%1").message(&acme, 1)).await;
    submit(&orders, new_order("beta_2", "P22").message(&acme, 2)).await;
    submit(&orders, new_order("alpha-3", "P33").message(&other, 3)).await;
    submit(&orders, cancel("beta_2").message(&acme, 4)).await;

    assert_eq!(found(&orders, OrderSearch::default()).await, ["alpha-3", "beta_2", "Alpha-1"]);
    assert_eq!(found(&orders, text("ALPHA")).await, ["alpha-3", "Alpha-1"]);
    assert_eq!(found(&orders, text(" t%1 ")).await, ["Alpha-1"]);
    assert_eq!(found(&orders, text("a_2")).await, ["beta_2"]);
    assert_eq!(found(&orders, text("%")).await, ["Alpha-1"]);
    assert_eq!(found(&orders, text(&first.to_string())).await, ["Alpha-1"]);
    assert_eq!(found(&orders, text("'; DROP TABLE orders; --")).await, Vec::<String>::new());
    let mine = OrderSearch { organization: Some(acme.client_guid), ..text("alpha") };
    assert_eq!(found(&orders, mine).await, ["Alpha-1"]);
    let cancelled = OrderSearch { status: Some(OrderStatus::OrderCancelled), ..OrderSearch::default() };
    assert_eq!(found(&orders, cancelled).await, ["beta_2"]);
    let page = orders.store().search_orders(&text("alpha-3"), 5).await.unwrap();
    assert_eq!(page.items[0].organization, other.client_guid);
    orders.close().await;
}

async fn a_search_is_paged(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    for number in 0..7 {
        submit(&orders, new_order(&format!("O{number}"), &format!("P{number}")).message(&acme, number + 1)).await;
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = orders.store().search_orders(&OrderSearch { before, ..text("o") }, 3).await.unwrap();
        seen.extend(page.items.into_iter().map(|order| order.local_id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["O6", "O5", "O4", "O3", "O2", "O1", "O0"]);
    orders.close().await;
}

async fn a_patients_orders_are_found(backend: &Backend) {
    let (orders, _) = service(backend).await;
    let acme = Arc::new(organization());
    let first = submit(&orders, new_order("O1", "P1").message(&acme, 1)).await;
    submit(&orders, new_order("O2", "P1").message(&acme, 2)).await;
    submit(&orders, new_order("O3", "P2").message(&acme, 3)).await;
    let patient = orders.store().order(first).await.unwrap().unwrap().summary.patient_id;
    let search = OrderSearch { patient: Some(patient), ..OrderSearch::default() };
    assert_eq!(found(&orders, search).await, ["O2", "O1"]);
    orders.close().await;
}
