//! Sends the outbox's messages through Service Bus.

use async_trait::async_trait;
use bytes::Bytes;
use iris_azure::servicebus::{Cause, Error, OutgoingMessage, ServiceBusSender};
use iris_orders::{PublishError, Publisher};
use iris_store::{Destination, OutboxMessage};

/// The publisher of the deployed handler.
pub struct ServiceBusPublisher {
    sender: ServiceBusSender,
    deliveries: String,
}

impl ServiceBusPublisher {
    /// Sends through this sender; `deliveries` is the platform's own queue of deliveries.
    #[must_use]
    pub fn new(sender: ServiceBusSender, deliveries: String) -> Self {
        Self { sender, deliveries }
    }
}

#[async_trait]
impl Publisher for ServiceBusPublisher {
    async fn publish(&self, destination: &Destination, messages: &[OutboxMessage]) -> Result<(), PublishError> {
        let queue = match destination {
            Destination::Queue(queue) => queue,
            Destination::Deliveries => &self.deliveries,
        };
        let Err(error) = self.send(queue, messages).await else { return Ok(()) };
        match error.cause {
            // Nothing was sent, so the messages before the one that will never fit are sent now.
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
}

fn failed(error: &Error) -> PublishError {
    PublishError {
        sent: error.unconfirmed().first().copied().unwrap_or_default(),
        refused: matches!(error.cause, Cause::TooLarge { .. } | Cause::Rejected { .. }),
        reason: error.to_string(),
    }
}

fn outgoing(message: &OutboxMessage) -> OutgoingMessage {
    let mut outgoing = OutgoingMessage {
        message_id: message.id.to_string(),
        body: Bytes::from(message.body.clone()),
        content_type: Some("application/json".to_owned()),
        correlation_id: message.answers.as_ref().map(|id| id.to_string()),
        ..OutgoingMessage::default()
    };
    if let Some(trace) = message.trace {
        outgoing.caused_by(trace);
    }
    outgoing
}
