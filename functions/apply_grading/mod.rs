//! `apply_grading`: one message becomes a graded order and its result.
//!
//! A grading comes through the entry `gradings-{organization}`, whose credential only those have who may grade (decision 120), and is
//! stamped there like an order. Whatever is wrong with it is recorded and answered by an event. Only when the database or the
//! organization's document cannot be reached, or the order is not there yet, it goes back to its queue ([`crate::postpone`]).

mod read;

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
    let incoming = match app.organizations.stamped(message.property(ORGANIZATION)).await {
        Ok(Lookup::Known(organization)) => read::incoming(&message, organization, now),
        Ok(Lookup::Unknown) => {
            error!(
                alert = true,
                code = "unknown-organization",
                "a grading came through an entry of no known organization"
            );
            crate::submit_order::unattributed(&message, now)
        }
        Err(error) => return wait(app, &message, &error).await,
    };
    match app.orders.submit(incoming).await {
        Ok(Answer::Done(outcome)) => {
            debug!(outcome = outcome.kind.as_str(), order = outcome.iris_order_id, "grading handled");
            Outcome::Done
        }
        Ok(Answer::NotYet) => postpone::again(app, &app.queues.gradings, &message, Reason::LateParent).await,
        Err(error) => wait(app, &message, &error).await,
    }
}

/// Something the function needs is away.
async fn wait(app: &App, message: &ServiceBusMessage, error: &(dyn std::error::Error + Sync)) -> Outcome {
    warn!(error = %error, "not available; the grading waits");
    postpone::again(app, &app.queues.gradings, message, Reason::Outage).await
}
