//! Messages that came through an organization's entry: orders and gradings.
//!
//! The entry stamped them with its organization; what a body says about its sender proves nothing. Anything wrong with
//! a message is recorded and answered by an event. Only what cannot be decided now goes back to the queue
//! ([`crate::postpone`]).

use crate::app::App;
use crate::postpone::{self, Reason};
use iris_azure::handler::{Outcome, ServiceBusMessage};
use iris_azure::organizations::Lookup;
use iris_drops::refusal::unreadable;
use iris_model::names::property::ORGANIZATION;
use iris_model::{Issue, IssueCode, Organization, Slug, Submission};
use iris_rules::incoming::message_id;
use iris_rules::{Answer, Incoming, Refusal, Requested, Source};
use jiff::Timestamp;
use std::sync::{Arc, LazyLock};
use tracing::{debug, error};
use uuid::Uuid;

/// The largest message body accepted, in bytes.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// How messages from one kind of entry are read.
pub(crate) struct Entry {
    /// The name of an organization's entry in the ledger of submissions.
    pub(crate) ledger: fn(&Slug) -> String,
    /// What an unreadable message is assumed to ask for.
    pub(crate) requested: Requested,
    /// What to do about a message that is too large.
    pub(crate) advice: &'static str,
    /// Turns the bytes into what the rules decide about; pure.
    pub(crate) read: fn(&[u8], &Organization, Timestamp) -> Result<Submission, Refusal>,
}

/// Handles one message from `queue`.
pub(crate) async fn submit(app: &App, message: &ServiceBusMessage, queue: &str, entry: &Entry) -> Outcome {
    let now = Timestamp::now();
    let incoming = match app.organizations.stamped(message.property(ORGANIZATION)).await {
        Ok(Lookup::Known(organization)) => incoming(message, organization, entry, now),
        Ok(Lookup::Unknown) => {
            error!(
                alert = true,
                code = "unknown-organization",
                "a message came through an entry of no known organization"
            );
            unattributed(message, now)
        }
        Err(error) => return postpone::after(app, queue, message, error).await,
    };
    match app.orders.submit(incoming).await {
        Ok(Answer::Done(outcome)) => {
            debug!(outcome = outcome.kind.as_str(), order = outcome.iris_order_id, "message handled");
            Outcome::Done
        }
        Ok(Answer::NotYet) => postpone::again(app, queue, message, Reason::LateParent).await,
        Err(error) => postpone::after(app, queue, message, error).await,
    }
}

/// Messages are the same submission if entry, MessageId and bytes are the same; without a MessageId, the sequence
/// number in the queue replaces it (decision 54).
fn incoming(message: &ServiceBusMessage, organization: Arc<Organization>, entry: &Entry, now: Timestamp) -> Incoming {
    let ledger = (entry.ledger)(&organization.slug);
    let request = if message.body.len() > BODY_LIMIT {
        let text = format!("The message is larger than 1 MB. {}", entry.advice);
        let issue = Issue::error(IssueCode::TooLarge, "", text);
        Err(Refusal { requested: entry.requested, ..unreadable(issue) })
    } else {
        (entry.read)(&message.body, &organization, now)
    };
    Incoming {
        id: submission_id(&ledger, message),
        message_id: postpone::given_id(message).map(Into::into),
        received_at: now,
        first_seen: postpone::first_seen(message, now),
        request,
        source: Source::Message,
        body: Some(message.body.as_ref().into()),
        organization,
    }
}

/// A message from an unknown sender: refused, and recorded under an organization that does not exist and wants no
/// events (iris-facts R-01).
pub(crate) fn unattributed(message: &ServiceBusMessage, now: Timestamp) -> Incoming {
    static NOBODY: LazyLock<Arc<Organization>> = LazyLock::new(|| Arc::new(Organization::unattributed()));
    let issue =
        Issue::error(IssueCode::UnknownOrganization, "", "The entry it came through belongs to no known organization.");
    Incoming {
        id: submission_id("", message),
        message_id: None,
        received_at: now,
        first_seen: now,
        request: Err(unreadable(issue)),
        source: Source::Message,
        body: Some(message.body.as_ref().into()),
        organization: Arc::clone(&NOBODY),
    }
}

pub(crate) fn submission_id(ledger: &str, message: &ServiceBusMessage) -> Uuid {
    message_id(ledger, &postpone::original_id(message), &message.body)
}
