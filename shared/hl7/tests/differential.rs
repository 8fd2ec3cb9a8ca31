//! Our reader and an independent one (er7) read the same from the same bytes.
//!
//! The corpus avoids what the two treat differently on purpose: er7 does not accept `^\~\&`, ends segments at LF even
//! where CR ends them, knows no character sets, and leaves some escapes alone that ours reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use iris_hl7::message::{Limits, Message, Value};
use iris_hl7::{Draft, SegmentId, Writer, write::Output};
use proptest::prelude::*;

/// Everything a message says: segment, field, repetition, component, subcomponent, text.
type Said = Vec<(String, [usize; 4], String)>;

fn ours(bytes: &[u8]) -> Said {
    let message = Message::read(bytes, &Limits::default()).unwrap();
    let mut said = Said::new();
    for segment in message.segments() {
        let name = segment.id().unwrap().to_string();
        let skipped = if segment.id() == Some(SegmentId::MSH) { 2 } else { 0 };
        for (n, field) in segment.fields().skip(skipped) {
            for (r, repetition) in field.repetitions().enumerate() {
                for (c, component) in repetition.components().enumerate() {
                    for (s, text) in component.subcomponents().enumerate() {
                        if !text.is_empty() {
                            said.push((name.clone(), [usize::from(n), r + 1, c + 1, s + 1], text.into_owned()));
                        }
                    }
                }
            }
        }
    }
    said
}

fn theirs(text: &str) -> Said {
    let message = er7::parse(text).unwrap();
    let mut said = Said::new();
    for segment in &message.segments {
        let first = if segment.name == "MSH" { 3 } else { 1 };
        for n in first..=segment.fields.len() + 2 {
            let Some(field) = segment.field(n) else { continue };
            for (r, repetition) in field.repetitions.iter().enumerate() {
                for (c, component) in repetition.components.iter().enumerate() {
                    for (s, subcomponent) in component.subcomponents.iter().enumerate() {
                        let text = if subcomponent.is_null() {
                            "\"\"".to_owned()
                        } else {
                            subcomponent.value(&message.separators).into_owned()
                        };
                        if !text.is_empty() {
                            said.push((segment.name.clone(), [n, r + 1, c + 1, s + 1], text));
                        }
                    }
                }
            }
        }
    }
    said
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Za-z0-9 .,'-]{0,12}",
        1 => Just(r"a\F\b\S\c\T\d\R\e\E\f".to_owned()),
        1 => Just("Zoë".to_owned()),
        1 => Just("\"\"".to_owned()),
        1 => Just(r"\.br\".to_owned()),
    ]
}

/// A line with any structure.
fn line() -> impl Strategy<Value = String> {
    let component = proptest::collection::vec(value(), 1..4).prop_map(|parts| parts.join("&"));
    let repetition = proptest::collection::vec(component, 1..4).prop_map(|parts| parts.join("^"));
    let field = proptest::collection::vec(repetition, 1..3).prop_map(|parts| parts.join("~"));
    (prop_oneof![Just("PID"), Just("ORC"), Just("OBX"), Just("ZX1")], proptest::collection::vec(field, 0..12))
        .prop_map(|(name, fields)| format!("{name}|{}", fields.join("|")))
}

fn message() -> impl Strategy<Value = String> {
    let header = Just("MSH|^~\\&|EMR|FAC|IRIS||20261130||ORM^O01|17|T|2.4".to_owned());
    let end = prop_oneof![Just("\r"), Just("\n"), Just("\r\n")];
    (header, proptest::collection::vec(line(), 0..10), end, any::<bool>()).prop_map(|(header, lines, end, last)| {
        let mut text = std::iter::once(header).chain(lines).collect::<Vec<_>>().join(end);
        if last {
            text.push_str(end);
        }
        text
    })
}

/// Our reader reads line breaks within values as `\n`; er7 reads them differently or not at all.
fn comparable(said: Said) -> Said {
    let plain = |text: String| text.replace("\\.br\\", "\n").replace('\r', "\n");
    said.into_iter().map(|(name, place, text)| (name, place, plain(text))).collect()
}

