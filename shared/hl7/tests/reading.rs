//! What is not a message, and what passes for one in practice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use iris_hl7::message::{DelimiterError, Limits, Notice};
use iris_hl7::{Message, ReadError, Version};

fn refusal(bytes: &[u8]) -> Option<ReadError> {
    Message::read(bytes, &Limits::default()).err()
}

#[test]
fn what_is_no_message() {
    use ReadError as E;
    let cases: &[(&[u8], E)] = &[
        (b"", E::Empty),
        (b" \r\n\0", E::Empty),
        (b"PID|1", E::NoHeader),
        (b"MS", E::NoHeader),
        (b"MSH", E::NoHeader),
        (b"msh|^~\\&|", E::NoHeader),
        (b"BHS|^~\\&|\rMSH|^~\\&|", E::NoHeader),
        (b"\xff\xfeM\0S\0H\0|\0", E::Utf16),
        (b"M\0S\0H\0|\0", E::Utf16),
        (b"\0M\0S\0H\0|", E::Utf16),
        (b"MSH|", E::Delimiters(DelimiterError::Missing)),
        (b"MSH||x", E::Delimiters(DelimiterError::Missing)),
        (b"MSH|^~\\&^", E::Delimiters(DelimiterError::Repeated)),
        (b"MSH|^~\\&ABC|x", E::Delimiters(DelimiterError::TooMany)),
        (b"MSHA^~\\&Ax", E::Delimiters(DelimiterError::NoPunctuation)),
        (b"MSH|^~\\&|||||||ORM^O01|1|T|2.4||pointer", E::Continued),
        (b"MSH|^~\\&|\rDSC|pointer", E::Continued),
        (b"MSH|^~\\&|\rADD|more", E::Continued),
        (b"MSH|^~\\&|1\rPID|1\rMSH|^~\\&|2\rPID|2", E::Several),
        (b"MSH|^~\\&|1\rBHS|^~\\&|2", E::Several),
    ];
    for (bytes, expected) in cases {
        assert_eq!(refusal(bytes), Some(*expected), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn limits_refuse_and_never_cut() {
    let limits = Limits { bytes: 60, segments: 3, fields: 5, repetitions: 4 };
    let read = |text: &str| Message::read(text.as_bytes(), &limits).map(|message| message.segments().count());
    assert_eq!(read("MSH|^~\\&|\rA01|\rA02|"), Ok(3));
    assert_eq!(read("MSH|^~\\&|\rA01|\rA02|\rA03|"), Err(ReadError::Segments(3)));
    assert_eq!(read("MSH|^~\\&|\rA01|1|2|3|4|5"), Ok(2));
    assert_eq!(read("MSH|^~\\&|\rA01|1|2|3|4|5|6"), Err(ReadError::Fields { segment: 2, limit: 5 }));
    assert_eq!(read("MSH|^~\\&|\rA01||1~2~3~4"), Ok(2));
    assert_eq!(read("MSH|^~\\&|\rA01||1~2~3~4~5"), Err(ReadError::Repetitions { segment: 2, field: 2, limit: 4 }));
    assert_eq!(read("MSH|^~\\&|1~2~3~4~5"), Err(ReadError::Repetitions { segment: 1, field: 3, limit: 4 }));
    assert_eq!(read(&format!("MSH|^~\\&|{}", "x".repeat(60))), Err(ReadError::Bytes(60)));
}

/// The segments of a message, as their bytes.
fn segments(bytes: &[u8]) -> Vec<String> {
    let message = Message::read(bytes, &Limits::default()).unwrap();
    message.segments().map(|segment| String::from_utf8_lossy(segment.bytes()).into_owned()).collect()
}

#[test]
fn segment_ends() {
    let expected = ["MSH|^~\\&|x", "PID|1", "PV1|1"];
    for text in [
        "MSH|^~\\&|x\rPID|1\rPV1|1\r",
        "MSH|^~\\&|x\rPID|1\rPV1|1",
        "MSH|^~\\&|x\nPID|1\nPV1|1\n",
        "MSH|^~\\&|x\r\nPID|1\r\nPV1|1\r\n",
        "MSH|^~\\&|x\r\r\rPID|1\r \t\rPV1|1\r\r",
        "MSH|^~\\&|x\n\n  PID|1\n\tPV1|1\n",
        "\u{feff}\r\n MSH|^~\\&|x\rPID|1\rPV1|1",
    ] {
        assert_eq!(segments(text.as_bytes()), expected, "{text:?}");
    }
    // If any CR ends a segment, LF is data.
    assert_eq!(segments(b"MSH|^~\\&|x\rNTE|1||one\ntwo\rNTE|2"), ["MSH|^~\\&|x", "NTE|1||one\ntwo", "NTE|2"]);
    assert_eq!(segments(b"MSH|^~\\&|x"), ["MSH|^~\\&|x"]);
}

#[test]
fn lines_without_a_segments_name_are_noticed() {
    let message = Message::read(b"MSH|^~\\&|||||||||T|2.4\nNTE|1||one\ntwo\nNTE|2", &Limits::default()).unwrap();
    assert_eq!(message.notices(), [Notice::NoSegmentName]);
    assert_eq!(message.segments().filter_map(|segment| segment.id()).count(), 3);
}

#[test]
fn headers_are_numbered_from_their_separator() {
    let bytes = b"MSH|^~\\&|A|B||||S|ORM^O01^ORM_O01|17|T|2.5.1";
    let message = Message::read(bytes, &Limits::default()).unwrap();
    let header = message.segment(0).unwrap();
    let fields: Vec<_> =
        header.fields().map(|(n, field)| (n, String::from_utf8_lossy(field.bytes()).into_owned())).collect();
    assert_eq!(header.len(), 12);
    assert_eq!(fields[..4], [(1, "|".into()), (2, "^~\\&".into()), (3, "A".into()), (4, "B".into())]);
    assert_eq!(message.kind(), ("ORM".to_owned(), "O01".to_owned()));
    assert_eq!((message.control_id().bytes(), message.version()), (b"17".as_slice(), Some(Version::V2_5_1)));
}

#[test]
fn every_version_is_read_alike() {
    for version in Version::ALL {
        let text = format!("MSH|^~\\&|||||||ORM^O01|1|T|{}\rPID|1|SYN-1", version.text());
        let message = Message::read(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!((message.version(), message.notices()), (Some(version), [].as_slice()));
    }
    let later = Message::read(b"MSH|^~\\&|||||||ORM^O01|1|T|2.9", &Limits::default()).unwrap();
    assert_eq!(later.notices(), [Notice::UnknownVersion]);
}

#[test]
fn several_character_sets() {
    let bytes = b"MSH|^~\\&|||||||ORM^O01|1|T|2.4||||||8859/1~ISO IR87\rPID|1|\xe9\\C2842\\x";
    let message = Message::read(bytes, &Limits::default()).unwrap();
    assert_eq!(message.notices(), [Notice::SeveralCharacterSets]);
    assert_eq!(message.value(&"PID-2".parse().unwrap()).text().unwrap(), "é\\C2842\\x");
}

#[test]
fn errors_say_nothing_of_the_message() {
    let texts = ["MSH|^~\\&|SYN-1", "SYN-1|x", "MSH|^~\\&|\rDSC|SYN-1"].map(|text| {
        Message::read(text.as_bytes(), &Limits { bytes: 12, ..Limits::default() }).unwrap_err().to_string()
    });
    assert!(texts.iter().all(|text| !text.contains("SYN")), "{texts:?}");
}

/// Nothing in a large message makes reading slower than linear: a search that kept starting over would not end.
#[test]
fn megabytes_of_anything() {
    let limits = Limits { segments: usize::MAX, fields: usize::MAX, repetitions: usize::MAX, ..Limits::default() };
    for part in ["|", "\r", "~", "^", "\\", "\\X", "\\F\\", "A|", "PID|\r", "é"] {
        let text = format!("MSH|^~\\&|\rOBX|{}", part.repeat((2 << 20) / part.len()));
        let message = Message::read(text.as_bytes(), &limits).unwrap();
        assert!(message.value(&"OBX-1.*".parse().unwrap()).text().is_none_or(|value| value.len() <= text.len()));
        assert!(message.value(&"PID[60000]-3[5=MRN].*".parse().unwrap()).is_absent());
    }
}
