//! Any bytes as an HL7 message, a file of messages, an answer, and an address.
//!
//! Findings: a panic; a part that is longer than what it is a part of; a message that says something else once it was
//! written and read again.
#![no_main]

use iris_hl7::message::{Limits, Message};
use iris_hl7::write::Output;
use iris_hl7::{Address, Draft, SegmentId, ack, batch};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for piece in batch::split(bytes).messages {
        assert!(piece.bytes.start < piece.bytes.end && piece.bytes.end <= bytes.len());
    }
    let _ = ack::read(bytes);
    if let Some(envelope) = ack::Envelope::header(bytes) {
        let fault = Some((ack::Fault::TooLong, Some(ack::Location::field(SegmentId::MSH, 10))));
        let reply = ack::Answer { code: ack::Code::AE, fault, text: None, now: "20261130", control_id: "1" };
        let answer = ack::answer(&envelope, &reply);
        assert!(Message::read(&answer, &Limits::default()).is_ok());
    }
    let Ok(message) = Message::read(bytes, &Limits::default()) else { return };
    said(&message);
    // The text behind the header is an address too.
    let end = std::str::from_utf8(bytes.get(bytes.len().saturating_sub(24)..).unwrap_or_default()).unwrap_or_default();
    for address in [end, "PID-3[5=MRN].1", "OBX[2]-5.*"] {
        if let Ok(address) = address.parse::<Address>() {
            assert_eq!(address.to_string().parse(), Ok(address.clone()));
            let _ = message.value(&address);
            let mut draft = Draft::of(&message);
            let _ = draft.set(&address, "a|b");
        }
    }
    for group in message.groups(SegmentId::MSH) {
        assert!(group.segments().count() <= message.segments().count());
    }
    let once = Draft::of(&message).write(Output::Utf8);
    let read = Message::read(&once, &Limits { bytes: usize::MAX, ..Limits::default() });
    let Ok(read) = read else { panic!("what was written cannot be read") };
    let twice = Draft::of(&read).write(Output::Utf8);
    assert_eq!(once, twice, "a message that was written says the same when it is written again");
});

/// Every part can be asked for.
fn said(message: &Message<'_>) {
    for segment in message.segments() {
        for (_, field) in segment.fields() {
            for repetition in field.repetitions() {
                for component in repetition.components() {
                    assert!(component.bytes().len() <= field.bytes().len());
                    assert!(component.subcomponents().count() > 0);
                }
            }
            let _ = field.whole();
        }
    }
}
