//! A connection's protocol state: SASL, open and close, and the sessions.

use super::attach::refusal;
use super::connection::MUCH_OUTPUT;
use super::reply::Replies;
use super::session::Session;
use crate::access::{Access, Grant, Right};
use crate::broker::{self, Broker, now};
use crate::wire::{
    self, Condition, Error, Frame, FrameKind, Open, Performative, ProtocolHeader, Sasl, condition, next_frame,
    protocol_header,
};
use bytes::BytesMut;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Largest frame accepted, in bytes.
pub(super) const MAX_FRAME: u32 = 64 * 1024;
/// Highest channel and handle.
const CHANNEL_MAX: u16 = 4095;
pub(super) const HANDLE_MAX: u32 = 1023;
/// Smallest maximum frame that every peer must accept.
const MIN_FRAME: u32 = 512;
/// A peer that is silent for longer is considered gone. Peers are told this, and send empty frames.
const IDLE: Duration = Duration::from_secs(240);
/// A peer must have opened the connection by then.
const OPENING: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was read yet.
    Start,
    SaslInit,
    /// SASL is done; the AMQP header comes next.
    Welcome,
    Opening,
    Open,
    /// Our close is on its way; whatever the peer sends no longer matters.
    Closed,
}

/// What every session and link of the connection works with.
pub(super) struct Context {
    pub(super) broker: Broker,
    pub(super) access: Arc<Access>,
    pub(super) grants: Vec<Grant>,
    /// Wakes the connection's task.
    pub(super) notify: Arc<Notify>,
    pub(super) replies: Replies,
    /// Largest frame that the peer accepts.
    pub(super) max_frame: usize,
    /// The host that the peer wants to talk to.
    host: String,
}

impl Context {
    /// The entity (a lower-case path) that a peer means: its own name, unless a key maps it to another.
    pub(super) fn meant(&self, entity: String) -> String {
        self.grants.iter().find_map(|grant| grant.meant_by(&entity)).unwrap_or(entity)
    }

    /// A broker's error as reported to the peer. A missing entity is named with its full address, as by Azure.
    pub(super) fn refusal(&self, error: &broker::Error) -> Condition {
        match error {
            broker::Error::NotFound(entity) => Condition::new(
                condition::NOT_FOUND,
                format!("The messaging entity 'sb://{}/{entity}' could not be found.", self.host),
            ),
            other => refusal(other),
        }
    }

    /// Whether the peer may do this at an entity (a lower-case path).
    pub(super) fn may(&self, entity: &str, right: Right) -> bool {
        let now = now();
        self.access.is_open() || self.grants.iter().any(|grant| grant.allows(entity, right, now))
    }
}

pub(super) struct Machine {
    phase: Phase,
    pub(super) context: Context,
    pub(super) sessions: BTreeMap<u16, Session>,
    /// To be written.
    pub(super) out: Vec<u8>,
    peer_idle: Option<Duration>,
}

impl Machine {
    pub(super) fn new(broker: Broker, access: Arc<Access>, notify: Arc<Notify>) -> Self {
        let context = Context {
            broker,
            access,
            grants: Vec::new(),
            notify,
            replies: Replies::default(),
            max_frame: MIN_FRAME as usize,
            host: "localhost".to_owned(),
        };
        Self { phase: Phase::Start, context, sessions: BTreeMap::new(), out: Vec::new(), peer_idle: None }
    }

    /// Processes the input and does whatever can be done. Must be called after every event.
    pub(super) fn work(&mut self, input: &mut BytesMut) {
        if let Err(error) = self.take_in(input) {
            self.fail(&error);
        }
        self.flush_replies();
        self.pump();
    }

