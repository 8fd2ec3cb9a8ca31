//! HL7: orders of hospitals from their entry to events, and results to their queue and their answers back, through
//! broker, Functions host and handler.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "hl7/proxy.rs"]
mod proxy;
mod support;

use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_hl7::Message;
use iris_hl7::ack::Code;
use iris_hl7::message::Limits;
use iris_model::event::EventKind;
use iris_model::names::property::{DESTINATION, TRANSACTION};
use iris_model::{Event, HL7_CONTENT, Hl7Answer, Hl7Reply, Organization};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::PathBuf;
use support::{TestHost, message, postgres, until};

const GUID: &str = "5a3d1e70-0000-4000-8000-000000000001";

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples/hl7").join(name)).unwrap()
}

/// Hands messages to the organization's entry with the proxy's credential.
async fn hand_in(host: &TestHost, messages: Vec<OutgoingMessage>) {
    let access = host.host.credentials.caller(&host.organization).hl7;
    let sender = ServiceBusSender::with_connection_string(&access, SenderOptions::default()).unwrap();
    sender.send(&host.organization.slug.hl7_entry(), messages).await.unwrap();
}

fn order(id: &str, body: impl Into<Vec<u8>>) -> OutgoingMessage {
    OutgoingMessage {
        message_id: id.to_owned(),
        body: body.into().into(),
        content_type: Some(HL7_CONTENT.to_owned()),
        ..OutgoingMessage::default()
    }
}

/// Kind, order and success of events.
fn told(events: &[Event]) -> Vec<(EventKind, &str, bool)> {
    let of = |event: &Event| (event.result_object_type, event.success);
    events.iter().map(|event| (of(event).0, event.order_local_id.as_deref().unwrap_or_default(), of(event).1)).collect()
}

