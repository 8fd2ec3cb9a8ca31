//! Publishing, with one task per destination. The parent module describes the protocol.

use super::{Publisher, SweepReport};
use crate::Options;
use iris_rules::pause::jitter;
use iris_store::outbox::Envelope;
use iris_store::{Claim, Destination, Error, Store};
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The most envelopes of a destination kept in memory; the others wait in the store.
const MEMORY: usize = 32;
/// The most envelopes claimed at a time.
const CLAIM: u32 = 16;
/// How long published envelopes may wait, so that they are deleted together.
const GATHER: Duration = Duration::from_millis(25);
/// How often to look at a destination that is blocked by somebody else's lease.
const POLL: Duration = Duration::from_secs(1);

/// All destinations of the process.
pub(crate) struct Destinations {
    outlet: Arc<Outlet>,
    lanes: Mutex<HashMap<Destination, Running>>,
}

/// A destination with the task that publishes to it.
type Running = (Arc<Lane>, JoinHandle<()>);

/// What all destinations share.
struct Outlet {
    store: Arc<dyn Store>,
    publisher: Arc<dyn Publisher>,
    options: Options,
}

/// A destination's state in this process.
struct Lane {
    destination: Destination,
    state: Mutex<State>,
    wake: Notify,
    /// Held by whoever publishes to the destination.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Envelopes to publish from memory, in order.
    ready: VecDeque<Envelope>,
    /// True while envelopes are taken from the store instead.
    behind: bool,
    /// Envelopes whose lease must be ended because they were not kept in memory.
    unleash: Vec<i64>,
    /// Published envelopes, deleted together with the next ones because deleting takes a transaction.
    unconfirmed: Vec<i64>,
    closing: bool,
}

/// How publishing an envelope ended.
enum Published {
    /// All of it has been dealt with.
    Done,
    /// The destination does not take it now; the next try is at this time.
    Postponed(Timestamp),
}

/// How far the destination's stored envelopes were published.
enum Drained {
    Empty,
    Until(Timestamp),
}

/// A clock that starts at the time of the caller who asked for the publication.
struct Clock {
    start: Timestamp,
    since: Instant,
}

impl Clock {
    fn starting(start: Timestamp) -> Self {
        Self { start, since: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        self.start.saturating_add(self.since.elapsed()).unwrap_or(Timestamp::MAX)
    }
}

impl Destinations {
    pub(crate) fn new(store: Arc<dyn Store>, publisher: Arc<dyn Publisher>, options: &Options) -> Self {
        let outlet = Arc::new(Outlet { store, publisher, options: options.clone() });
        Self { outlet, lanes: Mutex::new(HashMap::new()) }
    }

    /// Takes over an envelope that was just committed. Never blocks.
    pub(crate) fn offer(&self, envelope: Envelope) {
        let lane = self.lane(&envelope.destination);
        let mut state = lane.state();
        state.behind |= state.ready.len() >= MEMORY || state.closing;
        if state.behind {
            state.unleash.push(envelope.id);
        } else {
            state.ready.push_back(envelope);
        }
        drop(state);
        lane.wake.notify_one();
    }

    /// Publishes what is due in the store.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<SweepReport, Error> {
        let (mut report, clock) = (SweepReport::default(), Clock::starting(now));
        for destination in self.outlet.store.destinations_due(now).await? {
            let lane = self.lane(&destination);
            let _turn = lane.turn.lock().await;
            self.outlet.drain(&lane, &clock, &mut report).await?;
        }
        Ok(report)
    }

    /// Publishes what is in memory, as far as that succeeds at once, and ends the tasks.
    pub(crate) async fn close(&self) {
        let lanes: Vec<_> =
            self.lanes.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, lane)| lane).collect();
        for (lane, _) in &lanes {
            lane.state().closing = true;
            lane.wake.notify_one();
        }
        for (_, mut task) in lanes {
            if tokio::time::timeout(self.outlet.options.publish_timeout, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    fn lane(&self, destination: &Destination) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((lane, _)) = lanes.get(destination) {
            return Arc::clone(lane);
        }
        let lane = Arc::new(Lane {
            destination: destination.clone(),
            state: Mutex::new(State::default()),
            wake: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
        });
        let task = tokio::spawn(work(Arc::clone(&self.outlet), Arc::clone(&lane)));
        lanes.insert(destination.clone(), (Arc::clone(&lane), task));
        lane
    }
}

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all envelopes out of memory.
    fn take_ready(&self) -> Vec<Envelope> {
        self.state().ready.drain(..).collect()
    }

    /// Switches to publishing from the store. These envelopes are given back to it, ahead of those in memory.
    fn fall_behind(&self, envelopes: impl IntoIterator<Item = i64>) {
        let mut state = self.state();
        state.behind = true;
        state.unleash.extend(envelopes);
        let ready: Vec<i64> = state.ready.drain(..).map(|envelope| envelope.id).collect();
        state.unleash.extend(ready);
    }

    /// Switches back to publishing from memory, unless something was left to the store in the meantime.
    fn catch_up(&self) {
        let mut state = self.state();
        state.behind = !state.unleash.is_empty();
    }
}

