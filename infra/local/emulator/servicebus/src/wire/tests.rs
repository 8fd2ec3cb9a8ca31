use super::*;
use crate::broker::{MessageState, Taken};
use crate::codec::{Reader, Value, Writer};
use crate::message::{Encoded, Message};
use bytes::BytesMut;
use proptest::prelude::*;

fn taken() -> Taken {
    Taken {
        message: Message::new("body").with_message_id("id").with_property("a", "b").encode().unwrap(),
        sequence: 7,
        enqueued_at: 1000,
        expires_at: None,
        attempts: 0,
        token: uuid::Uuid::from_u128(5),
        locked_until: Some(2000),
        dead_letter_source: Some("orders".into()),
        state: MessageState::Active,
    }
}

#[test]
fn frames_come_whole_or_not_yet() {
    let mut out = Vec::new();
    begin(&mut out, 3, 5000, 100);
    let mut input = BytesMut::from(&out[..out.len() - 1]);
    assert_eq!(next_frame(&mut input, 65536).unwrap(), None);
    input.extend_from_slice(&out[out.len() - 1..]);
    let frame = next_frame(&mut input, 65536).unwrap().unwrap();
    assert_eq!((frame.kind, frame.channel), (FrameKind::Amqp, 3));
    assert_eq!(
        Performative::decode(&frame.body).unwrap(),
        Performative::Begin(Begin { next_outgoing_id: 0, incoming_window: 5000 })
    );
    assert!(input.is_empty());
}

#[test]
fn impossible_frames_are_framing_errors() {
    for head in [
        [0, 0, 0, 4, 2, 0, 0, 0],
        [0, 0, 0, 8, 1, 0, 0, 0],
        [0, 0, 0, 8, 3, 0, 0, 0],
        [255; 8],
        [0, 0, 0, 8, 2, 9, 0, 0],
    ] {
        let error = next_frame(&mut BytesMut::from(&head[..]), 65536).unwrap_err();
        assert_eq!(error.condition, condition::FRAMING, "{head:?}");
    }
}

#[test]
fn performatives_have_all_their_fields() {
    let fields = |fill: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        fill(&mut out);
        let body = out.split_off(8);
        let (_, Value::List(elements)) = Reader::new(&body).described().unwrap() else { panic!("a list") };
        elements.count()
    };
    assert_eq!(fields(&|out| open(out, "c", 512, 1, 1)), 10);
    assert_eq!(fields(&|out| begin(out, 0, 1, 1)), 8);
    assert_eq!(fields(&|out| flow(out, 0, &FlowOut::default())), 11);
    assert_eq!(fields(&|out| disposition(out, 0, true, 1, 1, &Raw::Accepted)), 6);
    assert_eq!(fields(&|out| detach(out, 0, 1, None)), 3);
    let head = TransferOut { handle: 0, delivery_id: 0, tag: &[1], settled: false, more: false };
    assert_eq!(fields(&|out| transfer(out, 0, &head, b"")), 11);
    let reply = AttachReply {
        name: "n",
        handle: 0,
        receiver: false,
        snd_settle_mode: None,
        rcv_settle_mode: None,
        source: None,
        target: None,
        max_message_size: 1,
        locked_until: None,
    };
    assert_eq!(fields(&|out| attach(out, 0, &reply)), 14);
}

#[test]
fn a_delivery_keeps_the_senders_sections_byte_for_byte() {
    let taken = taken();
    let mut out = Vec::new();
    put_delivery(&mut out, &taken);
    assert!(out.ends_with(taken.message.after_annotations()));
    assert!(out.windows(16).any(|window| window == b"x-opt-lock-token"), "Python settles deferred messages by it");
    let parsed = Encoded::parse(&out).unwrap();
    assert_eq!(parsed.to_message(), taken.message.to_message());
    let annotations = crate::message::map_of(parsed.annotations()).unwrap().unwrap();
    assert_eq!(annotations.get("x-opt-sequence-number"), Some(Value::Long(7)));
    assert_eq!(annotations.get("x-opt-locked-until"), Some(Value::Timestamp(2000)));
    assert_eq!(annotations.get("x-opt-deadletter-source"), Some(Value::String("orders")));
}

#[test]
fn a_batch_holds_messages_in_its_data_sections() {
    let mut envelope = Vec::new();
    for n in 0..3 {
        let message = Message::new(format!("{n}")).encode().unwrap();
        crate::codec::put_described_binary(&mut envelope, 0x75, message.bytes());
    }
    let messages = batch(&envelope).unwrap();
    assert_eq!(messages.iter().map(|message| message.to_message().body).collect::<Vec<_>>(), ["0", "1", "2"]);
}

#[test]
fn a_session_filter_is_answered_with_the_real_session() {
    let mut source = Vec::new();
    Writer::new(&mut source).composite(0x28, |fields| {
        fields.string("q");
        (0..6).for_each(|_| fields.null());
        fields.map(|map| {
            map.symbol(SESSION_FILTER);
            map.null();
        });
        (0..3).for_each(|_| fields.null());
    });
    let answer = source_with_session(&source, "s-1");
    let (_, Value::List(fields)) = Reader::new(&answer).described().unwrap() else { panic!("a list") };
    let fields: Vec<_> = fields.iter().map(Result::unwrap).collect();
    assert_eq!(fields.len(), 11);
    assert_eq!(fields[0], Value::String("q"));
    assert_eq!(fields[7].map().unwrap().get(SESSION_FILTER), Some(Value::String("s-1")));
}

#[test]
fn a_rejection_is_read_whatever_keys_its_map_has() {
    for symbol in [true, false] {
        let mut body = Vec::new();
        Writer::new(&mut body).composite(0x15, |fields| {
            fields.bool(true);
            fields.uint(4);
            fields.null();
            fields.bool(false);
            fields.composite(0x25, |rejected| {
                rejected.composite(0x1d, |error| {
                    error.symbol("com.microsoft:dead-letter");
                    error.null();
                    error.map(|map| {
                        if symbol {
                            map.symbol("DeadLetterReason");
                        } else {
                            map.string("DeadLetterReason");
                        }
                        map.string("why");
                    });
                });
            });
        });
        let Performative::Disposition(disposition) = Performative::decode(&body).unwrap() else {
            panic!("a disposition")
        };
        assert_eq!((disposition.first, disposition.last), (4, 4));
        let Some(Outcome::Rejected { info: Some(info), .. }) = disposition.state else { panic!("rejected") };
        assert_eq!(info.get("DeadLetterReason"), Some(Value::String("why")));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_performative_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), code in 0x10_u8..0x19) {
        let _ = Performative::decode(&bytes);
        let _ = Sasl::decode(&bytes);
        let _ = batch(&bytes);
        let _ = source_with_session(&bytes, "s");
        // With the beginning of a performative in front, the fields are reached.
        let mut framed = vec![0, 0x53, code, 0xc0, u8::try_from(bytes.len().min(250)).unwrap(), 12];
        bytes.truncate(249);
        framed.extend_from_slice(&bytes);
        let _ = Performative::decode(&framed);
    }

    #[test]
    fn any_bytes_are_frames_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut input = BytesMut::from(&bytes[..]);
        let _ = protocol_header(&mut input.clone());
        while let Ok(Some(frame)) = next_frame(&mut input, 4096) {
            let _ = Performative::decode(&frame.body);
        }
    }
}
