//! A message that cannot be handled now waits in the queue; one that can never be handled is given up.
//!
//! The Functions host's own redelivery has no delay: a handler that fails fast would use up a message's deliveries
//! within a second and dead-letter it. So a copy of the message is sent, scheduled for later, and the current delivery
//! is answered as done. The copy carries how often it has waited, since when, and its original MessageId; its body and
//! identity stay the same. Its own MessageId is derived from those, so that a second copy made after a crash is
//! recognized as a duplicate.
//!
//! If the copy cannot be sent either, the invocation fails after a pause, and the broker keeps the message.
//!
//! # Two kinds of errors
//!
//! A *transient* error makes the message wait, with growing pauses, for at most [`MAXIMUM_AGE`]. After a *permanent*
//! error, or when it has waited too long, the message is given up with an alert: its copy carries the reason
//! ([`GIVEN_UP`]), every delivery of it fails at once, and so the broker moves it to the dead letters. There operators
//! find it with its reason, and send it back once the cause is fixed. Nothing else waits for it.

use crate::app::App;
use iris_azure::blob::Error as BlobError;
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_azure::organizations::Error as DocumentError;
use iris_azure::servicebus::{OutgoingMessage, PropertyValue};
use iris_model::names::property::{FIRST_SEEN, GIVEN_UP, MESSAGE_ID, WAITING_SINCE, WAITS};
use iris_telemetry::Chain;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;
use tracing::{error, warn};
use uuid::Uuid;

/// How long a failing invocation holds its message if the copy cannot be sent.
const PAUSE: Duration = Duration::from_secs(10);

/// How long a message waits for something unavailable: a weekend, plus the Monday on which somebody notices.
const MAXIMUM_AGE: SignedDuration = SignedDuration::from_hours(72);

/// An error that knows whether waiting helps.
pub(crate) trait Failure: Error + Send + Sync {
    /// True when the same work may succeed later without anybody changing the message.
    fn is_transient(&self) -> bool;

    /// A fixed code word.
    fn code(&self) -> &'static str;
}

impl Failure for iris_store::Error {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }

    fn code(&self) -> &'static str {
        Self::code(self)
    }
}

impl Failure for BlobError {
    /// Somebody has to restore a permission: that is not the message's fault, so it waits. A blob that changed under
    /// our hands was written by another instance with the same message; the next look shows how far that one came.
    fn is_transient(&self) -> bool {
        let waits = matches!(self, Self::Unauthorized { .. } | Self::ContainerNotFound | Self::Changed);
        waits || Self::is_transient(self)
    }

    fn code(&self) -> &'static str {
        "blob-storage"
    }
}

impl Failure for DocumentError {
    /// Somebody has to correct the document. That is not the message's fault, so it waits.
    fn is_transient(&self) -> bool {
        true
    }

    fn code(&self) -> &'static str {
        "organization-document"
    }
}

/// Why a message waits; this limits its delay.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reason {
    /// It may have overtaken the order it concerns (decision 9): at most 15 seconds.
    LateParent,
    /// The database or storage is unavailable: at most two minutes.
    Outage,
}

impl Reason {
    fn longest(self) -> i64 {
        match self {
            Self::LateParent => 15,
            Self::Outage => 120,
        }
    }
}

/// When a submission that waits for its order was first seen; now, if this is the first time. A time in the future
/// would make it wait forever, so it is replaced by now.
pub(crate) fn first_seen(message: &ServiceBusMessage, now: Timestamp) -> Timestamp {
    time(message, FIRST_SEEN).map_or(now, |time| time.min(now))
}

fn time(message: &ServiceBusMessage, property: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(message.property(property)?.parse().ok()?).ok()
}

/// The MessageId given by the sender, however often the message has waited since; if there was none, its sequence
/// number.
pub(crate) fn original_id(message: &ServiceBusMessage) -> String {
    let given = message.property(MESSAGE_ID).or(message.message_id.as_deref());
    given.map_or_else(|| format!("#{}", message.sequence_number.unwrap_or_default()), str::to_owned)
}

/// The MessageId given by the sender, however often the message has waited since. A message that was postponed without
/// one carries its sequence number instead, which is not returned.
pub(crate) fn given_id(message: &ServiceBusMessage) -> Option<&str> {
    match message.property(MESSAGE_ID) {
        Some(original) => Some(original).filter(|original| !original.starts_with('#')),
        None => message.message_id.as_deref(),
    }
}

