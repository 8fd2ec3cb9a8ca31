//! The endpoint as seen by the project's own client: sending, receiving and settling over AMQP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use fe2o3_amqp::types::messaging::{Body, Data, Message, Modified, Outcome};
use fe2o3_amqp::types::primitives::Value;
use fe2o3_amqp::{Receiver, Sendable, Sender};
use iris_local_servicebus::broker::QueueOptions;
use iris_local_servicebus::message::PropertyValue;
use std::time::Duration;
use support::{Client, Server, text};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_message_is_sent_received_and_completed() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    assert_eq!(sender.max_message_size(), Some(1 << 20));
    let message = Message::builder()
        .properties(fe2o3_amqp::types::messaging::Properties::builder().message_id("m-1".to_owned()).build())
        .application_properties(
            fe2o3_amqp::types::messaging::ApplicationProperties::builder().insert("Organization", "harborview").build(),
        )
        .data(b"hello".to_vec())
        .build();
    assert!(matches!(sender.send(message).await.unwrap(), Outcome::Accepted(_)));

    let mut receiver = Receiver::attach(&mut client.session, "r", "orders").await.unwrap();
    let delivery = receiver.recv::<Body<Value>>().await.unwrap();
    let got = delivery.message();
    assert_eq!(text(&delivery), "hello");
    assert_eq!(got.header.as_ref().unwrap().delivery_count, 0);
    let annotations = got.message_annotations.as_ref().unwrap();
    for name in ["x-opt-sequence-number", "x-opt-enqueued-time", "x-opt-locked-until"] {
        assert!(annotations.iter().any(|(key, _)| format!("{key:?}").contains(name)), "{name}");
    }
    assert_eq!(delivery.delivery_tag().len(), 16);
    receiver.accept(&delivery).await.unwrap();
    server.broker.drained("orders").await.unwrap();
    assert_eq!(server.broker.status("orders").unwrap().bytes, 0);
    client.close().await;
}

#[tokio::test]
async fn a_batch_arrives_message_by_message() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    let outcome = sender.send(support::batch((0..100).map(|n| format!("body {n}")))).await.unwrap();
    assert!(matches!(outcome, Outcome::Accepted(_)));
    let taken = server.broker.receive("orders", 200, SOON).await.unwrap();
    assert_eq!(taken.len(), 100);
    for (n, delivery) in taken.iter().enumerate() {
        assert_eq!(delivery.message.body, format!("body {n}"));
        assert_eq!(delivery.sequence_number, n as u64 + 1);
        assert_eq!(delivery.message.message_id.as_ref().unwrap().len(), 32, "an id is assigned");
    }
    client.close().await;
}

#[tokio::test]
async fn a_large_message_takes_many_frames_both_ways() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    let body: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
    sender.send(Message::builder().data(body.clone()).build()).await.unwrap();
    let mut receiver = Receiver::attach(&mut client.session, "r", "orders").await.unwrap();
    let delivery = receiver.recv::<Body<Value>>().await.unwrap();
    assert!(support::bytes(&delivery) == body, "the body came back as it was sent");
    receiver.accept(&delivery).await.unwrap();
    server.broker.drained("orders").await.unwrap();
    client.close().await;
}

#[tokio::test]
async fn an_oversized_message_is_refused() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    let sent = sender.send(Message::builder().data(vec![0_u8; 1_200_000]).build()).await;
    assert!(!matches!(sent, Ok(Outcome::Accepted(_))), "{sent:?}");
    assert_eq!(server.broker.status("orders").unwrap().active, 0);
}

#[tokio::test]
async fn many_sends_in_flight_are_all_acknowledged_in_order() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    let mut pending = Vec::new();
    for n in 0..3000 {
        pending.push(sender.send_batchable(format!("{n}")).await.unwrap());
    }
    for future in pending {
        assert!(matches!(future.await.unwrap(), Outcome::Accepted(_)));
    }
    let mut next = 0;
    while next < 3000 {
        for delivery in server.broker.receive("orders", 1000, SOON).await.unwrap() {
            assert_eq!(delivery.message.body, format!("{next}"));
            server.broker.complete("orders", delivery.lock_token).await.unwrap();
            next += 1;
        }
    }
    assert_eq!(server.broker.status("orders").unwrap().bytes, 0);
    client.close().await;
}

#[tokio::test]
async fn abandoning_counts_until_the_message_is_dead_lettered() {
    let options = QueueOptions { max_delivery_count: 3, ..QueueOptions::default() };
    let server = Server::with_queue("orders", options).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    sender.send("poison").await.unwrap();
    let mut receiver = Receiver::attach(&mut client.session, "r", "orders").await.unwrap();
    for count in 0..3 {
        let delivery = receiver.recv::<Body<Value>>().await.unwrap();
        assert_eq!(delivery.message().header.as_ref().unwrap().delivery_count, count);
        let failed = Modified { delivery_failed: Some(true), undeliverable_here: None, message_annotations: None };
        receiver.modify(&delivery, failed).await.unwrap();
    }
    let mut dead = Receiver::attach(&mut client.session, "d", "orders/$DeadLetterQueue").await.unwrap();
    let delivery = dead.recv::<Body<Value>>().await.unwrap();
    let properties = delivery.message().application_properties.as_ref().unwrap();
    assert!(format!("{properties:?}").contains("MaxDeliveryCountExceeded"));
    dead.accept(&delivery).await.unwrap();
    server.broker.drained("orders/$deadletterqueue").await.unwrap();
    client.close().await;
}