/// The task of a destination.
async fn work(outlet: Arc<Outlet>, lane: Arc<Lane>) {
    loop {
        let ready = lane.take_ready();
        let (behind, closing, unconfirmed) = {
            let state = lane.state();
            (state.behind, state.closing, state.unconfirmed.len())
        };
        let pause = if !ready.is_empty() {
            outlet.publish_ready(&lane, ready).await
        } else if behind && !closing {
            outlet.publish_stored(&lane).await
        } else if closing {
            outlet.tidy(&lane).await;
            return;
        } else if unconfirmed == 0 {
            lane.wake.notified().await;
            Duration::ZERO
        } else if unconfirmed >= MEMORY || tokio::time::timeout(GATHER, lane.wake.notified()).await.is_err() {
            if outlet.confirm(&lane, Vec::new()).await { Duration::ZERO } else { jitter(POLL, &RandomState::new()) }
        } else {
            Duration::ZERO
        };
        outlet.pause(&lane, pause).await;
    }
}

impl Outlet {
    /// Waits before the next try; closing the service cuts the wait short.
    async fn pause(&self, lane: &Lane, pause: Duration) {
        let end = tokio::time::Instant::now() + pause;
        while !lane.state().closing {
            tokio::select! {
                () = tokio::time::sleep_until(end) => return,
                () = lane.wake.notified() => {}
            }
        }
    }

    /// Publishes envelopes from memory. Returns how long to pause.
    async fn publish_ready(&self, lane: &Lane, ready: Vec<Envelope>) -> Duration {
        let _turn = lane.turn.lock().await;
        let (mut report, mut done) = (SweepReport::default(), Vec::new());
        let mut ready = ready.into_iter();
        let (mut pause, clock) = (Duration::ZERO, Clock::starting(Timestamp::now()));
        while let Some(envelope) = ready.next() {
            let id = envelope.id;
            match self.publish(envelope, &clock, &mut report).await {
                Ok(Published::Done) => done.push(id),
                Ok(Published::Postponed(until)) => {
                    lane.fall_behind(ready.by_ref().map(|envelope| envelope.id));
                    pause = wait(clock.now(), until);
                }
                Err(error) => {
                    tracing::warn!(%error, destination = %lane.destination.to_text(), "the outbox is not available");
                    lane.fall_behind(ready.by_ref().map(|envelope| envelope.id));
                    pause = self.options.back_off;
                }
            }
        }
        lane.state().unconfirmed.extend(done);
        pause
    }

    /// Publishes envelopes from the store until nothing is left. Returns how long to pause.
    async fn publish_stored(&self, lane: &Lane) -> Duration {
        let _turn = lane.turn.lock().await;
        let clock = Clock::starting(Timestamp::now());
        let result = match self.unleash(lane, clock.now()).await {
            Ok(()) => self.drain(lane, &clock, &mut SweepReport::default()).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(Drained::Empty) => {
                lane.catch_up();
                Duration::ZERO
            }
            Ok(Drained::Until(until)) => wait(clock.now(), until),
            Err(error) => {
                tracing::warn!(%error, destination = %lane.destination.to_text(), "the outbox is not available");
                jitter(POLL, &RandomState::new())
            }
        }
    }

    /// Cleans up before the task ends: deletes what was published, and releases what was not.
    async fn tidy(&self, lane: &Lane) {
        self.confirm(lane, Vec::new()).await;
        if let Err(error) = self.unleash(lane, Timestamp::now()).await {
            tracing::warn!(%error, destination = %lane.destination.to_text(), "envelopes stay leased until their lease is over");
        }
    }

    /// Ends the leases of envelopes that are not in memory.
    async fn unleash(&self, lane: &Lane, now: Timestamp) -> Result<(), Error> {
        let ids = std::mem::take(&mut lane.state().unleash);
        let result = self.store.release(&ids, now).await;
        if result.is_err() {
            lane.state().unleash.extend(ids);
        }
        result
    }

