//! Sessions: windows, and the links of a session.

use super::link::{End, Link, Outlet, Sending, Source, Unsettled};
use super::machine::{Context, HANDLE_MAX};
use crate::wire::{self, Begin, Condition, Error, Flow, FlowOut, condition};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Transfer frames that a peer may send before the window is widened.
pub(super) const WINDOW: u32 = 5000;

/// How long a client gets to react to a refused attach before it gets the reason.
const REFUSAL_DELAY: Duration = Duration::from_millis(25);

pub(super) struct Session {
    pub(super) channel: u16,
    /// The peer's next transfer, and how many it may still send.
    next_incoming_id: u32,
    incoming_window: u32,
    /// Our next transfer, and how many the peer still accepts.
    pub(super) next_outgoing_id: u32,
    pub(super) remote_window: u32,
    pub(super) next_delivery_id: u32,
    pub(super) links: BTreeMap<u32, Link>,
    /// Handles that we have detached but the peer has not yet: frames on them are late.
    leaving: BTreeSet<u32>,
    /// Refused links that are about to be detached.
    refused: BTreeMap<u32, (Instant, Condition)>,
    pub(super) unsettled: BTreeMap<u32, Unsettled>,
    pub(super) sending: VecDeque<Sending>,
}

impl Session {
    pub(super) fn begin(channel: u16, begin: &Begin, out: &mut Vec<u8>) -> Self {
        wire::begin(out, channel, WINDOW, HANDLE_MAX);
        Self {
            channel,
            next_incoming_id: begin.next_outgoing_id,
            incoming_window: WINDOW,
            next_outgoing_id: 0,
            remote_window: begin.incoming_window,
            next_delivery_id: 0,
            links: BTreeMap::new(),
            leaving: BTreeSet::new(),
            refused: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            sending: VecDeque::new(),
        }
    }

    /// Counts a transfer frame of the peer and widens the window again in time.
    pub(super) fn count_transfer(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.incoming_window == 0 {
            return Err(Error::new(condition::WINDOW_VIOLATION, "more transfers than the window allows"));
        }
        self.incoming_window -= 1;
        self.next_incoming_id = self.next_incoming_id.wrapping_add(1);
        if self.incoming_window < WINDOW / 2 {
            self.incoming_window = WINDOW;
            self.say_flow(None, false, out);
        }
        Ok(())
    }

    /// Reports the state of the session, and of a link (handle, delivery-count, credit).
    pub(super) fn say_flow(&self, link: Option<(u32, u32, u32)>, drain: bool, out: &mut Vec<u8>) {
        let flow = FlowOut {
            next_incoming_id: self.next_incoming_id,
            incoming_window: self.incoming_window,
            next_outgoing_id: self.next_outgoing_id,
            outgoing_window: WINDOW,
            link,
            drain,
        };
        wire::flow(out, self.channel, &flow);
    }

    pub(super) fn flow(&mut self, flow: &Flow, out: &mut Vec<u8>) -> Result<(), Error> {
        // The peer's window counts from what it has seen; frames under way reduce it.
        let seen = flow.next_incoming_id.unwrap_or(0);
        let under_way = self.next_outgoing_id.wrapping_sub(seen);
        self.remote_window = flow.incoming_window.saturating_sub(under_way);
        let Some(handle) = flow.handle else {
            if flow.echo {
                self.say_flow(None, false, out);
            }
            return Ok(());
        };
        if self.is_leaving(handle) {
            return Ok(());
        }
        let state = match self.links.get_mut(&handle).map(|link| &mut link.end) {
            Some(End::Out(outlet)) => {
                if let Some(credit) = flow.link_credit {
                    let seen = flow.delivery_count.unwrap_or(0);
                    let under_way = outlet.delivery_count.wrapping_sub(seen);
                    outlet.credit = credit.saturating_sub(under_way);
                    outlet.idle = false;
                }
                outlet.drain = flow.drain;
                (handle, outlet.delivery_count, outlet.credit)
            }
            // Python's client sends credit on links on which it is the sender.
            Some(End::In(inlet)) => (handle, inlet.delivery_count, inlet.credit),
            None => return Err(Error::new(condition::UNATTACHED_HANDLE, "flow for a handle that is not attached")),
        };
        if flow.echo && !flow.drain {
            self.say_flow(Some(state), false, out);
        }
        Ok(())
    }

