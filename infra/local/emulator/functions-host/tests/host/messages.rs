//! From the answer to the fate of the message.

use iris_local_functions_host::{Level, Mode};
use iris_local_servicebus::broker::QueueOptions;
use iris_local_servicebus::message::Message;
use serde_json::json;
use std::time::Duration;

use crate::harness::{delivery_counts, empty, orders_trigger, setup};

#[tokio::test]
async fn failures_use_up_deliveries_and_then_dead_letter() {
    let bench = setup().orders("f").start().await;
    bench.send(json!({ "status": 500 })).await;
    bench.orders_until(|status| status.dead_lettered == 1).await;
    bench.line(Level::Error, "the handler answered 500").await;
    let requests = bench.requests_until("f", 3).await;
    assert_eq!(delivery_counts(&requests), ["1", "2", "3"]);
    let dead = bench.broker.receive("orders/$deadletterqueue", 1, Duration::from_secs(5)).await.unwrap();
    let reason = dead[0].message.property("DeadLetterReason").and_then(|reason| reason.as_str());
    assert_eq!(reason, Some("MaxDeliveryCountExceeded"));
    let figures = bench.finish().await;
    assert_eq!((figures.invocations, figures.failures, figures.abandoned, figures.completed), (3, 3, 3, 0));
}

#[tokio::test]
async fn a_message_that_succeeds_later_is_completed() {
    let bench = setup().orders("f").start().await;
    bench.send(json!({ "status": 429, "until": 3 })).await;
    bench.orders_until(empty).await;
    assert_eq!(delivery_counts(&bench.requests_until("f", 3).await), ["1", "2", "3"]);
    let figures = bench.finish().await;
    assert_eq!((figures.completed, figures.abandoned), (1, 2));
}

#[tokio::test]
async fn unreadable_answers_fail() {
    for (orders, reason) in [
        (json!({ "answer": "ok", "type": "text/plain" }), "Content-Type"),
        (json!({ "answer": "{" }), "not valid"),
        (json!({ "answer": "" }), "the answer is empty"),
        (json!({ "answer": " null " }), "the answer is empty"),
        (json!({ "status": 204, "answer": "" }), "the answer is empty"),
        (json!({ "status": 307 }), "redirects"),
    ] {
        let bench = setup().orders("f").queue(|queue| queue.max_delivery_count = 1).start().await;
        bench.send(orders).await;
        bench.line(Level::Error, reason).await;
        bench.orders_until(|status| status.dead_lettered == 1).await;
        bench.host.stop().await;
    }
}

#[tokio::test]
async fn an_empty_answer_in_faithful_mode_hangs_until_the_handler_is_killed() {
    let bench = setup()
        .orders("f")
        .host(&["functionTimeout"], json!("00:00:01"))
        .options(|options| options.mode = Mode::Faithful)
        .start()
        .await;
    bench.send(json!({ "answer": "", "until": 2 })).await;
    bench.line(Level::Warning, "longer than functionTimeout").await;
    bench.orders_until(empty).await;
    assert_eq!(delivery_counts(&bench.requests_until("f", 2).await), ["1", "2"]);
    let figures = bench.finish().await;
    assert_eq!((figures.failures, figures.completed), (1, 1));
}

#[tokio::test]
async fn outputs_are_sent_before_the_message_is_completed() {
    let output = json!({ "type": "serviceBus", "direction": "out", "name": "out", "queueName": "results", "connection": "ServiceBus" });
    let bench = setup().function("f", json!({ "bindings": [orders_trigger(), output] })).start().await;
    let answer = json!({ "Outputs": { "out": ["{\"a\":1}", "b"], "other": ["x"] }, "Logs": ["sent two"] });
    bench.send(json!({ "answer": answer.to_string() })).await;
    bench.orders_until(empty).await;
    let sent = bench.broker.receive("results", 10, Duration::from_secs(5)).await.unwrap();
    let bodies: Vec<&[u8]> = sent.iter().map(|delivery| &delivery.message.body[..]).collect();
    assert_eq!(bodies, [&b"{\"a\":1}"[..], b"b"]);
    assert_eq!(sent[0].message.content_type.as_deref(), Some("text/plain"));
    bench.line(Level::Information, "sent two").await;
    bench.line(Level::Warning, "no output binding \"other\"").await;

    let refused = json!({ "Outputs": { "out": { "a": 1 } } });
    bench.send(json!({ "answer": refused.to_string() })).await;
    bench.line(Level::Error, "indented JSON").await;
    bench.orders_until(|status| status.dead_lettered == 1).await;
    bench.host.stop().await;
}

