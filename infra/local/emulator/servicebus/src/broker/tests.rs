//! The broker through its public interface, and its state machine with a clock of the test's own.

use super::slot::Arrival;
use super::*;
use crate::message::{Message, PropertyValue};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);
const NOW: Millis = 1_000_000;

fn message(text: &str) -> crate::message::Encoded {
    Message::new(text.to_owned()).with_message_id(text).encode().unwrap()
}

fn state(options: QueueOptions) -> State {
    State::new(options)
}

fn put(state: &mut State, message: &Message, now: Millis) -> Sequence {
    state.enqueue(Arrival::new(message.encode().unwrap()), now).unwrap()
}

async fn broker(queue: QueueOptions) -> Broker {
    let broker = Broker::open(None).await.unwrap();
    broker.create_queue("q", queue).unwrap();
    broker
}

fn bodies(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| String::from_utf8_lossy(&delivery.message.body).into_owned()).collect()
}

#[test]
fn an_expired_lock_counts_and_gives_the_message_back_in_order() {
    let mut state = state(QueueOptions::default());
    for n in 0..3 {
        put(&mut state, &Message::new(format!("{n}")), NOW);
    }
    let first = state.take(1, None, true, NOW).remove(0);
    assert_eq!(state.next_deadline(), Some(NOW + 60_000));
    state.advance(NOW + 59_999);
    assert_eq!(state.tally().locked, 1);
    assert_eq!(state.renew(first.token, NOW + 59_999), Ok(NOW + 119_999));
    state.advance(NOW + 119_999);
    assert_eq!(state.complete(first.token), Err(Error::LockLost));
    let again = state.take(3, None, true, NOW + 120_000);
    assert_eq!(
        again.iter().map(|taken| (taken.sequence, taken.attempts)).collect::<Vec<_>>(),
        [(1, 1), (2, 0), (3, 0)]
    );
}

#[test]
fn a_message_lives_as_long_as_the_shorter_of_two_limits() {
    let ttl = |own: Option<u64>, default: Option<u64>| {
        let options = QueueOptions {
            default_time_to_live: default.map(Duration::from_secs),
            dead_letter_on_expiration: true,
            ..QueueOptions::default()
        };
        let mut state = state(options);
        let message = Message { time_to_live: own.map(Duration::from_secs), ..Message::new("x") };
        put(&mut state, &message, NOW);
        state.next_deadline().map(|at| (at - NOW) / 1000)
    };
    assert_eq!(ttl(Some(5), Some(3)), Some(3));
    assert_eq!(ttl(Some(2), Some(3)), Some(2));
    assert_eq!(ttl(Some(5), None), Some(5));
    assert_eq!(ttl(None, Some(3)), Some(3));
    assert_eq!(ttl(None, None), None);
}

#[test]
fn what_is_locked_does_not_expire_until_it_comes_back() {
    let options = QueueOptions {
        default_time_to_live: Some(Duration::from_secs(1)),
        dead_letter_on_expiration: true,
        ..QueueOptions::default()
    };
    let mut state = state(options);
    put(&mut state, &Message::new("x"), NOW);
    let taken = state.take(1, None, true, NOW).remove(0);
    state.advance(NOW + 5_000);
    assert_eq!(state.tally().locked, 1);
    state.abandon(taken.token, &[]).unwrap();
    state.advance(NOW + 5_000);
    assert_eq!(state.tally().ready, 0);
    assert_eq!(state.effects.dead_letters[0].reason, "TTLExpiredException");
}

#[test]
fn a_scheduled_message_gets_a_new_number_when_its_time_comes() {
    let mut state = state(QueueOptions::default());
    let at = jiff::Timestamp::from_millisecond(NOW + 500).unwrap();
    let early = put(&mut state, &Message { scheduled_enqueue_time: Some(at), ..Message::new("later") }, NOW);
    let plain = put(&mut state, &Message::new("now"), NOW);
    assert_eq!(state.take(5, None, false, NOW).len(), 1);
    state.advance(NOW + 500);
    let taken = state.take(5, None, false, NOW + 500).remove(0);
    assert!(taken.sequence > plain && taken.sequence > early);
    assert_eq!(taken.enqueued_at, NOW + 500);
}