    fn take_in(&mut self, input: &mut BytesMut) -> Result<(), Error> {
        while self.out.len() < 4 * MUCH_OUTPUT {
            match self.phase {
                Phase::Start | Phase::Welcome => match protocol_header(input) {
                    Ok(Some(header)) => self.greet(header)?,
                    Ok(None) => return Ok(()),
                    Err(_) => {
                        // A foreign protocol is answered with our header, and no frames.
                        self.out.extend_from_slice(&ProtocolHeader::Sasl.bytes());
                        self.phase = Phase::Closed;
                    }
                },
                Phase::Closed => {
                    input.clear();
                    return Ok(());
                }
                Phase::SaslInit | Phase::Opening | Phase::Open => match next_frame(input, MAX_FRAME as usize)? {
                    Some(frame) => self.frame(&frame)?,
                    None => return Ok(()),
                },
            }
        }
        Ok(())
    }

    fn greet(&mut self, header: ProtocolHeader) -> Result<(), Error> {
        self.out.extend_from_slice(&header.bytes());
        match (header, self.phase) {
            (ProtocolHeader::Sasl, Phase::Start) => {
                wire::sasl_mechanisms(&mut self.out, &["ANONYMOUS", "PLAIN", "MSSBCBS", "EXTERNAL"]);
                self.phase = Phase::SaslInit;
            }
            (ProtocolHeader::Sasl, _) => return Err(Error::new(condition::FRAMING, "SASL was done already")),
            (ProtocolHeader::Amqp, _) => self.phase = Phase::Opening,
        }
        Ok(())
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), Error> {
        match (self.phase, frame.kind) {
            (Phase::SaslInit, FrameKind::Sasl) => self.sasl(&Sasl::decode(&frame.body)?),
            (Phase::Opening | Phase::Open, FrameKind::Amqp) if frame.body.is_empty() => {}
            (Phase::Opening | Phase::Open, FrameKind::Amqp) => {
                let performative = Performative::decode(&frame.body)?;
                self.perform(frame.channel, performative)?;
            }
            _ => return Err(Error::new(condition::FRAMING, "a frame of the other layer was expected")),
        }
        Ok(())
    }

    fn sasl(&mut self, init: &Sasl<'_>) {
        let welcome = match init.mechanism {
            "ANONYMOUS" | "MSSBCBS" | "EXTERNAL" => true,
            "PLAIN" => {
                // authorization identity, user name and password, separated by NUL
                let mut parts = init.response.split(|byte| *byte == 0).skip(1).map(std::str::from_utf8);
                let (name, password) = (parts.next(), parts.next());
                if let (Some(Ok(name)), Some(Ok(password))) = (name, password) {
                    self.context.grants = self.context.access.check_password(name, password);
                }
                self.context.access.is_open() || !self.context.grants.is_empty()
            }
            _ => false,
        };
        wire::sasl_outcome(&mut self.out, welcome);
        self.phase = if welcome { Phase::Welcome } else { Phase::Closed };
    }

    fn perform(&mut self, channel: u16, performative: Performative<'_>) -> Result<(), Error> {
        match (self.phase, performative) {
            (Phase::Opening, Performative::Open(open)) => {
                self.open(&open);
                Ok(())
            }
            (Phase::Open, Performative::Close) => {
                self.close(None);
                Ok(())
            }
            (Phase::Open, Performative::Begin(begin)) => {
                if channel > CHANNEL_MAX || self.sessions.contains_key(&channel) {
                    return Err(Error::new(condition::NOT_ALLOWED, "the channel is in use or too high"));
                }
                self.sessions.insert(channel, Session::begin(channel, &begin, &mut self.out));
                Ok(())
            }
            (Phase::Open, performative) => self.in_session(channel, performative),
            _ => Err(Error::new(condition::NOT_ALLOWED, "the connection is not open, or was opened before")),
        }
    }

