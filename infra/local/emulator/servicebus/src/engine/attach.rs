//! Attaching links.
//!
//! A link is refused as the specification says: it is attached with null source and target, and then detached with the
//! error.

use super::link::{End, Held, Inlet, Link, Node, Outlet, Source, Waiting};
use super::machine::{Context, HANDLE_MAX};
use super::session::Session;
use crate::access::{Right, path};
use crate::broker::{self, Interest, Millis, Waiter};
use crate::codec::{Reader, Value};
use crate::not_offered::NotOffered;
use crate::wire::{self, Attach, AttachReply, Condition, Error, condition, source_with_session, terminus_or_empty};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Largest message, in bytes; batches are made to fit it.
pub(super) const MAX_MESSAGE: u64 = 1 << 20;
/// Messages that a sender may send before it gets more credit.
pub(super) const CREDIT: u32 = 1000;
/// Requests that may be outstanding.
const REQUEST_CREDIT: u32 = 100;
/// How long an attach waits for a free session, unless it says otherwise; Azure's own limit.
const SESSION_WAIT: Duration = Duration::from_secs(60);
const LONGEST_SESSION_WAIT: Duration = Duration::from_secs(3600);

const CBS: &str = "$cbs";
const MANAGEMENT: &str = "$management";

/// Settle modes.
const SETTLED: u8 = 1;

/// What an address refers to.
fn node(context: &Context, address: &str) -> Node {
    let path = path(address);
    if path == CBS {
        Node::Cbs
    } else if let Some(entity) = path.strip_suffix(MANAGEMENT).and_then(|entity| entity.strip_suffix('/')) {
        Node::Management(context.meant(entity.to_owned()))
    } else {
        Node::Entity(context.meant(path))
    }
}

impl Node {
    /// What requests and their answers have in common.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Entity(path) => path.clone(),
            Self::Cbs => CBS.to_owned(),
            Self::Management(path) => format!("{path}/{MANAGEMENT}"),
        }
    }
}

/// The session that a source asks for: `None` no session at all, `Some(None)` the next free one.
fn wanted_session(attach: &Attach<'_>) -> Option<Option<String>> {
    let value = attach.source.filter?.get(wire::SESSION_FILTER)?;
    let value = match value {
        Value::Described(_, inner) => Reader::new(inner).value().unwrap_or(Value::Null),
        plain => plain,
    };
    Some(value.text().map(str::to_owned))
}

impl Session {
    pub(super) fn attach(
        &mut self,
        attach: &Attach<'_>,
        context: &mut Context,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if attach.handle > HANDLE_MAX {
            return Err(Error::new(condition::NOT_ALLOWED, "the handle is too high"));
        }
        if !self.is_free(attach.handle) {
            return Err(Error::new(condition::HANDLE_IN_USE, "the handle is in use"));
        }
        let attached = if attach.receiver {
            self.attach_outlet(attach, context, out)
        } else {
            self.attach_inlet(attach, context, out)
        };
        if let Err(error) = attached {
            self.refuse(attach.name, attach.handle, !attach.receiver, error, out);
        }
        Ok(())
    }

    /// `receiver`: we would have been the receiver on the link.
    pub(super) fn refuse(&mut self, name: &str, handle: u32, receiver: bool, error: Condition, out: &mut Vec<u8>) {
        let reply = AttachReply {
            name,
            handle,
            receiver,
            snd_settle_mode: None,
            rcv_settle_mode: None,
            source: None,
            target: None,
            max_message_size: MAX_MESSAGE,
            locked_until: None,
        };
        wire::attach(out, self.channel, &reply);
        self.detach_soon(handle, error);
    }

