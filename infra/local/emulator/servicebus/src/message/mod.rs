//! Messages: the form that programs work with ([`Message`]) and the form that queues store ([`Encoded`]).
//!
//! A queue stores the sections that a sender encoded, byte for byte, and reads only what it must know (identity,
//! session, time to live, scheduled time). A program in this process gets them parsed.

mod build;
mod encoded;
mod parse;
mod sections;
mod value;

pub use encoded::Encoded;
pub(crate) use encoded::map_of;
pub use value::PropertyValue;

pub use crate::codec::Error as Malformed;

use bytes::Bytes;
use std::time::Duration;

/// Section descriptors (AMQP 1.0 part 3, section 3.2).
pub(crate) mod section {
    pub(crate) const HEADER: u64 = 0x70;
    pub(crate) const DELIVERY_ANNOTATIONS: u64 = 0x71;
    pub(crate) const MESSAGE_ANNOTATIONS: u64 = 0x72;
    pub(crate) const PROPERTIES: u64 = 0x73;
    pub(crate) const APPLICATION_PROPERTIES: u64 = 0x74;
    pub(crate) const DATA: u64 = 0x75;
    pub(crate) const SEQUENCE: u64 = 0x76;
    pub(crate) const VALUE: u64 = 0x77;
    pub(crate) const FOOTER: u64 = 0x78;
}

/// Annotations that mean something to Service Bus.
pub(crate) mod annotation {
    pub(crate) const PARTITION_KEY: &str = "x-opt-partition-key";
    pub(crate) const SCHEDULED_ENQUEUE_TIME: &str = "x-opt-scheduled-enqueue-time";
    pub(crate) const SEQUENCE_NUMBER: &str = "x-opt-sequence-number";
    pub(crate) const ENQUEUED_TIME: &str = "x-opt-enqueued-time";
    pub(crate) const LOCKED_UNTIL: &str = "x-opt-locked-until";
    pub(crate) const DEAD_LETTER_SOURCE: &str = "x-opt-deadletter-source";
    pub(crate) const MESSAGE_STATE: &str = "x-opt-message-state";
    pub(crate) const ENQUEUE_SEQUENCE_NUMBER: &str = "x-opt-enqueue-sequence-number";
}

/// A message, parsed. Absent fields are `None`, and `None` is not sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// Identity, for duplicate detection and correlation. Assigned by the broker when absent. Numeric, UUID and binary
    /// ids are converted to text.
    pub message_id: Option<String>,
    /// The message this one answers or belongs to.
    pub correlation_id: Option<String>,
    /// The session (AMQP `group-id`); required by queues that require sessions.
    pub session_id: Option<String>,
    /// Session of the answer (AMQP `reply-to-group-id`).
    pub reply_to_session_id: Option<String>,
    /// Application-defined label.
    pub subject: Option<String>,
    /// Media type of the body.
    pub content_type: Option<String>,
    /// Encoding of the body.
    pub content_encoding: Option<String>,
    /// Entity an answer goes to.
    pub reply_to: Option<String>,
    /// Address the message is meant for; passed on, never interpreted.
    pub to: Option<String>,
    /// Annotation `x-opt-partition-key`; passed on, never interpreted.
    pub partition_key: Option<String>,
    /// Application properties in the order they were encoded; names are unique.
    pub application_properties: Vec<(String, PropertyValue)>,
    /// Not delivered before this instant.
    pub scheduled_enqueue_time: Option<jiff::Timestamp>,
    /// How long after enqueueing the message expires.
    pub time_to_live: Option<Duration>,
    /// The body: data sections joined; an AMQP string or binary value as its bytes; any other AMQP value or sequence in
    /// its encoding.
    pub body: Bytes,
}

impl Message {
    /// A message with this body and nothing else.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::default() }
    }

    /// The same with an identity.
    #[must_use]
    pub fn with_message_id(mut self, id: impl Into<String>) -> Self {
        self.message_id = Some(id.into());
        self
    }

    /// The same with an application property, which replaces one of the same name.
    #[must_use]
    pub fn with_property(mut self, name: impl Into<String>, value: impl Into<PropertyValue>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.application_properties.retain(|(known, _)| *known != name);
        self.application_properties.push((name, value));
        self
    }

    /// An application property.
    pub fn property(&self, name: &str) -> Option<&PropertyValue> {
        self.application_properties.iter().find_map(|(known, value)| (known == name).then_some(value))
    }
}

/// Why bytes are not a message that a queue can accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The sections are not well-formed AMQP.
    #[error("the message is not well-formed AMQP: {0}")]
    Malformed(#[from] Malformed),
    /// A section is unknown or repeated.
    #[error("a section of the message is unknown or repeated")]
    Sections,
    /// A property breaks a limit of the service.
    #[error("{0}")]
    Limit(&'static str),
}

#[cfg(test)]
mod tests;