/// Handles a message after an error: it waits, or it is given up.
pub(crate) async fn after(app: &App, queue: &str, message: &ServiceBusMessage, failure: impl Failure) -> Outcome {
    let now = Timestamp::now();
    let waited = time(message, WAITING_SINCE).map_or(SignedDuration::ZERO, |since| now.duration_since(since));
    match verdict(&failure, waited) {
        Verdict::Wait => {
            warn!(error = %Chain(&failure), "not available; the message waits");
            send(app, queue, copy(message, Reason::Outage, now)).await
        }
        Verdict::GiveUp(code) => {
            error!(
                alert = "message-given-up",
                queue,
                code,
                waited_seconds = waited.as_secs(),
                error = %Chain(&failure),
                "a message can never be handled as things are; it goes to the dead letters"
            );
            send(app, queue, given_up(message, code)).await
        }
    }
}

/// The consequence of an error for a message that has waited this long.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Wait,
    GiveUp(&'static str),
}

fn verdict(failure: &impl Failure, waited: SignedDuration) -> Verdict {
    match failure.is_transient() {
        true if waited < MAXIMUM_AGE => Verdict::Wait,
        true => Verdict::GiveUp("waited-too-long"),
        false => Verdict::GiveUp(failure.code()),
    }
}

/// Whether a message was given up. Its deliveries fail on purpose, so that the broker moves it to the dead letters.
pub(crate) fn is_given_up(message: &ServiceBusMessage) -> bool {
    message.property(GIVEN_UP).is_some()
}

/// Sends the message to its queue again, scheduled for later.
pub(crate) async fn again(app: &App, queue: &str, message: &ServiceBusMessage, reason: Reason) -> Outcome {
    send(app, queue, copy(message, reason, Timestamp::now())).await
}

async fn send(app: &App, queue: &str, copy: OutgoingMessage) -> Outcome {
    match app.sender.send(queue, vec![copy]).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            warn!(error = %Chain(&error), "a message could not be sent again; the broker will deliver it again");
            tokio::time::sleep(PAUSE).await;
            Outcome::Retry { code: "service-bus" }
        }
    }
}

fn copy(message: &ServiceBusMessage, reason: Reason, now: Timestamp) -> OutgoingMessage {
    let waits: u32 = message.property(WAITS).and_then(|text| text.parse().ok()).unwrap_or_default();
    let mut copy = same(message, waits);
    let mut set = |name: &str, value: String| copy.application_properties.insert(name.to_owned(), value.into());
    set(WAITS, waits.saturating_add(1).to_string());
    match reason {
        Reason::LateParent => set(FIRST_SEEN, first_seen(message, now).as_millisecond().to_string()),
        Reason::Outage => {
            let since = time(message, WAITING_SINCE).map_or(now, |time| time.min(now));
            set(WAITING_SINCE, since.as_millisecond().to_string())
        }
    };
    if !matches!(reason, Reason::Outage) {
        // Whatever was unavailable is back.
        copy.application_properties.remove(WAITING_SINCE);
    }
    copy.scheduled_enqueue_time = Some(now + delay(waits, reason));
    copy
}

fn given_up(message: &ServiceBusMessage, code: &'static str) -> OutgoingMessage {
    let mut copy = same(message, u32::MAX);
    copy.application_properties.insert(GIVEN_UP.to_owned(), code.to_owned().into());
    copy
}

/// A copy with its own MessageId, which is the same each time this copy is made.
fn same(message: &ServiceBusMessage, number: u32) -> OutgoingMessage {
    let original = original_id(message);
    let own_id = Uuid::new_v5(&Uuid::new_v5(&Uuid::NAMESPACE_OID, original.as_bytes()), &number.to_be_bytes());
    let mut properties: BTreeMap<String, PropertyValue> =
        message.application_properties.iter().map(|(name, value)| (name.clone(), property(value))).collect();
    properties.insert(MESSAGE_ID.to_owned(), original.into());
    OutgoingMessage {
        message_id: own_id.to_string(),
        body: message.body.clone(),
        content_type: message.content_type.clone(),
        application_properties: properties,
        ..OutgoingMessage::default()
    }
}

/// Properties arrive as JSON; values without a counterpart are kept as text.
fn property(value: &Value) -> PropertyValue {
    match value {
        Value::String(text) => PropertyValue::Text(text.clone()),
        Value::Bool(flag) => PropertyValue::Boolean(*flag),
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string().into(), PropertyValue::Integer),
        other => other.to_string().into(),
    }
}

