//! The sample messages in the repository show what they claim to show.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use iris_hl7::ack::{Envelope, Refusal};
use iris_hl7::message::{Limits, Notice, Value};
use iris_hl7::{Address, Message, SegmentId, batch};
use std::path::PathBuf;

fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples/hl7").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn value(message: &Message<'_>, address: &str) -> String {
    let address: Address = address.parse().unwrap();
    message.value(&address).into_text().unwrap_or_default().into_owned()
}

fn orc() -> SegmentId {
    "ORC".parse().unwrap()
}

#[test]
fn every_sample_is_read() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples/hl7");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "hl7") {
            continue;
        }
        files += 1;
        let bytes = std::fs::read(&path).unwrap();
        let file = batch::split(&bytes);
        assert!(file.faults.is_empty() && !file.messages.is_empty(), "{}", path.display());
        for (_, message) in batch::messages(&bytes, &Limits::default()) {
            let message = message.unwrap();
            let (kind, _) = message.kind();
            assert!(kind == "ADT" || !message.groups(orc()).is_empty(), "{}", path.display());
            assert_eq!(value(&message, "PID-19"), "");
        }
    }
    assert_eq!(files, 11);
}

#[test]
fn the_plain_order() {
    let bytes = sample("order.hl7");
    let message = Message::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(message.notices(), []);
    for (address, expected) in [
        ("PID-2[5=MRN].1", "SYN-1001"),
        ("PID-5.1", "Sample"),
        ("PID-7", "19700203"),
        ("PID-18", "CSN-5001"),
        ("PV1-3.1", "HV-01"),
        ("ORC-1", "NW"),
        ("ORC-2.1", "HV-ORD-1"),
        ("ORC-9", "20261201090000"),
        ("ORC-12.1", "1999999992"),
        ("OBR-4.5", "Retinal exam"),
        ("DG1-3.1", "E11.9"),
    ] {
        assert_eq!(value(&message, address), expected, "{address}");
    }
}

#[test]
fn repetitions_are_chosen_by_their_type() {
    let bytes = sample("order-pid3.hl7");
    let message = Message::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(value(&message, "PID-3[5=MRN].1"), "SYN-1002");
    assert_eq!(value(&message, "ORC-12[13=NPI].1"), "1999999992");
    assert_eq!(value(&message, "ORC-12[9=EMR].1"), "77");
}

#[test]
fn each_order_of_a_message() {
    let bytes = sample("two-orders.hl7");
    let message = Message::read(&bytes, &Limits::default()).unwrap();
    let groups = message.groups(orc());
    let read = |group: usize, address: &str| {
        groups[group].value(&address.parse().unwrap()).into_text().map(std::borrow::Cow::into_owned)
    };
    assert_eq!(groups.len(), 2);
    for group in 0..2 {
        assert_eq!(read(group, "PID-2.1").as_deref(), Some("SYN-1003"));
    }
    assert_eq!((read(0, "ORC-2.1"), read(1, "ORC-2.1")), (Some("HV-ORD-3".into()), Some("HV-ORD-4".into())));
    assert_eq!((read(0, "DG1-3.1"), read(1, "DG1-3.1")), (Some("E11.9".into()), None));
    assert_eq!((read(0, "NTE-3"), read(1, "NTE-3")), (None, Some("Second exam".into())));
}

#[test]
fn a_null_clears() {
    let bytes = sample("change.hl7");
    let message = Message::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(message.value(&"PID-12".parse().unwrap()), Value::Null);
    assert_eq!(message.value(&"PID-13".parse().unwrap()), Value::Absent);
}

#[test]
fn what_practice_does() {
    let bytes = sample("artefact.hl7");
    let message = Message::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(message.notices(), [Notice::EncodingArtefact, Notice::NoCharacterSet]);
    assert_eq!((value(&message, "PID-5.1"), value(&message, "PID-5.2")), ("O&Sample".into(), "Zoë".into()));
    assert_eq!(value(&message, "OBR-4.2"), "Fundus\nphotography");
    assert_eq!(message.offset(), Some(jiff::tz::offset(-8)));
}

#[test]
fn a_batch() {
    let bytes = sample("batch.hl7");
    let ids: Vec<String> =
        batch::messages(&bytes, &Limits::default()).map(|(_, m)| value(&m.unwrap(), "MSH-10")).collect();
    assert_eq!(ids, ["HV0007", "HV0008"]);
}

#[test]
fn what_is_not_taken_is_refused() {
    let bytes = sample("not-an-order.hl7");
    let envelope = Envelope::read(&bytes, &Limits::default()).unwrap();
    assert_eq!(envelope.check(&[("ORM", "O01")]), Err(Refusal::Kind));
    let bytes = sample("order.hl7");
    assert_eq!(Envelope::read(&bytes, &Limits::default()).unwrap().check(&[("ORM", "O01")]), Ok(()));
}
