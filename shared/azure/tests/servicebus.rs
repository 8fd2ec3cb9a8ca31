//! The sender against the local Service Bus endpoint, undisturbed and disturbed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod proxy;

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::OffsetDateTime;
use bytes::Bytes;
use iris_azure::credential::Credential;
use iris_azure::servicebus::{
    Cause, Endpoint as ServiceBus, Error, OutgoingMessage, PropertyValue, SenderOptions, ServiceBusSender,
};
use iris_local_servicebus::access::{Access, AccessKey, ROOT_KEY_NAME, Right, connection_string};
use iris_local_servicebus::broker::{Broker, Delivery, QueueOptions};
use iris_local_servicebus::{Endpoint, serve};
use proxy::Proxy;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;

const PATIENT: Duration = Duration::from_secs(20);

struct Bus {
    broker: Broker,
    endpoint: Endpoint,
}

impl Bus {
    async fn start() -> Self {
        Self::start_with(Access::open()).await
    }

    async fn start_with(access: Access) -> Self {
        let broker = Broker::open(None).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = serve(broker.clone(), listener, access).unwrap();
        broker.create_queue("events", QueueOptions::default()).unwrap();
        Self { broker, endpoint }
    }

    fn sender(&self) -> ServiceBusSender {
        sender(self.endpoint.address(), SenderOptions::default())
    }
}

fn sender(address: SocketAddr, options: SenderOptions) -> ServiceBusSender {
    ServiceBusSender::with_connection_string(&connection_string(address, ROOT_KEY_NAME, "key", None), options).unwrap()
}

fn message(id: impl std::fmt::Display, body: impl Into<Bytes>) -> OutgoingMessage {
    OutgoingMessage { message_id: id.to_string(), body: body.into(), ..OutgoingMessage::default() }
}

fn messages(count: usize) -> Vec<OutgoingMessage> {
    (0..count).map(|id| message(id, vec![b'x'; 1024])).collect()
}

/// All messages that are in the queue, completed.
async fn drain(broker: &Broker, queue: &str) -> Vec<Delivery> {
    let mut all = Vec::new();
    loop {
        let some = broker.receive(queue, 1000, Duration::ZERO).await.unwrap();
        if some.is_empty() {
            return all;
        }
        for delivery in &some {
            broker.complete(queue, delivery.lock_token).await.unwrap();
        }
        all.extend(some);
    }
}

fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.message.message_id.as_deref().unwrap()).collect()
}

#[tokio::test]
async fn a_message_arrives_with_everything_alone_and_in_a_batch() {
    let bus = Bus::start().await;
    let full = |id: &str| OutgoingMessage {
        content_type: Some("application/json".into()),
        subject: Some("OrderCreated".into()),
        correlation_id: Some("cause".into()),
        session_id: Some("order-7".into()),
        application_properties: [("organization".to_owned(), PropertyValue::from("harborview"))].into(),
        time_to_live: Some(Duration::from_secs(600)),
        ..message(id, "{}")
    };
    let sender = bus.sender();
    sender.send("events", vec![full("alone")]).await.unwrap();
    sender.send("events", vec![full("first"), full("second")]).await.unwrap();
    let arrived = drain(&bus.broker, "events").await;
    assert_eq!(ids(&arrived), ["alone", "first", "second"]);
    for delivery in arrived {
        let message = delivery.message;
        assert_eq!(message.body, "{}");
        assert_eq!(message.content_type.as_deref(), Some("application/json"));
        assert_eq!(message.subject.as_deref(), Some("OrderCreated"));
        assert_eq!(message.correlation_id.as_deref(), Some("cause"));
        assert_eq!(message.session_id.as_deref(), Some("order-7"));
        assert_eq!(message.time_to_live, Some(Duration::from_secs(600)));
        assert_eq!(message.property("organization").and_then(|value| value.as_str()), Some("harborview"));
    }
}

#[tokio::test]
async fn a_scheduled_message_waits() {
    let bus = Bus::start().await;
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let scheduled = OutgoingMessage { scheduled_enqueue_time: Some(later), ..message("later", "x") };
    bus.sender().send("events", vec![scheduled, message("now", "x")]).await.unwrap();
    assert_eq!(ids(&drain(&bus.broker, "events").await), ["now"]);
    assert_eq!(bus.broker.status("events").unwrap().scheduled, 1);
}

