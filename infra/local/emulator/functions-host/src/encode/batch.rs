//! serviceBusTrigger, cardinality many (functions-host-contract §1.6).
//!
//! The whole batch is *one JSON string* that contains a JSON array, and so is every metadata entry, named `<Key>Array`.

use iris_local_servicebus::broker::Delivery;
use serde_json::Value;

use super::service_bus::{client, expiry, properties};
use super::value::{base64_size, civil_precise, push_base64, push_quoted, quoted, utc};
use super::{Context, Error, Metadata, dotnet_date, envelope};
use crate::config::{DataType, ServiceBusTrigger};

/// The request body for a batch.
///
/// # Errors
/// Without `dataType`, when any body is not a JSON object.
pub fn service_bus_batch(
    context: &Context<'_>,
    trigger: &ServiceBusTrigger,
    deliveries: &[Delivery],
) -> Result<String, Error> {
    let size = deliveries.iter().map(|delivery| base64_size(&delivery.message.body) + 1).sum::<usize>();
    let mut bodies = String::with_capacity(size + 2);
    bodies.push('[');
    for (index, delivery) in deliveries.iter().enumerate() {
        if index > 0 {
            bodies.push(',');
        }
        let body = &delivery.message.body;
        match trigger.data_type {
            DataType::Binary => push_base64(&mut bodies, body),
            DataType::String => push_quoted(&mut bodies, &String::from_utf8_lossy(body)),
            DataType::Unspecified => bodies.push_str(&reparsed(body).ok_or(Error::NotAnObject { index })?),
        }
    }
    bodies.push(']');
    Ok(envelope(context, &quoted(&bodies), metadata(trigger, deliveries)))
}

fn metadata(trigger: &ServiceBusTrigger, deliveries: &[Delivery]) -> Metadata {
    let mut metadata = Metadata::with_capacity(32);
    for noise in ["MessageReceiver", "MessageActions", "ReceiveActions"] {
        metadata.json(noise, "{}");
    }
    metadata.json("Client", client(trigger));
    let mut array = |key, item: &dyn Fn(&Delivery) -> String| {
        let items: Vec<String> = deliveries.iter().map(item).collect();
        metadata.json_text(key, &format!("[{}]", items.join(",")));
    };
    let text = |text: &Option<String>| text.as_deref().map_or_else(|| "null".to_owned(), quoted);
    array("MessageIdArray", &|delivery| text(&delivery.message.message_id));
    array("DeliveryCountArray", &|delivery| delivery.delivery_count.to_string());
    array("SequenceNumberArray", &|delivery| delivery.sequence_number.to_string());
    array("LockTokenArray", &|delivery| format!("\"{}\"", delivery.lock_token));
    array("EnqueuedTimeUtcArray", &|delivery| format!("\"{}\"", civil_precise(utc(delivery.enqueued_time))));
    array("EnqueuedTimeArray", &|delivery| format!("\"{}+00:00\"", civil_precise(utc(delivery.enqueued_time))));
    array("ExpiresAtUtcArray", &|delivery| format!("\"{}\"", civil_precise(expiry(delivery))));
    array("ExpiresAtArray", &|delivery| format!("\"{}+00:00\"", civil_precise(expiry(delivery))));
    array("ContentTypeArray", &|delivery| text(&delivery.message.content_type));
    array("CorrelationIdArray", &|delivery| text(&delivery.message.correlation_id));
    array("SubjectArray", &|delivery| text(&delivery.message.subject));
    array("LabelArray", &|delivery| text(&delivery.message.subject));
    array("SessionIdArray", &|delivery| text(&delivery.message.session_id));
    array("ReplyToArray", &|delivery| text(&delivery.message.reply_to));
    array("ReplyToSessionIdArray", &|delivery| text(&delivery.message.reply_to_session_id));
    array("ToArray", &|delivery| text(&delivery.message.to));
    array("PartitionKeyArray", &|delivery| text(&delivery.message.partition_key));
    // The extension fills this one from the partition key, which is a bug.
    array("TransactionPartitionKeyArray", &|delivery| text(&delivery.message.partition_key));
    array("DeadLetterSourceArray", &|delivery| text(&delivery.dead_letter_source));
    array("ApplicationPropertiesArray", &|delivery| properties(&delivery.message));
    array("UserPropertiesArray", &|delivery| properties(&delivery.message));
    metadata
}

/// A body after the host has parsed and re-serialized it; `None` when it is not a JSON object.
fn reparsed(body: &[u8]) -> Option<String> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    if !value.is_object() {
        return None;
    }
    rewrite_dates(&mut value);
    Some(value.to_string())
}

fn rewrite_dates(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(rewritten) = dotnet_date::as_json_text(text) {
                *text = rewritten;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rewrite_dates),
        Value::Object(members) => members.values_mut().for_each(rewrite_dates),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
