//! `submissions`.

use super::instant;
use crate::cli::SubmissionsCommand;
use crate::platform::Platform;
use crate::redact;
use crate::report::{Report, Row};
use anyhow::{Context, Result, bail};
use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_model::names::property::RESUBMISSION_OF;
use iris_model::{ClientGuid, HL7_CONTENT, Organization, OutcomeKind, Slug};
use iris_rules::incoming::message_id;
use iris_store::queries::SubmissionRecord;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

pub(crate) async fn run(platform: &Platform, command: &SubmissionsCommand) -> Result<Report> {
    match command {
        SubmissionsCommand::List { organization, all, limit } => {
            let guid = platform.guid(organization.as_ref()).await?;
            let only = (!all).then_some(OutcomeKind::Failed);
            let submissions = platform.store.submissions(guid, only, *limit).await?;
            platform.viewing("submissions.view", "list", guid).await?;
            Ok(Report::list("submissions", submissions.iter().map(|record| row(platform, record)).collect()))
        }
        SubmissionsCommand::Show { id } => show(platform, *id).await,
        SubmissionsCommand::Resubmit { id, file, organization, grading } => {
            let corrected = file.as_deref();
            resubmit(platform, &Resubmission { id: *id, corrected, named: organization.as_ref(), grading: *grading })
                .await
        }
    }
}

fn row(platform: &Platform, record: &SubmissionRecord) -> Row {
    let issues = record.issues.iter().map(|issue| {
        if platform.shows() { format!("{}: {}", redact::issue(issue), issue.message) } else { redact::issue(issue) }
    });
    vec![
        ("id", record.id.to_string().into()),
        ("organization", record.organization.to_string().into()),
        ("at", instant(record.at)),
        ("outcome", record.outcome.as_str().into()),
        ("irisOrderId", record.iris_order_id.into()),
        ("order", platform.personal(record.order_local_id.as_deref())),
        ("patient", platform.personal(record.patient_local_id.as_deref())),
        ("issues", issues.collect()),
    ]
}

async fn record(platform: &Platform, id: Uuid) -> Result<SubmissionRecord> {
    let known = platform.administration().submission(id).await?;
    known.context("there is no message with this submission id; rows of files are in drops show")
}

async fn show(platform: &Platform, id: Uuid) -> Result<Report> {
    let record = record(platform, id).await?;
    platform.viewing("submissions.view", id.to_string(), Some(record.organization)).await?;
    let store = platform.administration();
    let mut fields = row(platform, &record);
    fields.push(("resubmissionOf", store.original_of(id).await?.map(|id| id.to_string()).into()));
    let content = match platform.store.refused_body(id).await? {
        None => Value::Null,
        Some(body) if platform.shows() => String::from_utf8_lossy(&body).into_owned().into(),
        Some(body) => redact::body(&body),
    };
    fields.push(("content", content));
    let again = store.resubmissions_of(id).await?.into_iter().map(|again| {
        vec![
            ("submission", again.submission.to_string().into()),
            ("at", instant(again.at)),
            ("handled", again.handled.into()),
        ]
    });
    Ok(Report::of(fields).and("resubmissions", again.collect()))
}

/// What to send again.
struct Resubmission<'a> {
    /// The submission.
    id: Uuid,
    /// A file with the corrected message, to be sent instead.
    corrected: Option<&'a Path>,
    /// The organization, according to the operator.
    named: Option<&'a Slug>,
    /// True if the operator says that it is a grading.
    grading: bool,
}

/// Sends it through the organization's entry, which stamps it like any other message. The link is recorded first; if
/// sending then fails, repeating the command sends the same message.
async fn resubmit(platform: &Platform, wanted: &Resubmission<'_>) -> Result<Report> {
    let id = wanted.id;
    let record = record(platform, id).await?;
    if record.outcome != OutcomeKind::Failed {
        bail!("this message was not rejected ({})", record.outcome.as_str());
    }
    let organization = whose(platform, record.organization, wanted.named).await?;
    let body = content(platform, id, wanted.corrected).await?;
    let store = platform.administration();
    let handled = store.resubmissions_of(id).await?.iter().filter(|again| again.handled).count();
    let message = Uuid::new_v5(&id, format!("resubmission {handled}").as_bytes()).to_string();
    let slug = &organization.slug;
    // The functions derive the id in the same way from what comes through each entry.
    let (entry_queue, ledger, content_type) = if wanted.grading || is_grading(&body) {
        (slug.gradings_entry(), slug.gradings_ledger(), "application/json")
    } else if body.starts_with(b"MSH") {
        (slug.hl7_entry(), slug.hl7_ledger(), HL7_CONTENT)
    } else {
        (slug.orders_entry(), slug.orders_ledger(), "application/json")
    };
    let submission = message_id(&ledger, &message, &body);
    let details = json!({ "submission": submission, "corrected": wanted.corrected.is_some(), "entry": entry_queue });
    let entry = platform.entry("submissions.resubmit", id.to_string(), Some(organization.client_guid), details)?;
    store.link_resubmission(id, submission, &entry).await?;

    let sender = ServiceBusSender::start(&platform.settings.service_bus, &platform.lookup(), SenderOptions::default())?;
    let outgoing = OutgoingMessage {
        message_id: message,
        body: body.into(),
        content_type: Some(content_type.to_owned()),
        application_properties: [(RESUBMISSION_OF.to_owned(), id.to_string().into())].into(),
        ..OutgoingMessage::default()
    };
    sender.send(&entry_queue, vec![outgoing]).await.with_context(|| format!("not sent to {entry_queue}; try again"))?;
    Ok(Report::of(vec![
        ("submission", submission.to_string().into()),
        ("resubmissionOf", id.to_string().into()),
        ("organization", slug.as_str().into()),
        ("sentTo", entry_queue.into()),
    ]))
}

/// A message that contains graded eyes and no order request is a grading (iris-facts §6).
fn is_grading(body: &[u8]) -> bool {
    let Ok(Value::Object(message)) = serde_json::from_slice(body) else { return false };
    let has = |names: &[&str]| message.keys().any(|key| names.iter().any(|name| key.eq_ignore_ascii_case(name)));
    has(&["OD", "OS", "GradedTime"]) && !has(&["OrderControlCode", "Order", "Patient"])
}

async fn whose(platform: &Platform, guid: ClientGuid, named: Option<&Slug>) -> Result<Organization> {
    let known = platform.organizations().await?;
    let own = known.into_iter().filter_map(|(_, organization)| organization.ok());
    match (own.into_iter().find(|organization| organization.client_guid == guid), named) {
        (Some(organization), Some(slug)) if organization.slug != *slug => {
            bail!("this message is of {}, not of {slug}", organization.slug)
        }
        (Some(organization), _) => Ok(organization),
        (None, Some(slug)) => platform.organization(slug).await,
        (None, None) => bail!("this message came through no known entry; say whose it is with --organization"),
    }
}

async fn content(platform: &Platform, id: Uuid, file: Option<&Path>) -> Result<Vec<u8>> {
    match file {
        Some(file) => std::fs::read(file).with_context(|| format!("cannot read {}", file.display())),
        None => platform
            .store
            .refused_body(id)
            .await?
            .context("its content is past its retention period; give the message with --file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradings_are_told_from_orders() {
        assert!(is_grading(br#"{"LocalId": "1", "OD": {}, "GradedTime": ""}"#));
        assert!(is_grading(br#"{"od": {}}"#));
        for other in [r#"{"Order": {}, "OD": 1}"#, r#"{"Patient": {}}"#, "{}", "[]", "{"] {
            assert!(!is_grading(other.as_bytes()), "{other}");
        }
    }
}
