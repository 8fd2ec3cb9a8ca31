//! From a message to what the rules decide about: pure.

use crate::postpone;
use iris_azure::handler::ServiceBusMessage;
use iris_model::submission::{Submission, validate_grading};
use iris_model::{GradingSubmission, Issue, IssueCode, Organization};
use iris_rules::incoming::message_id;
use iris_rules::{Incoming, Refusal, Requested, Source};
use jiff::Timestamp;
use std::sync::Arc;

/// The largest message body accepted, in bytes (design.md §7).
const BODY_LIMIT: usize = 1024 * 1024;

/// Reads a message. Whatever is wrong with it ends up in the refusal.
pub(super) fn incoming(message: &ServiceBusMessage, organization: Arc<Organization>, now: Timestamp) -> Incoming {
    let entry = format!("gradings/{}", organization.slug);
    Incoming {
        id: message_id(&entry, &postpone::original_id(message), &message.body),
        received_at: now,
        first_seen: postpone::first_seen(message).unwrap_or(now),
        request: request(&message.body, &organization),
        source: Source::Message,
        body: Some(message.body.as_ref().into()),
        organization,
    }
}

fn request(body: &[u8], organization: &Organization) -> Result<Submission, Refusal> {
    let unreadable = |issue| Refusal { issues: vec![issue], requested: Requested::Grading, ..Refusal::default() };
    if body.len() > BODY_LIMIT {
        let message = "The message is larger than 1 MB. Send the grading of one order per message.";
        return Err(unreadable(Issue::error(IssueCode::TooLarge, "", message)));
    }
    let parsed = GradingSubmission::parse(body).map_err(unreadable)?;
    let order_local_id = parsed.grading.local_id.clone();
    validate_grading(parsed, organization).map_err(|issues| Refusal {
        issues,
        requested: Requested::Grading,
        order_local_id,
        ..Refusal::default()
    })
}
