//! Links: what a peer attached to.

use crate::access::Right;
use crate::broker::{Queue, Waiter};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::Instant;
use uuid::Uuid;

/// One link, either way.
pub(super) struct Link {
    pub(super) name: String,
    /// Lower-case path and the right it needs; none for `$cbs`.
    pub(super) needs: Option<(String, Right)>,
    pub(super) end: End,
}

/// Which end we are.
pub(super) enum End {
    In(Inlet),
    Out(Outlet),
}

/// A link the peer sends on.
pub(super) struct Inlet {
    pub(super) node: Node,
    pub(super) delivery_count: u32,
    pub(super) credit: u32,
    /// The message whose frames are still coming.
    pub(super) partial: Option<Partial>,
    /// Woken when a full queue has room.
    pub(super) waiter: Arc<Waiter>,
    /// Credit is held back until then.
    pub(super) held_back: bool,
    /// The peer settles its deliveries itself.
    pub(super) settled: bool,
}

/// Where what arrives on an inlet goes.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// An entity, by name.
    Entity(String),
    Cbs,
    /// An entity's `$management`.
    Management(String),
}

/// A message in several frames.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) delivery_id: u32,
    pub(super) format: u32,
    pub(super) settled: bool,
    pub(super) bytes: Vec<u8>,
    /// More came than a message may have; nothing is kept of it.
    pub(super) too_large: bool,
}

/// A link the peer receives on.
pub(super) struct Outlet {
    pub(super) source: Source,
    pub(super) delivery_count: u32,
    pub(super) credit: u32,
    /// The peer waits to hear that its credit is used up.
    pub(super) drain: bool,
    /// Deliveries are settled as they are sent (receive and delete).
    pub(super) settled: bool,
    /// There was nothing to hand out; the waiter tells when there is.
    pub(super) idle: bool,
    pub(super) waiter: Arc<Waiter>,
    /// Address the peer gave its end, by which requests name it.
    pub(super) target: Option<String>,
}

/// What an outlet hands out.
pub(super) enum Source {
    Queue {
        queue: Arc<Queue>,
        session: Option<Held>,
    },
    /// Not attached yet: no session is free.
    Waiting(Box<Waiting>),
    /// Answers of a node.
    Answers {
        node: String,
        outbox: VecDeque<Vec<u8>>,
    },
}

/// A session's lock.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) id: Arc<str>,
    pub(super) holder: Uuid,
}

/// An attach that is held back until a session is free.
pub(super) struct Waiting {
    pub(super) queue: Arc<Queue>,
    pub(super) until: Instant,
    pub(super) snd_settle_mode: Option<u8>,
    pub(super) rcv_settle_mode: Option<u8>,
    pub(super) source: Vec<u8>,
    pub(super) target: Vec<u8>,
}

/// A delivery the peer has not settled.
pub(super) struct Unsettled {
    pub(super) handle: u32,
    pub(super) queue: Arc<Queue>,
    pub(super) token: Uuid,
}

/// A message on its way out, as far as the peer's window allowed.
pub(super) struct Sending {
    pub(super) handle: u32,
    /// Known once the first frame is out.
    pub(super) delivery_id: Option<u32>,
    pub(super) tag: [u8; 16],
    pub(super) settled: bool,
    pub(super) payload: Vec<u8>,
    pub(super) sent: usize,
    /// What is locked for the peer, when it is to settle it.
    pub(super) lock: Option<(Arc<Queue>, Uuid)>,
}

impl Link {
    /// Gives back what the link holds. Locks of messages that were handed out stay: they may still be settled through
    /// `$management`.
    pub(super) fn finish(&self) {
        match &self.end {
            End::Out(Outlet { source: Source::Queue { queue, session }, waiter, .. }) => {
                queue.forget(waiter);
                if let Some(held) = session {
                    queue.run(|state, _| state.close_session(&held.id, held.holder));
                }
            }
            End::Out(Outlet { source: Source::Waiting(waiting), waiter, .. }) => waiting.queue.forget(waiter),
            End::Out(_) | End::In(_) => {}
        }
    }
}

impl Sending {
    /// Gives a message back that the peer never got.
    pub(super) fn give_back(self) {
        if let (Some((queue, token)), None) = (self.lock, self.delivery_id) {
            // The lock may have run out by itself; then there is nothing to give back.
            let _ = queue.run(|state, _| state.release(token)).0;
        }
    }
}
