//! `submit_order`: one queue message becomes an order, a change, a cancellation, a patient, or an order's image.

use crate::app::App;
use crate::stamped::{self, Entry};
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_drops::refusal::{about, about_image, unreadable};
use iris_model::submission::{Context, Origin, Submission, validate, validate_image};
use iris_model::{Message, Organization, Slug};
use iris_rules::{Refusal, Requested};
use jiff::{Timestamp, tz::TimeZone};

/// Handles one message.
pub async fn run(app: &App, message: ServiceBusMessage) -> Outcome {
    stamped::submit(app, &message, &app.queues.orders, &ENTRY).await
}

const ENTRY: Entry = Entry {
    ledger: Slug::orders_ledger,
    requested: Requested::Order,
    advice: "Send one order per message; images belong in blob storage.",
    read,
};

fn read(body: &[u8], organization: &Organization, now: Timestamp) -> Result<Submission, Refusal> {
    let parsed = Message::parse(body).map_err(unreadable)?;
    let origin =
        Origin { today: now.to_zoned(TimeZone::UTC).date(), derived_order_id: None, fill_from_organization: false };
    let context = Context { organization, origin: &origin };
    match parsed {
        Message::Order(parsed) => {
            let refused = about(&parsed.request);
            validate(parsed.request, parsed.issues, &context).map_err(|issues| Refusal { issues, ..refused })
        }
        Message::Image(parsed) => {
            let refused = about_image(&parsed.request);
            validate_image(parsed.request, parsed.issues, &context).map_err(|issues| Refusal { issues, ..refused })
        }
    }
}
