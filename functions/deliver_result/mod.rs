//! `deliver_result`: one result reaches one destination.
//!
//! # Protocol
//!
//! A message in the queue of deliveries is a doorbell: it names a result and a destination, nothing else. The
//! delivery's row is the queue ([`iris_rules::deliveries`]). The stored result contains everything that the report and
//! the message need, so a delivery made twice is identical: the same message id, the same file name, the same bytes.
//!
//! 1. **Begin** an attempt: the row is leased, or says that there is nothing to do.
//! 2. **Render** the report, within limits on memory and processors.
//! 3. **Send** it through its destination's channel ([`iris_channels`]).
//! 4. **Store** the outcome: delivered, with the receipt in the same transaction; or due again, after a growing delay.
//!
//! The message is done in any case. For what is due within [`SOON`] this process rings again, for everything else the
//! sweep does; nothing waits in the queue. In the meantime a destination that fails is left alone
//! ([`iris_channels::Lane`]); deliveries to others do not wait for it. When nothing could be delivered to it for days,
//! it is disabled with an alert, and its deliveries are held until someone resumes it. A result that a destination does
//! not take for days, even if it takes others, is parked with an alert.

use crate::app::App;
use crate::postpone;
use bytes::Bytes;
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_azure::organizations::Lookup;
use iris_azure::servicebus::OutgoingMessage;
use iris_channels::{Channels, Failure, Turn, channel};
use iris_model::Organization;
use iris_model::organization::DestinationDocument;
use iris_rules::deliveries::life::Attempted;
use iris_rules::deliveries::{Attempt, Delivery, DeliveryMessage, DeliveryState};
use iris_rules::pause::chance;
use iris_store::{BegunDelivery, Error, FailedDelivery};
use iris_telemetry::metrics;
use jiff::{SignedDuration, Timestamp};
use std::hash::RandomState;
use std::sync::Arc;
use std::time::Instant;
use tracing::{debug, error, warn};
use uuid::Uuid;

/// For deliveries due this soon, this process rings again itself; the sweep runs only once a minute.
const SOON: SignedDuration = SignedDuration::from_secs(20);

/// A delivery in progress.
struct Job<'a> {
    app: &'a App,
    wanted: &'a DeliveryMessage,
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
        Ok(()) => Outcome::Done,
        // The database is unavailable or refuses, so there is nowhere to store the outcome.
        Err(error) => postpone::after(app, &app.queues.deliveries, &message, error).await,
    }
}

async fn deliver(app: &App, wanted: &DeliveryMessage) -> Result<(), Error> {
    let (store, now) = (app.orders.store(), Timestamp::now());
    match store.begin_delivery(wanted.transaction_id, &wanted.destination, wanted.announcement, now).await? {
        BegunDelivery::Begun(delivery) => attempt(app, wanted, &delivery).await,
        BegunDelivery::Nothing => {
            debug!("nothing to deliver");
            Ok(())
        }
        BegunDelivery::Unknown => {
            error!(alert = true, code = "unknown-delivery", "a delivery is announced that is not stored");
            Ok(())
        }
        BegunDelivery::Ended(delivery) => {
            // A charge whose final confirmation never came; everything else ends here because its attempts break off.
            let what = if delivery.state == DeliveryState::Uncertain { "charge-open" } else { "delivery-parked" };
            error!(alert = what, organization = %delivery.slug, destination = delivery.destination, order = delivery.order,
                delivery = delivery.id, state = delivery.state.as_str(), "a delivery is taken aside: its attempts break off, or nobody reported about a charge");
            Ok(())
        }
    }
}

async fn attempt(app: &App, wanted: &DeliveryMessage, delivery: &Delivery) -> Result<(), Error> {
    let organization = match app.organizations.get(&wanted.organization).await {
        Ok(Lookup::Known(organization)) if organization.client_guid == delivery.organization => organization,
        Ok(Lookup::Known(_) | Lookup::Unknown) => {
            error!(alert = true, code = "unknown-organization", organization = %wanted.organization,
                "a delivery's organization has no document, or another ClientGuid in it");
            return later(app, wanted, delivery, (Attempted::Unavailable, None), SignedDuration::MAX).await;
        }
        Err(error) => {
            warn!(%error, "not available; the delivery waits");
            return later(app, wanted, delivery, (Attempted::Unavailable, None), SignedDuration::MAX).await;
        }
    };
    let Some(destination) = organization.destination(&delivery.destination) else {
        warn!(organization = %organization.slug, destination = delivery.destination, "the destination is gone; not delivered");
        app.orders.drop_delivery(delivery, Timestamp::now()).await?;
        return Ok(());
    };
    Job { app, wanted, organization, destination, delivery }.run().await
}

