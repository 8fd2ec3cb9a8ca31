//! From messages to transfers.

use super::{Cause, OutgoingMessage, PropertyValue};
use fe2o3_amqp::Sendable;
use fe2o3_amqp::types::messaging::annotations::OwnedKey;
use fe2o3_amqp::types::messaging::message::__private::Serializable;
use fe2o3_amqp::types::messaging::{
    ApplicationProperties, Batch, Data, Header, Message, MessageAnnotations, MessageId, Properties,
};
use fe2o3_amqp::types::primitives::{Binary, OrderedMap, SimpleValue, Symbol, Timestamp, Value};
use std::collections::HashMap;

/// Format of a transfer that holds several messages, each encoded in a data section of its own.
const BATCH_FORMAT: u32 = 0x8001_3700;

/// Bytes a data section needs besides its content.
const SECTION_OVERHEAD: u64 = 8;

/// Bytes of the envelope besides the ids it repeats.
const ENVELOPE_OVERHEAD: u64 = 256;

/// Messages in one transfer, at most; the service takes somewhat more.
const MOST_IN_BATCH: usize = 1000;

/// Size limits in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Of one message; `None` = the link has none.
    pub(super) message: Option<u64>,
    /// Of a transfer with several messages.
    pub(super) batch: u64,
}

/// One transfer.
#[derive(Debug)]
pub(super) enum Transfer {
    /// One message.
    Single { index: usize, message: Box<Sendable<Data>> },
    /// Several messages of one session.
    Batch { indices: Vec<usize>, envelope: Box<Sendable<Batch<Data>>> },
}

/// Groups the messages at the positions `wanted` into transfers: one session each, in the order given, none above the
/// limits.
pub(super) fn plan(
    messages: &[OutgoingMessage],
    wanted: impl Iterator<Item = usize>,
    limits: Limits,
) -> Result<Vec<Transfer>, Cause> {
    let mut groups: Vec<Group> = Vec::new();
    let mut open: HashMap<Option<&str>, usize> = HashMap::new();
    for (index, message) in wanted.filter_map(|index| messages.get(index).map(|message| (index, message))) {
        let encoded = encode(message).ok_or(Cause::Rejected { condition: "message cannot be encoded".to_owned() })?;
        let size = encoded.len() as u64;
        if let Some(limit) = limits.message.filter(|limit| size > *limit) {
            return Err(Cause::TooLarge { index, size, limit });
        }
        let session = message.session_id.as_deref();
        let room = open.get(&session).copied().filter(|group| groups[*group].takes(size, limits));
        let group = room.unwrap_or_else(|| {
            groups.push(Group::new(message));
            open.insert(session, groups.len() - 1);
            groups.len() - 1
        });
        groups[group].add(index, encoded);
    }
    Ok(groups.into_iter().map(|group| group.into_transfer(messages)).collect())
}

struct Group {
    indices: Vec<usize>,
    encoded: Vec<Vec<u8>>,
    size: u64,
}

impl Group {
    fn new(first: &OutgoingMessage) -> Self {
        let ids = first.message_id.len() + first.session_id.as_ref().map_or(0, String::len);
        Self { indices: Vec::new(), encoded: Vec::new(), size: ENVELOPE_OVERHEAD + ids as u64 }
    }

    /// A message that fits nowhere else goes alone, without an envelope.
    fn takes(&self, size: u64, limits: Limits) -> bool {
        let limit = limits.message.unwrap_or(limits.batch).min(limits.batch);
        self.indices.len() < MOST_IN_BATCH && self.size + size + SECTION_OVERHEAD <= limit
    }

    fn add(&mut self, index: usize, encoded: Vec<u8>) {
        self.size += encoded.len() as u64 + SECTION_OVERHEAD;
        self.indices.push(index);
        self.encoded.push(encoded);
    }

    fn into_transfer(self, messages: &[OutgoingMessage]) -> Transfer {
        let first = self.indices.first().and_then(|index| messages.get(*index)).cloned().unwrap_or_default();
        if let [index] = self.indices[..] {
            return Transfer::Single { index, message: Box::new(Sendable::builder().message(message(&first)).build()) };
        }
        let sections: Vec<Data> = self.encoded.into_iter().map(Data::from).collect();
        let envelope = Message {
            header: None,
            delivery_annotations: None,
            message_annotations: None,
            properties: Some(Properties {
                message_id: Some(MessageId::String(first.message_id)),
                group_id: first.session_id,
                ..Properties::default()
            }),
            application_properties: None,
            body: Batch::new(sections),
            footer: None,
        };
        let envelope = Sendable::builder().message(envelope).message_format(BATCH_FORMAT).build();
        Transfer::Batch { indices: self.indices, envelope: Box::new(envelope) }
    }
}

fn encode(outgoing: &OutgoingMessage) -> Option<Vec<u8>> {
    serde_amqp::to_vec(&Serializable(message(outgoing))).ok()
}

fn message(outgoing: &OutgoingMessage) -> Message<Data> {
    let ttl = outgoing.time_to_live.map(|ttl| u32::try_from(ttl.as_millis()).unwrap_or(u32::MAX));
    let scheduled = outgoing.scheduled_enqueue_time.map(|time| {
        let mut annotations = OrderedMap::new();
        let key = OwnedKey::Symbol(Symbol::from("x-opt-scheduled-enqueue-time"));
        annotations.insert(key, Value::Timestamp(Timestamp::from_milliseconds(time.as_millisecond())));
        MessageAnnotations(annotations)
    });
    Message {
        header: ttl.map(|ttl| Header { ttl: Some(ttl), ..Header::default() }),
        delivery_annotations: None,
        message_annotations: scheduled,
        properties: Some(Properties {
            message_id: Some(MessageId::String(outgoing.message_id.clone())),
            subject: outgoing.subject.clone(),
            correlation_id: outgoing.correlation_id.clone().map(MessageId::String),
            content_type: outgoing.content_type.as_deref().map(Symbol::from),
            group_id: outgoing.session_id.clone(),
            ..Properties::default()
        }),
        application_properties: (!outgoing.application_properties.is_empty()).then(|| properties(outgoing)),
        body: Data(Binary::from(outgoing.body.to_vec())),
        footer: None,
    }
}

fn properties(outgoing: &OutgoingMessage) -> ApplicationProperties {
    let mut map = OrderedMap::new();
    for (name, value) in &outgoing.application_properties {
        let value = match value {
            PropertyValue::Text(text) => SimpleValue::String(text.clone()),
            PropertyValue::Integer(number) => SimpleValue::Long(*number),
            PropertyValue::Boolean(flag) => SimpleValue::Bool(*flag),
            PropertyValue::Time(time) => SimpleValue::Timestamp(Timestamp::from_milliseconds(time.as_millisecond())),
        };
        map.insert(name.clone(), value);
    }
    ApplicationProperties(map)
}

#[cfg(test)]
mod tests;
