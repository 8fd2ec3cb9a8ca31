//! `apply_grading`: one message becomes a graded order and its result.
//!
//! A grading arrives through the entry `gradings-{organization}`, and only those who may grade have its credential
//! (decision 120).

use crate::app::App;
use crate::stamped::{self, Entry};
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_model::submission::{Submission, validate_grading};
use iris_model::{GradingSubmission, Organization, Slug};
use iris_rules::{Refusal, Requested};
use jiff::Timestamp;

/// Handles one message.
pub async fn run(app: &App, message: ServiceBusMessage) -> Outcome {
    stamped::submit(app, &message, &app.queues.gradings, &ENTRY).await
}

const ENTRY: Entry = Entry {
    ledger: Slug::gradings_ledger,
    requested: Requested::Grading,
    advice: "Send the grading of one order per message.",
    read,
};

fn read(body: &[u8], organization: &Organization, _: Timestamp) -> Result<Submission, Refusal> {
    let about = |issues, order_local_id| Refusal {
        issues,
        requested: Requested::Grading,
        order_local_id,
        ..Refusal::default()
    };
    let parsed = GradingSubmission::parse(body).map_err(|issue| about(vec![issue], None))?;
    let order_local_id = parsed.grading.local_id.clone();
    validate_grading(parsed, organization).map_err(|issues| about(issues, order_local_id))
}
