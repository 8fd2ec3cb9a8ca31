//! queueTrigger (functions-host-contract §1.12).

use bytes::Bytes;
use jiff::Timestamp;

use super::value::{push_base64, twice_quoted};
use super::{Context, Metadata, envelope};
use crate::config::{DataType, QueueTrigger};

/// A message of a Storage queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMessage {
    /// The item, with the queue's own base64 already removed.
    pub body: Bytes,
    /// The message's id.
    pub id: String,
    /// The receipt needed to delete it.
    pub pop_receipt: String,
    /// From 1 for the first delivery.
    pub dequeue_count: u32,
    /// When it was put into the queue.
    pub inserted_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it becomes visible again unless deleted.
    pub visible_at: Timestamp,
}

/// The request body for one queue message.
#[must_use]
pub fn queue(context: &Context<'_>, trigger: &QueueTrigger, message: &QueueMessage) -> String {
    let mut metadata = Metadata::with_capacity(8);
    metadata.text("Id", &message.id);
    metadata.text("PopReceipt", &message.pop_receipt);
    metadata.json_text("DequeueCount", &message.dequeue_count.to_string());
    metadata.time_offset("InsertionTime", message.inserted_at);
    metadata.time_offset("ExpirationTime", message.expires_at);
    metadata.time_offset("NextVisibleTime", message.visible_at);
    if trigger.data_type == DataType::Binary {
        let mut data = String::new();
        push_base64(&mut data, &message.body);
        return envelope(context, &data, metadata);
    }
    let text = String::from_utf8_lossy(&message.body);
    metadata.pollute(&text);
    envelope(context, &twice_quoted(&text), metadata)
}