    /// The peer detaches a link.
    pub(super) fn detached(&mut self, handle: u32, out: &mut Vec<u8>) {
        if let Some((_, error)) = self.refused.remove(&handle) {
            wire::detach(out, self.channel, handle, Some(&error));
            return;
        }
        if self.leaving.remove(&handle) || !self.links.contains_key(&handle) {
            return;
        }
        self.drop_link(handle);
        wire::detach(out, self.channel, handle, None);
    }

    /// We detach a link.
    pub(super) fn expel(&mut self, handle: u32, error: &Condition, out: &mut Vec<u8>) {
        self.drop_link(handle);
        self.leaving.insert(handle);
        wire::detach(out, self.channel, handle, Some(error));
    }

    /// A link that was attached without source and target is detached with the reason a moment later. A client that
    /// sees both frames at once may answer twice (fe2o3-amqp does), and its second detach would hit whatever it
    /// attaches next.
    pub(super) fn detach_soon(&mut self, handle: u32, error: Condition) {
        self.refused.insert(handle, (Instant::now() + REFUSAL_DELAY, error));
    }

    /// Detaches refused links whose delay is over.
    pub(super) fn detach_refused(&mut self, out: &mut Vec<u8>) {
        let now = Instant::now();
        let due: Vec<u32> = self.refused.iter().filter(|(_, (at, _))| *at <= now).map(|(handle, _)| *handle).collect();
        for handle in due {
            if let Some((_, error)) = self.refused.remove(&handle) {
                wire::detach(out, self.channel, handle, Some(&error));
                self.leaving.insert(handle);
            }
        }
    }

    /// Whether frames on a handle are late and to be ignored.
    pub(super) fn is_leaving(&self, handle: u32) -> bool {
        self.leaving.contains(&handle) || self.refused.contains_key(&handle)
    }

    /// Whether a handle may be attached to.
    pub(super) fn is_free(&self, handle: u32) -> bool {
        !self.links.contains_key(&handle) && !self.refused.contains_key(&handle)
    }

    fn drop_link(&mut self, handle: u32) {
        let (own, others): (Vec<Sending>, Vec<Sending>) =
            std::mem::take(&mut self.sending).into_iter().partition(|sending| sending.handle == handle);
        // A message whose first frames were sent must be finished, or the peer would wait for the rest forever; the
        // detach tells it so.
        own.into_iter().for_each(Sending::give_back);
        self.sending = others.into();
        self.unsettled.retain(|_, delivery| delivery.handle != handle);
        if let Some(link) = self.links.remove(&handle) {
            link.finish();
        }
    }

    /// The session is over.
    pub(super) fn finish(self) {
        self.sending.into_iter().for_each(Sending::give_back);
        self.links.values().for_each(Link::finish);
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let waits = self.links.values().filter_map(|link| waiting_until(&link.end));
        waits.chain(self.refused.values().map(|(at, _)| *at)).min()
    }

    /// Detaches links whose grant has expired.
    pub(super) fn check_grants(&mut self, context: &Context, out: &mut Vec<u8>) {
        let stranded: Vec<u32> = self
            .links
            .iter()
            .filter(|(_, link)| link.needs.as_ref().is_some_and(|(path, right)| !context.may(path, *right)))
            .map(|(handle, _)| *handle)
            .collect();
        for handle in stranded {
            self.expel(handle, &Condition::new(condition::UNAUTHORIZED, "the token has expired"), out);
        }
    }
}

fn waiting_until(end: &End) -> Option<Instant> {
    match end {
        End::Out(Outlet { source: Source::Waiting(waiting), .. }) => Some(waiting.until),
        _ => None,
    }
}
