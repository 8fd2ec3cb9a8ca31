//! `BlobCreated` events, sent to all subscribers.
//!
//! An event is sent after the write is durable, in the order of the writes. It is not stored: events not yet sent when
//! the process dies are lost, just as an event can be lost on its way through Event Grid. Consumers need the same
//! reconciling sweep for both (functions-host-contract §6.5).

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use crate::etag::Etag;
use crate::names::{BlobName, ContainerName};

/// The operation that completed a blob's content; its name is the event's `data.api`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// One request with the whole content.
    PutBlob,
    /// A block list was committed.
    PutBlockList,
    /// A copy inside the account.
    CopyBlob,
}

impl Api {
    /// The name as in `data.api`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PutBlob => "PutBlob",
            Self::PutBlockList => "PutBlockList",
            Self::CopyBlob => "CopyBlob",
        }
    }
}

/// A blob's content is complete and durable: it is new, or was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobCreated {
    /// Id of the event.
    pub id: Uuid,
    /// Container of the blob.
    pub container: ContainerName,
    /// Name of the blob, not percent-encoded.
    pub name: BlobName,
    /// The version that was written.
    pub etag: Etag,
    /// Length in bytes.
    pub content_length: u64,
    /// Content type, when the writer gave one.
    pub content_type: Option<String>,
    /// What wrote it.
    pub api: Api,
    /// The writer's id for its request (`x-ms-client-request-id`).
    pub client_request_id: Option<String>,
    /// The id the service gave the request (`x-ms-request-id`).
    pub request_id: Uuid,
    /// Grows with every write of the same blob; compare as text.
    pub sequencer: String,
    /// When it was written.
    pub time: Timestamp,
}

/// Who asked: goes into events.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The writer's id for its request.
    pub client_request_id: Option<String>,
    /// The service's id for the request; one is made when there is none.
    pub request_id: Option<Uuid>,
}

/// The subscribers to events.
#[derive(Debug, Default)]
pub(super) struct Subscribers(Mutex<Vec<UnboundedSender<BlobCreated>>>);

impl Subscribers {
    pub(super) fn subscribe(&self) -> UnboundedReceiver<BlobCreated> {
        #[expect(clippy::disallowed_methods, reason = "bounded by the writes, each of which adds one event")]
        let (sender, receiver) = unbounded_channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    pub(super) fn announce(&self, events: Vec<BlobCreated>) {
        let mut subscribers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            subscribers.retain(|subscriber| subscriber.send(event.clone()).is_ok());
        }
    }
}
