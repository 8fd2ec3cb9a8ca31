//! Several processes of the handler on one database, as in Azure: no acknowledged change is lost, whichever process
//! made it, and whichever died meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use iris_local_functions_host::{Faults, Host, Kills};
use iris_model::event::EventKind;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use support::generate::order;
use support::{TestHost, message, until};

const HANDLERS: u8 = 3;
const ORDERS: usize = 40;

/// What the changes of an order set, one value each: different messages, which different processes take at the same
/// time.
fn changes() -> Vec<(&'static str, Value)> {
    vec![
        ("/Order/EncounterNumber", json!("E-changed")),
        ("/Order/ScheduledTime", json!("2026-12-24T09:30:00")),
        ("/HealthPlan/Name", json!("Sample Health Plan")),
        ("/OrderingProvider/NPI", json!("9000000007")),
        ("/Patient/Phone", json!("206-555-0100")),
    ]
}

/// The change of one value of an order.
fn change(number: usize, pointer: &str, value: &Value) -> Value {
    let (section, property) = pointer[1..].split_once('/').unwrap();
    let mut document = json!({
        "Version": "2.3.1",
        "ClientGuid": "5a3d1e70-0000-4000-8000-000000000001",
        "OrderControlCode": "XO",
        "Order": { "LocalId": format!("H-O{number}") },
    });
    if section == "Patient" {
        document["Patient"] = order("H", number)["Patient"].clone();
    }
    document[section][property] = value.clone();
    document
}

async fn changed_by_several(database: Option<String>) {
    let host = TestHost::with_handlers(database, HANDLERS).await;
    assert_eq!(host.host.handlers().filter_map(Host::handler_pid).collect::<HashSet<_>>().len(), usize::from(HANDLERS));
    host.post((0..ORDERS).map(|number| message(format!("n{number}"), &order("H", number))).collect()).await;
    host.events(ORDERS).await;
    for handler in host.host.handlers() {
        let kill = Some(Kills { times: 2, from: Duration::from_millis(30), to: Duration::from_millis(400) });
        handler.set_faults(Faults { kill, ..Faults::default() });
    }
    let changes = changes();
    for (place, (pointer, value)) in changes.iter().enumerate() {
        let posted = (0..ORDERS).map(|number| message(format!("x{place}-{number}"), &change(number, pointer, value)));
        host.post(posted.collect()).await;
    }
    let killed = |host: &Host| host.faults().kill.is_none_or(|kills| kills.times == 0);
    until("all kills", async || host.host.handlers().all(killed)).await;
    let wanted = ORDERS * changes.len();
    let acknowledged = async || {
        let events = host.events(ORDERS).await;
        let receipts = events.iter().filter(|event| event.result_object_type == EventKind::OrderChangeReceipt);
        receipts.map(|event| (event.transaction_id, event.success)).collect::<HashMap<_, _>>()
    };
    until("every change", async || acknowledged().await.len() >= wanted).await;
    host.settled().await;
    assert!(acknowledged().await.values().all(|success| *success), "a change was refused");
    let page = host.host.orders.orders(host.organization.client_guid, None, 1_000).await.unwrap();
    assert_eq!(page.items.len(), ORDERS);
    for summary in page.items {
        let detail = host.host.orders.order(summary.id).await.unwrap().unwrap();
        let mut document: Value = serde_json::from_str(&detail.content).unwrap();
        document["Patient"] = serde_json::from_str(&detail.patient).unwrap();
        for (pointer, _) in &changes {
            assert!(document.pointer(pointer).is_some(), "{} lost {pointer}: {document}", summary.local_id);
        }
        let made: HashSet<_> = detail.history.iter().map(|entry| entry.submission).collect();
        assert_eq!(made.len(), detail.history.len(), "a change of {} is there twice", summary.local_id);
        assert_eq!(made.len(), changes.len(), "{} has {:?}", summary.local_id, detail.history);
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_change_the_same_orders_lose_no_change() {
    changed_by_several(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_change_the_same_orders_lose_no_change_in_postgresql() {
    if let Some(database) = support::postgres().await {
        changed_by_several(Some(database)).await;
    }
}
