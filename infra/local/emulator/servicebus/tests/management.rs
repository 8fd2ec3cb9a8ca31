//! `$management` and sessions, as SDKs use them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use fe2o3_amqp::link::ReceiverAttachError;
use fe2o3_amqp::types::definitions::Fields;
use fe2o3_amqp::types::messaging::{AmqpValue, ApplicationProperties, Body, Message, Properties, Source};
use fe2o3_amqp::types::primitives::{Array, OrderedMap, SimpleValue, Value};
use fe2o3_amqp::{Receiver, Sender};
use iris_local_servicebus::access::Access;
use iris_local_servicebus::broker::{Broker, QueueOptions, Rule, SubscriptionOptions};
use iris_local_servicebus::message::Message as Plain;
use std::time::Duration;
use support::{Client, Server, text};

/// A pair of links to an entity's management node.
struct Management {
    sender: Sender,
    receiver: Receiver,
}

impl Management {
    async fn attach(client: &mut Client, entity: &str) -> Self {
        let address = format!("{entity}/$management");
        let sender = Sender::attach(&mut client.session, "management-sender", address.as_str()).await.unwrap();
        let receiver = Receiver::attach(&mut client.session, "management-receiver", address.as_str()).await.unwrap();
        Self { sender, receiver }
    }

    async fn ask(&mut self, operation: &str, fields: Vec<(&str, Value)>) -> (i32, OrderedMap<String, Value>) {
        let map: OrderedMap<Value, Value> =
            fields.into_iter().map(|(name, value)| (Value::String(name.to_owned()), value)).collect();
        let request = Message::builder()
            .properties(Properties::builder().message_id(7_u64).reply_to("management-receiver").build())
            .application_properties(
                ApplicationProperties::builder().insert("operation", format!("com.microsoft:{operation}")).build(),
            )
            .value(Value::Map(map))
            .build();
        self.sender.send(request).await.unwrap();
        let answer = self.receiver.recv::<Body<Value>>().await.unwrap();
        self.receiver.accept(&answer).await.unwrap();
        let properties = answer.message().application_properties.as_ref().unwrap();
        let status = match properties.get("statusCode") {
            Some(SimpleValue::Int(status)) => *status,
            other => panic!("{other:?}"),
        };
        let correlation = answer.message().properties.as_ref().unwrap().correlation_id.clone().unwrap();
        assert_eq!(correlation, 7_u64.into());
        let Body::Value(AmqpValue(Value::Map(body))) = answer.body() else { panic!("{:?}", answer.body()) };
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        (status, body.iter().map(|(key, value)| (text(key), value.clone())).collect())
    }
}

fn longs(numbers: &[i64]) -> Value {
    Value::Array(Array::from(numbers.iter().map(|n| Value::Long(*n)).collect::<Vec<_>>()))
}

#[tokio::test]
async fn scheduling_peeking_and_cancelling() {
    let server = Server::start(&["orders"]).await;
    let mut client = Client::connect(&server).await;
    let mut management = Management::attach(&mut client, "orders").await;
    let inner = serde_amqp::to_vec(&fe2o3_amqp::types::messaging::Data(b"later".to_vec().into())).unwrap();
    let mut message: OrderedMap<Value, Value> = OrderedMap::new();
    message.insert(Value::String("message".into()), Value::Binary(inner.into()));
    let (status, body) =
        management.ask("schedule-message", vec![("messages", Value::List(vec![Value::Map(message)]))]).await;
    assert_eq!(status, 200);
    assert!(format!("{body:?}").contains("Long(1)"), "{body:?}");
    let ask = |from| vec![("from-sequence-number", Value::Long(from)), ("message-count", Value::Int(10))];
    let (status, body) = management.ask("peek-message", ask(0)).await;
    assert_eq!(status, 200);
    let Some(Value::List(messages)) = body.get("messages") else { panic!("{body:?}") };
    assert_eq!(messages.len(), 1);
    assert_eq!(management.ask("peek-message", ask(2)).await.0, 204);
    assert_eq!(management.ask("cancel-scheduled-message", vec![("sequence-numbers", longs(&[99]))]).await.0, 404);
    assert_eq!(management.ask("no-such-operation", vec![]).await.0, 501);
    assert_eq!(management.ask("renew-lock", vec![]).await.0, 400);
    client.close().await;
}

