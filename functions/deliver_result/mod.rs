//! `deliver_result`: one result reaches one destination.
//!
//! # Protocol
//!
//! The transaction that writes a result puts one message per destination into the queue of deliveries; it says which result and which
//! destination, nothing else. The result as it was stored says everything the report and the message need, so that a delivery made twice is
//! twice the same: the same message id, the same file name, the same bytes.
//!
//! A message that has to come again notes in the database that it was seen; one that got lost is found by that and sent anew by the sweep
//! ([`iris_rules::deliveries`]).
//!
//! 1. **Look.** A delivery that is done needs nothing; one whose destination is disabled is held; one that would overtake an earlier result of
//!    the same order waits.
//! 2. **Render** the report ([`crate::reports`]), within bounds of memory and processors.
//! 3. **Send** ([`send`]).
//! 4. **Mark** it as delivered and send the receipt, in one transaction.
//!
//! A destination that fails is tried again, later each time, and is left alone meanwhile ([`lanes`]); nobody else waits for it. When nothing
//! could be delivered to it for days it is disabled with an alert, and what is for it is held until someone resumes it.

mod connections;
mod lanes;
mod send;

pub use connections::Connections;
pub use lanes::Lanes;

use crate::app::App;
use crate::postpone::{self, Reason};
use crate::reports;
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_azure::organizations::Lookup;
use iris_delivery::Result as StoredResult;
use iris_model::Organization;
use iris_model::organization::{DeliveryTarget, DestinationDocument};
use iris_rules::deliveries::{Delivery, DeliveryMessage, DeliveryState, Handover};
use iris_store::FailedDelivery;
use iris_telemetry::metrics;
use jiff::{SignedDuration, Timestamp};
use lanes::Turn;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{debug, error, warn};

/// How long a note that a message was seen is good enough; well within [`iris_rules::deliveries::LOST_AFTER`].
const SEEN: SignedDuration = SignedDuration::from_mins(5);

/// How long a destination may take to confirm.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a delivery was not made.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Something of ours is away.
    #[error("{0}")]
    Ours(String),
    /// The destination does not take it now.
    #[error("{0}")]
    Destination(String),
    /// It can never be made.
    #[error("{0}")]
    Impossible(String),
}

impl From<reports::Error> for Failure {
    fn from(error: reports::Error) -> Self {
        match error {
            reports::Error::Away(reason) => Self::Ours(reason),
            reports::Error::Impossible(reason) => Self::Impossible(reason),
        }
    }
}

/// A delivery under way.
struct Job<'a> {
    app: &'a App,
    organization: Arc<Organization>,
    destination: DestinationDocument,
    delivery: &'a Delivery,
}

/// Handles one message.
pub async fn run(app: &App, message: ServiceBusMessage) -> Outcome {
    let Ok(wanted) = serde_json::from_slice::<DeliveryMessage>(&message.body) else {
        error!(alert = true, code = "bad-delivery", "a message in the queue of deliveries is none of ours");
        return Outcome::Done;
    };
    match deliver(app, &wanted).await {
        Ok(None) => Outcome::Done,
        Ok(Some(reason)) => postpone::again(app, &app.queues.deliveries, &message, reason).await,
        Err(error) => {
            warn!(error = %error, "not available; the delivery waits");
            postpone::again(app, &app.queues.deliveries, &message, Reason::Outage).await
        }
    }
}

/// Returns why the message has to come again, if it has.
async fn deliver(app: &App, wanted: &DeliveryMessage) -> anyhow::Result<Option<Reason>> {
    let Some(delivery) = app.orders.store().delivery(wanted.transaction_id, &wanted.destination).await? else {
        error!(alert = true, code = "unknown-delivery", "a delivery is announced that is not stored");
        return Ok(None);
    };
    if !matches!(delivery.state, DeliveryState::Waiting | DeliveryState::Resumed) {
        debug!(state = ?delivery.state, "nothing to deliver");
        return Ok(None);
    }
    if delivery.disabled_at.is_some() {
        app.orders.hold(&delivery, Timestamp::now()).await?;
        return Ok(None);
    }
    let reason = match attempt(app, wanted, &delivery).await {
        Ok(None) => return Ok(None),
        Ok(Some(reason)) => reason,
        Err(error) => {
            warn!(error = %error, "not available; the delivery waits");
            Reason::Outage
        }
    };
    wait(app, wanted, &delivery, reason).await
}

