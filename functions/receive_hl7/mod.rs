//! `receive_hl7`: what a hospital sends through its proxy.
//!
//! Two things come through the entry `hl7-{organization}`, and only the organization's proxy has its credential: HL7
//! messages exactly as the hospital sent them, and the proxy's reports of what the hospital answered to our messages. A
//! report is a JSON object, which an HL7 message can never be.

mod answer;
mod orders;

pub use orders::preview;

use crate::app::App;
use crate::postpone;
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_azure::organizations::Lookup;
use iris_model::names::property::ORGANIZATION;
use tracing::error;

/// Handles one message.
pub async fn run(app: &App, message: ServiceBusMessage) -> Outcome {
    let organization = match app.organizations.stamped(message.property(ORGANIZATION)).await {
        Ok(Lookup::Known(organization)) => Some(organization),
        Ok(Lookup::Unknown) => {
            error!(
                alert = true,
                code = "unknown-organization",
                "a message came through an entry of no known organization"
            );
            None
        }
        Err(error) => return postpone::after(app, &app.queues.hl7, &message, error).await,
    };
    let is_report = message.body.trim_ascii_start().starts_with(b"{");
    match organization {
        Some(organization) if is_report => answer::run(app, &message, &organization).await,
        organization => orders::run(app, &message, organization).await,
    }
}
