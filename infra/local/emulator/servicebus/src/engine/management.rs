//! `$management`: operations that are not transfers.

use super::cbs::status;
use super::dispose::properties;
use super::link::{End, Held, Outlet, Source};
use super::machine::{Context, Machine};
use super::rules;
use crate::access::Right;
use crate::broker::{Error as BrokerError, Position, Queue, Rule, Sequence, Taken};
use crate::codec::{Value, Writer};
use crate::message::Encoded;
use crate::not_offered::NotOffered;
use crate::wire::{Condition, Request, Response, condition, put_delivery};
use bytes::Bytes;
use std::sync::Arc;
use uuid::Uuid;

/// Most messages and bytes in the answer to a peek.
const MOST_PEEKED: u32 = 1000;
const MOST_PEEKED_BYTES: usize = 4 << 20;
/// Most sessions in the answer to a listing.
const MOST_SESSIONS: usize = 1000;
/// From here on (about the year 10000) a time means "any time".
const ANY_TIME: i64 = 253_402_300_799_999;

/// An answer: a status, or the writer of a body.
pub(super) enum Answer {
    Done,
    Nothing,
    Expirations(Vec<i64>),
    Expiration(i64),
    SequenceNumbers(Vec<i64>),
    Messages { taken: Vec<Taken>, tokens: bool },
    SessionState(Option<Bytes>),
    Sessions { ids: Vec<Arc<str>>, skip: i32 },
    Rules(Vec<Rule>),
}

/// Why a request was not done.
pub(super) enum Refused {
    Broker(BrokerError),
    Argument(&'static str),
    NotOffered(NotOffered),
    Unauthorized,
    Unknown,
}

impl From<BrokerError> for Refused {
    fn from(error: BrokerError) -> Self {
        Self::Broker(error)
    }
}

impl From<crate::message::Error> for Refused {
    fn from(error: crate::message::Error) -> Self {
        Self::Broker(error.into())
    }
}

pub(super) type Answered = Result<(Answer, Position), Refused>;

impl Machine {
    pub(super) fn manage(&mut self, entity: &str, request: &Request<'_>) -> (Response, Position) {
        let id = request.message_id;
        match self.answer(entity, request) {
            Ok((answer, position)) => (answer.response(id), position),
            Err(refused) => (refused.response(id, &self.context), Position::default()),
        }
    }

    fn answer(&mut self, entity: &str, request: &Request<'_>) -> Answered {
        let operation = request.text("operation").unwrap_or_default();
        let operation = operation.strip_prefix("com.microsoft:").unwrap_or(operation);
        let right = if matches!(operation, "schedule-message" | "cancel-scheduled-message") {
            Right::Send
        } else {
            Right::Listen
        };
        if !self.context.may(entity, right) {
            return Err(Refused::Unauthorized);
        }
        let broker = self.context.broker.clone();
        if operation == "schedule-message" {
            let (numbers, position) = broker.inner().schedule(entity, scheduled(request)?)?;
            return Ok((Answer::SequenceNumbers(numbers.into_iter().map(signed).collect()), position));
        }
        if operation == "cancel-scheduled-message" {
            let (queue, numbers) = (broker.inner().waiting_room(entity)?, numbers(request)?);
            let (result, position) = queue.run(|state, _| state.cancel_scheduled(&numbers));
            return result.map(|()| (Answer::Done, position)).map_err(Refused::from);
        }
        let queue = broker.inner().queue(entity)?;
        match operation {
            "add-rule" => rules::add(&broker, entity, request),
            "remove-rule" => rules::remove(&broker, entity, request),
            "enumerate-rules" => rules::enumerate(&broker, entity, request),
            "get-message-sessions" => sessions(&queue, request),
            "renew-lock" => {
                let tokens = tokens(request)?;
                let (ends, _) = queue.run(|state, now| {
                    tokens.iter().map(|token| state.renew(*token, now)).collect::<Result<Vec<_>, _>>()
                });
                Ok((Answer::Expirations(ends?), Position::default()))
            }
            "peek-message" => peek(&queue, request),
            "receive-by-sequence-number" => {
                let numbers = numbers(request)?;
                let lock = request.field("receiver-settle-mode").and_then(|mode| mode.uint()).unwrap_or(1) != 0;
                let (taken, position) = queue.run(|state, now| state.take_deferred(&numbers, lock, now));
                Ok((Answer::Messages { taken: taken?, tokens: lock }, position))
            }
            "update-disposition" => update_disposition(&queue, request),
            "renew-session-lock" => {
                let id = session_id(request)?;
                let held = self.held(&queue, id).ok_or(BrokerError::SessionLockLost)?;
                let (until, _) = queue.run(|state, now| state.renew_session(id, held.holder, now));
                Ok((Answer::Expiration(until?), Position::default()))
            }
            "get-session-state" => {
                let id = session_id(request)?;
                self.held(&queue, id).ok_or(BrokerError::SessionLockLost)?;
                Ok((Answer::SessionState(queue.read(|state| state.session_state(id))), Position::default()))
            }
            "set-session-state" => {
                let id = session_id(request)?;
                self.held(&queue, id).ok_or(BrokerError::SessionLockLost)?;
                let state = match request.field("session-state") {
                    Some(Value::Binary(bytes)) => Some(Bytes::copy_from_slice(bytes)),
                    Some(Value::String(text)) => Some(Bytes::copy_from_slice(text.as_bytes())),
                    _ => None,
                };
                let ((), position) = queue.run(|queue, now| queue.set_session_state(id, state, now));
                Ok((Answer::Done, position))
            }
            "batch-delete-messages" => Err(Refused::NotOffered(NotOffered::BatchDelete)),
            _ => Err(Refused::Unknown),
        }
    }