async fn orders_come_in(host: TestHost) {
    use EventKind::{OrderCancelled, OrderChangeReceipt, OrderCreationReceipt};
    hand_in(&host, vec![order("1", sample("order.hl7"))]).await;
    let events = host.events(1).await;
    assert_eq!(told(&events), [(OrderCreationReceipt, "HV-ORD-1", true)]);
    // Delivered again, and sent again by a hospital with a new time stamp: no order, and no event except the answer to
    // the second.
    let again = String::from_utf8(sample("order.hl7")).unwrap().replace("HV0001", "HV0099");
    hand_in(&host, vec![order("1", sample("order.hl7")), order("2", again)]).await;
    host.settled().await;
    let events = host.events(1).await;
    let ids: std::collections::BTreeSet<_> = events.iter().map(|event| event.iris_order_id).collect();
    assert_eq!(ids.len(), 1, "{events:?}");
    let before = events.len();
    hand_in(&host, vec![order("3", sample("two-orders.hl7"))]).await;
    let events = host.events(before + 2).await;
    // Two orders of one patient: the second replaces the first, which nobody has begun.
    let mut created: Vec<_> =
        told(&events[before..]).into_iter().filter(|(kind, ..)| *kind == OrderCreationReceipt).collect();
    created.sort_by_key(|(_, id, _)| *id);
    assert_eq!(created, [(OrderCreationReceipt, "HV-ORD-3", true), (OrderCreationReceipt, "HV-ORD-4", true)]);
    host.settled().await;
    let before = host.events(1).await.len();
    hand_in(&host, vec![order("4", sample("change.hl7"))]).await;
    let events = host.events(before + 1).await;
    assert_eq!(told(&events[before..]), [(OrderChangeReceipt, "HV-ORD-1", true)]);
    hand_in(&host, vec![order("5", sample("cancel.hl7"))]).await;
    let events = host.events(before + 2).await;
    assert_eq!(told(&events[before + 1..]), [(OrderCancelled, "HV-ORD-1", true)]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_hospitals_become_orders_and_events_in_sqlite() {
    orders_come_in(TestHost::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_hospitals_become_orders_and_events_in_postgresql() {
    let Some(database) = postgres().await else { return };
    orders_come_in(TestHost::with(Some(database)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_overtakes_its_order_waits_for_it() {
    let host = TestHost::start().await;
    hand_in(&host, vec![order("change", sample("change.hl7"))]).await;
    until("the change to wait", async || host.host.broker.status("hl7").unwrap().scheduled > 0).await;
    hand_in(&host, vec![order("order", sample("order.hl7"))]).await;
    let events = host.events(2).await;
    let kinds: Vec<_> = events.iter().map(|event| event.result_object_type).collect();
    assert_eq!(kinds, [EventKind::OrderCreationReceipt, EventKind::OrderChangeReceipt]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_refused_and_recorded_and_keeps_nobody_waiting() {
    let host = TestHost::start().await;
    let without_site = String::from_utf8(sample("order.hl7")).unwrap().replace("HV-01", "");
    hand_in(
        &host,
        vec![
            order("adt", sample("not-an-order.hl7")),
            order("garbage", b"\x00not hl7".to_vec()),
            order("no site", without_site),
            order("good", sample("order-pid3.hl7")),
        ],
    )
    .await;
    let events = host.events(4).await;
    let told = told(&events);
    assert_eq!(told.iter().filter(|(_, _, success)| !success).count(), 3, "{told:?}");
    assert!(told.contains(&(EventKind::OrderCreationReceipt, "HV-ORD-2", true)), "{told:?}");
    assert!(told.contains(&(EventKind::OrderCreationReceipt, "HV-ORD-1", false)), "{told:?}");
    host.stop().await;
}

/// A host whose organization sends its results to its hospital by HL7, and grades without images.
async fn with_hospital(database: Option<String>) -> TestHost {
    let host = TestHost::with(database).await;
    let mut document = serde_json::to_value(&host.organization).unwrap();
    document["grading"]["withoutImages"] = true.into();
    let to = |message: &str| json!({ "hl7": { "interface": "main", "message": message } });
    document["destinations"] = json!([
        { "id": "emr-oru", "format": "resultWithPdf", "to": to("ORU") },
        { "id": "emr-mdm", "format": "resultWithPdf", "to": to("MDM") },
        { "id": "emr-dft", "format": "result", "to": to("DFT") },
    ]);
    let checked = iris_channels::organization(document.to_string().as_bytes()).unwrap();
    host.put_organization(&checked).await;
    host
}

fn grading(order: &str, more: &Value) -> Value {
    let mut grading = json!({
        "Version": "2.3.1",
        "ClientGuid": GUID,
        "Site": { "LocalId": "HV-SEA" },
        "LocalId": order,
        "GradedTime": "2026-11-20T17:30:00.0000000+00:00",
        "Provider": { "NPI": "9000000007", "Name": { "First": "Sample", "Last": "Grader" }, "Degrees": "OD" },
        "Notes": [{ "Text": "Synthetic note: a few dot hemorrhages." }],
        "OD": { "Gradable": true, "Findings": [
            { "Finding": "Diabetic Retinopathy", "Result": "Moderate" },
            { "Finding": "Macular Edema", "Result": "Positive" },
            { "Finding": "Suspected Cataract" }
        ] },
        "OS": { "Gradable": true, "Findings": [
            { "Finding": "Diabetic Retinopathy", "Result": "None" },
            { "Finding": "Macular Edema", "Result": "None" }
        ] }
    });
    for (name, value) in more.as_object().unwrap() {
        grading[name.as_str()] = value.clone();
    }
    grading
}

async fn grade(host: &TestHost, id: &str, grading: &Value) {
    let access = host.host.credentials.caller(&host.organization).gradings.unwrap();
    let sender = ServiceBusSender::with_connection_string(&access, SenderOptions::default()).unwrap();
    sender.send(&host.organization.slug.gradings_entry(), vec![message(id, grading)]).await.unwrap();
}

/// A message in the queue of the hospital's proxy.
struct Waiting {
    destination: String,
    transaction: String,
    body: Vec<u8>,
}

impl Waiting {
    fn value(&self, address: &str) -> String {
        let message = Message::read(&self.body, &Limits::default()).unwrap();
        message.value(&address.parse().unwrap()).into_text().map(|text| text.into_owned()).unwrap_or_default()
    }
}

/// Waits until this many messages were put into the hospital's queue, and returns all of them.
async fn for_hospital(host: &TestHost, count: usize) -> Vec<Waiting> {
    let queue = host.organization.slug.hl7_out_queue();
    until("messages for the hospital", async || host.host.broker.status(&queue).unwrap().active >= count).await;
    let found = host.host.broker.peek(&queue, 0, usize::MAX).unwrap();
    let waiting = found.iter().map(|delivery| {
        let text = |name: &str| {
            let found = delivery.message.application_properties.iter().find(|(known, _)| known == name);
            match &found.unwrap().1 {
                iris_local_servicebus::message::PropertyValue::String(text) => text.clone(),
                other => panic!("{name} is no text: {other:?}"),
            }
        };
        let (destination, transaction) = (text(DESTINATION), text(TRANSACTION));
        Waiting { destination, transaction, body: delivery.message.body.to_vec() }
    });
    waiting.collect()
}

/// Reports an answer of the hospital as its proxy does.
async fn answer(host: &TestHost, id: &str, to: &Waiting, reply: Hl7Reply) {
    let answer = Hl7Answer {
        transaction_id: to.transaction.parse().unwrap(),
        destination: to.destination.clone(),
        at: Timestamp::now(),
        took_ms: 5,
        reply,
    };
    hand_in(host, vec![message(id, &serde_json::to_value(&answer).unwrap())]).await;
}

fn taken() -> Hl7Reply {
    Hl7Reply::Answered { code: Code::AA, errors: Vec::new() }
}

fn readable(body: &[u8]) -> String {
    String::from_utf8_lossy(body).replace('\r', "\n")
}

fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.add_filter(r"\b100\d{3}\b", "[id]");
    settings.add_filter(r"Base64\^[A-Za-z0-9+/=]+", "Base64^[pdf]");
    settings.add_filter(r"\b2[0-9]{16}\b", "[control]");
    settings.add_filter(r"\b20[0-9]{12}\b", "[time]");
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f-]{27}", "[guid]");
    settings.add_filter(r"exam of \d\d-\d\d-\d{4}", "exam of [day]");
    settings
}

async fn results_go_out(host: TestHost) {
    hand_in(&host, vec![order("1", sample("order.hl7"))]).await;
    host.events(1).await;
    grade(&host, "g1", &grading("HV-ORD-1", &json!({}))).await;
    let waiting = for_hospital(&host, 3).await;
    let of = |id: &str| waiting.iter().find(|waiting| waiting.destination == id).unwrap();
    let (oru, mdm, dft) = (of("emr-oru"), of("emr-mdm"), of("emr-dft"));
    snapshots().bind(|| {
        insta::assert_snapshot!("hl7.oru", readable(&oru.body));
        insta::assert_snapshot!("hl7.mdm", readable(&mdm.body));
        insta::assert_snapshot!("hl7.dft", readable(&dft.body));
    });
    assert_eq!((oru.value("ORC-2.1"), oru.value("OBR-4.1")), ("HV-ORD-1".to_owned(), "92250".to_owned()));
    let receipts = async |count: usize| {
        let of = |event: &Event| event.result_object_type == EventKind::ResultsDeliveryReceipt;
        until("receipts", async || host.events(1).await.iter().filter(|event| of(event)).count() >= count).await;
        let all = host.events(1).await;
        all.into_iter().filter(of).map(|event| (event.endpoint.unwrap(), event.success)).collect::<Vec<_>>()
    };
    assert_eq!(
        host.events(1).await.iter().filter(|e| e.result_object_type == EventKind::ResultsDeliveryReceipt).count(),
        0
    );
    // The hospital refuses the result for now: the same message comes again, with the same MSH-10.
    answer(&host, "a1", oru, Hl7Reply::Answered { code: Code::AR, errors: vec![207] }).await;
    let again = for_hospital(&host, 4).await;
    assert_eq!((&again[3].destination, &again[3].body), (&oru.destination, &oru.body));
    answer(&host, "a2", &again[3], taken()).await;
    answer(&host, "a3", mdm, taken()).await;
    answer(&host, "a4", dft, taken()).await;
    let mut told = receipts(3).await;
    told.sort();
    assert_eq!(told, [("emr-dft".to_owned(), true), ("emr-mdm".to_owned(), true), ("emr-oru".to_owned(), true)]);
    // A correction and a result sent again go out; an order is charged once.
    let correction = json!({ "ResultCode": "C", "Notes": [{ "Text": "Synthetic correction." }] });
    grade(&host, "g2", &grading("HV-ORD-1", &correction)).await;
    let corrected = for_hospital(&host, 6).await;
    let resend = json!({ "Version": "2.3.1", "ClientGuid": GUID, "OrderControlCode": "ResendResult",
        "Site": { "LocalId": "HV-SEA" }, "Order": { "LocalId": "HV-ORD-1" } });
    for (number, waiting) in corrected[4..].iter().enumerate() {
        answer(&host, &format!("b{number}"), waiting, taken()).await;
    }
    receipts(5).await;
    host.post(vec![message("resend", &resend)]).await;
    let resent = for_hospital(&host, 8).await;
    host.settled().await;
    let charges = for_hospital(&host, 8).await.iter().filter(|waiting| waiting.destination == "emr-dft").count();
    assert_eq!((charges, resent.len()), (1, 8));
    let control: std::collections::BTreeSet<String> = resent.iter().map(|waiting| waiting.value("MSH-10")).collect();
    assert_eq!(control.len(), 7, "each message has its own MSH-10, but for the one that was sent twice");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_go_to_hospitals_and_their_answers_end_the_deliveries_in_sqlite() {
    results_go_out(with_hospital(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_go_to_hospitals_and_their_answers_end_the_deliveries_in_postgresql() {
    let Some(database) = postgres().await else { return };
    results_go_out(with_hospital(Some(database)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_nobody_answers_is_never_sent_again() {
    let host = with_hospital(None).await;
    hand_in(&host, vec![order("1", sample("order.hl7"))]).await;
    host.events(1).await;
    grade(&host, "g1", &grading("HV-ORD-1", &json!({}))).await;
    let waiting = for_hospital(&host, 3).await;
    let dft = waiting.iter().find(|waiting| waiting.destination == "emr-dft").unwrap();
    answer(&host, "a1", dft, Hl7Reply::Silence { noise: false }).await;
    until("the alert", async || host.log().contains("charge-open")).await;
    host.settled().await;
    assert_eq!(for_hospital(&host, 3).await.len(), 3);
    // The hospital's answer still counts when it is late.
    answer(&host, "a2", dft, taken()).await;
    let charged = |event: &Event| event.endpoint.as_deref() == Some("emr-dft") && event.success;
    until("the receipt", async || host.events(1).await.iter().any(charged)).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hospital_speaks_for_its_own_deliveries_only() {
    let host = with_hospital(None).await;
    let stranger = Waiting {
        destination: "emr-oru".to_owned(),
        transaction: "00000000-0000-4000-8000-000000000009".to_owned(),
        body: Vec::new(),
    };
    answer(&host, "a1", &stranger, taken()).await;
    hand_in(&host, vec![message("a2", &json!({ "reply": 1 }))]).await;
    until("the alerts", async || host.log().contains("unknown-delivery") && host.log().contains("bad-answer")).await;
    host.stop().await;
}

#[test]
fn mistakes_in_a_document_are_found_when_it_is_saved() {
    let sample: Value = serde_json::from_str(include_str!("../samples/harborview.json")).unwrap();
    let problems = |change: &dyn Fn(&mut Value)| {
        let mut document = sample.clone();
        document["destinations"] = json!([
            { "id": "emr", "format": "resultWithPdf", "to": { "hl7": { "interface": "main", "message": "ORU" } } }
        ]);
        change(&mut document);
        let read: Result<Organization, _> = iris_channels::organization(document.to_string().as_bytes());
        read.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(problems(&|_| {}), Ok(()));
    let expect = |wanted: &str, change: &dyn Fn(&mut Value)| {
        let found = problems(change).unwrap_err();
        assert!(found.contains(wanted), "{found}");
    };
    expect("destinations[0].to.hl7.interface \"other\" is not the id", &|d| {
        d["destinations"][0]["to"]["hl7"]["interface"] = "other".into();
    });
    expect("to.hl7.mapping at set.PID-19", &|d| {
        d["destinations"][0]["to"]["hl7"]["mapping"] = json!({ "set": { "PID-19": "{patient.mrn}" } });
    });
    expect("destinations[0].format has no PDF", &|d| d["destinations"][0]["format"] = "result".into());
    expect("to.hl7.mapping.use has the payload link", &|d| {
        d["destinations"][0]["to"]["hl7"]["mapping"] = json!({ "use": ["pdf", "link"] });
    });
    expect("interfaces[0].receivingFacility is empty", &|d| d["interfaces"][0]["receivingFacility"] = "".into());
    expect("interfaces[0].timeZone is not a time zone", &|d| d["interfaces"][0]["timeZone"] = "Mars".into());
    expect("interfaces[0].inbound.columns.DxCode.headers: \"PID-19\" is never read", &|d| {
        d["interfaces"][0]["inbound"]["columns"]["DxCode"] = json!({ "headers": ["PID-19"] });
    });
    expect("destinations: a and b both charge for the same sites", &|d| {
        let to = json!({ "hl7": { "interface": "main", "message": "DFT" } });
        d["destinations"] = json!([
            { "id": "a", "format": "result", "to": to }, { "id": "b", "format": "result", "sites": ["HV-SEA"], "to": to }
        ]);
    });
}
