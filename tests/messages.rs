//! Messages from a caller's queue to the caller's events, through broker, Functions host and handler.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use iris_model::event::EventKind;
use iris_model::names::queue::ORDERS;
use iris_model::{Event, IssueCode, OutcomeKind};
use serde_json::json;
use std::collections::BTreeMap;
use support::generate::{operation, order};
use support::{TestHost, message, until};

fn of_kind(events: &[Event], kind: EventKind) -> Vec<&Event> {
    events.iter().filter(|event| event.result_object_type == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_created_changed_and_cancelled() {
    let host = TestHost::start().await;
    host.post(vec![message("1", &order("A", 1))]).await;
    let created = host.events(1).await.remove(0);
    assert!(created.success);
    assert_eq!(created.result_object_type, EventKind::OrderCreationReceipt);
    assert_eq!(created.order_local_id.as_deref(), Some("A-O1"));

    let mut change = operation("A", 1, "XO");
    change["Order"]["State"] = json!("ID");
    host.post(vec![message("2", &change)]).await;
    host.events(2).await;
    host.post(vec![message("3", &operation("A", 1, "CA"))]).await;
    let events = host.events(3).await;
    assert_eq!(of_kind(&events, EventKind::OrderChangeReceipt)[0].iris_order_id, created.iris_order_id);
    assert_eq!(of_kind(&events, EventKind::OrderCancelled)[0].iris_order_id, created.iris_order_id);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_message_is_answered_with_what_is_wrong() {
    let host = TestHost::start().await;
    let mut wrong = order("A", 1);
    wrong["Patient"]["Dob"] = json!("13/45/2000");
    wrong["Site"]["LocalId"] = json!("NOWHERE");
    host.post(vec![message("1", &wrong)]).await;
    let event = host.events(1).await.remove(0);
    assert!(!event.success);
    let text = event.error_message.unwrap();
    for part in ["bad-date", "Patient.Dob", "unknown-site", "Site.LocalId"] {
        assert!(text.contains(part), "{text}");
    }
    let mut garbage = message("2", &json!(null));
    garbage.body = "{\"OrderControlCode\": \"NW\", }".into();
    host.post(vec![garbage]).await;
    let events = host.events(2).await;
    assert!(events[1].error_message.as_ref().unwrap().contains("bad-json"));
    host.post(vec![message("3", &json!([order("B", 2)]))]).await;
    let events = host.events(3).await;
    assert!(events[2].error_message.as_ref().unwrap().contains("one message per order"));
    // Each says which message it answers, even where nothing of the message could be read.
    let queue = host.organization.events_queue().unwrap();
    let answers = host.host.broker.peek(&queue, 0, usize::MAX).unwrap();
    let answered: Vec<_> = answers.iter().map(|answer| answer.message.correlation_id.as_deref()).collect();
    assert_eq!(answered, [Some("1"), Some("2"), Some("3")]);
    host.stop().await;
}

/// JavaScript's client makes JSON of every body: a document that already is a text becomes a text within a text.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_written_as_a_text_is_an_order() {
    let host = TestHost::start().await;
    host.post(vec![message("1", &json!(order("A", 1).to_string()))]).await;
    let event = host.events(1).await.remove(0);
    assert!(event.success, "{:?}", event.error_message);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_organization_is_recorded_and_gets_no_event() {
    let host = TestHost::start().await;
    let mut foreign = order("A", 1);
    foreign["ClientGuid"] = json!("11111111-2222-4333-8444-555555555555");
    foreign["ApplicationProperties"] = json!({ "IrisOrganization": "harborview" });
    let mut forged = message("1", &foreign);
    forged.application_properties.insert("IrisOrganization".into(), "somebody-else".into());
    // A stamp that the sender made up is replaced by the entry's; the GUID in the body is still wrong.
    host.post(vec![forged, message("2", &order("A", 2))]).await;
    let events = host.events(1).await;
    host.settled().await;
    assert_eq!(host.events(1).await.len(), 1);
    assert_eq!(events[0].order_local_id.as_deref(), Some("A-O2"));
    let refused = host.host.orders.submissions(None, Some(OutcomeKind::Failed), 10).await.unwrap();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].issues.iter().any(|issue| issue.code == IssueCode::WrongOrganization));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_no_known_entry_is_recorded_and_not_lost() {
    let host = TestHost::start().await;
    let body = order("A", 1).to_string();
    let stray = iris_local_servicebus::message::Message {
        message_id: Some("stray".into()),
        body: body.clone().into(),
        ..iris_local_servicebus::message::Message::default()
    };
    host.host.broker.send(ORDERS, stray).await.unwrap();
    host.settled().await;
    let refused = host.host.orders.submissions(None, Some(OutcomeKind::Failed), 10).await.unwrap();
    assert_eq!(refused[0].issues[0].code.as_str(), "unknown-organization");
    assert_eq!(host.host.orders.refused_body(refused[0].id).await.unwrap().unwrap(), body.into_bytes());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_overtook_its_order_waits_for_it() {
    let host = TestHost::start().await;
    host.post(vec![message("1", &operation("A", 1, "CA"))]).await;
    support::until("the cancellation waits", async || host.host.broker.status(ORDERS).unwrap().scheduled == 1).await;
    host.post(vec![message("2", &order("A", 1))]).await;
    let events = host.events(2).await;
    assert_eq!(events[0].result_object_type, EventKind::OrderCreationReceipt);
    assert_eq!(events[1].result_object_type, EventKind::OrderCancelled);

    host.post(vec![message("3", &operation("A", 9, "CA"))]).await;
    let events = host.events(3).await;
    assert!(!events[2].success);
    assert!(events[2].error_message.as_ref().unwrap().contains("unknown-order"));
    host.stop().await;
}

/// The final state: orders by local id with their status.
async fn end_state(host: &TestHost) -> BTreeMap<String, Vec<String>> {
    let page = host.host.orders.orders(host.organization.client_guid, None, 10_000).await.unwrap();
    let mut orders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for order in page.items {
        orders.entry(order.local_id).or_default().push(format!("{:?} {}", order.status, order.state));
    }
    orders
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_twice_and_in_any_order_the_end_is_the_same() {
    let mut ends = Vec::new();
    for disorder in [false, true] {
        let host = TestHost::start().await;
        if disorder {
            host.host.functions.set_faults(iris_local_functions_host::Faults {
                duplicates: iris_local_functions_host::Duplicates::AtOnce,
                shuffle: Some(std::time::Duration::from_millis(200)),
                ..iris_local_functions_host::Faults::default()
            });
        }
        let mut messages = Vec::new();
        for number in 0..60 {
            messages.push(message(format!("n{number}"), &order("A", number)));
            if number % 3 == 0 {
                let mut change = operation("A", number, "XO");
                change["Order"]["State"] = json!("WY");
                messages.push(message(format!("x{number}"), &change));
            }
            if number % 6 == 1 {
                messages.push(message(format!("c{number}"), &operation("A", number, "CA")));
            }
        }
        host.post(messages).await;
        host.settled().await;
        ends.push(end_state(&host).await);
        host.stop().await;
    }
    assert_eq!(ends[0].len(), 60);
    assert!(ends[0].values().all(|orders| orders.len() == 1));
    assert_eq!(ends[0], ends[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_handled_goes_to_the_dead_letters_and_nothing_waits_for_it() {
    let host = TestHost::start().await;
    host.post((1..=2).map(|number| message(format!("n{number}"), &order("G", number))).collect()).await;
    host.events(2).await;
    host.execute(&["UPDATE orders SET content = 'damaged' WHERE local_id = 'G-O1'"]).await;
    let change = |number: usize| {
        let mut change = operation("G", number, "XO");
        change["Order"]["EncounterNumber"] = json!("E-9");
        message(format!("x{number}"), &change)
    };
    host.post(vec![change(1), change(2)]).await;
    until("the dead letter", async || host.dead_letters() == 1).await;
    let letters = host.host.broker.peek(&format!("{ORDERS}/$deadletterqueue"), 0, 10).unwrap();
    let properties = &letters[0].message.application_properties;
    let given_up = properties.iter().find(|(name, _)| name == "IrisGivenUp").map(|(_, value)| format!("{value:?}"));
    assert!(given_up.is_some_and(|code| code.contains("corrupt")), "{properties:?}");
    let changed = host.events(3).await;
    assert_eq!(changed[2].order_local_id.as_deref(), Some("G-O2"), "the other one did not wait");
    assert!(host.log().contains("message-given-up"));
    host.host.stop().await;
}
