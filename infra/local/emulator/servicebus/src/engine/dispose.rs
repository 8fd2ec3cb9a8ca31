//! How peers settle what they received.

use super::attach::refusal;
use super::machine::Context;
use super::reply::Reply;
use super::session::Session;
use crate::broker::{Error as BrokerError, Position, Queue};
use crate::codec::Elements;
use crate::message::PropertyValue;
use crate::wire::{Disposition, Error, Outcome, Raw};
use uuid::Uuid;

const REASON: &str = "DeadLetterReason";
const DESCRIPTION: &str = "DeadLetterErrorDescription";

impl Session {
    pub(super) fn dispose(&mut self, disposition: &Disposition<'_>, context: &mut Context) -> Result<(), Error> {
        // Dispositions from a sender settle its own deliveries a second time; they are already settled.
        if !disposition.receiver || disposition.first > disposition.last {
            return Ok(());
        }
        let ids: Vec<u32> = self.unsettled.range(disposition.first..=disposition.last).map(|(id, _)| *id).collect();
        for delivery_id in ids {
            let state = match disposition.state {
                Some(Outcome::Received) => continue,
                None if !disposition.settled => continue,
                None => Outcome::Released,
                Some(state) => state,
            };
            let Some(delivery) = self.unsettled.remove(&delivery_id) else { continue };
            let (result, echo, position) = settle(&delivery.queue, delivery.token, &state);
            let outcome = match result {
                Ok(()) => echo,
                Err(error) => Raw::Rejected(Some(refusal(&error))),
            };
            if !disposition.settled {
                let reply = Reply::Outcome { channel: self.channel, receiver: false, delivery_id, outcome };
                context.replies.push(position, reply);
            }
        }
        Ok(())
    }
}

/// Settles according to an outcome; returns the same outcome as confirmation. A confirmed rejection carries no error.
fn settle(queue: &Queue, token: Uuid, outcome: &Outcome<'_>) -> (Result<(), BrokerError>, Raw, Position) {
    let ((result, echo), position) = match *outcome {
        Outcome::Accepted => queue.run(|state, _| (state.complete(token), Raw::Accepted)),
        Outcome::Released => queue.run(|state, _| (state.release(token), Raw::Released)),
        Outcome::Modified { undeliverable_here: true, annotations } => queue
            .run(|state, _| (state.defer(token, &properties(annotations)), Raw::Modified { undeliverable_here: true })),
        // JavaScript's client does not say that the delivery failed, but it did.
        Outcome::Modified { undeliverable_here: false, annotations } => queue.run(|state, _| {
            (state.abandon(token, &properties(annotations)), Raw::Modified { undeliverable_here: false })
        }),
        Outcome::Rejected { condition, description, info } => {
            let text = |name: &str| info.and_then(|info| info.get(name)).and_then(|value| value.text());
            let reason = text(REASON).or(condition.filter(|name| !name.is_empty())).unwrap_or_default();
            let reason = if reason == crate::wire::condition::DEAD_LETTER { "" } else { reason };
            let description = text(DESCRIPTION).or(description).unwrap_or_default();
            if queue.graves.dead_letters.is_none() {
                let error = BrokerError::Unsupported("a dead letter cannot be dead-lettered again");
                ((Err(error), Raw::Rejected(None)), Position::default())
            } else {
                let set = properties(info);
                queue.run(|state, _| (state.dead_letter(token, reason, description, &set), Raw::Rejected(None)))
            }
        }
        Outcome::Received | Outcome::Unknown => {
            let error = BrokerError::Unsupported("the delivery state is not supported");
            ((Err(error), Raw::Rejected(None)), Position::default())
        }
    };
    (result, echo, position)
}

/// Application properties that a receiver sets on a message while settling it.
pub(super) fn properties(map: Option<Elements<'_>>) -> Vec<(String, PropertyValue)> {
    let pairs = map.into_iter().flat_map(|map| map.pairs().map_while(Result::ok));
    pairs
        .filter_map(|(name, value)| Some((name.text()?.to_owned(), PropertyValue::parse(&value)?)))
        .filter(|(name, _)| name != REASON && name != DESCRIPTION)
        .collect()
}
