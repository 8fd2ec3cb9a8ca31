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
//! 2. **Render** the report, within bounds of memory and processors.
//! 3. **Send** it by its destination's channel ([`iris_channels`]).
//! 4. **Mark** it as delivered and send the receipt, in one transaction.
//!
//! A destination that fails is tried again, later each time, and is left alone meanwhile ([`iris_channels::Lane`]); nobody else waits for it. When nothing
//! could be delivered to it for days it is disabled with an alert, and what is for it is held until someone resumes it.

use crate::app::App;
use crate::postpone::{self, Reason};
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_azure::organizations::Lookup;
use iris_channels::{Channels, Failure, Turn, channel};
use iris_model::Organization;
use iris_model::organization::DestinationDocument;
use iris_rules::deliveries::{Delivery, DeliveryMessage, DeliveryState};
use iris_store::FailedDelivery;
use iris_telemetry::metrics;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Instant;
use tracing::{debug, error, warn};

/// How long a note that a message was seen is good enough; well within [`iris_rules::deliveries::LOST_AFTER`].
const SEEN: SignedDuration = SignedDuration::from_mins(5);

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
        let Self { app, organization, destination, delivery } = self;
        let lane = app.channels.lane(organization.client_guid, &destination.id);
        let Turn::Now(_turn) = lane.turn().await else { return Ok(Some(Reason::Delivery)) };
        let started = Instant::now();
        let made = Box::pin(app.channels.deliver(delivery, organization, destination)).await;
        let (kind, outcome) =
            (channel(&destination.to).kind(), made.as_ref().err().map_or("delivered", Failure::outcome));
        metrics::delivery(organization.slug.as_str(), kind, outcome, started.elapsed());
        let now = Timestamp::now();
        match made {
            Ok(handover) => {
                lane.succeeded();
                app.orders.delivered(delivery, &handover, organization, now).await?;
                debug!(organization = %organization.slug, destination = destination.id, order = delivery.order, "result delivered");
                Ok(None)
            }
            Err(failure @ Failure::Impossible(_)) => {
                let reason = failure.reason();
                error!(alert = "delivery-impossible", organization = %organization.slug, destination = destination.id,
                    order = delivery.order, reason, "a result can never be delivered as things are");
                let handover = Channels::nowhere(delivery, destination);
                app.orders.delivery_impossible(delivery, &handover, &reason, organization, now).await?;
                Ok(None)
            }
            Err(failure @ Failure::Ours(_)) => {
                warn!(reason = failure.reason(), "a result cannot be delivered now");
                Ok(Some(Reason::Outage))
            }
            Err(failure @ Failure::Destination(_)) => {
                lane.failed();
                self.failed(failure.reason(), now).await
            }
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
