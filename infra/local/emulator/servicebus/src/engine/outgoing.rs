//! Handing messages out.

use super::connection::MUCH_OUTPUT;
use super::link::{End, Outlet, Sending, Source, Unsettled};
use super::machine::{Context, Machine};
use super::session::Session;
use crate::broker::{Error as BrokerError, Interest, Taken};
use crate::wire::{self, Condition, TransferOut, condition, put_delivery};
use tokio::time::Instant;
use uuid::Uuid;

/// Messages taken from a queue at a time.
const PORTION: u32 = 64;
/// Most bytes of a transfer frame that are not payload.
const FRAME_OVERHEAD: usize = 96;

/// The result of a turn at a link.
enum Turn {
    Nothing,
    Took,
    Expel(Condition),
}

impl Machine {
    /// Hands out messages as far as credit, window and room allow.
    pub(super) fn pump(&mut self) {
        let Self { sessions, context, out, .. } = self;
        for session in sessions.values_mut() {
            session.wake(context, out);
            while out.len() < MUCH_OUTPUT {
                session.flush(context, out);
                if !session.sending.is_empty() || !session.take_turns(out) {
                    break;
                }
            }
            session.drain(out);
        }
    }
}

impl Session {
    /// Attends to links that waited: for messages, for room, for a session.
    fn wake(&mut self, context: &Context, out: &mut Vec<u8>) {
        self.detach_refused(out);
        let mut room = Vec::new();
        let mut waiting = Vec::new();
        for (handle, link) in &mut self.links {
            match &mut link.end {
                End::In(inlet) if inlet.held_back && inlet.waiter.take_woken() => room.push(*handle),
                End::Out(Outlet { source: Source::Waiting(wait), waiter, .. })
                    if waiter.take_woken() || wait.until <= Instant::now() =>
                {
                    waiting.push(*handle);
                }
                End::Out(outlet) if outlet.waiter.take_woken() => outlet.idle = false,
                _ => {}
            }
        }
        for handle in room {
            self.top_up(handle, context, out);
        }
        for handle in waiting {
            self.try_session(handle, out);
        }
    }

    /// Tries again to give a waiting link the next session.
    fn try_session(&mut self, handle: u32, out: &mut Vec<u8>) {
        let Some(mut link) = self.links.remove(&handle) else { return };
        let End::Out(outlet) = &mut link.end else { return };
        let placeholder = Source::Answers { node: String::new(), outbox: std::collections::VecDeque::new() };
        let Source::Waiting(waiting) = std::mem::replace(&mut outlet.source, placeholder) else { return };
        let (queue, until) = (waiting.queue.clone(), waiting.until);
        match self.attach_to_session(&link.name, handle, *waiting, None, &outlet.waiter, out) {
            Ok(Source::Waiting(_)) if until <= Instant::now() => {
                queue.forget(&outlet.waiter);
                let error = Condition::new(condition::TIMEOUT, "no session became available in time");
                self.refuse(&link.name, handle, false, error, out);
            }
            Ok(source) => {
                outlet.source = source;
                self.links.insert(handle, link);
            }
            Err(error) => self.refuse(&link.name, handle, false, error, out),
        }
    }

    /// Takes a portion for each link that has credit; returns whether any took something.
    fn take_turns(&mut self, out: &mut Vec<u8>) -> bool {
        let handles: Vec<u32> = self.links.keys().copied().collect();
        let mut took = false;
        for handle in handles {
            match self.take_turn(handle) {
                Turn::Nothing => {}
                Turn::Took => took = true,
                Turn::Expel(error) => self.expel(handle, &error, out),
            }
        }
        took
    }

