//! Faults on purpose.

use std::time::Duration;

use iris_local_functions_host::{Duplicates, Faults, Kills};
use iris_local_servicebus::message::Message;
use serde_json::json;

use crate::harness::{Bench, delivery_counts, empty, setup};

async fn start(faults: Faults) -> Bench {
    setup()
        .orders("f")
        .queue(|queue| queue.max_delivery_count = 1_000)
        .options(|options| options.faults = faults)
        .start()
        .await
}

async fn send_many(bench: &Bench, count: usize) {
    let message = |number: usize| Message::new(json!({ "hold": 1 }).to_string()).with_message_id(number.to_string());
    bench.broker.send_all("orders", (0..count).map(message).collect()).await.unwrap();
}

fn ids(bench: &Bench) -> Vec<usize> {
    let id =
        |request: &serde_json::Value| request["body"]["Metadata"]["MessageId"].as_str()?.trim_matches('"').parse().ok();
    bench.requests("f").iter().filter_map(id).collect()
}

#[tokio::test]
async fn every_message_is_handled_twice() {
    for duplicates in [Duplicates::AfterSuccess, Duplicates::AtOnce] {
        let bench = start(Faults { duplicates, ..Faults::default() }).await;
        bench.send(json!({})).await;
        bench.orders_until(empty).await;
        let requests = bench.requests_until("f", 2).await;
        let mut counts = delivery_counts(&requests);
        counts.sort_unstable();
        assert_eq!(counts, ["1", "2"]);
        let figures = bench.finish().await;
        assert_eq!((figures.invocations, figures.completed), (2, 1));
    }
}

#[tokio::test]
async fn a_failed_duplicate_is_delivered_again() {
    let bench = start(Faults { duplicates: Duplicates::AtOnce, ..Faults::default() }).await;
    bench.send(json!({ "status": 500, "until": 2 })).await;
    bench.orders_until(empty).await;
    let figures = bench.finish().await;
    assert_eq!((figures.invocations, figures.failures, figures.abandoned, figures.completed), (4, 1, 1, 1));
}

#[tokio::test]
async fn messages_overtake_each_other() {
    let bench = start(Faults { shuffle: Some(Duration::from_millis(40)), ..Faults::default() }).await;
    send_many(&bench, 64).await;
    bench.orders_until(empty).await;
    bench.requests_until("f", 64).await;
    let mut seen = ids(&bench);
    assert_ne!(seen, (0..64).collect::<Vec<_>>());
    seen.sort_unstable();
    assert_eq!(seen, (0..64).collect::<Vec<_>>());
    bench.host.stop().await;
}

#[tokio::test]
async fn answers_to_first_deliveries_are_dropped() {
    let bench = start(Faults { drop_response: 1.0, ..Faults::default() }).await;
    send_many(&bench, 5).await;
    bench.orders_until(empty).await;
    let figures = bench.finish().await;
    assert_eq!((figures.invocations, figures.failures, figures.abandoned, figures.completed), (10, 0, 5, 5));
}

#[tokio::test]
async fn the_handler_is_killed_again_and_again_and_nothing_is_lost() {
    let bench = start(Faults::default()).await;
    bench.host.ready().await.unwrap();
    let kills = Kills { times: 5, from: Duration::ZERO, to: Duration::from_millis(20) };
    bench.host.set_faults(Faults { kill: Some(kills), ..Faults::default() });
    send_many(&bench, 400).await;
    bench.orders_until(empty).await;
    bench
        .lines_until(|lines| {
            (lines.iter().filter(|line| line.text.contains("killed on purpose")).count() == 5).then_some(())
        })
        .await;
    assert_eq!(bench.host.faults().kill.unwrap().times, 0);
    bench.host.ready().await.unwrap();
    let mut seen = ids(&bench);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..400).collect::<Vec<_>>());
    let figures = bench.finish().await;
    assert_eq!(figures.completed, 400);
}