#[tokio::test]
async fn thousands_arrive_once_and_in_order() {
    let bus = Bus::start().await;
    bus.sender().send("events", messages(5000)).await.unwrap();
    let expected: Vec<String> = (0..5000).map(|id| id.to_string()).collect();
    assert_eq!(ids(&drain(&bus.broker, "events").await), expected);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_named_and_nothing_is_sent() {
    let bus = Bus::start().await;
    let mut messages = messages(3);
    messages[1].body = Bytes::from(vec![0; 2 << 20]);
    let error = bus.sender().send("events", messages).await.unwrap_err();
    assert!(matches!(error.cause, Cause::TooLarge { index: 1, size, limit } if size > limit));
    assert_eq!(error.unconfirmed, [0, 1, 2]);
    assert!(!error.is_transient());
    assert!(drain(&bus.broker, "events").await.is_empty());
}

#[tokio::test]
async fn an_unknown_queue_fails_at_once_and_alone() {
    let bus = Bus::start().await;
    let sender = bus.sender();
    let (unknown, known) = tokio::join!(sender.send("nowhere", messages(2)), sender.send("events", messages(2)));
    assert_eq!(unknown, Err(Error { cause: Cause::EntityNotFound, unconfirmed: vec![0, 1] }));
    known.unwrap();
    bus.broker.create_queue("nowhere", QueueOptions::default()).unwrap();
    sender.send("nowhere", messages(1)).await.unwrap();
}

#[tokio::test]
async fn a_key_opens_what_it_is_for() {
    let key = |name: &str, entity: Option<&str>, right| AccessKey {
        name: name.into(),
        key: "right-key".into(),
        entity: entity.map(str::to_owned),
        right,
        known_as: None,
    };
    let keys = vec![key("send", Some("events"), Right::Send), key("listen", Some("events"), Right::Listen)];
    let bus = Bus::start_with(Access::with_keys(keys)).await;
    bus.broker.create_queue("other", QueueOptions::default()).unwrap();
    for (name, secret, queue, allowed) in [
        ("send", "right-key", "events", true),
        ("send", "wrong-key", "events", false),
        ("send", "right-key", "other", false),
        ("listen", "right-key", "events", false),
        ("nobody", "right-key", "events", false),
    ] {
        let text = connection_string(bus.endpoint.address(), name, secret, None);
        let sender = ServiceBusSender::with_connection_string(&text, SenderOptions::default()).unwrap();
        match sender.send(queue, messages(1)).await {
            Ok(()) => assert!(allowed, "{name} {secret} {queue}"),
            Err(error) => {
                assert!(!allowed, "{name} {secret} {queue}: {error}");
                assert!(matches!(error.cause, Cause::Unauthorized { .. }), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_queue_that_was_deleted_is_missed_and_found_again() {
    let bus = Bus::start().await;
    let sender = bus.sender();
    sender.send("events", messages(1)).await.unwrap();
    bus.broker.delete("events").await.unwrap();
    let error = sender.send("events", messages(1)).await.unwrap_err();
    assert_eq!(error.cause, Cause::EntityNotFound);
    bus.broker.create_queue("events", QueueOptions::default()).unwrap();
    sender.send("events", messages(1)).await.unwrap();
    assert_eq!(drain(&bus.broker, "events").await.len(), 1);
}

#[tokio::test]
async fn an_idle_connection_that_was_cut_is_rebuilt() {
    let bus = Bus::start().await;
    let sender = bus.sender();
    for id in 0..5 {
        sender.send("events", vec![message(id, "x")]).await.unwrap();
        bus.endpoint.cut_connections();
    }
    let arrived = drain(&bus.broker, "events").await;
    assert_eq!(ids(&arrived).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(["0", "1", "2", "3", "4"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_under_load_lose_nothing() {
    let bus = Bus::start().await;
    let detecting = QueueOptions { duplicate_detection: Some(Duration::from_secs(600)), ..QueueOptions::default() };
    bus.broker.create_queue("once", detecting).unwrap();
    let proxy = Proxy::start(bus.endpoint.address()).await;
    let options = SenderOptions { attempts: 50, ..SenderOptions::default() };
    let sender = sender(proxy.address(), options);
    let mut sends = tokio::task::JoinSet::new();
    for caller in 0..100 {
        let sender = sender.clone();
        sends.spawn(async move {
            for round in 0..10 {
                let batch = (0..5).map(|part| message(format!("{caller}-{round}-{part}"), "x")).collect();
                let queue = if caller % 2 == 0 { "events" } else { "once" };
                sender.send(queue, batch).await.unwrap();
            }
        });
    }
    let mut cuts = 0;
    let mut pause = tokio::time::interval(Duration::from_millis(25));
    loop {
        tokio::select! {
            done = sends.join_next() => match done {
                Some(result) => result.unwrap(),
                None => break,
            },
            _ = pause.tick(), if cuts < 20 => {
                proxy.cut();
                cuts += 1;
            }
        }
    }
    let (events, once) = (drain(&bus.broker, "events").await, drain(&bus.broker, "once").await);
    assert_eq!(ids(&events).into_iter().collect::<BTreeSet<_>>().len(), 2500);
    let mut counts: HashMap<&str, usize> = HashMap::new();
    ids(&once).into_iter().for_each(|id| *counts.entry(id).or_default() += 1);
    assert_eq!(counts.len(), 2500);
    assert!(counts.values().all(|count| *count == 1), "the same ids in every attempt");
}

#[tokio::test]
async fn a_broker_that_comes_back_is_found() {
    let bus = Bus::start().await;
    let sender = sender(bus.endpoint.address(), SenderOptions { attempts: 100, ..SenderOptions::default() });
    sender.send("events", vec![message("before", "x")]).await.unwrap();
    let address = bus.endpoint.address();
    bus.endpoint.shutdown().await;
    let during = tokio::spawn(async move { sender.send("events", vec![message("during", "x")]).await });
    tokio::task::yield_now().await;
    let listener = TcpListener::bind(address).await.unwrap();
    let _endpoint = serve(bus.broker.clone(), listener, Access::open()).unwrap();
    during.await.unwrap().unwrap();
    assert_eq!(ids(&drain(&bus.broker, "events").await), ["before", "during"]);
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_a_transient_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let sender = sender(address, SenderOptions { attempts: 2, ..SenderOptions::default() });
    let error = sender.send("events", messages(2)).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Unavailable { .. }) && error.is_transient());
    assert_eq!(error.unconfirmed, [0, 1]);
}

#[tokio::test]
async fn a_broker_that_does_not_answer_hangs_nobody() {
    let bus = Bus::start().await;
    let proxy = Proxy::start(bus.endpoint.address()).await;
    let options = SenderOptions {
        attempts: 1,
        deadline: Duration::from_millis(300),
        patience: PATIENT,
        ..SenderOptions::default()
    };
    let sender = sender(proxy.address(), options);
    sender.send("events", vec![message("before", "x")]).await.unwrap();
    proxy.swallow();
    let error = sender.send("events", vec![message("lost", "x")]).await.unwrap_err();
    assert_eq!(error, Error { cause: Cause::OutcomeUnknown, unconfirmed: vec![0] });
    proxy.heal();
    let retry = async {
        while let Err(error) = sender.send("events", vec![message("after", "x")]).await {
            assert!(error.is_transient(), "{error}");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENT, retry).await.unwrap();
    let arrived = drain(&bus.broker, "events").await;
    assert!(ids(&arrived).ends_with(&["after"]));
}

#[tokio::test]
async fn a_full_queue_holds_up_nobody_else() {
    let bus = Bus::start().await;
    bus.broker.create_queue("full", QueueOptions { max_bytes: 10_000, ..QueueOptions::default() }).unwrap();
    let options = SenderOptions { attempts: 2, deadline: Duration::from_secs(1), ..SenderOptions::default() };
    let sender = sender(bus.endpoint.address(), options);
    let flood = tokio::spawn({
        let sender = sender.clone();
        async move {
            loop {
                if let Err(error) = sender.send("full", vec![message("flood", vec![b'x'; 4096])]).await {
                    return error;
                }
            }
        }
    });
    for id in 0..50 {
        sender.send("events", vec![message(id, "x")]).await.unwrap();
    }
    assert!(flood.await.unwrap().is_transient());
    assert_eq!(drain(&bus.broker, "events").await.len(), 50);
}

#[tokio::test]
async fn what_was_handed_over_is_sent_although_the_handle_is_gone() {
    let bus = Bus::start().await;
    let sender = bus.sender();
    sender.send("events", vec![message("first", "x")]).await.unwrap();
    let sending = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send("events", messages(100)).await }
    });
    drop(sender);
    sending.await.unwrap().unwrap();
    assert_eq!(drain(&bus.broker, "events").await.len(), 101);
}

/// Tokens that expire soon, and a count of them.
#[derive(Debug, Default)]
struct ShortLived {
    given: AtomicUsize,
    again: Notify,
}

#[async_trait::async_trait]
impl TokenCredential for ShortLived {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        assert_eq!(scopes, ["https://servicebus.azure.net/.default"]);
        if self.given.fetch_add(1, Ordering::SeqCst) > 0 {
            self.again.notify_one();
        }
        Ok(AccessToken::new("token", OffsetDateTime::now_utc() + azure_core::time::Duration::seconds(1)))
    }
}

#[tokio::test]
async fn a_token_of_an_identity_is_renewed_while_nothing_is_sent() {
    let bus = Bus::start().await;
    let tokens = Arc::new(ShortLived::default());
    let credential = Credential::new(tokens.clone());
    let address = bus.endpoint.address();
    let sender =
        ServiceBusSender::with_credential(ServiceBus::without_tls(address), credential, SenderOptions::default());
    sender.send("events", messages(1)).await.unwrap();
    tokio::time::timeout(PATIENT, tokens.again.notified()).await.unwrap();
    sender.send("events", messages(1)).await.unwrap();
    assert_eq!(drain(&bus.broker, "events").await.len(), 2);
}

#[tokio::test]
async fn sending_nothing_needs_no_broker() {
    sender(SocketAddr::from(([127, 0, 0, 1], 1)), SenderOptions::default()).send("events", Vec::new()).await.unwrap();
}
