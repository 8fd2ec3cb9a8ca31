//! The service, as callers see it.

use crate::collect::Collector;
use crate::draft;
use crate::outbox::{Destinations, Publisher, SweepReport};
use iris_model::organization::RESULTS_QUEUE;
use iris_model::{ClientGuid, Organization, RowLine};
use iris_rules::deliveries::life::Attempted;
use iris_rules::deliveries::{self, Attempt, Delivery, DeliveryState, Handover, LOST_AFTER};
use iris_rules::images::{ImageAnswer, ImageWork};
use iris_rules::incoming::{Answer, Incoming};
use iris_store::drops::{DropFinish, DropLease, DropState, NewDrop, RowDetail, Takeover, parse_lines};
use iris_store::outbox::{Destination, OutboxMessage, seal};
use iris_store::{Error, PostponedDelivery, RungDeliveries, SettledDelivery, Store};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How many delivery doorbells one sweep rings.
const RINGS: u32 = 256;

/// Settings of the service.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most messages in one commit.
    pub batch: usize,
    /// How long a batch is collected while the system is busy; while it is idle, a message is committed at once.
    pub linger: Duration,
    /// The most messages waiting for a commit; further callers wait.
    pub queue: usize,
    /// How often a batch is decided again after a conflict before its messages are committed one by one.
    pub conflict_retries: u32,
    /// How long envelopes are leased to the process that stored or claimed them. Must exceed
    /// [`publish_timeout`](Self::publish_timeout).
    pub envelope_lease: Duration,
    /// How long a publication may take.
    pub publish_timeout: Duration,
    /// The delay after the first failed publication; doubled with each further failure.
    pub back_off: Duration,
    /// The longest such delay.
    pub back_off_limit: Duration,
    /// How many tries before an envelope is parked.
    pub publish_tries: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 512,
            linger: Duration::from_millis(2),
            queue: 4096,
            conflict_retries: 4,
            envelope_lease: Duration::from_secs(60),
            publish_timeout: Duration::from_secs(30),
            back_off: Duration::from_millis(500),
            back_off_limit: Duration::from_secs(300),
            publish_tries: 40,
        }
    }
}

/// A handle to the service; clones share it.
#[derive(Clone)]
pub struct Orders {
    store: Arc<dyn Store>,
    destinations: Arc<Destinations>,
    collector: Arc<Collector>,
    envelope_lease: Duration,
}

impl Orders {
    /// Starts the service on the current tokio runtime.
    #[must_use]
    pub fn open(store: Arc<dyn Store>, publisher: Arc<dyn Publisher>, options: Options) -> Self {
        let destinations = Arc::new(Destinations::new(Arc::clone(&store), publisher, &options));
        let envelope_lease = options.envelope_lease;
        let collector = Arc::new(Collector::start(Arc::clone(&store), Arc::clone(&destinations), options));
        Self { store, destinations, collector, envelope_lease }
    }

    /// Decides and commits a message, together with others that arrive at the same time.
    ///
    /// Once it returns an answer, that answer is durable. After a [transient](Error::is_transient) error the outcome is
    /// unknown; submit the message again.
    pub async fn submit(&self, incoming: Incoming) -> Result<Answer, Error> {
        self.collector.submit(incoming).await
    }

    /// Decides and commits a batch of rows of a drop with its lines and progress, all or nothing. A batch that was
    /// already committed is answered from its record. Batches may be submitted concurrently; those that concern the
    /// same patients or orders are processed in the order of the calls.
    pub async fn submit_rows(
        &self,
        lease: &DropLease,
        batch: u32,
        rows: Vec<(Incoming, RowDetail)>,
    ) -> Result<Vec<Answer>, Error> {
        self.collector.submit_rows(lease.clone(), batch, rows).await
    }

    /// What would become of these submissions right now, one after the other; writes nothing. For files that are loaded
    /// completely or not at all.
    pub async fn preview(&self, submissions: Vec<Incoming>) -> Result<Vec<Answer>, Error> {
        self.collector.preview(submissions).await
    }

