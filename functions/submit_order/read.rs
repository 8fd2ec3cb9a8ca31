//! From a message to what the rules decide about: pure.

use crate::postpone;
use crate::refusal::{about, about_image, unreadable};
use iris_azure::handler::ServiceBusMessage;
use iris_model::submission::{Context, Origin, validate, validate_image};
use iris_model::{Issue, IssueCode, Message, Organization};
use iris_rules::incoming::message_id;
use iris_rules::{Incoming, Refusal, Source};
use jiff::{Timestamp, tz::TimeZone};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// The largest message body accepted, in bytes (design.md §7).
const BODY_LIMIT: usize = 1024 * 1024;

/// Reads a message. Whatever is wrong with it ends up in the refusal.
pub(super) fn incoming(message: &ServiceBusMessage, organization: Arc<Organization>, now: Timestamp) -> Incoming {
    Incoming {
        id: submission_id(Some(&organization), message),
        received_at: now,
        first_seen: postpone::first_seen(message).unwrap_or(now),
        request: request(message, &organization, now),
        source: Source::Message,
        body: Some(message.body.as_ref().into()),
        organization,
    }
}

/// A message of nobody known: refused, and recorded under an organization that does not exist and wants no events.
pub(crate) fn unattributed(message: &ServiceBusMessage, now: Timestamp) -> Incoming {
    let issue =
        Issue::error(IssueCode::UnknownOrganization, "", "The entry it came through belongs to no known organization.");
    Incoming {
        id: submission_id(None, message),
        received_at: now,
        first_seen: now,
        request: Err(unreadable(issue)),
        source: Source::Message,
        body: Some(message.body.as_ref().into()),
        organization: nobody(),
    }
}

fn nobody() -> Arc<Organization> {
    static NOBODY: LazyLock<Arc<Organization>> = LazyLock::new(|| Arc::new(Organization::unattributed()));
    Arc::clone(&NOBODY)
}

fn request(
    message: &ServiceBusMessage,
    organization: &Organization,
    now: Timestamp,
) -> Result<iris_model::Submission, Refusal> {
    if message.body.len() > BODY_LIMIT {
        return Err(unreadable(Issue::error(
            IssueCode::TooLarge,
            "",
            "The message is larger than 1 MB. Send one order per message; images belong in blob storage.",
        )));
    }
    let parsed = Message::parse(&message.body).map_err(unreadable)?;
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

/// A message is the same submission when organization, MessageId and bytes are the same; without a MessageId, its place in the queue
/// stands for it (decision 54).
pub(super) fn submission_id(organization: Option<&Organization>, message: &ServiceBusMessage) -> Uuid {
    let entry = organization.map_or("", |organization| organization.slug.as_str());
    message_id(entry, &postpone::original_id(message), &message.body)
}
