//! Answers that wait for the disk.
//!
//! Acknowledgements, confirmed settlements and responses are sent in the order of their causes, each only when what it
//! confirms is durable.

use super::attach::refusal;
use super::link::{End, Outlet, Source};
use super::machine::Machine;
use crate::broker::{self, Position};
use crate::wire::{self, Raw};
use std::collections::VecDeque;

/// What a peer is told.
#[derive(Debug)]
pub(super) enum Reply {
    /// The outcome of a delivery. `receiver`: the peer sent it.
    Outcome { channel: u16, receiver: bool, delivery_id: u32, outcome: Raw },
    /// The response to a request, and the link it goes out on.
    Response { channel: u16, handle: u32, bytes: Vec<u8> },
}

#[derive(Debug, Default)]
pub(super) struct Replies {
    waiting: VecDeque<(Position, Reply)>,
}

impl Replies {
    pub(super) fn push(&mut self, position: Position, reply: Reply) {
        self.waiting.push_back((position, reply));
    }
}

/// Consecutive deliveries with the same outcome share a frame.
struct Run {
    channel: u16,
    receiver: bool,
    first: u32,
    last: u32,
    outcome: Raw,
}

impl Machine {
    pub(super) fn awaits_commit(&self) -> bool {
        !self.context.replies.waiting.is_empty()
    }

    /// Sends the replies that are durable by now.
    pub(super) fn flush_replies(&mut self) {
        let committed = self.context.broker.committed_now();
        let mut run: Option<Run> = None;
        while let Some((position, reply)) = self.context.replies.waiting.pop_front() {
            let durable = match &committed {
                Ok(committed) => position <= *committed,
                Err(_) => true,
            };
            if !durable {
                self.context.replies.waiting.push_front((position, reply));
                break;
            }
            match reply {
                Reply::Outcome { channel, receiver, delivery_id, outcome } => {
                    let outcome = match &committed {
                        Err(error) => failed(outcome, error),
                        Ok(_) => outcome,
                    };
                    match &mut run {
                        Some(run)
                            if run.channel == channel
                                && run.receiver == receiver
                                && run.last.wrapping_add(1) == delivery_id
                                && run.outcome == outcome =>
                        {
                            run.last = delivery_id;
                        }
                        _ => {
                            self.say_run(run.take());
                            run = Some(Run { channel, receiver, first: delivery_id, last: delivery_id, outcome });
                        }
                    }
                }
                Reply::Response { channel, handle, bytes } => {
                    let link = self.sessions.get_mut(&channel).and_then(|session| session.links.get_mut(&handle));
                    if let Some(End::Out(Outlet { source: Source::Answers { outbox, .. }, .. })) =
                        link.map(|link| &mut link.end)
                    {
                        outbox.push_back(bytes);
                    }
                }
            }
        }
        self.say_run(run);
    }

    fn say_run(&mut self, run: Option<Run>) {
        if let Some(run) = run.filter(|run| self.sessions.contains_key(&run.channel)) {
            wire::disposition(&mut self.out, run.channel, run.receiver, run.first, run.last, &run.outcome);
        }
    }
}

/// Nothing is confirmed that did not reach the disk.
fn failed(outcome: Raw, error: &broker::Error) -> Raw {
    match outcome {
        Raw::Rejected(Some(reason)) => Raw::Rejected(Some(reason)),
        _ => Raw::Rejected(Some(refusal(error))),
    }
}
