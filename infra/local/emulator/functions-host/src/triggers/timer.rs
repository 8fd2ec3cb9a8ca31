//! Timer trigger (functions-host-contract §1.8): one run at a time, past-due run at start, the function's retry policy.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::status::StatusFile;
use crate::config::TimerTrigger;
use crate::core::{Core, Served};
use crate::encode::{self, Context, RetryContext, ScheduleStatus};
use crate::event::Level;
use crate::invoke::Error;

/// A request for an extra run, with the channel for its outcome.
pub(crate) type RunNow = oneshot::Sender<Result<(), Error>>;

/// The wall clock may jump: no sleep is longer than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Runs the function on its schedule and on request, until the host stops. Disabled timers run on request only.
pub(crate) async fn run(
    core: Arc<Core>,
    served: Arc<Served>,
    trigger: TimerTrigger,
    folder: Option<PathBuf>,
    mut requests: mpsc::Receiver<RunNow>,
) {
    let file = StatusFile::new(folder.as_ref(), &served.name);
    let known = file.read().filter(|_| trigger.use_monitor);
    let now = Timestamp::now();
    let status =
        known.unwrap_or_else(|| ScheduleStatus { last: None, next: trigger.schedule.next_after(now), updated: None });
    let mut timer = Timer { core, served, trigger, file, status };
    if timer.served.function.disabled {
        while let Some(Some(done)) = timer.request(&mut requests).await {
            // The requester may have stopped waiting.
            let _ = done.send(timer.attempt(false, None).await);
        }
        return;
    }
    let past_due = timer.status.next <= now;
    let at_start = past_due || timer.trigger.run_on_startup;
    if at_start {
        timer.scheduled(past_due).await;
    }
    timer.advance(at_start.then_some(now));
    loop {
        let due = async {
            while let Ok(left) = Duration::try_from(timer.status.next.duration_since(Timestamp::now())) {
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
            }
        };
        tokio::select! {
            biased;
            () = timer.core.stopping.cancelled() => return,
            request = requests.recv() => match request {
                Some(done) => {
                    let _ = done.send(timer.attempt(false, None).await);
                }
                None => return,
            },
            () = due => {
                timer.scheduled(false).await;
                let occurrence = timer.status.next;
                timer.advance(Some(occurrence));
            }
        }
    }
}

struct Timer {
    core: Arc<Core>,
    served: Arc<Served>,
    trigger: TimerTrigger,
    file: StatusFile,
    status: ScheduleStatus,
}

impl Timer {
    async fn request(&self, requests: &mut mpsc::Receiver<RunNow>) -> Option<Option<RunNow>> {
        tokio::select! {
            () = self.core.stopping.cancelled() => None,
            request = requests.recv() => Some(request),
        }
    }

    /// Sets the next occurrence after now, and the last one if there was one.
    fn advance(&mut self, last: Option<Timestamp>) {
        let now = Timestamp::now();
        self.status.next = self.trigger.schedule.next_after(now);
        if last.is_some() {
            self.status.last = last;
            self.status.updated = Some(now);
        }
        if self.trigger.use_monitor
            && let Err(error) = self.file.write(&self.status)
        {
            self.core.line(Level::Error, format!("{}: cannot keep the schedule status: {error}", self.served.name));
        }
    }

    /// A run with all the retries of the function's policy.
    async fn scheduled(&self, past_due: bool) {
        let policy = self.served.function.retry;
        let mut failure = None;
        let mut count = 0;
        while let Err(error) = self.attempt(past_due, Some((count, failure))).await {
            let Some(policy) = policy.filter(|policy| policy.max.is_none_or(|max| count < max)) else { return };
            if !self.core.pause(policy.delay(count)).await {
                return;
            }
            count = count.saturating_add(1);
            failure = Some(error.to_string());
        }
    }

    async fn attempt(&self, past_due: bool, retry: Option<(u32, Option<String>)>) -> Result<(), Error> {
        let (count, failure) = retry.unwrap_or_default();
        let context = Context {
            function: &self.served.name,
            binding: &self.served.function.binding,
            now: Timestamp::now(),
            guid: Uuid::new_v4(),
            retry: self.served.function.retry.map(|policy| RetryContext {
                count,
                max: policy.max,
                failure: failure.as_deref(),
            }),
        };
        let status = self.trigger.use_monitor.then_some(&self.status);
        let body = encode::timer(&context, status, past_due);
        self.core.invoke(&self.served, None, body).await
    }
}