    /// Decides and commits a task about images, together with whatever else arrives at the same time. As durable and
    /// repeatable as [`submit`](Self::submit).
    pub async fn image(&self, work: ImageWork) -> Result<ImageAnswer, Error> {
        self.collector.image(work).await
    }

    /// Begins or resumes a drop; any previous holder loses it.
    pub async fn begin_drop(&self, drop: &NewDrop) -> Result<DropState, Error> {
        self.store.begin_drop(drop, Takeover::Always).await
    }

    /// Begins or resumes a drop, unless its holder has made progress since `alive`; then there is no lease.
    pub async fn begin_abandoned_drop(&self, drop: &NewDrop, alive: Timestamp) -> Result<DropState, Error> {
        self.store.begin_drop(drop, Takeover::IfIdleSince(alive)).await
    }

    /// The lines of a drop, one batch at a time: pass `None`, then each returned number, until it returns `None`.
    pub async fn read_lines(&self, drop: Uuid, after: Option<u32>) -> Result<Option<(u32, Vec<RowLine>)>, Error> {
        match self.store.drop_lines(drop, after).await? {
            Some((number, text)) => Ok(Some((number, parse_lines(&text)?))),
            None => Ok(None),
        }
    }

    /// Ends a drop as loaded, broken, or refused as a whole.
    pub async fn finish_drop(&self, lease: &DropLease, finish: &DropFinish) -> Result<(), Error> {
        self.store.finish_drop(lease, finish).await
    }

    /// Publishes everything due in the outbox, for all destinations. Driven by a timer.
    pub async fn sweep(&self, now: Timestamp) -> Result<SweepReport, Error> {
        self.destinations.sweep(now).await
    }

    /// Marks a delivery as made and tells its submitter; the results queue gets no receipt (iris-facts §4.3).
    /// Idempotent.
    pub async fn delivered(
        &self,
        delivery: &Delivery,
        handover: &Handover,
        organization: &Organization,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.delivered_by(delivery, None, handover, organization, now).await
    }

    /// Like [`delivered`](Self::delivered), but also records the attempt that succeeded.
    pub async fn delivered_by(
        &self,
        delivery: &Delivery,
        attempt: Option<Attempt>,
        handover: &Handover,
        organization: &Organization,
        now: Timestamp,
    ) -> Result<(), Error> {
        let told = delivery.destination != RESULTS_QUEUE;
        let messages = match organization.events_queue().filter(|_| told) {
            Some(queue) => {
                let event = deliveries::receipt(delivery, handover, now);
                vec![(Destination::Queue(queue), draft::message(organization, &event))]
            }
            None => Vec::new(),
        };
        self.settle(delivery, DeliveryState::Delivered, attempt, messages, now).await
    }

    /// Ends a delivery that can never be made, and tells its submitter why.
    pub async fn delivery_impossible(
        &self,
        delivery: &Delivery,
        attempt: Option<Attempt>,
        handover: &Handover,
        reason: &str,
        organization: &Organization,
        now: Timestamp,
    ) -> Result<(), Error> {
        let messages = match organization.events_queue() {
            Some(queue) => {
                let event = deliveries::failed_receipt(delivery, handover, reason, now);
                vec![(Destination::Queue(queue), draft::message(organization, &event))]
            }
            None => Vec::new(),
        };
        self.settle(delivery, DeliveryState::Failed, attempt, messages, now).await
    }

    /// Holds a delivery until its destination is resumed; does nothing if that has already happened.
    pub async fn hold(&self, delivery: &Delivery, now: Timestamp) -> Result<(), Error> {
        self.settle(delivery, DeliveryState::Held, None, Vec::new(), now).await
    }

    /// Ends a delivery whose destination was removed from the organization's document.
    pub async fn drop_delivery(&self, delivery: &Delivery, now: Timestamp) -> Result<(), Error> {
        self.settle(delivery, DeliveryState::Dropped, None, Vec::new(), now).await
    }