#[test]
fn a_duplicate_is_dropped_within_the_window_and_taken_after_it() {
    let mut state =
        state(QueueOptions { duplicate_detection: Some(Duration::from_secs(10)), ..QueueOptions::default() });
    let once = Message::new("x").with_message_id("id");
    let first = put(&mut state, &once, NOW);
    assert_eq!(put(&mut state, &once, NOW + 9_999), first);
    assert_eq!(state.tally().ready, 1);
    state.advance(NOW + 10_000);
    assert_ne!(put(&mut state, &once, NOW + 10_000), first);
    assert_eq!(state.tally().ready, 2);
}

#[test]
fn bytes_are_counted_out_again() {
    let mut state = state(QueueOptions { max_delivery_count: 1, ..QueueOptions::default() });
    for n in 0..100 {
        put(&mut state, &Message::new(vec![0; n]), NOW);
    }
    for (n, taken) in state.take(100, None, true, NOW).into_iter().enumerate() {
        match n % 4 {
            0 => state.complete(taken.token).unwrap(),
            1 => state.abandon(taken.token, &[]).unwrap(),
            2 => state.dead_letter(taken.token, "r", "d", &[("k".into(), "v".into())]).unwrap(),
            _ => state.defer(taken.token, &[("k".into(), "v".into())]).unwrap(),
        }
    }
    assert_eq!(state.purge(), 25);
    assert_eq!(state.tally(), state::Tally::default());
    assert_eq!(state.next_deadline(), None);
}