/// 1, 2, 4 … seconds, up to the limit for the reason.
fn delay(waits: u32, reason: Reason) -> SignedDuration {
    SignedDuration::from_secs((1_i64 << waits.min(10)).min(reason.longest()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_and_is_bounded() {
        let seconds = |reason| (0..9).map(|waits| delay(waits, reason).as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds(Reason::LateParent), [1, 2, 4, 8, 15, 15, 15, 15, 15]);
        assert_eq!(seconds(Reason::Outage), [1, 2, 4, 8, 16, 32, 64, 120, 120]);
    }

    /// An error met while handling a message.
    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Met(&'static str, bool);

    impl Failure for Met {
        fn is_transient(&self) -> bool {
            self.1
        }

        fn code(&self) -> &'static str {
            self.0
        }
    }

    #[test]
    fn what_is_away_is_waited_for_and_what_never_works_is_given_up_at_once() {
        let (away, never) = (Met("unavailable", true), Met("refused", false));
        assert_eq!(verdict(&away, SignedDuration::ZERO), Verdict::Wait);
        assert_eq!(verdict(&away, MAXIMUM_AGE - SignedDuration::from_secs(1)), Verdict::Wait);
        assert_eq!(verdict(&away, MAXIMUM_AGE), Verdict::GiveUp("waited-too-long"));
        assert_eq!(verdict(&never, SignedDuration::ZERO), Verdict::GiveUp("refused"));
    }

    #[test]
    fn a_blob_that_another_instance_wrote_meanwhile_is_looked_at_again() {
        assert_eq!(verdict(&BlobError::Changed, SignedDuration::ZERO), Verdict::Wait);
        assert_eq!(verdict(&BlobError::NotFound, SignedDuration::ZERO), Verdict::GiveUp("blob-storage"));
    }

    fn message(properties: &Value) -> ServiceBusMessage {
        ServiceBusMessage {
            body: "{}".into(),
            message_id: Some("m-1".to_owned()),
            delivery_count: Some(1),
            sequence_number: Some(7),
            enqueued_time: None,
            correlation_id: None,
            session_id: None,
            subject: None,
            content_type: None,
            application_properties: properties.as_object().cloned().unwrap(),
        }
    }

    fn received(copy: &OutgoingMessage) -> ServiceBusMessage {
        let text = |value: &PropertyValue| match value {
            PropertyValue::Text(text) => Value::String(text.clone()),
            other => panic!("{other:?}"),
        };
        let properties = copy.application_properties.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        ServiceBusMessage {
            message_id: Some(copy.message_id.clone()),
            application_properties: properties,
            ..message(&Value::Object(serde_json::Map::new()))
        }
    }

    #[test]
    fn a_time_to_come_counts_as_now() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let later = (now + SignedDuration::from_hours(1_000)).as_millisecond().to_string();
        let forged = message(&serde_json::json!({ FIRST_SEEN: later, WAITING_SINCE: later }));
        assert_eq!(first_seen(&forged, now), now);
        let copy = copy(&forged, Reason::Outage, now);
        assert_eq!(received(&copy).property(WAITING_SINCE), Some(now.as_millisecond().to_string().as_str()));
    }

    #[test]
    fn the_age_of_an_outage_is_kept_over_all_copies_and_ends_with_it() {
        let begun = Timestamp::from_second(1_700_000_000).unwrap();
        let mut waiting = message(&serde_json::json!({}));
        for hour in 0..5 {
            waiting = received(&copy(&waiting, Reason::Outage, begun + SignedDuration::from_hours(hour)));
        }
        assert_eq!(time(&waiting, WAITING_SINCE), Some(begun));
        assert_eq!(waiting.property(WAITS), Some("5"));
        assert_eq!(original_id(&waiting), "m-1");
        let late = received(&copy(&waiting, Reason::LateParent, begun + SignedDuration::from_hours(6)));
        assert_eq!(time(&late, WAITING_SINCE), None);
    }

    #[test]
    fn a_message_that_is_given_up_says_why_and_keeps_its_identity() {
        let copy = received(&given_up(&message(&serde_json::json!({ "IrisOrganization": "acme" })), "refused"));
        assert!(is_given_up(&copy));
        assert_eq!((copy.property(GIVEN_UP), copy.property("IrisOrganization")), (Some("refused"), Some("acme")));
        assert_eq!(original_id(&copy), "m-1");
    }
}