/// Returns why it is to be tried again, if it is.
async fn attempt(app: &App, wanted: &DeliveryMessage, delivery: &Delivery) -> anyhow::Result<Option<Reason>> {
    if delivery.is_behind {
        return Ok(Some(Reason::Turn));
    }
    let organization = match app.organizations.get(&wanted.organization).await? {
        Lookup::Known(organization) if organization.client_guid == delivery.organization => organization,
        Lookup::Known(_) | Lookup::Unknown => {
            error!(alert = true, code = "unknown-organization", organization = %wanted.organization,
                "a delivery's organization has no document, or another ClientGuid in it");
            return Ok(Some(Reason::Outage));
        }
    };
    let Some(destination) = organization.destination(&delivery.destination) else {
        warn!(organization = %organization.slug, destination = delivery.destination, "the destination is gone; not delivered");
        app.orders.drop_delivery(delivery, Timestamp::now()).await?;
        return Ok(None);
    };
    Job { app, organization, destination, delivery }.run().await
}

/// The message comes again, and that is noted; but not one that a later message took the place of.
async fn wait(
    app: &App,
    wanted: &DeliveryMessage,
    delivery: &Delivery,
    reason: Reason,
) -> anyhow::Result<Option<Reason>> {
    if wanted.announcement < delivery.announced {
        debug!("a later message of the same delivery is under way");
        return Ok(None);
    }
    let now = Timestamp::now();
    if now.duration_since(delivery.seen_at.unwrap_or(delivery.at)) > SEEN {
        app.orders.store().delivery_seen(delivery.sequence, now).await?;
    }
    Ok(Some(reason))
}

impl Job<'_> {
    async fn run(&self) -> anyhow::Result<Option<Reason>> {
        let lane = self.app.lanes.lane(self.organization.client_guid, &self.destination.id);
        let Turn::Now(_turn) = lane.turn().await else { return Ok(Some(Reason::Delivery)) };
        let started = Instant::now();
        let made = Box::pin(self.make()).await;
        self.measure(&made, started.elapsed());
        let now = Timestamp::now();
        match made {
            Ok(handover) => {
                lane.succeeded();
                self.app.orders.delivered(self.delivery, &handover, &self.organization, now).await?;
                debug!(organization = %self.organization.slug, destination = self.destination.id, order = self.delivery.order,
                    "result delivered");
                Ok(None)
            }
            Err(Failure::Impossible(reason)) => {
                error!(alert = "delivery-impossible", organization = %self.organization.slug, destination = self.destination.id,
                    order = self.delivery.order, reason, "a result can never be delivered as things are");
                let handover = self.nowhere();
                let orders = &self.app.orders;
                orders.delivery_impossible(self.delivery, &handover, &reason, &self.organization, now).await?;
                Ok(None)
            }
            Err(Failure::Ours(reason)) => {
                warn!(reason, "a result cannot be delivered now");
                Ok(Some(Reason::Outage))
            }
            Err(Failure::Destination(reason)) => {
                lane.failed();
                self.failed(reason, now).await
            }
        }
    }

    fn measure(&self, made: &Result<Handover, Failure>, elapsed: Duration) {
        let outcome = match made {
            Ok(_) => "delivered",
            Err(Failure::Ours(_)) => "unavailable",
            Err(Failure::Destination(_)) => "refused",
            Err(Failure::Impossible(_)) => "impossible",
        };
        let kind = match self.destination.to {
            DeliveryTarget::Queue(_) => "queue",
            DeliveryTarget::Container(_) => "container",
            DeliveryTarget::FilePath(_) => "file-path",
        };
        metrics::delivery(self.organization.slug.as_str(), kind, outcome, elapsed);
    }

    async fn make(&self) -> Result<Handover, Failure> {
        let delivery = self.delivery;
        let result = StoredResult::read(&delivery.document, &delivery.report, delivery.code)
            .map_err(|error| Failure::Impossible(error.to_string()))?;
        let _room = self.app.reports.room(&result).await;
        let (transaction, format) = (delivery.transaction_id, self.destination.format);
        let rendered = self.app.reports.render(self.app, transaction, &result, &self.organization, format).await?;
        match tokio::time::timeout(PATIENCE, self.send(&result, &rendered)).await {
            Ok(sent) => sent,
            Err(_) => Err(Failure::Destination("no confirmation in time".to_owned())),
        }
    }

    async fn failed(&self, reason: String, now: Timestamp) -> anyhow::Result<Option<Reason>> {
        warn!(organization = %self.organization.slug, destination = self.destination.id, reason,
            "a destination does not take a result; it will be tried again");
        let days = self.organization.results.disable_after_days;
        let failed = FailedDelivery {
            organization: self.organization.client_guid,
            destination: self.destination.id.clone(),
            at: now,
            reason,
        };
        let limit = SignedDuration::from_hours(24 * i64::from(days));
        if self.app.orders.store().delivery_failed(&failed, limit).await? {
            error!(alert = "destination-disabled", organization = %self.organization.slug, destination = self.destination.id,
                reason = failed.reason, "a destination took nothing for days and is disabled; resume it when it works again");
            self.app.orders.hold(self.delivery, now).await?;
            return Ok(None);
        }
        Ok(Some(Reason::Delivery))
    }
}
