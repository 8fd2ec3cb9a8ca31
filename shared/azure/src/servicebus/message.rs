//! A message to be sent.

use bytes::Bytes;
use iris_telemetry::TraceContext;
use iris_telemetry::context::DIAGNOSTIC_ID;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// A message to be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutgoingMessage {
    /// Identity of the message, the same in every attempt: the key of duplicate detection. At most 128 characters.
    pub message_id: String,
    /// The content.
    pub body: Bytes,
    /// Media type of the content.
    pub content_type: Option<String>,
    /// What the message is about (formerly label).
    pub subject: Option<String>,
    /// Id of what the message answers.
    pub correlation_id: Option<String>,
    /// Session; messages of one session are received in order. At most 128 characters.
    pub session_id: Option<String>,
    /// Own properties; rules of the broker can see them.
    pub application_properties: BTreeMap<String, PropertyValue>,
    /// Not delivered before this time.
    pub scheduled_enqueue_time: Option<Timestamp>,
    /// How long the message may wait in the queue; the queue's own limit applies as well.
    pub time_to_live: Option<Duration>,
}

impl OutgoingMessage {
    /// Sets what caused the message, unless it is set already.
    pub fn caused_by(&mut self, context: TraceContext) {
        let property = || PropertyValue::Text(context.to_string());
        self.application_properties.entry(DIAGNOSTIC_ID.to_owned()).or_insert_with(property);
    }

    /// What caused the message, if it is set.
    #[must_use]
    pub fn cause(&self) -> Option<TraceContext> {
        match self.application_properties.get(DIAGNOSTIC_ID)? {
            PropertyValue::Text(text) => TraceContext::parse(text),
            PropertyValue::Integer(_) | PropertyValue::Boolean(_) | PropertyValue::Time(_) => None,
        }
    }
}

/// Value of an application property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// An instant, to the millisecond.
    Time(Timestamp),
}

impl From<&str> for PropertyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for PropertyValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for PropertyValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for PropertyValue {
    fn from(flag: bool) -> Self {
        Self::Boolean(flag)
    }
}

impl From<Timestamp> for PropertyValue {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}
