//! Messages to send, stored together with what caused them. An *envelope* is one row with several messages for one
//! destination.

use crate::Error;
use crate::queries::{OutboxDepth, ParkedEnvelope};
use async_trait::async_trait;
use iris_telemetry::TraceContext;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The most bytes of messages in an envelope; a larger message gets an envelope of its own. Keeps a publication within
/// the 256 kB of one Service Bus batch.
pub const ENVELOPE_LIMIT: usize = 200_000;

/// How many bytes a trace context adds to a message, as stored and as sent.
const TRACE_WEIGHT: usize = 80;

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Destination {
    /// A queue of the platform's Service Bus namespace.
    Queue(String),
    /// The platform's own queue of deliveries, whatever its name.
    Deliveries,
}

impl Destination {
    /// The stored form: `queue:events-acme`, `deliveries`.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Queue(name) => format!("queue:{name}"),
            Self::Deliveries => "deliveries".to_owned(),
        }
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        match text.strip_prefix("queue:") {
            Some(name) => Some(Self::Queue(name.to_owned())),
            None => (text == "deliveries").then_some(Self::Deliveries),
        }
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Its message id (= TransactionId of an event). It is the same on every retry, so that receivers recognize
    /// duplicates.
    pub id: Uuid,
    /// Its subject (organization and order): messages with the same key must stay in order.
    pub key: String,
    /// The payload: JSON.
    pub body: String,
    /// The MessageId of the message it answers, sent as CorrelationId.
    pub answers: Option<Box<str>>,
    /// Its cause in a distributed trace; stored with it, so that any process that publishes it can pass it on.
    pub trace: Option<TraceContext>,
}

/// Messages to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEnvelope {
    /// Their destination.
    pub destination: Destination,
    /// In order; never empty.
    pub messages: Vec<OutboxMessage>,
    /// The stored form.
    pub payload: String,
}

/// Stored messages that are not confirmed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Its id; lower ids are older.
    pub id: i64,
    /// Their destination.
    pub destination: Destination,
    /// In order.
    pub messages: Vec<OutboxMessage>,
    /// Tries so far.
    pub attempts: u32,
}

/// Puts messages into envelopes, keeping their order per destination.
#[must_use]
pub fn seal(messages: Vec<(Destination, OutboxMessage)>) -> Vec<NewEnvelope> {
    let mut by_destination: BTreeMap<Destination, Vec<OutboxMessage>> = BTreeMap::new();
    for (destination, message) in messages {
        by_destination.entry(destination).or_default().push(message);
    }
    let mut envelopes = Vec::new();
    for (destination, messages) in by_destination {
        let mut size = 0;
        let mut part = Vec::new();
        for message in messages {
            let trace = if message.trace.is_some() { TRACE_WEIGHT } else { 0 };
            let answers = message.answers.as_ref().map_or(0, |id| id.len() + 13);
            let weight = message.body.len() + message.key.len() + answers + trace + 64;
            if size + weight > ENVELOPE_LIMIT && !part.is_empty() {
                envelopes.push(envelope(&destination, std::mem::take(&mut part)));
                size = 0;
            }
            size += weight;
            part.push(message);
        }
        envelopes.push(envelope(&destination, part));
    }
    envelopes
}

fn envelope(destination: &Destination, messages: Vec<OutboxMessage>) -> NewEnvelope {
    let payload = payload(&messages);
    NewEnvelope { destination: destination.clone(), messages, payload }
}

/// A JSON array of `{"id", "key", "answers", "trace", "body"}`. Bodies are JSON themselves and are embedded as they
/// are. The trace is left out if none is known.
pub(crate) fn payload(messages: &[OutboxMessage]) -> String {
    let mut text = String::with_capacity(messages.iter().map(|message| message.body.len() + 160).sum());
    for message in messages {
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push_str("{\"id\":\"");
        let mut buffer = Uuid::encode_buffer();
        text.push_str(message.id.hyphenated().encode_lower(&mut buffer));
        text.push_str("\",\"key\":");
        text.push_str(&iris_rules::content::json(&message.key));
        if let Some(answers) = &message.answers {
            text.push_str(",\"answers\":");
            text.push_str(&iris_rules::content::json(answers));
        }
        if let Some(trace) = message.trace {
            text.push_str(",\"trace\":\"");
            text.push_str(&trace.to_string());
            text.push('"');
        }
        text.push_str(",\"body\":");
        text.push_str(&message.body);
        text.push('}');
    }
    if text.is_empty() {
        text.push('[');
    }
    text.push(']');
    text
}