    fn accept(&self, attach: &Attach<'_>, out: &mut Vec<u8>) {
        let reply = AttachReply {
            name: attach.name,
            handle: attach.handle,
            receiver: !attach.receiver,
            snd_settle_mode: attach.snd_settle_mode,
            rcv_settle_mode: attach.rcv_settle_mode,
            source: Some(&terminus_or_empty(attach.source.raw, true)),
            target: Some(&terminus_or_empty(attach.target.raw, false)),
            max_message_size: MAX_MESSAGE,
            locked_until: None,
        };
        wire::attach(out, self.channel, &reply);
    }

    /// The peer sends.
    fn attach_inlet(&mut self, attach: &Attach<'_>, context: &Context, out: &mut Vec<u8>) -> Result<(), Condition> {
        if attach.target.coordinator {
            return Err(Condition::new(condition::NOT_IMPLEMENTED, NotOffered::Transactions.to_string()));
        }
        let address = attach.target.address.unwrap_or_default();
        let node = node(context, address);
        let needs = match &node {
            Node::Cbs => None,
            Node::Management(entity) => {
                may_manage(context, entity)?;
                None
            }
            Node::Entity(entity) => {
                if !context.may(entity, Right::Send) {
                    return Err(unauthorized("Send"));
                }
                context.broker.inner().entity(entity).map_err(|error| context.refusal(&error))?;
                Some((entity.clone(), Right::Send))
            }
        };
        self.accept(attach, out);
        let credit = if needs.is_some() { CREDIT } else { REQUEST_CREDIT };
        let inlet = Inlet {
            node,
            delivery_count: attach.initial_delivery_count,
            credit,
            partial: None,
            waiter: Waiter::new(context.notify.clone()),
            held_back: false,
            settled: attach.snd_settle_mode == Some(SETTLED),
        };
        self.say_flow(Some((attach.handle, inlet.delivery_count, credit)), false, out);
        self.links.insert(attach.handle, Link { name: attach.name.to_owned(), needs, end: End::In(inlet) });
        Ok(())
    }

    /// The peer receives.
    fn attach_outlet(&mut self, attach: &Attach<'_>, context: &Context, out: &mut Vec<u8>) -> Result<(), Condition> {
        let node = node(context, attach.source.address.unwrap_or_default());
        let mut outlet = Outlet {
            source: Source::Answers { node: node.key(), outbox: VecDeque::new() },
            delivery_count: 0,
            credit: 0,
            drain: false,
            settled: attach.snd_settle_mode == Some(SETTLED),
            idle: false,
            waiter: Waiter::new(context.notify.clone()),
            target: attach.target.address.map(str::to_owned),
        };
        let mut needs = None;
        match node {
            Node::Cbs => self.accept(attach, out),
            Node::Management(entity) => {
                may_manage(context, &entity)?;
                self.accept(attach, out);
            }
            Node::Entity(entity) => {
                if !context.may(&entity, Right::Listen) {
                    return Err(unauthorized("Listen"));
                }
                let queue = context.broker.inner().queue(&entity).map_err(|error| context.refusal(&error))?;
                let sessions = queue.read(|state| state.options.requires_session);
                outlet.source = match (wanted_session(attach), sessions) {
                    (None, true) => {
                        let text = "the queue requires sessions: a receiver must ask for one";
                        return Err(Condition::new(condition::NOT_ALLOWED, text));
                    }
                    (Some(_), false) => {
                        return Err(Condition::new(condition::NOT_ALLOWED, "the queue does not support sessions"));
                    }
                    (None, false) => {
                        self.accept(attach, out);
                        Source::Queue { queue, session: None }
                    }
                    (Some(wanted), true) => {
                        let waiting = Waiting {
                            queue,
                            until: Instant::now() + session_wait(attach),
                            snd_settle_mode: attach.snd_settle_mode,
                            rcv_settle_mode: attach.rcv_settle_mode,
                            source: terminus_or_empty(attach.source.raw, true),
                            target: terminus_or_empty(attach.target.raw, false),
                        };
                        self.attach_to_session(
                            attach.name,
                            attach.handle,
                            waiting,
                            wanted.as_deref(),
                            &outlet.waiter,
                            out,
                        )?
                    }
                };
                needs = Some((entity, Right::Listen));
            }
        }
        self.links.insert(attach.handle, Link { name: attach.name.to_owned(), needs, end: End::Out(outlet) });
        Ok(())
    }