    /// Publishes the stored envelopes of a destination, oldest first, as far as they are available. Leases and delays
    /// count from the moment they are set, since publishing what was claimed earlier takes time.
    async fn drain(&self, lane: &Lane, clock: &Clock, report: &mut SweepReport) -> Result<Drained, Error> {
        // Published envelopes that are not deleted yet must not block the rest.
        self.confirm(lane, Vec::new()).await;
        loop {
            let now = clock.now();
            let claimed = self.store.claim(&lane.destination, now, now + self.options.envelope_lease, CLAIM).await?;
            let envelopes = match claimed {
                Claim::Empty => return Ok(Drained::Empty),
                Claim::Blocked(until) => return Ok(Drained::Until(until)),
                Claim::Envelopes(envelopes) => envelopes,
            };
            let mut envelopes = envelopes.into_iter();
            let mut done = Vec::new();
            while let Some(envelope) = envelopes.next() {
                let id = envelope.id;
                let published = self.publish(envelope, clock, report).await;
                if let Ok(Published::Done) = published {
                    done.push(id);
                    continue;
                }
                self.confirm(lane, done).await;
                let rest: Vec<i64> = envelopes.map(|envelope| envelope.id).collect();
                self.store.release(&rest, clock.now()).await?;
                report.postponed += 1;
                return match published? {
                    Published::Postponed(until) => Ok(Drained::Until(until)),
                    Published::Done => Ok(Drained::Empty),
                };
            }
            self.confirm(lane, done).await;
        }
    }

    /// Deletes published envelopes; those that cannot be deleted now are deleted with the next ones.
    async fn confirm(&self, lane: &Lane, done: Vec<i64>) -> bool {
        let mut ids = std::mem::take(&mut lane.state().unconfirmed);
        ids.extend(done);
        let Err(error) = self.store.confirm(&ids).await else { return true };
        tracing::warn!(%error, envelopes = ids.len(), "published envelopes could not be deleted yet");
        lane.state().unconfirmed.extend(ids);
        false
    }

    /// Publishes one envelope. Errors are those of the store.
    async fn publish(
        &self,
        mut envelope: Envelope,
        clock: &Clock,
        report: &mut SweepReport,
    ) -> Result<Published, Error> {
        while !envelope.messages.is_empty() {
            let publication = self.publisher.publish(&envelope.destination, &envelope.messages);
            let failure = match tokio::time::timeout(self.options.publish_timeout, publication).await {
                Ok(Ok(())) => {
                    report.published += envelope.messages.len() as u64;
                    return Ok(Published::Done);
                }
                Ok(Err(failure)) => failure,
                Err(_) => {
                    super::PublishError { sent: 0, refused: false, reason: String::from("no confirmation in time") }
                }
            };
            let sent = failure.sent.min(envelope.messages.len());
            envelope.messages.drain(..sent);
            report.published += sent as u64;
            if envelope.messages.is_empty() {
                break;
            }
            envelope.attempts += 1;
            if failure.refused {
                let rest = Envelope { messages: envelope.messages.split_off(1), attempts: 0, ..envelope.clone() };
                self.park(&envelope, Some(&rest), &failure.reason, clock.now()).await?;
                report.parked += 1;
                envelope = rest;
            } else if envelope.attempts >= self.options.publish_tries {
                self.park(&envelope, None, &failure.reason, clock.now()).await?;
                report.parked += 1;
                return Ok(Published::Done);
            } else {
                let until = clock.now() + self.back_off(envelope.attempts);
                tracing::warn!(
                    destination = %envelope.destination.to_text(),
                    envelope = envelope.id,
                    attempts = envelope.attempts,
                    reason = %failure.reason,
                    "messages could not be published; they will be tried again"
                );
                self.store.postpone(&envelope, until).await?;
                return Ok(Published::Postponed(until));
            }
        }
        Ok(Published::Done)
    }

    async fn park(
        &self,
        parked: &Envelope,
        rest: Option<&Envelope>,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        tracing::error!(
            alert = "outbox-parked",
            destination = %parked.destination.to_text(),
            messages = parked.messages.len(),
            attempts = parked.attempts,
            reason,
            "messages could not be published and were parked"
        );
        self.store.park(parked, rest, reason, now).await
    }

    fn back_off(&self, attempts: u32) -> Duration {
        let doubled = self.options.back_off.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        jitter(doubled.min(self.options.back_off_limit), &RandomState::new())
    }
}

/// How long to wait until a time, but no longer than a poll interval, because somebody else may finish earlier.
fn wait(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default().clamp(Duration::from_millis(5), POLL)
}
