//! HL7 orders: the samples, and their peculiarities.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use iris_hl7::{Message, batch, message::Limits};
use iris_intake::hl7::{Echo, Inbound, Order, Reader, Wrong};
use iris_model::{EvaluationType, IntakeField, IssueCode, OrderControlCode};
use std::path::PathBuf;

#[expect(clippy::disallowed_methods, reason = "a test reads its own small files")]
fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples/hl7").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn reader(inbound: &str) -> Reader {
    let inbound: Inbound = serde_json::from_str(inbound).unwrap();
    Reader::new(&inbound, &[EvaluationType::Dr]).unwrap()
}

fn read(bytes: &[u8], inbound: &str) -> Vec<Order> {
    reader(inbound).orders(&Message::read(bytes, &Limits::default()).unwrap())
}

/// An order of a synthetic patient with these segments.
fn order(segments: &str) -> Order {
    let header = "MSH|^~\\&|EMR|FAC||IRIS|20261130083000||ORM^O01|1|T|2.4";
    let bytes = format!("{header}/{segments}").replace('/', "\r");
    read(bytes.as_bytes(), "{}").remove(0)
}

#[test]
fn the_published_places() {
    let [order] = &read(&sample("order.hl7"), "{}")[..] else { panic!("one order") };
    assert_eq!(order.issues, []);
    insta::assert_json_snapshot!(order.request);
    assert_eq!(
        order.echo,
        Echo {
            placer: "HV-ORD-1^EMR".to_owned(),
            procedure: ["92250", "Fundus photography", "EAP", "Retinal exam"].map(str::to_owned),
            version: "2.4".to_owned(),
        }
    );
}

#[test]
fn every_sample_gives_orders_without_issues() {
    let reader = reader("{}");
    for (name, expected) in [
        ("order.hl7", 1),
        ("order-pid3.hl7", 1),
        ("two-orders.hl7", 2),
        ("change.hl7", 1),
        ("cancel.hl7", 1),
        ("artefact.hl7", 1),
        ("batch.hl7", 2),
        ("athena-shaped.hl7", 1),
        ("ochin-shaped.hl7", 1),
        ("eclinicalworks-shaped.hl7", 1),
    ] {
        let bytes = sample(name);
        let limits = Limits::default();
        let messages = batch::messages(&bytes, &limits);
        let orders: Vec<Order> = messages.flat_map(|(_, message)| reader.orders(&message.unwrap())).collect();
        assert_eq!(orders.len(), expected, "{name}");
        for order in &orders {
            assert_eq!(order.issues, [], "{name}");
            let id = order.request.patient.as_ref().and_then(|patient| patient.local_id.as_deref());
            assert!(id.is_some_and(|id| id.starts_with("SYN-")), "{name}");
        }
    }
}

#[test]
fn repetitions_that_say_what_they_are_come_first() {
    let [order] = &read(&sample("order-pid3.hl7"), "{}")[..] else { panic!("one order") };
    let provider = order.request.ordering_provider.as_ref().unwrap();
    assert_eq!(order.request.patient.as_ref().unwrap().local_id.as_deref(), Some("SYN-1002"));
    assert_eq!(provider.npi.as_deref(), Some("1999999992"));
}

#[test]
fn times_and_dates() {
    let scheduled = |orc9: &str| {
        let order = order(&format!("PID|1|SYN-1|||Sample^Pat||19700203|F/ORC|NW|1|||||||{orc9}/OBR|1|1"));
        let codes: Vec<_> = order.issues.iter().map(|issue| (issue.issue.code, issue.header.clone())).collect();
        let time = order.request.order.and_then(|order| order.scheduled_time).map(|time| format!("{time:?}"));
        (time, codes)
    };
    let (plain, none) = scheduled("20261201090000");
    assert!(plain.is_some() && none.is_empty());
    for same in ["202612010900", "2026120109", "20261201090000.000", "20261201090000-0600", "20261201090000^S"] {
        assert_eq!(scheduled(same), (plain.clone(), Vec::new()), "{same}: the time stays local");
    }
    assert!(scheduled("20261201").0.is_some());
    let bad = || vec![(IssueCode::BadDate, Some("ORC-9".to_owned()))];
    for text in ["20260230090000", "202612", "soon"] {
        assert_eq!(scheduled(text), (None, bad()), "{text}");
    }
}