#[tokio::test]
async fn rejecting_dead_letters_with_a_reason() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    sender.send("bad").await.unwrap();
    let mut receiver = Receiver::attach(&mut client.session, "r", "orders").await.unwrap();
    let delivery = receiver.recv::<Body<Value>>().await.unwrap();
    let error = fe2o3_amqp::types::definitions::Error::new(
        fe2o3_amqp::types::definitions::AmqpError::InternalError,
        Some("unreadable".to_owned()),
        None,
    );
    receiver.reject(&delivery, error).await.unwrap();
    let dead = server.broker.receive("orders/$deadletterqueue", 1, SOON).await.unwrap().remove(0);
    assert_eq!(dead.message.property("DeadLetterErrorDescription").unwrap().as_str(), Some("unreadable"));
    assert_eq!(dead.dead_letter_source.as_deref(), Some("orders"));
    assert_eq!(dead.sequence_number, 1, "a dead letter keeps its number");
    client.close().await;
}

#[tokio::test]
async fn a_lock_that_runs_out_makes_the_message_come_again() {
    let options = QueueOptions { lock_duration: Duration::from_millis(50), ..QueueOptions::default() };
    let server = Server::with_queue("orders", options).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    sender.send("slow").await.unwrap();
    let mut receiver = Receiver::attach(&mut client.session, "r", "orders").await.unwrap();
    let first = receiver.recv::<Body<Value>>().await.unwrap();
    let second = receiver.recv::<Body<Value>>().await.unwrap();
    assert_eq!(first.message().header.as_ref().unwrap().delivery_count, 0);
    assert_eq!(second.message().header.as_ref().unwrap().delivery_count, 1);
    client.close().await;
}

#[tokio::test]
async fn a_stamping_entry_overrides_what_the_sender_put_there() {
    let server = Server::start(&["orders"]).await;
    server
        .broker
        .create_entry("orders-harborview", "orders", vec![("Organization".to_owned(), "harborview".into())])
        .unwrap();
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "Orders-Harborview").await.unwrap();
    let message = Message::builder()
        .properties(fe2o3_amqp::types::messaging::Properties::builder().message_id("kept".to_owned()).build())
        .application_properties(
            fe2o3_amqp::types::messaging::ApplicationProperties::builder()
                .insert("Organization", "someone-else")
                .insert("Other", 5_i32)
                .build(),
        )
        .data(b"x".to_vec())
        .build();
    sender.send(message).await.unwrap();
    let got = server.broker.receive("orders", 1, SOON).await.unwrap().remove(0).message;
    assert_eq!(got.property("Organization"), Some(&PropertyValue::from("harborview")));
    assert_eq!(got.property("Other"), Some(&PropertyValue::Int(5)));
    assert_eq!(got.message_id.as_deref(), Some("kept"));
    client.close().await;
}

#[tokio::test]
async fn unknown_entities_are_refused_and_the_session_lives_on() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;

    let refused = Sender::attach(&mut client.session, "s", "nowhere").await.unwrap_err();
    assert!(format!("{refused:?}").contains("NotFound"), "{refused:?}");
    let refused = Receiver::attach(&mut client.session, "r", "nowhere").await.unwrap_err();
    assert!(format!("{refused:?}").contains("NotFound"), "{refused:?}");
    let mut sender = Sender::attach(&mut client.session, "s2", "orders").await.unwrap();
    sender.send("still here").await.unwrap();
    client.close().await;
}

#[tokio::test]
async fn a_cut_connection_loses_nothing() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    for n in 0..10 {
        sender.send(format!("{n}")).await.unwrap();
    }
    let mut receiver = Receiver::attach(&mut client.session, "r", "orders").await.unwrap();
    let held = receiver.recv::<Body<Value>>().await.unwrap();
    assert_eq!(text(&held), "0");
    server.endpoint.cut_connections();
    // The client notices the loss and another connection serves the rest; what the first one held stays locked.
    client.connection.on_close().await.unwrap_err();
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    sender.send("10").await.unwrap();
    assert_eq!(server.broker.status("orders").unwrap().active, 11);
    client.close().await;
}

#[tokio::test]
async fn shutdown_tells_clients_to_go() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let (closed, ()) = tokio::join!(client.connection.on_close(), server.endpoint.shutdown());
    assert!(format!("{closed:?}").contains("Forced"), "{closed:?}");
}

#[tokio::test]
async fn a_full_queue_holds_senders_back_until_there_is_room() {
    let options = QueueOptions { max_bytes: 200_000, ..QueueOptions::default() };
    let server = Server::with_queue("orders", options).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    let sending = async {
        for n in 0..3000 {
            let message = Message::builder().data(format!("{n:01000}").into_bytes()).build();
            assert!(matches!(sender.send(message).await.unwrap(), Outcome::Accepted(_)));
        }
    };
    let broker = server.broker.clone();
    let receiving = async {
        let mut most = 0;
        let mut got = 0;
        while got < 3000 {
            most = most.max(broker.status("orders").unwrap().bytes);
            for delivery in broker.receive("orders", 100, SOON).await.unwrap() {
                broker.complete("orders", delivery.lock_token).await.unwrap();
                got += 1;
            }
        }
        most
    };
    let ((), most) = tokio::join!(sending, receiving);
    assert!(most < 3_000_000, "{most} bytes");
    client.close().await;
}

#[tokio::test]
async fn settled_sends_need_no_answer() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let mut sender = Sender::attach(&mut client.session, "s", "orders").await.unwrap();
    let message = Sendable::builder()
        .message(Message::builder().body(Body::<Value>::Data(vec![Data(b"x".to_vec().into())].into())).build());
    sender.send(message.settled(true).build()).await.unwrap();
    assert_eq!(server.broker.receive("orders", 1, SOON).await.unwrap().len(), 1);
    client.close().await;
}
