//! A message that cannot be handled now waits in the queue.
//!
//! The Functions host's own redelivery knows no delay: a handler that fails fast would use up a message's deliveries within a second and
//! dead-letter it. So the message is sent again, to be delivered later, and the delivery at hand is answered as done. The copy carries how
//! often it has waited, when it was first seen, and the MessageId it came with; its body and identity stay. Its own MessageId is derived from
//! those, so that a second copy made after a crash can be told from the first.
//!
//! If the copy cannot be sent either, the invocation fails after a pause, and the broker keeps the message.

use crate::app::App;
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_azure::servicebus::{OutgoingMessage, PropertyValue};
use iris_model::names::property::{FIRST_SEEN, MESSAGE_ID, WAITS};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tracing::warn;
use uuid::Uuid;

/// How long a failing invocation holds its message back when it cannot be sent again.
const PAUSE: Duration = Duration::from_secs(10);

/// Why a message waits; bounds its delay.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reason {
    /// It may have overtaken the order it is about (decision 9): at most 15 seconds.
    LateParent,
    /// The database or storage is away: at most two minutes.
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

/// When a submission that waits for its order was first seen.
pub(crate) fn first_seen(message: &ServiceBusMessage) -> Option<Timestamp> {
    let millis = message.property(FIRST_SEEN)?.parse().ok()?;
    Timestamp::from_millisecond(millis).ok()
}

/// The MessageId the sender gave, however often the message has waited since; its place in the queue where it gave none.
pub(crate) fn original_id(message: &ServiceBusMessage) -> String {
    let given = message.property(MESSAGE_ID).or(message.message_id.as_deref());
    given.map_or_else(|| format!("#{}", message.sequence_number.unwrap_or_default()), str::to_owned)
}

/// Sends the message to its queue again, for later.
pub(crate) async fn again(app: &App, queue: &str, message: &ServiceBusMessage, reason: Reason) -> Outcome {
    match app.sender.send(queue, vec![copy(message, reason, Timestamp::now())]).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            warn!(%error, "a message that has to wait could not be sent again; the broker will deliver it again");
            tokio::time::sleep(PAUSE).await;
            Outcome::Retry { code: "service-bus" }
        }
    }
}

fn copy(message: &ServiceBusMessage, reason: Reason, now: Timestamp) -> OutgoingMessage {
    let waits: u32 = message.property(WAITS).and_then(|text| text.parse().ok()).unwrap_or_default();
    let original = original_id(message);
    let mut properties: BTreeMap<String, PropertyValue> =
        message.application_properties.iter().map(|(name, value)| (name.clone(), property(value))).collect();
    if matches!(reason, Reason::LateParent) {
        let first_seen = first_seen(message).unwrap_or(now);
        properties.insert(FIRST_SEEN.to_owned(), first_seen.as_millisecond().to_string().into());
    }
    properties.insert(WAITS.to_owned(), (waits + 1).to_string().into());
    let own_id = Uuid::new_v5(&Uuid::new_v5(&Uuid::NAMESPACE_OID, original.as_bytes()), &waits.to_be_bytes());
    properties.insert(MESSAGE_ID.to_owned(), original.into());
    OutgoingMessage {
        message_id: own_id.to_string(),
        body: message.body.clone(),
        content_type: message.content_type.clone(),
        application_properties: properties,
        scheduled_enqueue_time: Some(now + delay(waits, reason)),
        ..OutgoingMessage::default()
    }
}

/// Properties arrive as JSON; what has no counterpart is kept as text.
fn property(value: &Value) -> PropertyValue {
    match value {
        Value::String(text) => PropertyValue::Text(text.clone()),
        Value::Bool(flag) => PropertyValue::Boolean(*flag),
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string().into(), PropertyValue::Integer),
        other => other.to_string().into(),
    }
}

/// 1, 2, 4 … seconds, at most what the reason allows.
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
}