/// Reads what [`payload`] wrote.
pub(crate) fn unseal(payload: &str) -> Option<Vec<OutboxMessage>> {
    #[derive(Deserialize)]
    struct Stored<'a> {
        id: Uuid,
        key: String,
        #[serde(default)]
        answers: Option<Box<str>>,
        #[serde(default)]
        trace: Option<String>,
        #[serde(borrow)]
        body: &'a RawValue,
    }
    let stored: Vec<Stored<'_>> = serde_json::from_str(payload).ok()?;
    let message = |stored: Stored<'_>| OutboxMessage {
        id: stored.id,
        key: stored.key,
        body: stored.body.get().to_owned(),
        answers: stored.answers,
        trace: stored.trace.as_deref().and_then(TraceContext::parse),
    };
    Some(stored.into_iter().map(message).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u128, body: &str) -> OutboxMessage {
        let trace = TraceContext::new(number, 7, true).filter(|_| number.is_multiple_of(2));
        OutboxMessage {
            id: Uuid::from_u128(number),
            key: format!("a/\"{number}"),
            body: body.to_owned(),
            answers: None,
            trace,
        }
    }

    #[test]
    fn a_sealed_envelope_opens_to_the_same_messages() {
        let queue = Destination::Queue("events-acme".into());
        let messages = vec![message(1, r#"{"A":"\"ä"}"#), message(2, "[1,2]")];
        let sealed = seal(messages.iter().cloned().map(|message| (queue.clone(), message)).collect());
        assert_eq!(sealed.len(), 1);
        assert_eq!(unseal(&sealed[0].payload), Some(messages));
        assert_eq!(unseal(&payload(&[])), Some(Vec::new()));
    }

    #[test]
    fn envelopes_are_per_destination_and_limited_in_size() {
        let (one, two) = (Destination::Queue("one".into()), Destination::Queue("two".into()));
        let long = format!("\"{}\"", "x".repeat(ENVELOPE_LIMIT / 3));
        let mut messages: Vec<_> = (0..4).map(|number| (one.clone(), message(number, &long))).collect();
        messages.insert(1, (two.clone(), message(9, "1")));
        let sealed = seal(messages);
        let shape: Vec<_> = sealed.iter().map(|envelope| (&envelope.destination, envelope.messages.len())).collect();
        assert_eq!(shape, [(&one, 2), (&one, 2), (&two, 1)]);
    }
}

/// The oldest envelopes of a destination, as far as they may be published now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// These, oldest first; leased to the caller.
    Envelopes(Vec<Envelope>),
    /// Until then, the oldest one is leased to somebody else or waits for its next try.
    Blocked(Timestamp),
    /// Nothing is left.
    Empty,
}

/// The part of the outbox that publishing uses.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Deletes envelopes in which every message was confirmed.
    async fn confirm(&self, envelopes: &[i64]) -> Result<(), Error>;
    /// Destinations that have an envelope available at `now`.
    async fn destinations_due(&self, now: Timestamp) -> Result<Vec<Destination>, Error>;
    /// Leases the oldest available envelopes of a destination until `until`.
    async fn claim(
        &self,
        destination: &Destination,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Claim, Error>;
    /// Gives an envelope back with only these messages left, to be tried again from `at` on.
    async fn postpone(&self, envelope: &Envelope, at: Timestamp) -> Result<(), Error>;
    /// Ends the leases of envelopes.
    async fn release(&self, envelopes: &[i64], at: Timestamp) -> Result<(), Error>;
    /// Parks messages of an envelope. With `rest`, the envelope stays with those messages; otherwise it is removed.
    async fn park(&self, parked: &Envelope, rest: Option<&Envelope>, reason: &str, at: Timestamp) -> Result<(), Error>;
    /// Parked envelopes, latest first.
    async fn parked(&self, limit: u32) -> Result<Vec<ParkedEnvelope>, Error>;
    /// How much is waiting or parked.
    async fn outbox_depth(&self) -> Result<OutboxDepth, Error>;
}
