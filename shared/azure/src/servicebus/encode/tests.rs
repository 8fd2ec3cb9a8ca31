use super::*;
use bytes::Bytes;
use fe2o3_amqp::types::messaging::message::__private::Deserializable;
use proptest::prelude::*;
use std::time::Duration;

const LIMITS: Limits = Limits { message: Some(256 * 1024), batch: 256 * 1024 };

fn outgoing(id: usize, bytes: usize, session: Option<&str>) -> OutgoingMessage {
    OutgoingMessage {
        message_id: format!("message-{id}"),
        body: Bytes::from(vec![b'x'; bytes]),
        session_id: session.map(str::to_owned),
        ..OutgoingMessage::default()
    }
}

fn indices(transfer: &Transfer) -> Vec<usize> {
    match transfer {
        Transfer::Single { index, .. } => vec![*index],
        Transfer::Batch { indices, .. } => indices.clone(),
    }
}

/// Bytes of the transfer as they go over the wire.
fn wire(transfer: &Transfer) -> Vec<u8> {
    match transfer {
        Transfer::Single { message, .. } => serde_amqp::to_vec(&Serializable(&message.message)).unwrap(),
        Transfer::Batch { envelope, .. } => serde_amqp::to_vec(&Serializable(&envelope.message)).unwrap(),
    }
}

#[test]
fn a_message_carries_everything_it_was_given() {
    let time: jiff::Timestamp = "2026-11-20T09:15:02.123Z".parse().unwrap();
    let outgoing = OutgoingMessage {
        content_type: Some("application/json".into()),
        subject: Some("OrderCreated".into()),
        correlation_id: Some("cause".into()),
        application_properties: [
            ("organization".to_owned(), PropertyValue::from("harborview")),
            ("attempt".to_owned(), PropertyValue::from(2)),
            ("test".to_owned(), PropertyValue::from(true)),
            ("at".to_owned(), PropertyValue::from(time)),
        ]
        .into(),
        scheduled_enqueue_time: Some(time),
        time_to_live: Some(Duration::from_secs(60)),
        ..outgoing(1, 3, Some("order-7"))
    };
    let bytes = encode(&outgoing).unwrap();
    let decoded: Deserializable<Message<Data>> = serde_amqp::from_slice(&bytes).unwrap();
    let decoded = decoded.0;
    assert_eq!(&decoded.body.0[..], b"xxx");
    assert_eq!(decoded.header.unwrap().ttl, Some(60_000));
    let properties = decoded.properties.unwrap();
    assert_eq!(properties.message_id, Some(MessageId::String("message-1".into())));
    assert_eq!(properties.correlation_id, Some(MessageId::String("cause".into())));
    assert_eq!(properties.group_id.as_deref(), Some("order-7"));
    assert_eq!(properties.subject.as_deref(), Some("OrderCreated"));
    assert_eq!(properties.content_type.unwrap().as_str(), "application/json");
    let own = decoded.application_properties.unwrap();
    assert_eq!(own.get("organization"), Some(&SimpleValue::String("harborview".into())));
    assert_eq!(own.get("attempt"), Some(&SimpleValue::Long(2)));
    assert_eq!(own.get("at"), Some(&SimpleValue::Timestamp(Timestamp::from_milliseconds(time.as_millisecond()))));
    assert_eq!(decoded.message_annotations.unwrap().len(), 1);
}

#[test]
fn one_message_travels_alone_and_several_in_an_envelope() {
    let messages = [outgoing(0, 10, None), outgoing(1, 10, None)];
    let one = plan(&messages, 0..1, LIMITS).unwrap();
    assert!(matches!(&one[..], [Transfer::Single { index: 0, message }] if message.message_format == 0));
    let both = plan(&messages, 0..2, LIMITS).unwrap();
    let [Transfer::Batch { indices, envelope }] = &both[..] else { panic!("one envelope") };
    assert_eq!((&indices[..], envelope.message_format), (&[0, 1][..], BATCH_FORMAT));
    for (section, message) in envelope.message.body.iter().zip(&messages) {
        assert_eq!(&section.0[..], encode(message).unwrap());
    }
}

#[test]
fn each_envelope_holds_one_session_and_keeps_its_order() {
    let sessions = [Some("a"), None, Some("b"), Some("a"), None, Some("a")];
    let messages: Vec<_> = sessions.iter().enumerate().map(|(id, session)| outgoing(id, 10, *session)).collect();
    let transfers = plan(&messages, 0..messages.len(), LIMITS).unwrap();
    let groups: Vec<_> = transfers.iter().map(indices).collect();
    assert_eq!(groups, [vec![0, 3, 5], vec![1, 4], vec![2]]);
    let Transfer::Batch { envelope, .. } = &transfers[0] else { panic!("an envelope") };
    assert_eq!(envelope.message.properties.as_ref().unwrap().group_id.as_deref(), Some("a"));
}

#[test]
fn a_message_that_is_too_large_is_named() {
    let messages = [outgoing(0, 10, None), outgoing(1, 256 * 1024, None)];
    let error = plan(&messages, 0..2, LIMITS).unwrap_err();
    assert!(matches!(error, Cause::TooLarge { index: 1, limit: 262_144, size } if size > 262_144));
    let unlimited = plan(&messages, 0..2, Limits { message: None, batch: 1024 }).unwrap();
    assert_eq!(unlimited.iter().map(indices).collect::<Vec<_>>(), [vec![0], vec![1]]);
}

#[test]
fn what_was_confirmed_is_not_planned_again() {
    let messages: Vec<_> = (0..4).map(|id| outgoing(id, 10, None)).collect();
    let transfers = plan(&messages, [1, 3].into_iter(), LIMITS).unwrap();
    assert_eq!(transfers.iter().map(indices).collect::<Vec<_>>(), [vec![1, 3]]);
}

proptest! {
    #[test]
    fn every_message_travels_once_within_the_limits(
        sizes in prop::collection::vec((0_usize..3000, 0_u8..3), 0..80),
        limit in 3500_u64..20_000,
    ) {
        let messages: Vec<_> = sizes
            .iter()
            .enumerate()
            .map(|(id, (bytes, session))| outgoing(id, *bytes, [None, Some("a"), Some("b")][usize::from(*session)]))
            .collect();
        let transfers = plan(&messages, 0..messages.len(), Limits { message: Some(limit), batch: limit }).unwrap();
        let mut seen: Vec<usize> = transfers.iter().flat_map(indices).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..messages.len()).collect::<Vec<_>>());
        for transfer in &transfers {
            prop_assert!(wire(transfer).len() as u64 <= limit);
            prop_assert!(indices(transfer).is_sorted());
        }
    }
}