    fn in_session(&mut self, channel: u16, performative: Performative<'_>) -> Result<(), Error> {
        let Some(session) = self.sessions.get_mut(&channel) else {
            // Frames that were on their way when we ended the session arrive here.
            return Ok(());
        };
        match performative {
            Performative::Attach(attach) => session.attach(&attach, &mut self.context, &mut self.out),
            Performative::Flow(flow) => session.flow(&flow, &mut self.out),
            Performative::Transfer(transfer) => self.transfer(channel, &transfer),
            Performative::Disposition(disposition) => session.dispose(&disposition, &mut self.context),
            Performative::Detach(handle) => {
                session.detached(handle, &mut self.out);
                Ok(())
            }
            Performative::End => {
                wire::end(&mut self.out, channel, None);
                if let Some(session) = self.sessions.remove(&channel) {
                    session.finish();
                }
                Ok(())
            }
            Performative::Open(_) | Performative::Begin(_) | Performative::Close => Ok(()),
        }
    }

    fn open(&mut self, open: &Open) {
        if let Some(host) = &open.hostname {
            self.context.host.clone_from(host);
        }
        self.context.max_frame = open.max_frame_size.clamp(MIN_FRAME, MAX_FRAME) as usize;
        self.peer_idle =
            open.idle_time_out.filter(|millis| *millis > 0).map(|millis| Duration::from_millis(millis.into()));
        self.say_open(open.channel_max.min(CHANNEL_MAX));
        self.phase = Phase::Open;
    }

    fn say_open(&mut self, channel_max: u16) {
        let idle = u32::try_from(IDLE.as_millis()).unwrap_or(u32::MAX);
        wire::open(&mut self.out, "iris-local", MAX_FRAME, channel_max, idle);
    }

    fn close(&mut self, error: Option<&Condition>) {
        if self.phase == Phase::Opening {
            self.say_open(CHANNEL_MAX);
            self.phase = Phase::Open;
        }
        if self.phase == Phase::Open {
            wire::close(&mut self.out, error);
        }
        self.phase = Phase::Closed;
        for session in std::mem::take(&mut self.sessions).into_values() {
            session.finish();
        }
    }

    fn fail(&mut self, error: &Error) {
        tracing::debug!(%error, "an AMQP connection is closed for a protocol error");
        self.close(Some(&Condition::new(error.condition, error.description.clone())));
    }

    /// The endpoint shuts down.
    pub(super) fn stop(&mut self) {
        self.close(Some(&Condition::new(condition::FORCED, "the endpoint is shutting down")));
    }

    /// The peer has been silent for too long.
    pub(super) fn give_up(&mut self) {
        self.close(Some(&Condition::new(condition::RESOURCE_LIMIT, "the connection was idle for too long")));
    }

    /// Whether nothing is left to do but to write the output and close.
    pub(super) fn finished(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// The interval at which the peer wants a sign of life.
    pub(super) fn heartbeat(&self) -> Option<Duration> {
        self.peer_idle.map(|idle| (idle / 2).max(Duration::from_millis(10)))
    }

    pub(super) fn beat(&mut self) {
        wire::empty_frame(&mut self.out);
    }

    /// How long the peer may be silent.
    pub(super) fn patience(&self) -> Option<Duration> {
        Some(if self.phase == Phase::Open { IDLE } else { OPENING })
    }

    /// When something has to be done without input: a wait for a session ends, or a grant expires.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let waits = self.sessions.values().filter_map(Session::next_deadline).min();
        let now = now();
        let expiry = self.context.grants.iter().map(|grant| grant.expires_at).filter(|at| *at < i64::MAX).min();
        let expiry = expiry.map(|at| {
            let millis = u64::try_from(at.saturating_sub(now)).unwrap_or(0).min(86_400_000);
            Instant::now() + Duration::from_millis(millis)
        });
        waits.into_iter().chain(expiry).min()
    }

    /// Detaches links whose grant has expired.
    pub(super) fn check_grants(&mut self) {
        let now = now();
        let before = self.context.grants.len();
        self.context.grants.retain(|grant| grant.expires_at > now);
        if self.context.grants.len() < before {
            for session in self.sessions.values_mut() {
                session.check_grants(&self.context, &mut self.out);
            }
        }
    }
}
