//! Orders that came as messages: what became of each, and the bytes of those that were refused.

use crate::Shared;
use crate::failure::Error;
use crate::format;
use crate::page::{Look, Place, live, page};
use axum::extract::{Path, Query, State};
use iris_model::OutcomeKind;
use iris_store::queries::SubmissionRecord;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

/// Messages listed.
const LISTED: u32 = 100;

/// Which ones.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    refused: bool,
}

/// `GET /messages`.
pub(crate) async fn show(
    State(console): State<Shared>,
    look: Look,
    Query(asked): Query<Asked>,
) -> Result<Markup, Error> {
    let only = asked.refused.then_some(OutcomeKind::Failed);
    let found = console.platform.orders.submissions(None, only, LISTED).await?;
    let address = if asked.refused { "/messages?refused=true" } else { "/messages" };
    let content = html! {
        header.head {
            h1 { "Messages" }
            p { "Orders that came one by one through a queue: the latest " (LISTED) "." }
        }
        nav.choice aria-label="Which messages" {
            a href="/messages" aria-current=[(!asked.refused).then_some("true")] { "All" }
            a href="/messages?refused=true" aria-current=[asked.refused.then_some("true")] { "Refused" }
        }
        (live("messages", &["orders"], address, &list(&console, &found, look)))
    };
    page(&console, look, Place::Messages, "Messages", content).await
}

fn list(console: &Shared, found: &[SubmissionRecord], look: Look) -> Markup {
    html! {
        @if found.is_empty() {
            p.empty { "None has come. Post one to the queue " code { "orders-{organization}" } "; the connection string is in the terminal." }
        } @else {
            table.list {
                thead { tr { th { "Time" } th { "Organization" } th { "Outcome" } th { "Order in IRIS" } th { "Order" } th { "Patient" } th.wide { "Remarks" } } }
                tbody { @for one in found { (row(console, one, look)) } }
            }
        }
    }
}

fn row(console: &Shared, one: &SubmissionRecord, look: Look) -> Markup {
    html! {
        tr {
            td { (format::time(one.at)) }
            td { (console.organization(one.organization).map_or("unknown", |organization| organization.slug.as_str())) }
            td { (format::outcome(one.outcome)) }
            td { @if let Some(order) = one.iris_order_id { a href={ "/orders/" (order) } { (order) } } }
            td { (look.private(one.order_local_id.as_deref().unwrap_or_default())) }
            td { (look.private(one.patient_local_id.as_deref().unwrap_or_default())) }
            td {
                @for issue in &one.issues {
                    p.issue.(if issue.is_error() { "bad" } else { "warn" }) {
                        @if !issue.path.is_empty() { strong { (issue.path) ": " } }
                        (look.message(&issue.message)) " " code { (issue.code.as_str()) }
                    }
                }
                @if one.outcome == OutcomeKind::Failed { a href={ "/messages/" (one.id) } { "the message" } }
            }
        }
    }
}

/// `GET /messages/{id}`: the bytes of a refused message.
pub(crate) async fn body(State(console): State<Shared>, look: Look, Path(id): Path<Uuid>) -> Result<Markup, Error> {
    let body = console.platform.orders.refused_body(id).await?.ok_or(Error::Missing("message kept under this id"))?;
    let text = String::from_utf8_lossy(&body);
    let content = html! {
        header.head {
            p.path { a href="/messages" { "Messages" } }
            h1 { "Refused message" }
            p { (format::bytes(body.len() as u64)) }
        }
        pre { (look.private(&format::cut(&format::pretty(&text), 64_000))) }
    };
    page(&console, look, Place::Messages, "Refused message", content).await
}