    /// Attaches to a session if one is available now; otherwise the next free one is waited for.
    pub(super) fn attach_to_session(
        &self,
        name: &str,
        handle: u32,
        waiting: Waiting,
        wanted: Option<&str>,
        waiter: &Arc<Waiter>,
        out: &mut Vec<u8>,
    ) -> Result<Source, Condition> {
        let holder = Uuid::new_v4();
        let (accepted, _) = waiting.queue.run_waiting(Interest::Arrivals(waiter), |state, now| {
            let accepted = state.accept_session(wanted, holder, now);
            let nothing = matches!(accepted, Ok(None));
            (accepted, nothing)
        });
        let Some((id, until)) = accepted.map_err(|error| refusal(&error))? else {
            return Ok(Source::Waiting(Box::new(waiting)));
        };
        let reply = AttachReply {
            name,
            handle,
            receiver: false,
            snd_settle_mode: waiting.snd_settle_mode,
            rcv_settle_mode: waiting.rcv_settle_mode,
            source: Some(&source_with_session(&waiting.source, &id)),
            target: Some(&waiting.target),
            max_message_size: MAX_MESSAGE,
            locked_until: Some(ticks(until)),
        };
        wire::attach(out, self.channel, &reply);
        Ok(Source::Queue { queue: waiting.queue, session: Some(Held { id, holder }) })
    }
}

/// How long the peer wants to wait for a session.
fn session_wait(attach: &Attach<'_>) -> Duration {
    let wanted = attach.properties.and_then(|map| map.get("com.microsoft:timeout")).and_then(|value| value.uint());
    wanted.map_or(SESSION_WAIT, |millis| Duration::from_millis(millis.into())).min(LONGEST_SESSION_WAIT)
}

/// .NET ticks: 100 nanoseconds since the year 1.
fn ticks(millis: Millis) -> i64 {
    const EPOCH: i64 = 621_355_968_000_000_000;
    millis.saturating_mul(10_000).saturating_add(EPOCH)
}

fn unauthorized(claim: &str) -> Condition {
    Condition::new(
        condition::UNAUTHORIZED,
        format!("Unauthorized access. '{claim}' claim(s) are required to perform this operation."),
    )
}

fn may_manage(context: &Context, entity: &str) -> Result<(), Condition> {
    if !context.may(entity, Right::Listen) && !context.may(entity, Right::Send) {
        return Err(unauthorized("Listen"));
    }
    // Known as a queue or subscription, or as a topic.
    let known = context.broker.inner().queue(entity).map(drop);
    known.or_else(|_| context.broker.inner().entity(entity).map(drop)).map_err(|error| context.refusal(&error))
}

/// A broker's error as reported to a peer; [`Context::refusal`] adds details to some.
pub(super) fn refusal(error: &broker::Error) -> Condition {
    use broker::Error as E;
    let name = match error {
        E::NotFound(_) => condition::NOT_FOUND,
        E::Exists(_) => condition::EXISTS,
        E::Unsupported(_) => condition::NOT_ALLOWED,
        E::Invalid(_) => condition::INVALID_FIELD,
        E::LockLost => condition::LOCK_LOST,
        E::SessionLockLost => condition::SESSION_LOCK_LOST,
        E::SessionLocked => condition::SESSION_LOCKED,
        E::MessageNotFound => condition::MESSAGE_NOT_FOUND,
        E::QueueFull => condition::RESOURCE_LIMIT,
        E::Held => condition::SERVER_BUSY,
        E::Message(_) => condition::DECODE,
        E::Storage(_) => condition::INTERNAL,
    };
    Condition::new(name, error.to_string())
}
