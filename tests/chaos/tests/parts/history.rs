//! A small history that is as promised, and what the checker says when part of it is removed, doubled or moved
//! elsewhere.

use iris_chaos::history::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const ENCOUNTER: &str = "/Order/EncounterNumber";
const NOTE: &str = "/Patient/AdditionalInfo";

fn change(wave: usize, pointer: &str, value: &str) -> Sent {
    let asked = Asked::Change { pointer: pointer.to_owned(), value: value.to_owned() };
    Sent { organization: 0, wave, order: "O1".to_owned(), asked }
}

fn sent(wave: usize, asked: Asked) -> Sent {
    Sent { organization: 0, wave, order: "O1".to_owned(), asked }
}

/// An order with two changes of its own in two waves, one of its patient, a cancellation, and a change that came too
/// late.
fn asked() -> Vec<Sent> {
    let other = |order: &str, asked| Sent { organization: 1, wave: 0, order: order.to_owned(), asked };
    vec![
        sent(0, Asked::Order),
        change(1, ENCOUNTER, "alpha-1"),
        change(1, NOTE, "alpha-2"),
        change(2, ENCOUNTER, "alpha-3"),
        sent(2, Asked::Cancellation),
        change(3, ENCOUNTER, "alpha-4"),
        other("O1", Asked::Order),
        other("R1", Asked::Row { file: "f.csv".to_owned(), row: 1, good: true }),
        other("R2", Asked::Row { file: "f.csv".to_owned(), row: 2, good: false }),
    ]
}

fn event(kind: &str, id: Uuid, order: &str, success: bool) -> Value {
    json!({ "TransactionId": id, "ResultObjectType": kind, "OrderLocalId": order, "Success": success })
}

fn receipt(kind: &str, submission: u128, order: i64) -> Uuid {
    Uuid::new_v5(&Uuid::from_u128(submission), format!("{kind}/{order}").as_bytes())
}

fn entry(version: i64, change: &str, submission: u128, encounter: Option<&str>) -> Entry {
    let before = encounter.map(|encounter| json!({ "Order": { "EncounterNumber": encounter } }));
    Entry { version, change: change.to_owned(), submission: Uuid::from_u128(submission), before }
}

fn found() -> Vec<Found> {
    let order = Order {
        id: 1,
        local_id: "O1".to_owned(),
        content: json!({ "Order": { "EncounterNumber": "alpha-3" } }),
        patient: json!({ "AdditionalInfo": "alpha-2" }),
        history: vec![
            entry(1, "changed", 11, Some("")),
            entry(2, "changed", 12, Some("alpha-1")),
            entry(3, "changed", 13, Some("alpha-1")),
            entry(4, "cancelled", 14, None),
        ],
        images: Vec::new(),
    };
    let alpha = Found {
        mark: "alpha".to_owned(),
        orders: vec![order],
        events: vec![
            event("OrderCreationReceipt", Uuid::from_u128(1), "O1", true),
            event("OrderChangeReceipt", receipt("OrderChangeReceipt", 11, 1), "O1", true),
            event("OrderChangeReceipt", receipt("OrderChangeReceipt", 12, 1), "O1", true),
            event("OrderChangeReceipt", receipt("OrderChangeReceipt", 13, 1), "O1", true),
            event("OrderCancelled", receipt("OrderCancelled", 14, 1), "O1", true),
            event("OrderChangeReceipt", receipt("OrderChangeReceipt", 15, 1), "O1", false),
        ],
        ..Found::default()
    };
    let created = |id, local_id: &str| Order { id, local_id: local_id.to_owned(), ..Order::default() };
    let line = |row, outcome: &str| Line { row, outcome: outcome.to_owned() };
    let beta = Found {
        mark: "beta".to_owned(),
        orders: vec![created(2, "O1"), created(3, "R1")],
        events: vec![
            event("OrderCreationReceipt", Uuid::from_u128(2), "O1", true),
            event("OrderCreationReceipt", Uuid::from_u128(3), "R1", true),
            event("OrderCreationReceipt", Uuid::from_u128(4), "R2", false),
        ],
        results: Vec::new(),
        files: BTreeMap::from([("f.csv".to_owned(), vec![line(1, "created"), line(2, "failed")])]),
    };
    vec![alpha, beta]
}

