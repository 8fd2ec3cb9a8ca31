//! serviceBusTrigger, cardinality one (functions-host-contract §1.5).

use std::fmt::Write as _;

use iris_local_servicebus::broker::Delivery;
use iris_local_servicebus::message::{Message, PropertyValue};
use jiff::civil::DateTime;

use super::value::{base64_size, civil_precise, push_base64, push_quoted, quoted, twice_quoted, utc};
use super::{Context, Metadata, close, open};
use crate::config::{DataType, ServiceBusTrigger};

/// The request body for one message.
#[must_use]
pub fn service_bus(context: &Context<'_>, trigger: &ServiceBusTrigger, delivery: &Delivery) -> String {
    let mut metadata = metadata(trigger, delivery);
    let body = &delivery.message.body;
    if trigger.data_type == DataType::Binary {
        let mut out = String::with_capacity(base64_size(body) + metadata.size() + 512);
        open(&mut out, context);
        push_base64(&mut out, body);
        close(&mut out, context, metadata);
        return out;
    }
    let text = String::from_utf8_lossy(body);
    metadata.pollute(&text);
    super::envelope(context, &twice_quoted(&text), metadata)
}

fn metadata(trigger: &ServiceBusTrigger, delivery: &Delivery) -> Metadata {
    let message = &delivery.message;
    let mut metadata = Metadata::with_capacity(32);
    for noise in ["MessageReceiver", "MessageSession", "MessageActions", "SessionActions", "ReceiveActions"] {
        metadata.json(noise, "{}");
    }
    metadata.json("Client", client(trigger));
    metadata.json_text("DeliveryCount", &delivery.delivery_count.to_string());
    metadata.text("LockToken", &delivery.lock_token.to_string());
    metadata.times("ExpiresAtUtc", "ExpiresAt", expiry(delivery));
    metadata.times("EnqueuedTimeUtc", "EnqueuedTime", utc(delivery.enqueued_time));
    metadata.optional("MessageId", message.message_id.as_deref());
    metadata.optional("ContentType", message.content_type.as_deref());
    metadata.json_text("SequenceNumber", &delivery.sequence_number.to_string());
    metadata.optional("Subject", message.subject.as_deref());
    metadata.optional("Label", message.subject.as_deref());
    metadata.optional("CorrelationId", message.correlation_id.as_deref());
    metadata.optional("ReplyTo", message.reply_to.as_deref());
    metadata.optional("To", message.to.as_deref());
    metadata.optional("SessionId", message.session_id.as_deref());
    metadata.optional("ReplyToSessionId", message.reply_to_session_id.as_deref());
    metadata.optional("PartitionKey", message.partition_key.as_deref());
    metadata.optional("DeadLetterSource", delivery.dead_letter_source.as_deref());
    let properties = properties(message);
    metadata.json("ApplicationProperties", properties.clone());
    metadata.json("UserProperties", properties);
    metadata
}

/// The end of a message's time to live; the last moment of .NET's calendar when it has none.
pub(super) fn expiry(delivery: &Delivery) -> DateTime {
    delivery.expires_at.map_or(DateTime::constant(9999, 12, 31, 23, 59, 59, 999_999_900), utc)
}

/// The sender's properties as a JSON object.
pub(super) fn properties(message: &Message) -> String {
    let mut out = String::from("{");
    for (name, value) in &message.application_properties {
        if out.len() > 1 {
            out.push(',');
        }
        push_quoted(&mut out, name);
        out.push(':');
        push_property(&mut out, value);
    }
    out.push('}');
    out
}

fn push_property(out: &mut String, value: &PropertyValue) {
    // Writing to a String cannot fail.
    let _ = match value {
        PropertyValue::Null => write!(out, "null"),
        PropertyValue::Bool(flag) => write!(out, "{flag}"),
        PropertyValue::Int(number) => write!(out, "{number}"),
        PropertyValue::UInt(number) => write!(out, "{number}"),
        PropertyValue::Double(number) => write!(out, "{}", serde_json::Value::from(*number)),
        PropertyValue::String(text) => {
            push_quoted(out, text);
            Ok(())
        }
        PropertyValue::Timestamp(time) => write!(out, "\"{}Z\"", civil_precise(utc(*time))),
        PropertyValue::Uuid(uuid) => write!(out, "\"{uuid}\""),
        PropertyValue::Binary(bytes) => {
            push_base64(out, bytes);
            Ok(())
        }
    };
}

/// The reflected SDK client. Noise for the handler.
pub(super) fn client(trigger: &ServiceBusTrigger) -> String {
    let namespace = quoted(&trigger.namespace);
    format!(
        "{{\"FullyQualifiedNamespace\":{namespace},\"IsClosed\":false,\"TransportType\":0,\"Identifier\":{namespace}}}"
    )
}
