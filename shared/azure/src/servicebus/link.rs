//! The task that owns the sending link to one queue.
//!
//! It takes jobs, sends their transfers without waiting for each, and settles the jobs as the broker's outcomes come
//! in. It ends when its link does. Jobs unfinished at that point are dropped with it, which tells their senders that
//! the outcome is unknown.

use super::encode::{Limits, Transfer, plan};
use super::outcome::of_outcome;
use super::{Cause, OutgoingMessage};
use fe2o3_amqp::Sender;
use fe2o3_amqp::link::delivery::DeliveryFut;
use fe2o3_amqp::link::{ErrorRecovery, SendError};
use fe2o3_amqp::types::messaging::Outcome;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Room left in every transfer below the broker's limit, for what the broker adds itself.
const MARGIN: u64 = 1024;

/// The messages of one call that are to be sent in one attempt.
#[derive(Debug)]
pub(super) struct Job {
    /// All messages of the call.
    pub(super) messages: Arc<[OutgoingMessage]>,
    /// Which of them the broker has accepted, in this attempt or an earlier one.
    pub(super) confirmed: Arc<[AtomicBool]>,
    /// Answered when all outcomes are known; dropped when they will never be.
    pub(super) reply: oneshot::Sender<Result<(), Cause>>,
}

impl Job {
    fn wanted(&self) -> impl Iterator<Item = usize> + '_ {
        self.confirmed.iter().enumerate().filter(|(_, done)| !done.load(Ordering::Relaxed)).map(|(index, _)| index)
    }
}

/// Why the task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// There will be no more jobs.
    Finished,
    /// The broker closed this link; the connection is as good as before.
    Detached,
    /// Session or connection are gone.
    Lost,
    /// A deadline passed, and the state is unknown.
    Stuck,
}

/// Limits of the task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Deadline of every single wait.
    pub(super) deadline: Duration,
    /// Transfers under way at once.
    pub(super) in_flight: usize,
    /// Size of a transfer with several messages, in bytes, even where the link would take more.
    pub(super) batch_bytes: u64,
}

/// A transfer that was sent and has no outcome yet.
struct Landed {
    job: u64,
    indices: Vec<usize>,
    outcome: Option<Result<Outcome, SendError>>,
}

/// A job with transfers under way.
struct Open {
    job: Job,
    under_way: usize,
    sent_all: bool,
    cause: Option<Cause>,
}

struct Link {
    sender: Sender,
    pace: Pace,
    limits: Limits,
    flights: FuturesUnordered<BoxFuture<'static, Landed>>,
    open: HashMap<u64, Open>,
    next_job: u64,
}

/// Runs until the link ends or there are no more jobs.
pub(super) async fn run(sender: Sender, mut jobs: mpsc::UnboundedReceiver<Job>, pace: Pace) -> End {
    let most = sender.max_message_size().filter(|size| *size > 0);
    let message = most.map(|size| size.saturating_sub(MARGIN).max(1));
    let limits = Limits { message, batch: message.unwrap_or(pace.batch_bytes).min(pace.batch_bytes) };
    let (flights, open) = (FuturesUnordered::new(), HashMap::new());
    let mut link = Link { sender, pace, limits, flights, open, next_job: 0 };
    loop {
        let next = tokio::select! {
            biased;
            Some(landed) = link.flights.next() => link.settle(landed),
            job = jobs.recv(), if link.flights.len() < pace.in_flight => match job {
                Some(job) => link.start(job).await,
                None => return link.finish().await,
            },
            _ = link.sender.on_detach() => Err(End::Detached),
        };
        if let Err(end) = next {
            return end;
        }
    }
}

impl Link {
    async fn start(&mut self, job: Job) -> Result<(), End> {
        if job.reply.is_closed() {
            return Ok(());
        }
        let transfers = match plan(&job.messages, job.wanted(), self.limits) {
            Ok(transfers) => transfers,
            Err(cause) => {
                let _ = job.reply.send(Err(cause));
                return Ok(());
            }
        };
        let id = self.next_job;
        self.next_job += 1;
        self.open.insert(id, Open { job, under_way: 0, sent_all: false, cause: None });
        for transfer in transfers {
            while self.flights.len() >= self.pace.in_flight {
                if let Some(landed) = self.flights.next().await {
                    self.settle(landed)?;
                }
            }
            self.send(id, transfer).await?;
        }
        if let Some(open) = self.open.get_mut(&id) {
            open.sent_all = true;
        }
        self.close_if_done(id);
        Ok(())
    }

    async fn send(&mut self, job: u64, transfer: Transfer) -> Result<(), End> {
        let deadline = self.pace.deadline;
        let (indices, sent) = match transfer {
            Transfer::Single { index, message } => {
                (vec![index], timeout(deadline, self.sender.send_batchable_ref(&message)).await)
            }
            Transfer::Batch { indices, envelope } => {
                (indices, timeout(deadline, self.sender.send_batchable_ref(&envelope)).await)
            }
        };
        let delivery: DeliveryFut<Result<Outcome, SendError>> = match sent {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(SendError::MessageSizeExceeded(size))) => {
                let index = indices.first().copied().unwrap_or_default();
                self.fail(job, Cause::TooLarge { index, size: size.size, limit: size.max_size });
                return Ok(());
            }
            Ok(Err(error)) => return Err(end_of(&error)),
            Err(_) => return Err(End::Stuck),
        };
        if let Some(open) = self.open.get_mut(&job) {
            open.under_way += 1;
        }
        self.flights.push(Box::pin(async move {
            let outcome = timeout(deadline, delivery).await.ok();
            Landed { job, indices, outcome }
        }));
        Ok(())
    }

    fn settle(&mut self, landed: Landed) -> Result<(), End> {
        let outcome = match landed.outcome {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => return Err(end_of(&error)),
            None => return Err(End::Stuck),
        };
        if let Some(open) = self.open.get_mut(&landed.job) {
            open.under_way -= 1;
            if of_outcome(&outcome).is_ok() {
                for index in landed.indices {
                    open.job.confirmed[index].store(true, Ordering::Relaxed);
                }
            }
        }
        if let Err(cause) = of_outcome(&outcome) {
            self.fail(landed.job, cause);
        }
        self.close_if_done(landed.job);
        Ok(())
    }

    /// The first permanent cause of a job counts, else the last.
    fn fail(&mut self, job: u64, cause: Cause) {
        if let Some(open) = self.open.get_mut(&job)
            && open.cause.as_ref().is_none_or(Cause::is_transient)
        {
            open.cause = Some(cause);
        }
    }

    fn close_if_done(&mut self, id: u64) {
        if self.open.get(&id).is_some_and(|open| open.sent_all && open.under_way == 0)
            && let Some(open) = self.open.remove(&id)
        {
            let _ = open.job.reply.send(open.cause.map_or(Ok(()), Err));
        }
    }

    /// Waits for the outstanding outcomes, then closes the link.
    async fn finish(mut self) -> End {
        while let Some(landed) = self.flights.next().await {
            if let Err(end) = self.settle(landed) {
                return end;
            }
        }
        let _ = timeout(self.pace.deadline, self.sender.close()).await;
        End::Finished
    }
}

/// Distinguishes a link that was closed from a session or connection that stopped.
fn end_of(error: &SendError) -> End {
    match error.recovery() {
        ErrorRecovery::ReconnectSession | ErrorRecovery::ReconnectConnection => End::Lost,
        _ => End::Detached,
    }
}
