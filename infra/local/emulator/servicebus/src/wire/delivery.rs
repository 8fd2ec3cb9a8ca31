//! Messages as sent to receivers, and batches as received from senders.

use crate::broker::{MessageState, Taken};
use crate::codec::{Reader, Value, Writer};
use crate::message::{Encoded, annotation, map_of, section};

/// Appends a message for a receiver: we write header and annotations; everything else is the sender's, byte for byte.
pub(crate) fn put_delivery(out: &mut Vec<u8>, taken: &Taken) {
    Writer::new(out).composite(section::HEADER, |fields| {
        fields.bool(true); // durable
        fields.null(); // priority
        fields.optional_uint(taken.message.time_to_live());
        fields.bool(taken.attempts == 0); // first-acquirer
        fields.uint(taken.attempts); // delivery-count: always, or JavaScript has none
    });
    if !taken.token.is_nil() {
        // Python's client looks here for the lock of a message that came through `$management`, without a delivery tag.
        Writer::new(out).described(section::DELIVERY_ANNOTATIONS, |inner| {
            inner.map(|map| {
                map.symbol("x-opt-lock-token");
                map.uuid(taken.token.as_bytes());
            });
        });
    }
    Writer::new(out).described(section::MESSAGE_ANNOTATIONS, |inner| {
        inner.map(|map| {
            put_sender_annotations(map, taken.message.annotations());
            let sequence = i64::try_from(taken.sequence).unwrap_or(i64::MAX);
            map.symbol(annotation::SEQUENCE_NUMBER);
            map.long(sequence);
            map.symbol(annotation::ENQUEUE_SEQUENCE_NUMBER);
            map.long(sequence);
            map.symbol(annotation::ENQUEUED_TIME);
            map.timestamp(taken.enqueued_at);
            if let Some(until) = taken.locked_until {
                map.symbol(annotation::LOCKED_UNTIL);
                map.timestamp(until);
            }
            if let Some(source) = &taken.dead_letter_source {
                map.symbol(annotation::DEAD_LETTER_SOURCE);
                map.string(source);
            }
            map.symbol(annotation::MESSAGE_STATE);
            map.int(match taken.state {
                MessageState::Active => 0,
                MessageState::Deferred => 1,
                MessageState::Scheduled => 2,
            });
        });
    });
    out.extend_from_slice(taken.message.after_annotations());
}

/// The sender's annotations, except those that only the broker sets.
fn put_sender_annotations(map: &mut Writer<'_>, section: &[u8]) {
    const OURS: [&str; 6] = [
        annotation::SEQUENCE_NUMBER,
        annotation::ENQUEUE_SEQUENCE_NUMBER,
        annotation::ENQUEUED_TIME,
        annotation::LOCKED_UNTIL,
        annotation::DEAD_LETTER_SOURCE,
        annotation::MESSAGE_STATE,
    ];
    let Ok(Some(kept)) = map_of(section) else { return };
    let mut reader = kept.reader();
    while let (Ok(name), Ok(value)) = (reader.raw(), reader.raw()) {
        let text = Reader::new(name).value().ok().and_then(|name| name.text());
        if !text.is_some_and(|text| OURS.contains(&text)) {
            map.encoded(name);
            map.encoded(value);
        }
    }
}

/// The messages of a batch (message format 0x80013700): each data section of the envelope holds one.
pub(crate) fn batch(envelope: &[u8]) -> Result<Vec<Encoded>, crate::message::Error> {
    let mut reader = Reader::new(envelope);
    let mut messages = Vec::new();
    while !reader.is_empty() {
        if let (Some(section::DATA), Value::Binary(message)) = reader.described()? {
            messages.push(Encoded::parse(message)?);
        }
    }
    Ok(messages)
}
