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
    /// Lower-case path and the right that is required; `None` for `$cbs`.
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
    /// The message whose frames are still arriving.
    pub(super) partial: Option<Partial>,
    /// Woken when a full queue has room.
    pub(super) waiter: Arc<Waiter>,
    /// Credit is withheld until then.
    pub(super) held_back: bool,
    /// The peer sends its deliveries pre-settled.
    pub(super) settled: bool,
}

/// The destination of what arrives on an inlet.
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
    /// More arrived than a message may have; nothing of it is kept.
    pub(super) too_large: bool,
}

/// A link the peer receives on.
pub(super) struct Outlet {
    pub(super) source: Source,
    pub(super) delivery_count: u32,
    pub(super) credit: u32,
    /// The peer waits to be told that its credit is used up.
    pub(super) drain: bool,
    /// Deliveries are settled as they are sent (receive and delete).
    pub(super) settled: bool,
    /// There was nothing to hand out; the waiter reports when there is.
    pub(super) idle: bool,
    pub(super) waiter: Arc<Waiter>,
    /// The peer's address of its end, which requests refer to.
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

/// An attach that is delayed until a session is free.
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

/// A message being sent, as far as the peer's window allows.
pub(super) struct Sending {
    pub(super) handle: u32,
    /// Known once the first frame has been sent.
    pub(super) delivery_id: Option<u32>,
    pub(super) tag: [u8; 16],
    pub(super) settled: bool,
    pub(super) payload: Vec<u8>,
    pub(super) sent: usize,
    /// The lock held for the peer, if it is to settle the message.
    pub(super) lock: Option<(Arc<Queue>, Uuid)>,
}

impl Link {
    /// Releases what the link holds. Locks of messages that were handed out stay, because they can still be settled
    /// through `$management`.
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
    /// Returns a message that never reached the peer.
    pub(super) fn give_back(self) {
        if let (Some((queue, token)), None) = (self.lock, self.delivery_id) {
            // The lock may have expired; then there is nothing to return.
            let _ = queue.run(|state, _| state.release(token)).0;
        }
    }
}