#[tokio::test]
async fn an_output_that_cannot_be_sent_fails_the_invocation() {
    let output = json!({ "type": "serviceBus", "direction": "out", "name": "out", "queueName": "nowhere", "connection": "ServiceBus" });
    let bench = setup().function("f", json!({ "bindings": [orders_trigger(), output] })).start().await;
    bench.send(json!({ "answer": r#"{"Outputs":{"out":["x"]}}"# })).await;
    bench.line(Level::Error, "output out: the messaging entity 'nowhere'").await;
    bench.orders_until(|status| status.dead_lettered == 1).await;
    bench.host.stop().await;
}

#[tokio::test]
async fn locks_are_renewed_while_the_handler_works() {
    let bench = setup().orders("f").queue(|queue| queue.lock_duration = Duration::from_secs(1)).start().await;
    bench.send(json!({ "hold": 2_500 })).await;
    bench.orders_until(empty).await;
    assert_eq!(delivery_counts(&bench.requests("f")), ["1"]);
    let figures = bench.finish().await;
    assert_eq!((figures.invocations, figures.completed, figures.locks_lost), (1, 1, 0));
}

#[tokio::test]
async fn a_lost_lock_means_another_delivery() {
    let bench = setup()
        .orders("f")
        .host(&["extensions", "serviceBus", "maxAutoLockRenewalDuration"], json!("00:00:00"))
        .queue(|queue| queue.lock_duration = Duration::from_secs(1))
        .start()
        .await;
    bench.send(json!({ "hold": 2_000, "until": 2 })).await;
    bench.line(Level::Warning, "lock was lost").await;
    bench.orders_until(empty).await;
    assert_eq!(delivery_counts(&bench.requests("f")), ["1", "2"]);
    let figures = bench.finish().await;
    assert_eq!((figures.completed, figures.locks_lost), (1, 1));
}

#[tokio::test]
async fn no_more_messages_are_in_flight_than_allowed() {
    let bench = setup().orders("f").host(&["extensions", "serviceBus", "maxConcurrentCalls"], json!(4)).start().await;
    let messages = vec![Message::new(json!({ "hang": true, "until": 2 }).to_string()); 6];
    bench.broker.send_all("orders", messages).await.unwrap();
    bench.requests_until("f", 4).await;
    let status = bench.broker.status("orders").unwrap();
    assert_eq!((status.locked, status.active), (4, 6));
    assert_eq!(bench.host.statistics()[0].in_flight, 4);
    bench.host.kill_handler();
    // The four come again and succeed, the other two come for the first time.
    bench.requests_until("f", 10).await;
    bench.host.kill_handler();
    bench.orders_until(empty).await;
    bench.host.stop().await;
}

#[tokio::test]
async fn a_missing_queue_is_complained_about_until_it_is_there() {
    let bench = setup().orders("f").setting("QUEUE", "later").start().await;
    bench.line(Level::Error, "cannot receive from later").await;
    bench.broker.create_queue("later", QueueOptions::default()).unwrap();
    bench.broker.send("later", Message::new("{}")).await.unwrap();
    bench.queue_until("later", empty).await;
    bench.host.stop().await;
}

#[tokio::test]
async fn disabled_functions_leave_their_queue_alone() {
    let bench = setup().orders("f").setting("AzureWebJobs.f.Disabled", "1").start().await;
    bench.send(json!({})).await;
    bench.host.ready().await.unwrap();
    let figures = bench.finish().await;
    assert!(figures.disabled);
    assert_eq!(bench.broker.status("orders").unwrap().active, 1);
}