#[tokio::test]
async fn deferred_messages_are_received_by_number_and_settled_by_token() {
    let server = Server::start(&["orders"]).await;
    server.broker.send("orders", Plain::new("aside")).await.unwrap();
    let taken = server.broker.receive("orders", 1, Duration::from_secs(10)).await.unwrap().remove(0);
    server.broker.defer("orders", taken.lock_token).await.unwrap();
    let mut client = Client::connect(&server).await;
    let mut management = Management::attach(&mut client, "orders").await;
    let (status, body) = management
        .ask(
            "receive-by-sequence-number",
            vec![("sequence-numbers", longs(&[1])), ("receiver-settle-mode", Value::Uint(1))],
        )
        .await;
    assert_eq!(status, 200);
    let Some(Value::List(messages)) = body.get("messages") else { panic!("{body:?}") };
    let Value::Map(entry) = &messages[0] else { panic!("{messages:?}") };
    let token = entry.get(&Value::String("lock-token".into())).unwrap().clone();
    let tokens = || ("lock-tokens", Value::Array(Array::from(vec![token.clone()])));
    assert_eq!(management.ask("renew-lock", vec![tokens()]).await.0, 200);
    let settle = || vec![tokens(), ("disposition-status", Value::String("completed".into()))];
    assert_eq!(management.ask("update-disposition", settle()).await.0, 200);
    assert_eq!(management.ask("update-disposition", settle()).await.0, 410, "the lock is gone");
    assert_eq!(server.broker.status("orders").unwrap().deferred, 0);
    client.close().await;
}

async fn grouped() -> Server {
    let broker = Broker::open(None).await.unwrap();
    broker.create_queue("grouped", QueueOptions { requires_session: true, ..QueueOptions::default() }).unwrap();
    Server::of(broker, iris_local_servicebus::access::Access::open()).await
}

async fn accept(client: &mut Client, name: &str, session: Option<&str>) -> Result<Receiver, ReceiverAttachError> {
    let wanted = session.map_or(Value::Null, |id| Value::String(id.to_owned()));
    let source = Source::builder()
        .address("grouped")
        .add_to_filter_using_legacy_format("com.microsoft:session-filter", wanted)
        .build();
    let mut properties = Fields::new();
    properties.insert("com.microsoft:timeout".into(), Value::Uint(50));
    Receiver::builder().name(name).source(source).properties(properties).attach(&mut client.session).await
}

async fn send(server: &Server, session: &str, body: &str) {
    let message = Plain { session_id: Some(session.to_owned()), ..Plain::new(body.to_owned()) };
    server.broker.send("grouped", message).await.unwrap();
}

#[tokio::test]
async fn sessions_are_taken_by_id_or_in_turn() {
    let server = grouped().await;
    send(&server, "a", "a1").await;
    send(&server, "b", "b1").await;
    send(&server, "b", "b2").await;
    let mut client = Client::connect(&server).await;
    let mut by_id = accept(&mut client, "by-id", Some("b")).await.unwrap();
    for expected in ["b1", "b2"] {
        let delivery = by_id.recv::<Body<Value>>().await.unwrap();
        assert_eq!(text(&delivery), expected);
        by_id.accept(&delivery).await.unwrap();
    }
    let locked = accept(&mut client, "locked", Some("b")).await.unwrap_err();
    assert!(format!("{locked:?}").contains("session-cannot-be-locked"), "{locked:?}");
    let mut next = accept(&mut client, "next", None).await.unwrap();
    assert_eq!(text(&next.recv::<Body<Value>>().await.unwrap()), "a1");
    let none = accept(&mut client, "none", None).await.unwrap_err();
    assert!(format!("{none:?}").contains("com.microsoft:timeout"), "{none:?}");
    client.close().await;
}

#[tokio::test]
async fn an_attach_waits_for_a_session_to_come() {
    let server = grouped().await;
    let mut client = Client::connect(&server).await;
    let source = Source::builder()
        .address("grouped")
        .add_to_filter_using_legacy_format("com.microsoft:session-filter", Value::Null)
        .build();
    let (receiver, ()) = tokio::join!(
        Receiver::builder().name("waiting").source(source).attach(&mut client.session),
        send(&server, "late", "worth it")
    );
    assert_eq!(text(&receiver.unwrap().recv::<Body<Value>>().await.unwrap()), "worth it");
    client.close().await;
}

#[tokio::test]
async fn a_session_has_a_state_while_it_is_held() {
    let server = grouped().await;
    send(&server, "a", "a1").await;
    let mut client = Client::connect(&server).await;
    let mut management = Management::attach(&mut client, "grouped").await;
    let id = || ("session-id", Value::String("a".into()));
    assert_eq!(management.ask("get-session-state", vec![id()]).await.0, 410, "not held yet");
    let held = accept(&mut client, "held", Some("a")).await.unwrap();
    let state = Value::Binary(b"half done".to_vec().into());
    assert_eq!(management.ask("set-session-state", vec![id(), ("session-state", state.clone())]).await.0, 200);
    assert_eq!(management.ask("get-session-state", vec![id()]).await.1.get("session-state"), Some(&state));
    assert_eq!(management.ask("renew-session-lock", vec![id()]).await.0, 200);
    held.close().await.unwrap();
    assert_eq!(management.ask("renew-session-lock", vec![id()]).await.0, 410);
    client.close().await;
}