    async fn settle(
        &self,
        delivery: &Delivery,
        state: DeliveryState,
        attempt: Option<Attempt>,
        mut messages: Vec<(Destination, OutboxMessage)>,
        at: Timestamp,
    ) -> Result<(), Error> {
        messages.iter_mut().for_each(|(_, message)| message.trace = iris_telemetry::context::current());
        let leased_until = at + self.envelope_lease;
        let settled = SettledDelivery { sequence: delivery.sequence, state, attempt, at, leased_until };
        let stored = self.store.settle_delivery(&settled, &seal(messages)).await?;
        stored.into_iter().for_each(|envelope| self.destinations.offer(envelope));
        Ok(())
    }

    /// Enables a destination again and sends what was held for it, one after the other in order of writing. Returns how
    /// many deliveries there are.
    pub async fn resume_destination(
        &self,
        organization: ClientGuid,
        destination: &str,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let leased_until = now + self.envelope_lease;
        let (resumed, stored) = self.store.resume_destination(organization, destination, now, leased_until).await?;
        stored.into_iter().for_each(|envelope| self.destinations.offer(envelope));
        Ok(resumed)
    }

    /// Schedules another attempt of a delivery, or parks it if its destination has not taken it for `patience`. Returns
    /// its new state and when it is due. `chance` is from 0 to 1, see
    /// [`Life::ended`](iris_rules::deliveries::life::Life::ended).
    pub async fn postpone(
        &self,
        delivery: &Delivery,
        (attempted, attempt): (Attempted, Option<Attempt>),
        now: Timestamp,
        patience: SignedDuration,
        chance: f64,
    ) -> Result<(DeliveryState, Timestamp), Error> {
        let (state, life) = delivery.life.ended(delivery.state, attempted, now, patience, chance);
        let leased_until = now + self.envelope_lease;
        let next_at = life.next_at;
        let postponed = PostponedDelivery { sequence: delivery.sequence, state, life, attempt, at: now, leased_until };
        let stored = self.store.postpone_delivery(&postponed).await?;
        stored.into_iter().for_each(|envelope| self.destinations.offer(envelope));
        Ok((state, next_at))
    }

    /// Schedules a delivery again after this pause, because its destination did not take it for now, or did not answer.
    pub async fn again(
        &self,
        delivery: &Delivery,
        attempt: Attempt,
        now: Timestamp,
        pause: SignedDuration,
    ) -> Result<(), Error> {
        let (state, life) = delivery.life.again(now, pause);
        let leased_until = now + self.envelope_lease;
        let attempt = Some(attempt);
        let postponed = PostponedDelivery { sequence: delivery.sequence, state, life, attempt, at: now, leased_until };
        let stored = self.store.postpone_delivery(&postponed).await?;
        stored.into_iter().for_each(|envelope| self.destinations.offer(envelope));
        Ok(())
    }

    /// Ends a delivery after its destination's final answer, or because there was none: parked, refused, or uncertain.
    pub async fn set_aside(
        &self,
        delivery: &Delivery,
        state: DeliveryState,
        attempt: Attempt,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.settle(delivery, state, Some(attempt), Vec::new(), now).await
    }

    /// Rings for deliveries that are due, see [`deliveries`]. Driven by a timer.
    pub async fn ring_due_deliveries(&self, now: Timestamp) -> Result<RungDeliveries, Error> {
        let before = now.saturating_sub(LOST_AFTER).unwrap_or(Timestamp::MIN);
        let leased_until = now + self.envelope_lease;
        let (rung, stored) = self.store.ring_due_deliveries(before, now, leased_until, RINGS).await?;
        stored.into_iter().for_each(|envelope| self.destinations.offer(envelope));
        Ok(rung)
    }

    /// The database, for queries.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Commits what was submitted, publishes what can be published at once, and closes the connections. Later calls
    /// fail with [`Error::Closed`].
    pub async fn close(&self) {
        self.collector.close().await;
        self.destinations.close().await;
        self.store.close().await;
    }
}
