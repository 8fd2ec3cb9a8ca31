//! The message of a Service Bus trigger.

use super::Metadata;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// A message as taken from a queue. All properties come from the broker or the sender, and any of them may be absent.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceBusMessage {
    /// The exact bytes of the message.
    pub body: Bytes,
    /// The sender's id, or the broker's when the sender set none.
    pub message_id: Option<String>,
    /// How often the message has been delivered, this time included: from 1.
    pub delivery_count: Option<u32>,
    /// The broker's number of the message in its queue.
    pub sequence_number: Option<i64>,
    /// When the broker took the message in.
    pub enqueued_time: Option<Timestamp>,
    /// The sender's correlation id.
    pub correlation_id: Option<String>,
    /// The session the message belongs to.
    pub session_id: Option<String>,
    /// The sender's subject (formerly label).
    pub subject: Option<String>,
    /// The sender's content type.
    pub content_type: Option<String>,
    /// Properties set by the sender and by rules of the broker, as JSON values. Names are case-sensitive.
    pub application_properties: Map<String, Value>,
}

impl ServiceBusMessage {
    /// `None` when `value` is not a base64 string: guessing at other forms would let a sender choose how its message is
    /// read.
    pub(super) fn decode(value: &Value, metadata: &Metadata) -> Option<Self> {
        let body = STANDARD.decode(value.as_str()?).ok()?;
        let properties = metadata.object("ApplicationProperties").or_else(|| metadata.object("UserProperties"));
        Some(Self {
            body: Bytes::from(body),
            message_id: metadata.text("MessageId"),
            delivery_count: metadata.integer("DeliveryCount").and_then(|count| u32::try_from(count).ok()),
            sequence_number: metadata.integer("SequenceNumber"),
            enqueued_time: metadata.time("EnqueuedTimeUtc").or_else(|| metadata.time("EnqueuedTime")),
            correlation_id: metadata.text("CorrelationId"),
            session_id: metadata.text("SessionId"),
            subject: metadata.text("Subject").or_else(|| metadata.text("Label")),
            content_type: metadata.text("ContentType"),
            application_properties: properties.unwrap_or_default(),
        })
    }

    /// An application property that is a text.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.application_properties.get(name)?.as_str()
    }
}