#[test]
fn one_receiver_at_a_time_works_on_a_session() {
    let mut state = state(QueueOptions { requires_session: true, ..QueueOptions::default() });
    for (n, session) in ["b", "a", "b"].into_iter().enumerate() {
        put(&mut state, &Message { session_id: Some(session.into()), ..Message::new(format!("{n}")) }, NOW);
    }
    assert!(state.enqueue(Arrival::new(message("none")), NOW).is_err());
    let (one, two) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    let (id, until) = state.accept_session(None, one, NOW).unwrap().unwrap();
    assert_eq!((&*id, until), ("b", NOW + 60_000));
    assert_eq!(state.accept_session(Some("b"), two, NOW), Err(Error::SessionLocked));
    assert_eq!(&*state.accept_session(None, two, NOW).unwrap().unwrap().0, "a");
    assert_eq!(state.accept_session(None, two, NOW), Ok(None));
    let taken = state.take(5, Some("b"), true, NOW);
    assert_eq!(taken.iter().map(|taken| taken.sequence).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(taken[0].locked_until, Some(until));
    state.complete(taken[0].token).unwrap();
    state.close_session("b", one);
    assert_eq!(state.complete(taken[1].token), Err(Error::SessionLockLost));
    let (id, _) = state.accept_session(None, two, NOW).unwrap().unwrap();
    assert_eq!(&*id, "b");
    assert_eq!(state.take(5, Some("b"), true, NOW)[0].attempts, 0, "a session that was closed does not count");
    state.advance(NOW + 60_000);
    assert_eq!(state.check_session("b", two), Err(Error::SessionLockLost));
    state.accept_session(Some("b"), one, NOW).unwrap();
    assert_eq!(state.take(5, Some("b"), true, NOW)[0].attempts, 1, "one that was lost does");
}

#[tokio::test]
async fn dead_letters_are_driven_back_without_their_reason() {
    let broker = broker(QueueOptions::default()).await;
    broker.send("q", Message::new("x").with_property("kept", "yes")).await.unwrap();
    let taken = broker.receive("q", 1, SOON).await.unwrap().remove(0);
    broker.dead_letter("q", taken.lock_token, "Broken", "badly").await.unwrap();
    assert_eq!(broker.status("q").unwrap().dead_lettered, 1);
    let dead = broker.receive("q/$deadletterqueue", 1, SOON).await.unwrap().remove(0);
    assert!(matches!(
        broker.dead_letter("q/$DeadLetterQueue", dead.lock_token, "", "").await,
        Err(Error::Unsupported(_))
    ));
    broker.abandon("q/$deadletterqueue", dead.lock_token).await.unwrap();
    assert_eq!(broker.redrive("q").await.unwrap(), 1);
    let back = broker.receive("q", 1, SOON).await.unwrap().remove(0);
    assert_eq!(back.message.application_properties, [("kept".to_owned(), "yes".into())]);
    assert_eq!(back.delivery_count, 1);
    assert_eq!(broker.status("q").unwrap().dead_lettered, 0);
}

#[tokio::test]
async fn a_waiting_receiver_is_woken() {
    let broker = broker(QueueOptions::default()).await;
    let (received, ()) = tokio::join!(broker.receive("q", 1, SOON), async {
        broker.send("q", Message::new("x")).await.unwrap();
    });
    assert_eq!(bodies(&received.unwrap()), ["x"]);
    assert_eq!(broker.receive("q", 1, Duration::from_millis(1)).await.unwrap(), []);
}

#[tokio::test]
async fn the_timer_brings_scheduled_and_expired_messages() {
    let options = QueueOptions { dead_letter_on_expiration: true, ..QueueOptions::default() };
    let broker = broker(options).await;
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(30);
    broker.schedule("q", Message::new("scheduled"), at).await.unwrap();
    assert_eq!(bodies(&broker.receive("q", 1, SOON).await.unwrap()), ["scheduled"]);
    let brief = Message { time_to_live: Some(Duration::from_millis(20)), ..Message::new("brief") };
    broker.send("q", brief).await.unwrap();
    let dead = broker.receive("q/$deadletterqueue", 1, SOON).await.unwrap();
    assert_eq!(dead[0].message.property("DeadLetterReason").unwrap().as_str(), Some("TTLExpiredException"));
}

#[tokio::test]
async fn every_completed_message_comes_twice_while_the_fault_is_on() {
    let broker = broker(QueueOptions::default()).await;
    broker.duplicate_deliveries(true);
    broker.send("q", Message::new("x").with_message_id("id")).await.unwrap();
    let first = broker.receive("q", 1, SOON).await.unwrap().remove(0);
    broker.complete("q", first.lock_token).await.unwrap();
    let second = broker.receive("q", 1, SOON).await.unwrap().remove(0);
    assert_eq!(second.sequence_number, first.sequence_number);
    assert_eq!(second.message, first.message);
    assert_eq!(second.delivery_count, 2);
    broker.complete("q", second.lock_token).await.unwrap();
    broker.drained("q").await.unwrap();
}

#[tokio::test]
async fn drained_waits_for_the_last_message() {
    let broker = broker(QueueOptions::default()).await;
    broker.send("q", Message::new("x")).await.unwrap();
    let taken = broker.receive("q", 1, SOON).await.unwrap().remove(0);
    let (drained, completed) = tokio::join!(broker.drained("q"), broker.complete("q", taken.lock_token));
    drained.unwrap();
    completed.unwrap();
}

#[tokio::test]
async fn a_subscription_gets_what_its_rules_match() {
    let broker = Broker::open(None).await.unwrap();
    broker.create_topic("t").unwrap();
    let subscribe = |name: &str, rules: Vec<Rule>| {
        broker.create_subscription("t", name, SubscriptionOptions { rules, ..SubscriptionOptions::default() }).unwrap();
    };
    let only = |subject: &str| CorrelationFilter { subject: Some(subject.to_owned()), ..CorrelationFilter::default() };
    let rule = |name: &str, filter: CorrelationFilter, set: Vec<(String, PropertyValue)>| Rule {
        name: name.to_owned(),
        filter: Filter::Correlation(Box::new(filter)),
        action: Action::setting(set),
    };
    subscribe("all", vec![Rule::everything()]);
    subscribe("none", vec![]);
    subscribe("red", vec![rule("red", only("red"), vec![])]);
    let large =
        CorrelationFilter { properties: vec![("size".into(), PropertyValue::Int(9))], ..CorrelationFilter::default() };
    let set = vec![("by".to_owned(), "rule".into())];
    subscribe("two", vec![rule("red", only("red"), vec![]), Rule::everything(), rule("large", large, set)]);
    broker.send("t", Message { subject: Some("red".into()), ..Message::new("1") }).await.unwrap();
    broker
        .send("t", Message { subject: Some("blue".into()), ..Message::new("2") }.with_property("size", 9))
        .await
        .unwrap();
    let active = |name: &str| broker.status(&format!("t/Subscriptions/{name}")).unwrap().active;
    assert_eq!((active("all"), active("none"), active("red")), (2, 0, 1));
    // Matching rules without actions make one copy together, those with actions one each.
    assert_eq!(active("two"), 3);
    assert!(matches!(broker.receive("t", 1, SOON).await, Err(Error::Unsupported(_))));
}

#[tokio::test]
async fn forwarding_in_circles_ends_among_the_dead_letters() {
    let broker = Broker::open(None).await.unwrap();
    for (name, target) in [("a", "b"), ("b", "a"), ("lost", "nowhere")] {
        let options = QueueOptions { forward_to: Some(target.to_owned()), ..QueueOptions::default() };
        broker.create_queue(name, options).unwrap();
    }
    broker.send("a", Message::new("x")).await.unwrap();
    broker.send("lost", Message::new("y")).await.unwrap();
    let lost: usize = broker.entities().iter().map(|entity| entity.not_forwarded).sum();
    assert_eq!(lost, 2);
    let status = broker.status("lost").unwrap();
    assert_eq!((status.not_forwarded, status.dead_lettered), (1, 0));
}

#[tokio::test]
async fn what_could_not_be_forwarded_is_kept_apart_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let broker = Broker::open(Some(folder.path())).await.unwrap();
        broker.create_entry("q-org", "q", vec![("Organization".to_owned(), "org".into())]).unwrap();
        broker
    };
    let broker = open().await;
    broker.send("q-org", Message::new("x").with_message_id("id")).await.unwrap();
    broker.flush().await.unwrap();
    drop(broker);

    let broker = open().await;
    let entry = "q-org/subscriptions/forward";
    let counts = || {
        let status = broker.status(entry).unwrap();
        (status.not_forwarded, status.dead_lettered, status.active)
    };
    assert_eq!(counts(), (1, 0, 0));
    let kept = broker.peek(&format!("{entry}/$Transfer/$DeadLetterQueue"), 0, 9).unwrap().remove(0).message;
    assert_eq!(kept.property("DeadLetterReason").unwrap().as_str(), Some("ForwardingFailed"));
    assert!(matches!(broker.peek("q-org/$Transfer/$DeadLetterQueue", 0, 9), Err(Error::Unsupported(_))));

    // There is still nowhere to forward to.
    assert_eq!(broker.redrive(entry).await.unwrap(), 1);
    assert_eq!(counts(), (1, 0, 0));
    broker.create_queue("q", QueueOptions::default()).unwrap();
    assert_eq!(broker.redrive(entry).await.unwrap(), 1);
    let message = broker.receive("q", 1, SOON).await.unwrap().remove(0).message;
    assert_eq!(message, Message::new("x").with_message_id("id").with_property("Organization", "org"));
    assert_eq!(counts(), (0, 0, 0));
}