#[test]
fn what_is_asked_must_be_known() {
    let code = |orc1: &str| {
        let order = order(&format!("PID|1|SYN-1/ORC|{orc1}|1"));
        let codes: Vec<_> = order.issues.iter().map(|issue| issue.issue.code).collect();
        (order.request.order_control_code, codes)
    };
    use OrderControlCode as C;
    for (text, expected) in
        [("NW", C::NewOrder), ("XO", C::Change), ("XR", C::ChangeRequest), ("CA", C::Cancel), ("CR", C::CancelRequest)]
    {
        assert_eq!(code(text), (Some(expected), vec![]), "{text}");
    }
    assert_eq!(code("OC").1, [IssueCode::UnknownCode]);
    assert_eq!(code("ResendResult").1, [IssueCode::UnknownCode]);
    assert_eq!(code("SN").1, [IssueCode::UnknownCode]);
    assert_eq!(code("").1, [IssueCode::Missing]);
    assert_eq!(code("\"\"").1, [IssueCode::Missing]);
}

#[test]
fn an_interface_reads_elsewhere() {
    let inbound = r#"{ "columns": {
        "OrderControlCode": { "headers": ["ORC-1"], "values": { "SC": "XO" } },
        "PatientLocalId": { "headers": ["PID-4[4.1=CLINIC].1"] },
        "PatientPhone": { "headers": ["PID-13.1"] },
        "OrderScheduledTime": { "headers": ["OBR-6"] },
        "OrderState": { "constant": "WA" },
        "EvaluationType": { "headers": ["OBR-4.1"], "values": { "92250": "DR" }, "default": "DR" } } }"#;
    let message = "MSH|^~\\&|||||||ORM^O01|1|T|2.4\rPID|1|X||7^^^OTHER~SYN-9^^^CLINIC&1.2&ISO|||||||||2065550100\r\
                   ORC|SC|1|||||||20260101\rOBR|1|1||92250||20261204093000\r";
    let [order] = &read(message.as_bytes(), inbound)[..] else { panic!("one order") };
    assert_eq!(order.issues, []);
    let (patient, placed) = (order.request.patient.as_ref().unwrap(), order.request.order.as_ref().unwrap());
    assert_eq!(order.request.order_control_code, Some(OrderControlCode::Change));
    assert_eq!((patient.local_id.as_deref(), patient.phone.as_deref()), (Some("SYN-9"), Some("2065550100")));
    assert_eq!((placed.state.as_deref(), &placed.evaluation_types[..]), (Some("WA"), &[EvaluationType::Dr][..]));
    // The chosen repetition is absent; no other one is taken instead.
    let other = message.replace("CLINIC&", "CLINICS&");
    let [order] = &read(other.as_bytes(), inbound)[..] else { panic!("one order") };
    assert_eq!(order.request.patient.as_ref().unwrap().local_id, None);
}

#[test]
fn nulls_clear_on_a_change_only() {
    let segments = |code: &str| format!("PID|1|SYN-1|||Sample^Pat||\"\"|F||||||||||\"\"/ORC|{code}|1/OBR|1|1");
    assert_eq!(order(&segments("XO")).cleared, [IntakeField::PatientDob, IntakeField::EncounterNumber]);
    for code in ["NW", "CA"] {
        let order = order(&segments(code));
        assert_eq!(order.cleared, []);
        assert_eq!(order.request.patient.unwrap().dob, None);
    }
}

#[test]
fn a_social_security_number_is_neither_read_nor_listed() {
    let message = b"MSH|^~\\&|||||||ORM^O01|1|T|2.4\rPID|1|SYN-1||||||||W|||||||||000-00-0000\rORC|NW|1\rOBR|1|1|||R\r";
    let message = Message::read(message, &Limits::default()).unwrap();
    assert_eq!(reader("{}").unread(&message), ["PID-10", "OBR-5"]);
    let inbound: Inbound =
        serde_json::from_str(r#"{ "columns": { "PatientPhone": { "headers": ["PID-19.1"] } } }"#).unwrap();
    let [problem] = &Reader::new(&inbound, &[]).unwrap_err()[..] else { panic!("one problem") };
    assert_eq!((problem.field, problem.wrong), (IntakeField::PatientPhone, Wrong::SocialSecurity));
}

#[test]
fn headers_that_are_no_addresses_are_refused_all_at_once() {
    let inbound =
        r#"{ "columns": { "PatientPhone": { "headers": ["PID13", "PID-13"] }, "DxCode": { "headers": ["Dx"] } } }"#;
    let inbound: Inbound = serde_json::from_str(inbound).unwrap();
    let problems = Reader::new(&inbound, &[]).unwrap_err();
    let headers: Vec<&str> = problems.iter().map(|problem| problem.header.as_str()).collect();
    assert_eq!(headers, ["PID13", "Dx"]);
}