/// The kinds of findings after what is found was tampered with.
fn kinds(spoil: impl FnOnce(&mut Vec<Found>)) -> BTreeSet<Kind> {
    let mut found = found();
    spoil(&mut found);
    check(&asked(), &found).findings.into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_history_as_promised_has_no_finding_and_is_counted() {
    let report = check(&asked(), &found());
    assert_eq!(report.findings, []);
    assert_eq!((report.changes, report.orders, report.events), (4, 3, 9));
}

#[test]
fn a_message_that_comes_again_is_no_finding_and_under_another_id_it_is() {
    let same = |found: &mut Vec<Found>| {
        let same = found[0].events[1].clone();
        found[0].events.push(same);
    };
    assert!(kinds(same).is_empty());
    let again = |found: &mut Vec<Found>| {
        let mut again = found[0].events[0].clone();
        again["TransactionId"] = json!(Uuid::from_u128(99));
        found[0].events.push(again);
    };
    assert_eq!(kinds(again), BTreeSet::from([Kind::Doubled]));
    let another = |found: &mut Vec<Found>| {
        let mut another = found[0].events[0].clone();
        another["Timestamp"] = json!("later");
        found[0].events.push(another);
    };
    assert_eq!(kinds(another), BTreeSet::from([Kind::Doubled]));
}

#[test]
fn a_change_that_was_overwritten_is_lost() {
    // The last writer had not seen the first one's change: it recorded what was there before both.
    let unseen = |found: &mut Vec<Found>| {
        let history = &mut found[0].orders[0].history;
        history[2].before = history[0].before.clone();
    };
    assert!(kinds(unseen).contains(&Kind::Lost));
    assert!(
        kinds(|found| found[0].orders[0].content = json!({ "Order": { "EncounterNumber": "alpha-1" } }))
            .contains(&Kind::Lost)
    );
    assert_eq!(kinds(|found| found[0].orders[0].patient = json!({})), BTreeSet::from([Kind::Lost]));
}

#[test]
fn a_change_that_is_not_in_the_history_is_lost() {
    let without = |found: &mut Vec<Found>| {
        found[0].orders[0].history.remove(2);
        found[0].orders[0].history[2].version = 3;
        found[0].orders[0].content = json!({ "Order": { "EncounterNumber": "alpha-1" } });
    };
    assert!(kinds(without).contains(&Kind::Lost));
    assert!(kinds(|found| drop(found[0].orders.pop())).contains(&Kind::Lost));
}

#[test]
fn a_change_that_was_made_twice_is_doubled() {
    let twice = |found: &mut Vec<Found>| {
        let history = &mut found[0].orders[0].history;
        history.insert(3, entry(4, "changed", 13, Some("alpha-1")));
        history[4].version = 5;
    };
    assert!(kinds(twice).contains(&Kind::Doubled));
    let on_record_twice = |found: &mut Vec<Found>| {
        let same = found[1].orders[0].clone();
        found[1].orders.push(same);
    };
    assert_eq!(kinds(on_record_twice), BTreeSet::from([Kind::Doubled]));
}

#[test]
fn what_is_not_answered_is_found_as_is_an_answer_to_nothing() {
    assert_eq!(kinds(|found| drop(found[0].events.remove(0))), BTreeSet::from([Kind::Unanswered]));
    assert_eq!(kinds(|found| drop(found[0].events.remove(2))), BTreeSet::from([Kind::Unanswered]));
    let stranger = |found: &mut Vec<Found>| {
        found[0].events.push(event("OrderCreationReceipt", Uuid::from_u128(77), "O77", true));
    };
    assert_eq!(kinds(stranger), BTreeSet::from([Kind::Unexplained]));
}

#[test]
fn an_order_of_events_that_explains_nothing_is_found() {
    // The second wave before the first, although the first was acknowledged by then.
    let swapped = |found: &mut Vec<Found>| {
        let history = &mut found[0].orders[0].history;
        history[1].before = Some(json!({ "Order": { "EncounterNumber": "alpha-3" } }));
        history[2].before = Some(json!({ "Order": { "EncounterNumber": "alpha-3" } }));
        found[0].orders[0].content = json!({ "Order": { "EncounterNumber": "alpha-1" } });
    };
    assert_eq!(kinds(swapped), BTreeSet::from([Kind::Unexplained]));
    // Changed after it was cancelled.
    let late = |found: &mut Vec<Found>| {
        let history = &mut found[0].orders[0].history;
        history.swap(2, 3);
        (history[2].version, history[3].version) = (3, 4);
    };
    assert_eq!(kinds(late), BTreeSet::from([Kind::Unexplained]));
    // Refused while it was open, because the cancellation came later.
    let mut early = asked();
    early[5].wave = 1;
    let findings = check(&early, &found()).findings;
    assert_eq!(findings.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [Kind::Unexplained]);
}

#[test]
fn rows_have_one_line_each() {
    let lines = |found: &mut Vec<Found>, spoil: fn(&mut Vec<Line>)| spoil(found[1].files.get_mut("f.csv").unwrap());
    assert_eq!(kinds(|found| lines(found, |lines| lines.truncate(1))), BTreeSet::from([Kind::Lost]));
    let doubled = |lines: &mut Vec<Line>| lines.push(lines[0].clone());
    assert_eq!(kinds(|found| lines(found, doubled)), BTreeSet::from([Kind::Doubled]));
    let wrong = |lines: &mut Vec<Line>| lines[1].outcome = "created".to_owned();
    assert_eq!(kinds(|found| lines(found, wrong)), BTreeSet::from([Kind::Unexplained]));
}

#[test]
fn what_crosses_is_found() {
    let marked = |found: &mut Vec<Found>| found[1].orders[0].patient = json!({ "Name": { "Last": "alpha-Test" } });
    assert_eq!(kinds(marked), BTreeSet::from([Kind::Crossed]));
    let numbered = |found: &mut Vec<Found>| found[1].events[0]["IrisOrderId"] = json!(1);
    assert_eq!(kinds(numbered), BTreeSet::from([Kind::Crossed]));
    let moved = |found: &mut Vec<Found>| {
        let mut order = found[0].orders.remove(0);
        order.local_id = "O1".to_owned();
        found[1].orders.push(order);
    };
    assert!(kinds(moved).contains(&Kind::Crossed));
}

/// A graded order with an image of each eye.
fn graded() -> (Vec<Sent>, Vec<Found>) {
    let image = |local_id: &str| sent(1, Asked::Image { local_id: local_id.to_owned() });
    let asked = vec![sent(0, Asked::Order), image("od"), image("os"), sent(2, Asked::Grading)];
    let linked = |id, local_id: &str| {
        let mut event = event("ImageReceipt", Uuid::from_u128(id), "O1", true);
        event["ImageLocalId"] = json!(local_id);
        event
    };
    let result = json!({ "TransactionId": Uuid::from_u128(9), "Order": { "LocalId": "O1", "PatientOrderId": 1 } });
    let order = Order {
        id: 1,
        local_id: "O1".to_owned(),
        history: vec![
            entry(1, "image-linked", 21, None),
            entry(2, "queued", 22, None),
            entry(3, "graded", 23, None),
            entry(4, "completed", 24, None),
        ],
        images: vec!["od.jpg".to_owned(), "os.jpg".to_owned()],
        ..Order::default()
    };
    let found = Found {
        mark: "alpha".to_owned(),
        orders: vec![order],
        events: vec![
            event("OrderCreationReceipt", Uuid::from_u128(1), "O1", true),
            linked(2, "od"),
            linked(3, "os"),
            event("ReadyForGradingEvent", Uuid::from_u128(4), "O1", true),
            event("GradingReceipt", receipt("GradingReceipt", 23, 1), "O1", true),
            event("OrderGradedEvent", Uuid::from_u128(6), "O1", true),
            event("ResultsDeliveryReceipt", Uuid::from_u128(7), "O1", true),
        ],
        results: vec![result.clone(), result],
        files: BTreeMap::new(),
    };
    (asked, vec![found])
}

#[test]
fn images_gradings_and_results_are_there_once() {
    let kinds = |spoil: fn(&mut Found)| {
        let (asked, mut found) = graded();
        spoil(&mut found[0]);
        check(&asked, &found).findings.into_iter().map(|finding| finding.kind).collect::<BTreeSet<_>>()
    };
    assert_eq!(kinds(|_| {}), BTreeSet::new());
    assert_eq!(kinds(|found| found.results.clear()), BTreeSet::from([Kind::Lost]));
    assert_eq!(kinds(|found| found.results[0]["TransactionId"] = json!("other")), BTreeSet::from([Kind::Doubled]));
    assert_eq!(kinds(|found| drop(found.orders[0].images.pop())), BTreeSet::from([Kind::Lost]));
    assert_eq!(
        kinds(|found| found.orders[0].images[1] = "od.jpg".to_owned()),
        BTreeSet::from([Kind::Doubled, Kind::Lost])
    );
    assert_eq!(kinds(|found| drop(found.events.remove(1))), BTreeSet::from([Kind::Unanswered]));
    assert_eq!(kinds(|found| drop(found.events.remove(3))), BTreeSet::from([Kind::Lost]));
    assert_eq!(kinds(|found| drop(found.events.remove(5))), BTreeSet::from([Kind::Lost]));
    assert_eq!(kinds(|found| drop(found.events.remove(6))), BTreeSet::from([Kind::Lost]));
}