#[tokio::test]
async fn a_stamp_reaches_the_target_with_everything_else_unchanged() {
    let broker = broker(QueueOptions::default()).await;
    broker.create_entry("q-org", "q", vec![("Organization".to_owned(), "org".into())]).unwrap();
    let sent = Message { correlation_id: Some("c".into()), ..Message::new("x").with_message_id("id") };
    broker.send("Q-ORG", sent.clone().with_property("Organization", "forged")).await.unwrap();
    let got = broker.receive("q", 1, SOON).await.unwrap().remove(0).message;
    assert_eq!(got, sent.with_property("Organization", "org"));
}

#[tokio::test]
async fn senders_wait_for_room() {
    let broker = broker(QueueOptions { max_bytes: 2_000, ..QueueOptions::default() }).await;
    for _ in 0..2 {
        broker.send("q", Message::new(vec![0; 900])).await.unwrap();
    }
    let third = tokio::time::timeout(Duration::from_millis(20), broker.send("q", Message::new("late"))).await;
    assert!(third.is_err(), "it waits");
    let (sent, ()) = tokio::join!(broker.send("q", Message::new("late")), async {
        let taken = broker.receive("q", 1, SOON).await.unwrap().remove(0);
        broker.complete("q", taken.lock_token).await.unwrap();
    });
    sent.unwrap();
    assert_eq!(broker.status("q").unwrap().active, 2);
}