    fn take_turn(&mut self, handle: u32) -> Turn {
        let Self { links, sending, .. } = self;
        let Some(End::Out(outlet)) = links.get_mut(&handle).map(|link| &mut link.end) else { return Turn::Nothing };
        if outlet.credit == 0 || outlet.idle {
            return Turn::Nothing;
        }
        let before = sending.len();
        match &mut outlet.source {
            Source::Waiting(_) => return Turn::Nothing,
            Source::Answers { outbox, .. } => {
                while let (true, Some(payload)) = (outlet.credit > 0, outbox.pop_front()) {
                    outlet.credit -= 1;
                    outlet.delivery_count = outlet.delivery_count.wrapping_add(1);
                    let tag = Uuid::new_v4().to_bytes_le();
                    sending.push_back(Sending {
                        handle,
                        delivery_id: None,
                        tag,
                        settled: true,
                        payload,
                        sent: 0,
                        lock: None,
                    });
                }
            }
            Source::Queue { queue, session } => {
                let wanted = outlet.credit.min(PORTION);
                let lock = !outlet.settled;
                let (taken, _) = queue.run_waiting(Interest::Arrivals(&outlet.waiter), |state, now| {
                    let held = session.as_ref().map(|held| (&*held.id, held.holder));
                    if let Some(Err(error)) = held.map(|(id, holder)| state.check_session(id, holder)) {
                        return (Err(error), false);
                    }
                    let taken = state.take(wanted as usize, held.map(|(id, _)| id), lock, now);
                    let fewer = taken.len() < wanted as usize;
                    (Ok(taken), fewer)
                });
                let taken: Vec<Taken> = match taken {
                    Ok(taken) => taken,
                    Err(error) => return Turn::Expel(lost(&error)),
                };
                let count = u32::try_from(taken.len()).unwrap_or(wanted);
                outlet.idle = count < wanted;
                outlet.credit = outlet.credit.saturating_sub(count);
                outlet.delivery_count = outlet.delivery_count.wrapping_add(count);
                for message in taken {
                    let mut payload = Vec::with_capacity(message.message.bytes().len() + 256);
                    put_delivery(&mut payload, &message);
                    // The token in .NET's byte order: the first three groups are little-endian.
                    let tag = if lock { message.token } else { Uuid::new_v4() }.to_bytes_le();
                    let lock = lock.then(|| (queue.clone(), message.token));
                    sending.push_back(Sending {
                        handle,
                        delivery_id: None,
                        tag,
                        settled: lock.is_none(),
                        payload,
                        sent: 0,
                        lock,
                    });
                }
            }
        }
        if sending.len() > before { Turn::Took } else { Turn::Nothing }
    }

    /// Writes frames of the messages being sent, as far as the peer's window allows.
    fn flush(&mut self, context: &Context, out: &mut Vec<u8>) {
        let room = context.max_frame - FRAME_OVERHEAD;
        while let Some(current) = self.sending.front_mut() {
            if self.remote_window == 0 || out.len() >= MUCH_OUTPUT {
                return;
            }
            let delivery_id = match current.delivery_id {
                Some(id) => id,
                None => {
                    let id = self.next_delivery_id;
                    self.next_delivery_id = id.wrapping_add(1);
                    current.delivery_id = Some(id);
                    if let Some((queue, token)) = current.lock.clone() {
                        self.unsettled.insert(id, Unsettled { handle: current.handle, queue, token });
                    }
                    id
                }
            };
            let rest = current.payload.get(current.sent..).unwrap_or_default();
            let part = rest.get(..room).unwrap_or(rest);
            let more = part.len() < rest.len();
            let head =
                TransferOut { handle: current.handle, delivery_id, tag: &current.tag, settled: current.settled, more };
            wire::transfer(out, self.channel, &head, part);
            current.sent += part.len();
            self.next_outgoing_id = self.next_outgoing_id.wrapping_add(1);
            self.remote_window -= 1;
            if !more {
                self.sending.pop_front();
            }
        }
    }

    /// Tells peers that wait for it that their credit is used up: the rest counts as delivered.
    fn drain(&mut self, out: &mut Vec<u8>) {
        if !self.sending.is_empty() {
            return;
        }
        let mut drained = Vec::new();
        for (handle, link) in &mut self.links {
            let End::Out(outlet) = &mut link.end else { continue };
            let exhausted = outlet.credit == 0 || outlet.idle || matches!(outlet.source, Source::Answers { .. });
            if outlet.drain && exhausted {
                outlet.drain = false;
                outlet.delivery_count = outlet.delivery_count.wrapping_add(outlet.credit);
                outlet.credit = 0;
                drained.push((*handle, outlet.delivery_count, 0));
            }
        }
        for state in drained {
            self.say_flow(Some(state), true, out);
        }
    }
}

fn lost(error: &BrokerError) -> Condition {
    super::attach::refusal(error)
}