/// The delivery becomes due again later.
async fn later(
    app: &App,
    wanted: &DeliveryMessage,
    delivery: &Delivery,
    attempted: (Attempted, Option<Attempt>),
    patience: SignedDuration,
) -> Result<(), Error> {
    let (now, chance) = (Timestamp::now(), chance(&RandomState::new()));
    let (state, due) = app.orders.postpone(delivery, attempted, now, patience, chance).await?;
    if state == DeliveryState::Parked {
        error!(alert = "delivery-parked", organization = %wanted.organization, destination = delivery.destination,
            order = delivery.order, delivery = delivery.sequence, "a destination has not taken a result for days; it is parked");
        return Ok(());
    }
    let wait = due.duration_since(now);
    if wait <= SOON {
        ring_later(app, wanted, wait);
    }
    Ok(())
}

/// Rings again when the delivery is due. If this process ends before that, the sweep rings.
fn ring_later(app: &App, wanted: &DeliveryMessage, wait: SignedDuration) {
    let message = OutgoingMessage {
        message_id: Uuid::new_v4().to_string(),
        body: Bytes::from(iris_rules::content::json(wanted)),
        content_type: Some("application/json".to_owned()),
        ..OutgoingMessage::default()
    };
    let (sender, queue) = (app.sender.clone(), app.queues.deliveries.clone());
    tokio::spawn(async move {
        tokio::time::sleep(wait.unsigned_abs()).await;
        if let Err(error) = sender.send(&queue, vec![message]).await {
            warn!(%error, "a delivery's doorbell does not ring; the sweep will");
        }
    });
}

impl Job<'_> {
    async fn run(&self) -> Result<(), Error> {
        let Self { app, wanted, organization, destination, delivery } = self;
        let lane = app.channels.lane(organization.client_guid, &destination.id);
        let patience = SignedDuration::from_hours(24 * i64::from(organization.results.disable_after_days));
        let Turn::Now(_turn) = lane.turn().await else {
            return later(app, wanted, delivery, (Attempted::Busy, None), patience).await;
        };
        let (began, started) = (Timestamp::now(), Instant::now());
        let made = Box::pin(app.channels.deliver(delivery, organization, destination)).await;
        let well = if channel(&destination.to).awaits_word() { "handed-over" } else { "delivered" };
        let (kind, outcome) = (channel(&destination.to).kind(), made.as_ref().err().map_or(well, Failure::outcome));
        metrics::delivery(organization.slug.as_str(), kind, outcome, started.elapsed());
        let note = |said: &str| {
            let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            Some(Attempt { at: began, took_ms, outcome: outcome.to_owned(), said: said.to_owned() })
        };
        let now = Timestamp::now();
        match made {
            Ok(_) if channel(&destination.to).awaits_word() => {
                lane.succeeded();
                let attempted = (Attempted::HandedOver, note(""));
                let chance = chance(&RandomState::new());
                app.orders.postpone(delivery, attempted, now, patience, chance).await?;
                debug!(organization = %organization.slug, destination = destination.id, order = delivery.order, "result handed over");
                Ok(())
            }
            Ok(handover) => {
                lane.succeeded();
                app.orders.delivered_by(delivery, note(""), &handover, organization, now).await?;
                debug!(organization = %organization.slug, destination = destination.id, order = delivery.order, "result delivered");
                Ok(())
            }
            Err(failure @ Failure::Impossible(_)) => {
                let reason = failure.reason();
                error!(alert = "delivery-impossible", organization = %organization.slug, destination = destination.id,
                    order = delivery.order, reason, "a result can never be delivered as things are");
                let handover = Channels::nowhere(delivery, destination);
                app.orders.delivery_impossible(delivery, note(&reason), &handover, &reason, organization, now).await?;
                Ok(())
            }
            Err(failure @ Failure::Ours(_)) => {
                let reason = failure.reason();
                warn!(reason, "a result cannot be delivered now");
                later(app, wanted, delivery, (Attempted::Unavailable, note(&reason)), patience).await
            }
            Err(failure @ Failure::Destination(_)) => {
                lane.failed();
                let reason = failure.reason();
                let attempt = note(&reason);
                self.failed(reason, attempt, patience, now).await
            }
        }
    }

    async fn failed(
        &self,
        reason: String,
        attempt: Option<Attempt>,
        patience: SignedDuration,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Self { app, wanted, organization, destination, delivery } = self;
        warn!(organization = %organization.slug, destination = destination.id, reason,
            "a destination does not take a result; it will be tried again");
        let failed = FailedDelivery {
            organization: organization.client_guid,
            destination: destination.id.clone(),
            at: now,
            reason,
        };
        if app.orders.store().delivery_failed(&failed, patience).await? {
            error!(alert = "destination-disabled", organization = %organization.slug, destination = destination.id,
                reason = failed.reason, "a destination took nothing for days and is disabled; resume it when it works again");
            app.orders.hold(delivery, now).await?;
            return Ok(());
        }
        later(app, wanted, delivery, (Attempted::Failed, attempt), patience).await
    }
}
