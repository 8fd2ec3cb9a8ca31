//! Performatives, encoded. Every field is written.

use super::decode::{FILTER_FIELD, descriptor};
use super::frame::{FrameKind, frame};
use super::outcome::{Condition, descriptor as state};
use crate::codec::{Reader, Value, Writer};

/// A delivery state to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Raw {
    Accepted,
    /// An error here means failure to both SDKs; a confirmed dead-lettering has none.
    Rejected(Option<Condition>),
    Released,
    Modified {
        undeliverable_here: bool,
    },
}

impl Raw {
    fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Accepted => out.composite(state::ACCEPTED, |_| ()),
            Self::Released => out.composite(state::RELEASED, |_| ()),
            Self::Rejected(error) => out.composite(state::REJECTED, |fields| match error {
                Some(error) => error.write(fields),
                None => fields.null(),
            }),
            Self::Modified { undeliverable_here } => out.composite(state::MODIFIED, |fields| {
                fields.bool(!undeliverable_here);
                fields.bool(*undeliverable_here);
                fields.null();
            }),
        }
    }
}

fn performative(out: &mut Vec<u8>, channel: u16, code: u64, fill: impl FnOnce(&mut Writer<'_>)) {
    frame(out, FrameKind::Amqp, channel, |body| Writer::new(body).composite(code, fill));
}

pub(crate) fn open(out: &mut Vec<u8>, container: &str, max_frame_size: u32, channel_max: u16, idle_time_out: u32) {
    performative(out, 0, descriptor::OPEN, |fields| {
        fields.string(container);
        fields.null(); // hostname
        fields.uint(max_frame_size);
        fields.ushort(channel_max);
        fields.uint(idle_time_out);
        fields.null(); // outgoing-locales
        fields.null(); // incoming-locales
        fields.null(); // offered-capabilities
        fields.null(); // desired-capabilities
        fields.null(); // properties
    });
}

pub(crate) fn begin(out: &mut Vec<u8>, channel: u16, window: u32, handle_max: u32) {
    performative(out, channel, descriptor::BEGIN, |fields| {
        fields.ushort(channel); // remote-channel: the peer's own
        fields.uint(0); // next-outgoing-id
        fields.uint(window); // incoming-window
        fields.uint(window); // outgoing-window
        fields.uint(handle_max);
        fields.null(); // offered-capabilities
        fields.null(); // desired-capabilities
        fields.null(); // properties
    });
}

/// The answer to an attach.
pub(crate) struct AttachReply<'a> {
    pub(crate) name: &'a str,
    pub(crate) handle: u32,
    /// We receive on this link.
    pub(crate) receiver: bool,
    pub(crate) snd_settle_mode: Option<u8>,
    pub(crate) rcv_settle_mode: Option<u8>,
    /// Encoded; `None` refuses the link.
    pub(crate) source: Option<&'a [u8]>,
    /// Encoded; `None` refuses the link.
    pub(crate) target: Option<&'a [u8]>,
    pub(crate) max_message_size: u64,
    /// End of the session's lock, in .NET ticks.
    pub(crate) locked_until: Option<i64>,
}

pub(crate) fn attach(out: &mut Vec<u8>, channel: u16, reply: &AttachReply<'_>) {
    performative(out, channel, descriptor::ATTACH, |fields| {
        fields.string(reply.name);
        fields.uint(reply.handle);
        fields.bool(reply.receiver);
        for mode in [reply.snd_settle_mode, reply.rcv_settle_mode] {
            match mode {
                Some(mode) => fields.ubyte(mode),
                None => fields.null(),
            }
        }
        for terminus in [reply.source, reply.target] {
            match terminus {
                Some(raw) => fields.encoded(raw),
                None => fields.null(),
            }
        }
        fields.null(); // unsettled
        fields.null(); // incomplete-unsettled
        fields.optional_uint((!reply.receiver).then_some(0)); // initial-delivery-count
        fields.ulong(reply.max_message_size);
        fields.null(); // offered-capabilities
        fields.null(); // desired-capabilities
        match reply.locked_until {
            Some(ticks) => fields.map(|map| {
                map.symbol("com.microsoft:locked-until-utc");
                map.long(ticks);
            }),
            None => fields.null(),
        }
    });
}

/// A terminus to echo: as the peer wrote it, or an empty one if it wrote none.
pub(crate) fn terminus_or_empty(raw: Option<&[u8]>, source: bool) -> Vec<u8> {
    match raw {
        Some(raw) => raw.to_vec(),
        None => {
            let mut out = Vec::new();
            let (code, fields) = if source { (0x28, 11) } else { (0x29, 7) };
            Writer::new(&mut out).composite(code, |list| (0..fields).for_each(|_| list.null()));
            out
        }
    }
}