proptest! {
    #[test]
    fn both_readers_agree(text in message()) {
        prop_assert_eq!(comparable(ours(text.as_bytes())), comparable(theirs(&text)));
    }

    /// er7 reads what we write as our reader does, whatever the values.
    #[test]
    fn the_other_reads_what_we_write(values in proptest::collection::vec("[ -~é]{0,20}", 0..30)) {
        let mut writer = Writer::message(Output::Utf8);
        writer.field("IRIS");
        for (n, value) in values.iter().enumerate() {
            match n % 5 {
                0 => { writer.segment("ZX1".parse().unwrap()); writer.field(value); }
                1 => writer.component(value),
                2 => { writer.next_subcomponent(); writer.value(value); }
                3 => { writer.next_repetition(); writer.value(value); }
                _ => writer.field(value),
            }
        }
        let bytes = writer.finish();
        let said = theirs(std::str::from_utf8(&bytes).unwrap());
        prop_assert_eq!(comparable(ours(&bytes)), comparable(said));
        // Nothing is lost, and no value becomes structure.
        let texts: Vec<_> = ours(&bytes).into_iter().filter(|(name, ..)| name == "ZX1").map(|(.., text)| text).collect();
        let expected: Vec<_> = values.iter().filter(|value| !value.is_empty()).cloned().collect();
        prop_assert_eq!(texts, expected);
    }

    /// Reading, writing and reading again changes nothing.
    #[test]
    fn a_message_survives_being_written(text in message()) {
        let read = Message::read(text.as_bytes(), &Limits::default()).unwrap();
        let bytes = Draft::of(&read).write(Output::Utf8);
        // The character set gets declared where it was not.
        let flat = |said: Said| comparable(said).into_iter().filter(|(_, place, _)| place != &[18, 1, 1, 1]).collect::<Said>();
        let flat = |said: Said| flat(said).into_iter().map(|(n, p, text)| (n, p, text.replace('\n', " "))).collect::<Said>();
        prop_assert_eq!(flat(ours(&bytes)), flat(ours(text.as_bytes())));
    }

    /// No bytes are too odd: reading either says what is wrong, or every part can be accessed.
    #[test]
    fn any_bytes_are_read_or_refused(
        parts in proptest::collection::vec(
            prop_oneof![
                Just(b"MSH|^~\\&|".to_vec()), Just(b"MSH".to_vec()), Just(b"PID|".to_vec()), Just(b"|".to_vec()), Just(b"^".to_vec()),
                Just(b"~".to_vec()), Just(b"&".to_vec()), Just(b"\\".to_vec()), Just(b"\r".to_vec()), Just(b"\n".to_vec()),
                Just(b"\"\"".to_vec()), Just(b"\\X".to_vec()), Just(b"\\.sp9".to_vec()), Just(b"8859/1".to_vec()),
                any::<u8>().prop_map(|byte| vec![byte]),
            ],
            0..60,
        ),
        header in any::<bool>(),
    ) {
        let bytes = [if header { b"MSH|^~\\&|".as_slice() } else { b"" }, &parts.concat()].concat();
        if let Ok(message) = Message::read(&bytes, &Limits::default()) {
            for segment in message.segments() {
                for (n, field) in segment.fields() {
                    prop_assert!(field.bytes().len() <= bytes.len() && n > 0);
                    for repetition in field.repetitions() {
                        for component in repetition.components() {
                            prop_assert!(component.subcomponents().count() > 0);
                            let _ = component.value();
                        }
                    }
                    let _ = field.whole();
                }
                prop_assert!(segment.field(0).is_none() && segment.field(segment.len() + 1).is_none());
            }
            let _ = Draft::of(&message).write(Output::Latin1);
            let _ = message.groups("ORC".parse().unwrap());
            let address: iris_hl7::Address = "PID-3[5=MRN].1".parse().unwrap();
            let _: Value<'_> = message.value(&address);
        }
        let _ = iris_hl7::ack::read(&bytes);
        let _ = iris_hl7::batch::split(&bytes);
        if let Some(envelope) = iris_hl7::ack::Envelope::header(&bytes) {
            let reply = iris_hl7::ack::Answer { code: iris_hl7::ack::Code::AE, fault: None, text: None, now: "1", control_id: "1" };
            let _ = iris_hl7::ack::answer(&envelope, &reply);
        }
    }
}