fn text_value(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn map(pairs: Vec<(&str, Value)>) -> Value {
    Value::Map(pairs.into_iter().map(|(name, value)| (text_value(name), value)).collect())
}

#[tokio::test]
async fn rules_of_a_subscription() {
    let broker = Broker::open(None).await.unwrap();
    broker.create_topic("topic").unwrap();
    let options = SubscriptionOptions { rules: vec![Rule::everything()], ..SubscriptionOptions::default() };
    broker.create_subscription("topic", "sub", options).unwrap();
    let server = Server::of(broker, Access::open()).await;
    let mut client = Client::connect(&server).await;
    let mut management = Management::attach(&mut client, "topic/Subscriptions/sub").await;
    let page = || vec![("skip", Value::Int(0)), ("top", Value::Int(i32::MAX))];
    let (status, body) = management.ask("enumerate-rules", page()).await;
    assert_eq!(status, 200);
    assert!(format!("{body:?}").contains("$Default"), "{body:?}");

    assert_eq!(management.ask("remove-rule", vec![("rule-name", text_value("$Default"))]).await.0, 200);
    assert_eq!(management.ask("remove-rule", vec![("rule-name", text_value("$Default"))]).await.0, 404);
    assert_eq!(management.ask("enumerate-rules", page()).await.0, 204);

    let red = || {
        let filter = map(vec![("label", text_value("red")), ("properties", map(vec![("n", Value::Long(1))]))]);
        let action = map(vec![("expression", text_value("SET Mark = 'r'"))]);
        map(vec![("correlation-filter", filter), ("sql-rule-action", action)])
    };
    let rule = || vec![("rule-name", text_value("red")), ("rule-description", red())];
    assert_eq!(management.ask("add-rule", rule()).await.0, 200);
    assert_eq!(management.ask("add-rule", rule()).await.0, 409);
    let (_, body) = management.ask("enumerate-rules", page()).await;
    assert!(format!("{body:?}").contains("SET Mark = 'r'"), "as it was written: {body:?}");
    let plain = map(vec![("correlation-filter", map(vec![("label", text_value("plain"))]))]);
    let rule = vec![("rule-name", text_value("plain")), ("rule-description", plain)];
    assert_eq!(management.ask("add-rule", rule).await.0, 200);
    let (_, body) = management.ask("enumerate-rules", page()).await;
    assert!(format!("{body:?}").contains("OrderedMap({})"), "a filter without properties has a map of none: {body:?}");
    assert_eq!(management.ask("remove-rule", vec![("rule-name", text_value("plain"))]).await.0, 200);
    let sql = map(vec![("sql-filter", map(vec![("expression", text_value("color = 'red'"))]))]);
    let refused = vec![("rule-name", text_value("sql")), ("rule-description", sql)];
    assert_eq!(management.ask("add-rule", refused).await.0, 400);

    for subject in ["red", "blue"] {
        let message = Plain { subject: Some(subject.into()), ..Plain::new(subject) }.with_property("n", 1);
        server.broker.send("topic", message).await.unwrap();
    }
    let got = server.broker.receive("topic/subscriptions/sub", 5, Duration::ZERO).await.unwrap();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].message.property("Mark"), Some(&"r".into()));
    client.close().await;
}

#[tokio::test]
async fn sessions_are_listed() {
    let options = QueueOptions { requires_session: true, ..QueueOptions::default() };
    let server = Server::with_queue("grouped", options).await;
    let mut client = Client::connect(&server).await;
    let mut management = Management::attach(&mut client, "grouped").await;
    let whenever = || Value::Timestamp(253_402_300_800_000.into());
    let ask = |skip, top| vec![("last-updated-time", whenever()), ("skip", Value::Int(skip)), ("top", Value::Int(top))];
    assert_eq!(management.ask("get-message-sessions", ask(0, 10)).await.0, 204);
    for id in ["b", "a", "c"] {
        server.broker.send("grouped", Plain { session_id: Some(id.into()), ..Plain::new(id) }).await.unwrap();
    }
    let (status, body) = management.ask("get-message-sessions", ask(1, 2)).await;
    assert_eq!(status, 200);
    let expected = Value::List(vec![text_value("b"), text_value("c")]);
    assert_eq!(body.get("sessions-ids"), Some(&expected));
    let since =
        vec![("last-updated-time", Value::Timestamp(0.into())), ("skip", Value::Int(0)), ("top", Value::Int(9))];
    assert_eq!(management.ask("get-message-sessions", since).await.0, 204, "no session has a state");
    client.close().await;
}