/// Name of the filter that asks for a session.
pub(crate) const SESSION_FILTER: &str = "com.microsoft:session-filter";

/// A source whose filter names the session that was actually assigned.
pub(crate) fn source_with_session(raw: &[u8], session: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + session.len() + 64);
    let Ok((Some(code), Value::List(elements))) = Reader::new(raw).described() else { return raw.to_vec() };
    let mut reader = elements.reader();
    Writer::new(&mut out).composite(code, |list| {
        for index in 0..elements.count() as usize {
            let Ok(field) = reader.raw() else { return };
            if index == FILTER_FIELD {
                list.map(|map| {
                    map.symbol(SESSION_FILTER);
                    map.string(session);
                });
            } else {
                list.encoded(field);
            }
        }
    });
    out
}

/// A flow; without a handle it concerns only the session.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FlowOut {
    pub(crate) next_incoming_id: u32,
    pub(crate) incoming_window: u32,
    pub(crate) next_outgoing_id: u32,
    pub(crate) outgoing_window: u32,
    /// Handle, delivery-count, link-credit.
    pub(crate) link: Option<(u32, u32, u32)>,
    pub(crate) drain: bool,
}

pub(crate) fn flow(out: &mut Vec<u8>, channel: u16, flow: &FlowOut) {
    performative(out, channel, descriptor::FLOW, |fields| {
        fields.uint(flow.next_incoming_id);
        fields.uint(flow.incoming_window);
        fields.uint(flow.next_outgoing_id);
        fields.uint(flow.outgoing_window);
        fields.optional_uint(flow.link.map(|link| link.0));
        fields.optional_uint(flow.link.map(|link| link.1));
        fields.optional_uint(flow.link.map(|link| link.2));
        fields.null(); // available
        fields.bool(flow.drain);
        fields.bool(false); // echo
        fields.null(); // properties
    });
}

/// A transfer frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TransferOut<'a> {
    pub(crate) handle: u32,
    pub(crate) delivery_id: u32,
    pub(crate) tag: &'a [u8],
    pub(crate) settled: bool,
    pub(crate) more: bool,
}

pub(crate) fn transfer(out: &mut Vec<u8>, channel: u16, transfer: &TransferOut<'_>, payload: &[u8]) {
    frame(out, FrameKind::Amqp, channel, |body| {
        Writer::new(body).composite(descriptor::TRANSFER, |fields| {
            fields.uint(transfer.handle);
            fields.uint(transfer.delivery_id);
            fields.binary(transfer.tag);
            fields.uint(0); // message-format
            fields.bool(transfer.settled);
            fields.bool(transfer.more);
            fields.null(); // rcv-settle-mode
            fields.null(); // state
            fields.bool(false); // resume
            fields.bool(false); // aborted
            fields.bool(false); // batchable
        });
        body.extend_from_slice(payload);
    });
}

/// A settled disposition; `receiver`: about deliveries we received.
pub(crate) fn disposition(out: &mut Vec<u8>, channel: u16, receiver: bool, first: u32, last: u32, outcome: &Raw) {
    performative(out, channel, descriptor::DISPOSITION, |fields| {
        fields.bool(receiver);
        fields.uint(first);
        fields.uint(last);
        fields.bool(true); // settled
        outcome.write(fields);
        fields.bool(false); // batchable
    });
}

pub(crate) fn detach(out: &mut Vec<u8>, channel: u16, handle: u32, error: Option<&Condition>) {
    performative(out, channel, descriptor::DETACH, |fields| {
        fields.uint(handle);
        fields.bool(true); // closed
        put_error(fields, error);
    });
}

pub(crate) fn end(out: &mut Vec<u8>, channel: u16, error: Option<&Condition>) {
    performative(out, channel, descriptor::END, |fields| put_error(fields, error));
}

pub(crate) fn close(out: &mut Vec<u8>, error: Option<&Condition>) {
    performative(out, 0, descriptor::CLOSE, |fields| put_error(fields, error));
}

fn put_error(fields: &mut Writer<'_>, error: Option<&Condition>) {
    match error {
        Some(error) => error.write(fields),
        None => fields.null(),
    }
}

pub(crate) fn sasl_mechanisms(out: &mut Vec<u8>, mechanisms: &[&str]) {
    frame(out, FrameKind::Sasl, 0, |body| {
        Writer::new(body).composite(descriptor::SASL_MECHANISMS, |fields| fields.symbols(mechanisms));
    });
}

pub(crate) fn sasl_outcome(out: &mut Vec<u8>, welcome: bool) {
    frame(out, FrameKind::Sasl, 0, |body| {
        Writer::new(body).composite(descriptor::SASL_OUTCOME, |fields| {
            fields.ubyte(u8::from(!welcome));
            fields.null();
        });
    });
}