#[tokio::test]
async fn deleting_and_naming() {
    let broker = broker(QueueOptions::default()).await;
    assert!(matches!(broker.create_queue("Q", QueueOptions::default()), Err(Error::Exists(_))));
    for name in ["", "-x", "a b", "q/", "a$"] {
        assert!(matches!(broker.create_queue(name, QueueOptions::default()), Err(Error::Invalid(_))), "{name:?}");
    }
    broker.send("q", Message::new("x")).await.unwrap();
    broker.delete("q").await.unwrap();
    assert!(matches!(broker.send("q", Message::new("x")).await, Err(Error::NotFound(_))));
    broker.create_queue("q", QueueOptions::default()).unwrap();
    assert_eq!(broker.status("q").unwrap().active, 0);
}

#[tokio::test]
async fn nothing_is_confirmed_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::open(Some(folder.path())).await.unwrap();
    broker.create_queue("q", QueueOptions::default()).unwrap();
    // The first segment is on a full disk.
    std::os::unix::fs::symlink("/dev/full", folder.path().join("0000000000000001.log")).unwrap();
    assert!(matches!(broker.send("q", Message::new("x")).await, Err(Error::Storage(_))));
    assert!(matches!(broker.send("q", Message::new("y")).await, Err(Error::Storage(_))));
    assert!(matches!(broker.flush().await, Err(Error::Storage(_))));
}

#[tokio::test]
async fn a_scheduled_message_waits_before_it_is_forwarded_and_can_be_taken_back() {
    let broker = broker(QueueOptions::default()).await;
    broker.create_entry("entry", "q", vec![("Stamp".into(), "s".into())]).unwrap();
    let forwards = QueueOptions { forward_to: Some("q".into()), ..QueueOptions::default() };
    broker.create_queue("forwarding", forwards).unwrap();
    let now = jiff::Timestamp::now();
    for entity in ["entry", "forwarding"] {
        let later = now + jiff::SignedDuration::from_hours(1);
        let taken_back = broker.schedule(entity, Message::new("never"), later).await.unwrap();
        assert_eq!(broker.status(entity).unwrap().scheduled, 1);
        broker.cancel_scheduled(entity, taken_back).await.unwrap();
        assert_eq!(broker.status(entity).unwrap().scheduled, 0);
        // A message whose time has already passed is sent on at once.
        let soon = [now + jiff::SignedDuration::from_millis(30), now - jiff::SignedDuration::from_secs(5)];
        for at in soon {
            broker.schedule(entity, Message::new(entity), at).await.unwrap();
        }
        for _ in soon {
            let got = broker.receive("q", 1, SOON).await.unwrap().remove(0);
            assert_eq!(got.message.body, entity);
            assert_eq!(got.message.property("Stamp").is_some(), entity == "entry");
            broker.complete("q", got.lock_token).await.unwrap();
        }
    }
    let missing = QueueOptions { forward_to: Some("nowhere".into()), ..QueueOptions::default() };
    broker.create_queue("astray", missing).unwrap();
    broker.schedule("astray", Message::new("lost"), now).await.unwrap();
    let dead = broker.receive("astray/$transfer/$deadletterqueue", 1, SOON).await.unwrap().remove(0);
    assert_eq!(dead.message.property("DeadLetterReason").unwrap().as_str(), Some("ForwardingFailed"));
}

