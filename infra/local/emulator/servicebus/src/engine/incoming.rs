//! What peers send.

use super::attach::{CREDIT, MAX_MESSAGE, refusal};
use super::link::{End, Inlet, Node, Partial};
use super::machine::{Context, Machine};
use super::reply::Reply;
use super::session::Session;
use crate::broker::{self, Position};
use crate::message::Encoded;
use crate::wire::{self, Condition, Error, Raw, Transfer, condition};

/// Format of a batch: a message whose data sections each hold a message.
const BATCH: u32 = 0x8001_3700;

/// A message that has arrived completely.
struct Arrived<'a> {
    delivery_id: u32,
    format: u32,
    settled: bool,
    bytes: &'a [u8],
}

impl Machine {
    pub(super) fn transfer(&mut self, channel: u16, transfer: &Transfer<'_>) -> Result<(), Error> {
        let Self { sessions, context, out, .. } = self;
        let Some(session) = sessions.get_mut(&channel) else { return Ok(()) };
        session.count_transfer(out)?;
        let handle = transfer.handle;
        if session.is_leaving(handle) {
            return Ok(());
        }
        let inlet = match session.links.get_mut(&handle).map(|link| &mut link.end) {
            Some(End::In(inlet)) => inlet,
            Some(End::Out(_)) => {
                return Err(Error::new(condition::NOT_ALLOWED, "transfer on a link the peer receives on"));
            }
            None => return Err(Error::new(condition::UNATTACHED_HANDLE, "transfer on a handle that is not attached")),
        };
        if transfer.aborted {
            inlet.partial = None;
            inlet.count();
            return Ok(());
        }
        if inlet.partial.is_none() && inlet.credit == 0 {
            let error = Condition::new(condition::TRANSFER_LIMIT, "more messages than there was credit for");
            session.expel(handle, &error, out);
            return Ok(());
        }
        let mut partial = match inlet.partial.take() {
            Some(partial) => partial,
            None => {
                let Some(delivery_id) = transfer.delivery_id else {
                    return Err(Error::new(
                        condition::INVALID_FIELD,
                        "the first transfer of a delivery needs a delivery-id",
                    ));
                };
                let settled = transfer.settled.unwrap_or(inlet.settled);
                let format = transfer.message_format.unwrap_or(0);
                Partial { delivery_id, format, settled, bytes: Vec::new(), too_large: false }
            }
        };
        let length = partial.bytes.len() as u64 + transfer.payload.len() as u64;
        if partial.too_large || length > MAX_MESSAGE {
            // The rest is read and discarded, so that the delivery can be rejected with the reason: if the link were
            // detached instead, Python's client would only say "not delivered".
            partial.too_large = true;
            partial.bytes = Vec::new();
        }
        // The usual message comes in one frame and is parsed in place.
        let bytes: &[u8] = if partial.too_large {
            partial.settled |= transfer.settled.unwrap_or(false);
            &[]
        } else if partial.bytes.is_empty() && !transfer.more {
            transfer.payload
        } else {
            partial.bytes.extend_from_slice(transfer.payload);
            partial.settled |= transfer.settled.unwrap_or(false);
            &partial.bytes
        };
        if transfer.more {
            inlet.partial = Some(partial);
            return Ok(());
        }
        inlet.count();
        let node = inlet.node.clone();
        let arrived =
            Arrived { delivery_id: partial.delivery_id, format: partial.format, settled: partial.settled, bytes };
        let (outcome, position) = match &node {
            _ if partial.too_large => (Raw::Rejected(Some(too_large())), Position::default()),
            Node::Entity(entity) => take_messages(context, entity, &arrived),
            Node::Cbs | Node::Management(_) => (self.take_request(channel, &node, arrived.bytes), Position::default()),
        };
        if !arrived.settled {
            let reply = Reply::Outcome { channel, receiver: true, delivery_id: arrived.delivery_id, outcome };
            self.context.replies.push(position, reply);
        }
        if let Some(session) = self.sessions.get_mut(&channel) {
            session.top_up(handle, &self.context, &mut self.out);
        }
        Ok(())
    }

    fn take_request(&mut self, channel: u16, node: &Node, bytes: &[u8]) -> Raw {
        match Encoded::parse(bytes) {
            Ok(message) => {
                self.request(channel, node, &message);
                Raw::Accepted
            }
            Err(error) => Raw::Rejected(Some(refusal(&error.into()))),
        }
    }
}

fn too_large() -> Condition {
    Condition::new(condition::MESSAGE_SIZE, format!("The message exceeds the limit of {MAX_MESSAGE} bytes."))
}

fn take_messages(context: &Context, entity: &str, arrived: &Arrived<'_>) -> (Raw, Position) {
    let taken = decode(arrived).map_err(broker::Error::from).and_then(|messages| {
        let entity = context.broker.inner().entity(entity)?;
        context.broker.inner().send(&entity, messages)
    });
    match taken {
        Ok(position) => (Raw::Accepted, position),
        Err(error) => (Raw::Rejected(Some(context.refusal(&error))), Position::default()),
    }
}

fn decode(arrived: &Arrived<'_>) -> Result<Vec<Encoded>, crate::message::Error> {
    if arrived.format == BATCH { wire::batch(arrived.bytes) } else { Ok(vec![Encoded::parse(arrived.bytes)?]) }
}

impl Inlet {
    /// Counts a delivery.
    fn count(&mut self) {
        self.credit = self.credit.saturating_sub(1);
        self.delivery_count = self.delivery_count.wrapping_add(1);
    }
}

impl Session {
    /// Gives a sender new credit when half is used, unless the queue is full.
    pub(super) fn top_up(&mut self, handle: u32, context: &Context, out: &mut Vec<u8>) {
        let Some(End::In(inlet)) = self.links.get_mut(&handle).map(|link| &mut link.end) else { return };
        let (full, room) = match &inlet.node {
            Node::Entity(entity) if inlet.credit < CREDIT / 2 => {
                let inner = context.broker.inner();
                let queues = inner.entity(entity).map(|entity| inner.destinations(&entity)).unwrap_or_default();
                (CREDIT, queues.iter().all(|queue| queue.has_room(&inlet.waiter)))
            }
            Node::Entity(_) => return,
            Node::Cbs | Node::Management(_) => (CREDIT / 10, true),
        };
        inlet.held_back = !room;
        if room && inlet.credit < full / 2 {
            inlet.credit = full;
            let state = (handle, inlet.delivery_count, inlet.credit);
            self.say_flow(Some(state), false, out);
        }
    }
}
