//! The way up: into the organization's entry, and whether the bus can be reached at all.

use crate::Configuration;
use bytes::Bytes;
use iris_azure::servicebus::{Cause, Error, InvalidEndpoint, OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_model::names::property::INTERFACE;
use iris_model::{HL7_CONTENT, Hl7Answer};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::warn;
use uuid::Uuid;

/// Must be shorter than a hospital's own wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// A call that does not succeed soon is left for the sender to repeat.
const SENDING: SenderOptions = SenderOptions {
    deadline: Duration::from_secs(10),
    attempts: 2,
    patience: PATIENCE,
    calls: 64,
    in_flight: 16,
    batch_bytes: 1 << 20,
};

/// Pause between two attempts to report an answer.
const PAUSE: Duration = Duration::from_secs(2);

/// Sends to the entry.
pub(super) struct Uplink {
    sender: ServiceBusSender,
    entry: String,
    reachable: watch::Sender<bool>,
}

/// The bus has not confirmed in time that it has a message.
#[derive(Debug, thiserror::Error)]
pub(super) enum Away {
    #[error("the message is larger than the bus takes")]
    TooLarge,
    #[error("no confirmation in time")]
    Late,
    #[error("the bus did not take it")]
    Refused(#[source] Error),
}

impl Uplink {
    pub(super) fn start(configuration: &Configuration) -> Result<Self, InvalidEndpoint> {
        let sender = ServiceBusSender::with_connection_string(&configuration.orders, SENDING)?;
        let (reachable, _) = watch::channel(false);
        Ok(Self { sender, entry: configuration.organization.hl7_entry(), reachable })
    }

    /// Tells whether the bus can be reached.
    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.reachable.subscribe()
    }

    pub(super) fn set_reachable(&self, reachable: bool) {
        self.reachable.send_if_modified(|known| std::mem::replace(known, reachable) != reachable);
    }

    /// Hands in a hospital's message. Its id is derived from the interface and the bytes, so the same bytes sent again
    /// are the same message.
    pub(super) async fn hand_in(&self, interface: &str, message: Vec<u8>) -> Result<(), Away> {
        let place = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{interface}", self.entry).as_bytes());
        let outgoing = OutgoingMessage {
            message_id: Uuid::new_v5(&place, &message).to_string(),
            body: Bytes::from(message),
            content_type: Some(HL7_CONTENT.to_owned()),
            application_properties: [(INTERFACE.to_owned(), interface.to_owned().into())].into(),
            ..OutgoingMessage::default()
        };
        let sent = timeout(PATIENCE, self.sender.send(&self.entry, vec![outgoing])).await;
        let sent = match sent {
            Ok(Ok(())) => return Ok(()),
            // The bus is there: this message alone cannot be sent, now or later.
            Ok(Err(Error { cause: Cause::TooLarge { .. }, .. })) => return Err(Away::TooLarge),
            Ok(Err(error)) => Away::Refused(error),
            Err(_) => Away::Late,
        };
        self.set_reachable(false);
        Err(sent)
    }

    /// Reports a hospital's answer; retries until the bus has it.
    pub(super) async fn report(&self, answer: &Hl7Answer) {
        let Ok(body) = serde_json::to_vec(answer) else { return };
        let outgoing = OutgoingMessage {
            message_id: Uuid::new_v4().to_string(),
            body: Bytes::from(body),
            content_type: Some("application/json".to_owned()),
            ..OutgoingMessage::default()
        };
        while let Err(error) = self.sender.send(&self.entry, vec![outgoing.clone()]).await {
            warn!(%error, "a hospital's answer is not reported yet");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