#[tokio::test]
async fn rules_are_changed_while_messages_flow() {
    let broker = broker(QueueOptions::default()).await;
    broker.create_topic("t").unwrap();
    let options = SubscriptionOptions { rules: vec![Rule::everything()], ..SubscriptionOptions::default() };
    broker.create_subscription("t", "s", options).unwrap();
    broker.send("t", Message::new("1")).await.unwrap();
    broker.remove_rule("t/subscriptions/s", "$default").unwrap();
    broker.send("t", Message::new("2")).await.unwrap();
    let filter = CorrelationFilter { subject: Some("x".into()), ..CorrelationFilter::default() };
    let rule = Rule { name: "x".into(), filter: Filter::Correlation(Box::new(filter)), action: Action::default() };
    broker.add_rule("T/Subscriptions/S", rule.clone()).unwrap();
    for subject in ["x", "y"] {
        broker.send("t", Message { subject: Some(subject.into()), ..Message::new(subject) }).await.unwrap();
    }
    assert_eq!(bodies(&broker.receive("t/subscriptions/s", 5, SOON).await.unwrap()), ["1", "x"]);
    assert_eq!(broker.rules("t/subscriptions/s").unwrap(), std::slice::from_ref(&rule));
    assert!(matches!(broker.add_rule("t/subscriptions/s", rule.clone()), Err(Error::Exists(_))));
    assert!(matches!(broker.remove_rule("t/subscriptions/s", "other"), Err(Error::NotFound(_))));
    assert!(matches!(broker.add_rule("q", rule), Err(Error::Unsupported(_))));
}

#[tokio::test]
async fn a_message_set_aside_was_delivered_once() {
    let broker = broker(QueueOptions::default()).await;
    broker.send("q", Message::new("x")).await.unwrap();
    let first = broker.receive("q", 1, SOON).await.unwrap().remove(0);
    broker.defer("q", first.lock_token).await.unwrap();
    let second = broker.receive_deferred("q", &[first.sequence_number]).await.unwrap().remove(0);
    assert_eq!((first.delivery_count, second.delivery_count), (1, 2));
    broker.abandon("q", second.lock_token).await.unwrap();
    let third = broker.receive_deferred("q", &[first.sequence_number]).await.unwrap().remove(0);
    assert_eq!(third.delivery_count, 3);
}

#[test]
fn dead_letters_keep_their_count() {
    let mut state = state(QueueOptions::default());
    state.counts_deliveries = false;
    let sequence = put(&mut state, &Message::new("x"), NOW);
    let taken = state.take(1, None, true, NOW).remove(0);
    state.abandon(taken.token, &[]).unwrap();
    assert_eq!(state.take(1, None, true, NOW)[0].attempts, 0, "abandoned");
    state.advance(NOW + 60_000);
    let taken = state.take(1, None, true, NOW + 60_000).remove(0);
    assert_eq!(taken.attempts, 0, "its lock ran out");
    state.defer(taken.token, &[]).unwrap();
    assert_eq!(state.take_deferred(&[sequence], true, NOW).unwrap()[0].attempts, 0, "set aside");
}

#[tokio::test]
async fn the_queue_of_dead_letters_does_not_count() {
    let broker = broker(QueueOptions::default()).await;
    broker.send("q", Message::new("x")).await.unwrap();
    let taken = broker.receive("q", 1, SOON).await.unwrap().remove(0);
    broker.dead_letter("q", taken.lock_token, "r", "d").await.unwrap();
    let dead = "q/$deadletterqueue";
    let first = broker.receive(dead, 1, SOON).await.unwrap().remove(0);
    broker.abandon(dead, first.lock_token).await.unwrap();
    let second = broker.receive(dead, 1, SOON).await.unwrap().remove(0);
    assert_eq!(second.delivery_count, first.delivery_count);
}