    /// The session's lock, if a link of this connection holds it.
    fn held(&self, queue: &Arc<Queue>, id: &str) -> Option<Held> {
        let links = self.sessions.values().flat_map(|session| session.links.values());
        links.into_iter().find_map(|link| match &link.end {
            End::Out(Outlet { source: Source::Queue { queue: at, session: Some(held) }, .. })
                if Arc::ptr_eq(at, queue) && *held.id == *id =>
            {
                Some(held.clone())
            }
            _ => None,
        })
    }
}

fn signed(number: Sequence) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn session_id<'a>(request: &Request<'a>) -> Result<&'a str, Refused> {
    request.field("session-id").and_then(|id| id.text()).ok_or(Refused::Argument("session-id is missing"))
}

fn numbers(request: &Request<'_>) -> Result<Vec<Sequence>, Refused> {
    let list = request.field("sequence-numbers").and_then(|value| value.sequence());
    let list = list.ok_or(Refused::Argument("sequence-numbers is missing"))?;
    list.iter()
        .map(|number| number.ok().and_then(|number| u64::try_from(number.integer()?).ok()))
        .collect::<Option<_>>()
        .ok_or(Refused::Argument("sequence-numbers are numbers"))
}

fn tokens(request: &Request<'_>) -> Result<Vec<Uuid>, Refused> {
    let list = request.field("lock-tokens").and_then(|value| value.sequence());
    let list = list.ok_or(Refused::Argument("lock-tokens is missing"))?;
    list.iter()
        .map(|token| match token {
            Ok(Value::Uuid(bytes)) => Some(Uuid::from_bytes(bytes)),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or(Refused::Argument("lock-tokens are UUIDs"))
}

fn scheduled(request: &Request<'_>) -> Result<Vec<Encoded>, Refused> {
    let list = request.field("messages").and_then(|value| value.sequence());
    let list = list.ok_or(Refused::Argument("messages is missing"))?;
    list.iter()
        .map(|entry| match entry.ok().and_then(|entry| entry.map()?.get("message")) {
            Some(Value::Binary(bytes)) => Ok(Encoded::parse(bytes)?),
            _ => Err(Refused::Argument("each of the messages has its encoding under 'message'")),
        })
        .collect()
}

fn peek(queue: &Queue, request: &Request<'_>) -> Answered {
    let from = request.field("from-sequence-number").and_then(|number| number.integer()).unwrap_or(0);
    let from = u64::try_from(from).unwrap_or(0);
    let count = request.field("message-count").and_then(|count| count.uint()).unwrap_or(1).min(MOST_PEEKED);
    let session = request.field("session-id").and_then(|id| id.text());
    let (mut taken, _) = queue.run(|state, _| state.peek(from, session, count as usize));
    let mut bytes = 0;
    let fits = taken.iter().take_while(|message| {
        bytes += message.message.bytes().len();
        bytes <= MOST_PEEKED_BYTES
    });
    let fits = fits.count().max(1);
    taken.truncate(fits);
    let answer = if taken.is_empty() { Answer::Nothing } else { Answer::Messages { taken, tokens: false } };
    Ok((answer, Position::default()))
}

/// Ids of sessions that have messages or a state; or, with a time, of those whose state was set after it.
fn sessions(queue: &Queue, request: &Request<'_>) -> Answered {
    let number = |name: &str| request.field(name).and_then(|value| value.integer());
    let count = |name: &str| number(name).and_then(|number| usize::try_from(number).ok());
    let after = match request.field("last-updated-time") {
        Some(Value::Timestamp(millis)) if millis < ANY_TIME => Some(millis),
        _ => None,
    };
    if !queue.read(|state| state.options.requires_session) {
        return Err(BrokerError::Unsupported("the queue does not support sessions").into());
    }
    let (skip, top) = (count("skip").unwrap_or(0), count("top").unwrap_or(MOST_SESSIONS).min(MOST_SESSIONS));
    let mut ids = queue.read(|state| state.session_ids(after));
    ids.sort_unstable();
    let ids: Vec<Arc<str>> = ids.into_iter().skip(skip).take(top).collect();
    let skip = i32::try_from(skip.saturating_add(ids.len())).unwrap_or(i32::MAX);
    let answer = if ids.is_empty() { Answer::Nothing } else { Answer::Sessions { ids, skip } };
    Ok((answer, Position::default()))
}

fn update_disposition(queue: &Queue, request: &Request<'_>) -> Answered {
    let tokens = tokens(request)?;
    let text = |name: &str| request.field(name).and_then(|value| value.text()).unwrap_or_default();
    let (reason, description) = (text("deadletter-reason"), text("deadletter-description"));
    let set = properties(request.field("properties-to-modify").and_then(|value| value.map()));
    let wanted = text("disposition-status");
    if !matches!(wanted, "completed" | "abandoned" | "defered" | "suspended") {
        return Err(Refused::Argument("disposition-status is one of completed, abandoned, defered, suspended"));
    }
    if wanted == "suspended" && queue.graves.dead_letters.is_none() {
        return Err(BrokerError::Unsupported("a dead letter cannot be dead-lettered again").into());
    }
    let mut position = Position::default();
    for token in tokens {
        let (result, at) = queue.run(|state, _| match wanted {
            "completed" => state.complete(token),
            "abandoned" => state.abandon(token, &set),
            "defered" => state.defer(token, &set),
            _ => state.dead_letter(token, reason, description, &set),
        });
        result?;
        position = position.max(at);
    }
    Ok((Answer::Done, position))
}

impl Answer {
    fn response(self, id: Option<&[u8]>) -> Response {
        let status = if matches!(self, Self::Nothing) { status::NO_CONTENT } else { status::OK };
        let text = if status == status::OK { "OK" } else { "No Content" };
        Response::management(id, status, text, None, |body| body.map(|map| self.write(map)))
    }

    fn write(self, map: &mut Writer<'_>) {
        match self {
            Self::Done | Self::Nothing => {}
            Self::Expirations(ends) => {
                map.string("expirations");
                map.timestamps(&ends);
            }
            Self::Expiration(end) => {
                map.string("expiration");
                map.timestamp(end);
            }
            Self::SequenceNumbers(numbers) => {
                map.string("sequence-numbers");
                map.longs(&numbers);
            }
            Self::SessionState(state) => {
                map.string("session-state");
                match state {
                    Some(bytes) => map.binary(&bytes),
                    None => map.null(),
                }
            }
            Self::Sessions { ids, skip } => {
                map.string("skip");
                map.int(skip);
                map.string("sessions-ids");
                map.list(|list| ids.iter().for_each(|id| list.string(id)));
            }
            Self::Rules(rules) => {
                map.string("rules");
                map.list(|list| {
                    for rule in &rules {
                        list.map(|entry| {
                            entry.string("rule-description");
                            rules::write(entry, rule);
                        });
                    }
                });
            }
            Self::Messages { taken, tokens } => {
                map.string("messages");
                map.list(|list| {
                    for message in &taken {
                        list.map(|entry| {
                            let mut bytes = Vec::with_capacity(message.message.bytes().len() + 256);
                            put_delivery(&mut bytes, message);
                            entry.string("message");
                            entry.binary(&bytes);
                            if tokens {
                                entry.string("lock-token");
                                entry.uuid(message.token.as_bytes());
                            }
                        });
                    }
                });
            }
        }
    }
}

impl Refused {
    fn response(self, id: Option<&[u8]>, context: &Context) -> Response {
        let (status, error) = match self {
            Self::Unauthorized => (
                status::UNAUTHORIZED,
                Condition::new(condition::UNAUTHORIZED, "the token does not allow this operation"),
            ),
            Self::Unknown => {
                (status::NOT_IMPLEMENTED, Condition::new(condition::NOT_IMPLEMENTED, "the operation is not supported"))
            }
            Self::NotOffered(offer @ NotOffered::BatchDelete) => {
                (status::NOT_IMPLEMENTED, Condition::new(condition::NOT_IMPLEMENTED, offer.to_string()))
            }
            Self::NotOffered(offer) => (status::BAD_REQUEST, Condition::new(condition::ARGUMENT, offer.to_string())),
            Self::Argument(text) => (status::BAD_REQUEST, Condition::new(condition::ARGUMENT, text)),
            Self::Broker(error) => {
                let status = match &error {
                    BrokerError::NotFound(_) | BrokerError::MessageNotFound => status::NOT_FOUND,
                    BrokerError::Exists(_) => status::CONFLICT,
                    BrokerError::LockLost | BrokerError::SessionLockLost | BrokerError::SessionLocked => status::GONE,
                    BrokerError::Storage(_) | BrokerError::QueueFull | BrokerError::Held => status::INTERNAL,
                    _ => status::BAD_REQUEST,
                };
                (status, context.refusal(&error))
            }
        };
        Response::management(id, status, &error.description, Some(&error.condition), |body| body.map(|_| ()))
    }
}
