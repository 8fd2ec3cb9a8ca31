//! `submit_order`: one queue message becomes an order, a change, a cancellation or a patient.
//!
//! The message came through the organization's own entry, which stamped it ([`ORGANIZATION`]); what the body says about who it is proves nothing.
//! Whatever is wrong with a message is recorded and answered by an event. Only when the database or the organization's document cannot be
//! reached, or the order it is about is not there yet, the message goes back to its queue ([`crate::postpone`]).

mod read;

pub(crate) use read::unattributed;

use crate::app::App;
use crate::postpone::{self, Reason};
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_azure::organizations::Lookup;
use iris_model::names::property::ORGANIZATION;
use iris_rules::Answer;
use jiff::Timestamp;
use tracing::{debug, error, warn};

/// Handles one message.
pub async fn run(app: &App, message: ServiceBusMessage) -> Outcome {
    let now = Timestamp::now();
    let organization = match app.organizations.stamped(message.property(ORGANIZATION)).await {
        Ok(Lookup::Known(organization)) => organization,
        Ok(Lookup::Unknown) => return unknown_organization(app, &message, now).await,
        Err(error) => return wait(app, &message, &error).await,
    };
    let incoming = read::incoming(&message, organization, now);
    match app.orders.submit(incoming).await {
        Ok(Answer::Done(outcome)) => {
            debug!(outcome = outcome.kind.as_str(), order = outcome.iris_order_id, "message handled");
            Outcome::Done
        }
        Ok(Answer::NotYet) => postpone::again(app, &app.queues.orders, &message, Reason::LateParent).await,
        Err(error) => wait(app, &message, &error).await,
    }
}

/// A message without a usable stamp: recorded and alerted, no event (iris-facts R-01).
async fn unknown_organization(app: &App, message: &ServiceBusMessage, now: Timestamp) -> Outcome {
    error!(alert = true, code = "unknown-organization", "a message came through an entry of no known organization");
    match app.orders.submit(read::unattributed(message, now)).await {
        Ok(_) => Outcome::Done,
        Err(error) => wait(app, message, &error).await,
    }
}

/// Something the function needs is away.
async fn wait(app: &App, message: &ServiceBusMessage, error: &(dyn std::error::Error + Sync)) -> Outcome {
    warn!(error = %error, "not available; the message waits");
    postpone::again(app, &app.queues.orders, message, Reason::Outage).await
}
