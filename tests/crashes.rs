//! The handler killed with SIGKILL at random points: nothing is lost, nothing is created twice (the four properties of
//! threats §3; no charges are sent yet).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use iris_local_functions_host::{Faults, Kills};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use support::generate::{csv, order};
use support::{TestHost, message, until};

/// Fifty kills, in rounds.
const ROUNDS: usize = 5;
const KILLS: u32 = 10;
const ROWS: usize = 20_000;
const MESSAGES: usize = 2_000;

async fn killed(database: Option<String>) {
    let host = TestHost::with(database).await;
    let kill = |longest| {
        let kills = Kills { times: KILLS, from: Duration::from_millis(20), to: longest };
        host.host.functions.set_faults(Faults { kill: Some(kills), ..Faults::default() });
    };
    let started = || host.log().lines().filter(|line| line.contains("drop started")).count();
    let (mut longest, mut before) = (Duration::from_millis(250), 0);
    kill(longest);
    host.drop_file("large.csv", csv("D", ROWS, 100)).await;
    for chunk in (0..MESSAGES).collect::<Vec<_>>().chunks(100) {
        host.post(chunk.iter().map(|number| message(format!("m{number}"), &order("M", *number))).collect()).await;
    }
    for round in 1..=ROUNDS {
        until("all kills", async || host.host.functions.faults().kill.is_none_or(|kills| kills.times == 0)).await;
        // On a busy machine, handlers that are killed so soon get nothing done.
        if started() < before + 3 {
            longest *= 2;
        }
        before = started();
        if round < ROUNDS {
            kill(longest);
        }
    }
    assert!(started() > 5, "the drop was hit by {} kills only", started());
    let receipt = host.receipts(1).await.remove(0);
    host.settled().await;

    // Each accepted order exists exactly once.
    let failed = ROWS / 100;
    assert_eq!(receipt.totals.created as usize, ROWS - failed);
    assert_eq!(receipt.totals.failed as usize, failed);
    let mut orders = HashMap::new();
    let mut before = None;
    loop {
        let page = host.host.orders.orders(host.organization.client_guid, before, 5_000).await.unwrap();
        for order in &page.items {
            *orders.entry(order.local_id.clone()).or_insert(0) += 1;
        }
        match page.items.last() {
            Some(last) => before = Some(last.id),
            None => break,
        }
    }
    assert_eq!(orders.len(), ROWS - failed + MESSAGES);
    assert!(orders.values().all(|count| *count == 1));

    // Each input row has exactly one receipt line.
    let rows = host.result(receipt.files.rows.as_ref().unwrap()).await;
    let rows = String::from_utf8(rows.to_vec()).unwrap();
    let numbers: Vec<&str> = rows.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(numbers.len(), ROWS);
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), ROWS);

    // Each event arrives at least once, with a stable id.
    let mut ids: HashMap<String, HashSet<uuid::Uuid>> = HashMap::new();
    for event in host.events(ROWS + MESSAGES).await {
        let key = event.order_local_id.unwrap();
        ids.entry(key).or_default().insert(event.transaction_id);
    }
    assert_eq!(ids.len(), ROWS + MESSAGES);
    assert!(ids.values().all(|ids| ids.len() == 1), "an event came under two ids");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_and_double_nothing() {
    killed(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_and_double_nothing_in_postgresql() {
    if let Some(database) = support::postgres().await {
        killed(Some(database)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_queues_survives_a_restart_of_the_local_host() {
    let host = TestHost::start().await;
    host.post(vec![message("1", &order("A", 1))]).await;
    host.events(1).await;
    let host = host.restart().await;
    assert_eq!(host.events(1).await[0].order_local_id.as_deref(), Some("A-O1"));
    host.post(vec![message("1", &order("A", 1))]).await;
    host.settled().await;
    let counts = host.host.orders.counts(None).await.unwrap();
    assert_eq!(counts.patients, 1);
    host.stop().await;
}
