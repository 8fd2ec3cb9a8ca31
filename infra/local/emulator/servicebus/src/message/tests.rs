use super::*;
use crate::codec::Writer;
use proptest::prelude::*;

fn full() -> Message {
    Message {
        message_id: Some("id-1".into()),
        correlation_id: Some("corr".into()),
        session_id: Some("s".into()),
        reply_to_session_id: Some("rs".into()),
        subject: Some("label".into()),
        content_type: Some("application/json".into()),
        content_encoding: Some("identity".into()),
        reply_to: Some("answers".into()),
        to: Some("there".into()),
        partition_key: Some("p".into()),
        application_properties: vec![
            ("text".into(), "x".into()),
            ("flag".into(), true.into()),
            ("number".into(), PropertyValue::Int(-3)),
            ("double".into(), 0.5.into()),
            ("id".into(), uuid::Uuid::from_u128(7).into()),
            ("at".into(), jiff::Timestamp::from_millisecond(1_700_000_000_123).unwrap().into()),
            ("raw".into(), PropertyValue::Binary(Bytes::from_static(b"\0\xff"))),
            ("none".into(), PropertyValue::Null),
        ],
        scheduled_enqueue_time: jiff::Timestamp::from_millisecond(1_800_000_000_000).ok(),
        time_to_live: Some(Duration::from_secs(60)),
        body: Bytes::from_static(b"{\"a\":1}"),
    }
}

#[test]
fn a_message_survives_encoding() {
    let encoded = full().encode().unwrap();
    assert_eq!(encoded.to_message(), full());
    let mut again = Encoded::parse(encoded.bytes()).unwrap();
    again.set_time_to_live(encoded.time_to_live());
    assert_eq!(again, encoded);
}

#[test]
fn the_header_gives_the_time_to_live_and_is_dropped() {
    let mut bytes = Vec::new();
    Writer::new(&mut bytes).composite(section::HEADER, |fields| {
        fields.bool(true);
        fields.null();
        fields.uint(1500);
    });
    let rest = full().encode().unwrap();
    bytes.extend_from_slice(rest.bytes());
    let parsed = Encoded::parse(&bytes).unwrap();
    assert_eq!(parsed.time_to_live(), Some(1500));
    assert_eq!(parsed.bytes(), rest.bytes());
}

#[test]
fn an_identity_is_assigned_only_when_there_is_none() {
    let with = full().encode().unwrap();
    assert_eq!(with.clone().with_identity().unwrap(), with);
    let bare = Encoded::parse(Message::new("x").encode().unwrap().body()).unwrap();
    let id = bare.with_identity().unwrap().to_message().message_id.unwrap();
    assert_eq!(id.len(), 32);
}

#[test]
fn set_properties_override_the_senders() {
    let stamped =
        full().encode().unwrap().with_properties(&[("text".into(), "y".into()), ("new".into(), 1.5.into())]).unwrap();
    let message = stamped.to_message();
    assert_eq!(message.property("text"), Some(&"y".into()));
    assert_eq!(message.property("new"), Some(&1.5.into()));
    assert_eq!(message.property("flag"), Some(&true.into()));
    assert_eq!(message.application_properties.iter().filter(|(name, _)| name == "text").count(), 1);
    assert_eq!(stamped.body(), full().encode().unwrap().body());
    assert_eq!(stamped.properties(), full().encode().unwrap().properties());
}

#[test]
fn bodies_of_every_kind_have_bytes() {
    let value = |fill: fn(&mut Writer<'_>)| {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).described(section::VALUE, fill);
        Encoded::parse(&bytes).unwrap().to_message().body
    };
    assert_eq!(value(|w| w.string("text")), "text");
    assert_eq!(value(|w| w.binary(b"bytes")), "bytes");
    assert_eq!(value(|w| w.null()), "");
    assert_eq!(value(|w| w.uint(7))[..], [0x52, 7]);
    let mut two = Vec::new();
    crate::codec::put_described_binary(&mut two, section::DATA, b"ab");
    crate::codec::put_described_binary(&mut two, section::DATA, b"cd");
    assert_eq!(Encoded::parse(&two).unwrap().to_message().body, "abcd");
}

/// What Python's library writes when a message that it received is sent again: the delivery annotations after
/// everything else.
#[test]
fn sections_are_taken_in_any_order_and_kept_in_the_right_one() {
    let encoded = full().encode().unwrap();
    let mut delivery_annotations = Vec::new();
    Writer::new(&mut delivery_annotations).described(section::DELIVERY_ANNOTATIONS, |inner| {
        inner.map(|map| {
            map.symbol("x-opt-lock-token");
            map.uuid(&[7; 16]);
        });
    });
    let python = [encoded.bytes().as_ref(), &delivery_annotations].concat();
    assert_eq!(Encoded::parse(&python).unwrap().bytes(), encoded.bytes());
    let mut footer = Vec::new();
    Writer::new(&mut footer).described(section::FOOTER, |inner| inner.map(|_| ()));
    let parts =
        [encoded.annotations(), encoded.properties(), encoded.application_properties(), encoded.body(), &footer];
    let backwards: Vec<u8> = parts.iter().rev().copied().collect::<Vec<_>>().concat();
    assert_eq!(Encoded::parse(&backwards).unwrap().bytes()[..], parts.concat());
}

#[test]
fn sections_that_are_unknown_or_repeated_and_overlong_ids_are_refused() {
    let encoded = full().encode().unwrap();
    for repeated in [encoded.annotations(), encoded.properties(), encoded.application_properties()] {
        assert_eq!(Encoded::parse(&[encoded.bytes(), repeated].concat()), Err(Error::Sections));
    }
    let mut unknown = Vec::new();
    Writer::new(&mut unknown).described(section::FOOTER + 1, |inner| inner.null());
    assert_eq!(Encoded::parse(&unknown), Err(Error::Sections));
    let long = Message::new("x").with_message_id("i".repeat(129));
    assert_eq!(long.encode(), Err(Error::Limit("a message-id has 1 to 128 characters")));
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(encoded) = Encoded::parse(&bytes) {
            let _ = encoded.to_message();
            let _ = encoded.with_identity();
        }
    }

    #[test]
    fn a_damaged_message_is_a_message_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = full().encode().unwrap().bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(encoded) = Encoded::parse(&bytes) {
            let _ = encoded.to_message();
            let _ = encoded.with_properties(&[("a".into(), "b".into())]);
        }
    }
}
