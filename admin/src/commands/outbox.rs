//! `outbox`: what waits to be sent to callers' queues, and what was given up. Everything with a destination is an
//! envelope, however it is transported.

use super::{instant, missing};
use crate::cli::OutboxCommand;
use crate::platform::Platform;
use crate::report::{Report, Row};
use anyhow::Result;
use iris_store::queries::{OutboxEnvelope, ParkedEnvelope};
use serde_json::json;

pub(crate) async fn run(platform: &Platform, command: &OutboxCommand) -> Result<Report> {
    let store = platform.administration();
    match command {
        OutboxCommand::List { limit } => {
            let waiting = store.outbox_envelopes(*limit).await?;
            let parked = platform.store.parked(*limit).await?;
            Ok(Report::list("waiting", waiting.iter().map(waiting_row).collect())
                .and("parked", parked.iter().map(parked_row).collect()))
        }
        OutboxCommand::Retry { parked } => {
            let mut done = Vec::new();
            for id in parked {
                let entry = platform.entry("outbox.retry", format!("parked/{id}"), None, json!({}))?;
                if store.retry_parked(*id, &entry).await? {
                    done.push(vec![("parked", (*id).into()), ("outcome", "waiting again".into())]);
                }
            }
            Ok(Report { failure: missing(done.len(), parked.len(), "parked"), ..Report::list("envelopes", done) })
        }
        OutboxCommand::Hasten { waiting } => {
            let mut done = Vec::new();
            for id in waiting {
                let entry = platform.entry("outbox.hasten", format!("outbox/{id}"), None, json!({}))?;
                if store.hasten(*id, &entry).await? {
                    done.push(vec![("waiting", (*id).into()), ("outcome", "due now".into())]);
                }
            }
            Ok(Report { failure: missing(done.len(), waiting.len(), "waiting"), ..Report::list("envelopes", done) })
        }
        OutboxCommand::Park { waiting } => {
            let mut done = Vec::new();
            for id in waiting {
                let entry = platform.entry("outbox.park", format!("outbox/{id}"), None, json!({}))?;
                if let Some(parked) = store.park_envelope(*id, &entry).await? {
                    done.push(vec![("waiting", (*id).into()), ("parked", parked.into())]);
                }
            }
            Ok(Report { failure: missing(done.len(), waiting.len(), "waiting"), ..Report::list("envelopes", done) })
        }
    }
}

fn waiting_row(envelope: &OutboxEnvelope) -> Row {
    vec![
        ("id", envelope.id.into()),
        ("destination", envelope.destination.to_text().into()),
        ("messages", envelope.messages.into()),
        ("attempts", envelope.attempts.into()),
        ("storedAt", instant(envelope.created_at)),
        ("dueAt", instant(envelope.available_at)),
    ]
}

fn parked_row(envelope: &ParkedEnvelope) -> Row {
    vec![
        ("id", envelope.id.into()),
        ("destination", envelope.destination.to_text().into()),
        ("messages", envelope.messages.into()),
        ("parkedAt", instant(envelope.parked_at)),
        ("reason", envelope.reason.clone().into()),
    ]
}
