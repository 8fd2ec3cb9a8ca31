//! The task per namespace: keeps a connection as long as it lasts, and rebuilds it when it is needed.

use super::Cause;
use super::endpoint::Endpoint;
use super::link::{Job, Pace};
use super::namespace::{Happening, Namespace};
use super::token::Tokens;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Delay after the first failure; doubled with each further one.
const FIRST_DELAY: Duration = Duration::from_millis(50);

/// Longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// A job and its queue.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) queue: String,
    pub(super) job: Job,
}

/// What the task needs.
pub(super) struct Actor {
    pub(super) endpoint: Endpoint,
    pub(super) tokens: Tokens,
    pub(super) pace: Pace,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
}

/// Failures in a row, and what follows from them.
#[derive(Default)]
struct Failures {
    count: u32,
    reason: &'static str,
    not_before: Option<Instant>,
}

impl Failures {
    fn add(&mut self, reason: &'static str) {
        let delay = FIRST_DELAY.saturating_mul(1 << self.count.min(10)).min(LONGEST_DELAY);
        self.count = self.count.saturating_add(1);
        self.reason = reason;
        self.not_before = Some(Instant::now() + delay);
        tracing::warn!(reason, failures = self.count, "the connection to the broker is not available");
    }
}

impl Actor {
    /// Runs until all handles are gone.
    pub(super) async fn run(mut self) {
        let mut open: Option<Namespace> = None;
        let mut failures = Failures::default();
        loop {
            let happening = match &mut open {
                None => None,
                Some(namespace) => tokio::select! {
                    happening = namespace.happening() => Some(happening),
                    command = self.commands.recv() => match command {
                        Some(command) => {
                            self.deliver(command, &mut open, &mut failures).await;
                            continue;
                        }
                        None => break,
                    },
                },
            };
            match (happening, &mut open) {
                (Some(happening), Some(namespace)) => {
                    if let Err(reason) = happened(namespace, happening).await {
                        lose(&mut open, &mut failures, reason).await;
                    }
                }
                _ => match self.commands.recv().await {
                    Some(command) => self.deliver(command, &mut open, &mut failures).await,
                    None => break,
                },
            }
        }
        if let Some(namespace) = open {
            namespace.finish().await;
        }
    }

    async fn deliver(&self, command: Command, open: &mut Option<Namespace>, failures: &mut Failures) {
        let Command { queue, job } = command;
        if open.is_none() {
            if failures.not_before.is_some_and(|at| Instant::now() < at) {
                let _ = job.reply.send(Err(Cause::unavailable(failures.reason)));
                return;
            }
            match Namespace::open(&self.endpoint, &self.tokens, self.pace).await {
                Ok(namespace) => *open = Some(namespace),
                Err(reason) => {
                    failures.add(reason);
                    let _ = job.reply.send(Err(Cause::unavailable(reason)));
                    return;
                }
            }
        }
        let Some(namespace) = open else { return };
        match namespace.deliver(&queue, job).await {
            Ok(()) => *failures = Failures::default(),
            Err(reason) => lose(open, failures, reason).await,
        }
    }
}

async fn happened(namespace: &mut Namespace, happening: Happening) -> Result<(), &'static str> {
    match happening {
        Happening::Stopped => Err("the connection ended"),
        Happening::LinkEnded { queue, generation, end } => namespace.forget(&queue, generation, end),
        Happening::RenewalDue => namespace.renew().await,
    }
}

async fn lose(open: &mut Option<Namespace>, failures: &mut Failures, reason: &'static str) {
    if let Some(namespace) = open.take() {
        namespace.abandon().await;
    }
    failures.add(reason);
}
