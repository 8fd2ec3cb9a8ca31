//! Sends the outbox's messages through Service Bus.
//!
//! A result that is larger than its queue takes is put into the organization's results container first; the message then only says where it
//! is (decision 29). The blob's name is that of the communication, so that doing it again overwrites it with the same bytes.

use async_trait::async_trait;
use bytes::Bytes;
use iris_azure::blob::{BlobAddress, BlobStore, UploadOptions};
use iris_azure::servicebus::{Cause, Error, OutgoingMessage, ServiceBusSender};
use iris_model::request::VERSION;
use iris_model::result::{DocumentLocation, POINTER_OBJECT_TYPE, ResultPointer};
use iris_orders::{Destination, OutboxMessage, PublishError, Publisher};
use serde::Deserialize;
use std::borrow::Cow;

/// The publisher of the deployed handler.
pub struct ServiceBusPublisher {
    sender: ServiceBusSender,
    blobs: BlobStore,
}

impl ServiceBusPublisher {
    /// Sends through this sender, and stores what is too large in this account.
    #[must_use]
    pub fn new(sender: ServiceBusSender, blobs: BlobStore) -> Self {
        Self { sender, blobs }
    }
}

#[async_trait]
impl Publisher for ServiceBusPublisher {
    async fn publish(&self, destination: &Destination, messages: &[OutboxMessage]) -> Result<(), PublishError> {
        let (queue, messages) = match destination {
            Destination::Queue(queue) => (queue, Cow::Borrowed(messages)),
            Destination::Results { queue, container, limit } => {
                (queue, self.within(messages, container, *limit as usize).await?)
            }
        };
        let Err(error) = self.send(queue, &messages).await else { return Ok(()) };
        match error.cause {
            // Nothing was sent: what stands before the message that will never fit still goes.
            Cause::TooLarge { index, .. } if index > 0 => {
                self.send(queue, &messages[..index]).await.map_err(|error| failed(&error))?;
                Err(PublishError { sent: index, refused: true, reason: error.to_string() })
            }
            _ => Err(failed(&error)),
        }
    }
}

impl ServiceBusPublisher {
    async fn send(&self, queue: &str, messages: &[OutboxMessage]) -> Result<(), Error> {
        self.sender.send(queue, messages.iter().map(outgoing).collect()).await
    }

    /// The messages, those beyond the limit replaced by their location. Nothing is sent while one of them cannot be stored.
    async fn within<'a>(
        &self,
        messages: &'a [OutboxMessage],
        container: &str,
        limit: usize,
    ) -> Result<Cow<'a, [OutboxMessage]>, PublishError> {
        if messages.iter().all(|message| message.body.len() <= limit) {
            return Ok(Cow::Borrowed(messages));
        }
        let mut fitting = Vec::with_capacity(messages.len());
        for message in messages {
            if message.body.len() <= limit {
                fitting.push(message.clone());
            } else {
                let body = self.store(message, container).await.map_err(|reason| PublishError {
                    sent: 0,
                    refused: false,
                    reason,
                })?;
                fitting.push(OutboxMessage { body, ..message.clone() });
            }
        }
        Ok(Cow::Owned(fitting))
    }

    /// Stores a result; returns the message that says where it is.
    async fn store(&self, message: &OutboxMessage, container: &str) -> Result<String, String> {
        let result: Essentials = serde_json::from_str(&message.body)
            .map_err(|_| "a stored result is not the JSON that was written".to_owned())?;
        let file_name = format!("results/{}.{}.json", result.order.patient_order_id, message.id);
        let address = BlobAddress::new(container, &file_name).map_err(|error| error.to_string())?;
        let options = UploadOptions { content_type: Some("application/json".to_owned()), ..UploadOptions::default() };
        let content = Bytes::from(message.body.clone());
        let size = content.len() as u64;
        self.blobs.upload(&address, content, options).await.map_err(|error| error.to_string())?;
        let pointer = ResultPointer {
            version: VERSION.to_owned(),
            timestamp: result.timestamp,
            transaction_id: message.id,
            result_object_type: POINTER_OBJECT_TYPE.to_owned(),
            result_code: result.result_code,
            iris_order_id: Some(result.order.patient_order_id),
            order_local_id: Some(result.order.local_id),
            document: DocumentLocation { container: container.to_owned(), file_name, size },
        };
        serde_json::to_string(&pointer).map_err(|_| "a result's location cannot be written".to_owned())
    }
}

/// What of a result its location repeats.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Essentials {
    timestamp: String,
    result_code: String,
    order: EssentialOrder,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EssentialOrder {
    patient_order_id: i64,
    local_id: String,
}

fn failed(error: &Error) -> PublishError {
    PublishError {
        sent: error.unconfirmed().first().copied().unwrap_or_default(),
        refused: matches!(error.cause, Cause::TooLarge { .. } | Cause::Rejected { .. }),
        reason: error.to_string(),
    }
}

fn outgoing(message: &OutboxMessage) -> OutgoingMessage {
    OutgoingMessage {
        message_id: message.id.to_string(),
        body: Bytes::from(message.body.clone()),
        content_type: Some("application/json".to_owned()),
        ..OutgoingMessage::default()
    }
}
