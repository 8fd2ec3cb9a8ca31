//! One drop: its progress and status, its documents, its rejected rows, and what became of every row.

use crate::drops::{bar, document, failed, totals};
use crate::failure::Error;
use crate::format::{self, bytes, count, duration};
use crate::page::{Look, Place, live, page};
use crate::shapes::Shape;
use crate::{Shared, documents, lines};
use axum::extract::{Path, Query, State};
use iris_intake::receipt::Receipt;
use iris_model::{IssueCode, Severity};
use iris_store::DropStatus;
use iris_store::queries::DropSummary;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

/// Where the lists continue, by the numbers of batches.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Continued {
    rows: Option<u32>,
    rejected: Option<u32>,
}

/// `GET /drops/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    look: Look,
    Path(id): Path<Uuid>,
    Query(from): Query<Continued>,
) -> Result<Markup, Error> {
    let store = console.platform.orders.as_ref();
    let drop = store.drop_summary(id).await?.ok_or(Error::Missing("such drop"))?;
    let receipt = documents::receipt(&console, &drop).await?;
    let organization = console.organization(drop.organization);
    let shape = match organization {
        Some(organization) if failed(&drop.totals) > 0 => console.shapes.of(&console, organization, &drop).await,
        _ => Shape::default().into(),
    };
    let rejected = lines::rejected(store, id, from.rejected).await?;
    let rows = lines::batch(store, id, from.rows).await?;
    let address = address(id, from);
    let content = html! {
        (head(&drop, receipt.as_ref(), look, organization.map_or("an unknown organization", |one| one.name.as_str())))
        @if !rejected.lines.is_empty() {
            section aria-labelledby="rejected" {
                h2 #rejected { "Rejected rows" }
                p.hint { "Correct them in the downloaded file and drop it again; the other rows are not needed for that." }
                @for (line, alike) in lines::unlike(&rejected.lines) {
                    (lines::rejected_row(line, &shape, look))
                    @if alike > 0 { p.hint { "The same is wrong with " (format::plural(alike, "further row", "further rows")) "." } }
                }
                @if let Some(next) = rejected.next.filter(|_| failed(&drop.totals) > rejected.lines.len() as u64) {
                    p.more { a href={ "/drops/" (id) "?rejected=" (next) "#rejected" } { "Further rejected rows" } }
                }
            }
        }
        @if !rows.lines.is_empty() {
            section aria-labelledby="rows" {
                h2 #rows { "Every row" }
                (lines::table(&rows.lines, look))
                @if let Some(next) = rows.next.filter(|_| drop.totals.rows() > rows.lines.len() as u64) {
                    p.more { a href={ "/drops/" (id) "?rows=" (next) "#rows" } { "The rows after these" } }
                }
            }
        }
    };
    let title = look.plain(&drop.name);
    page(&console, look, Place::Drops, &title, live("drop", &["orders"], &address, &content)).await
}

fn address(id: Uuid, from: Continued) -> String {
    let rows = from.rows.map(|rows| format!("&rows={rows}")).unwrap_or_default();
    let rejected = from.rejected.map(|rejected| format!("&rejected={rejected}")).unwrap_or_default();
    format!("/drops/{id}?{}", format!("{rows}{rejected}").trim_start_matches('&'))
}

fn head(drop: &DropSummary, receipt: Option<&Receipt>, look: Look, organization: &str) -> Markup {
    let until = drop.finished_at.unwrap_or_else(Timestamp::now);
    let over = drop.status != DropStatus::Loading;
    html! {
        header.head {
            p.path { a href="/" { "Drops" } }
            h1 { (look.private(&drop.name)) " " (format::drop_status(drop.status, failed(&drop.totals), drop.totals.rows())) }
            p {
                (organization) " · " (bytes(drop.size)) " · received " (format::time(drop.received_at))
                @if over { " · loaded in " } @else { " · loading for " } (duration(drop.received_at, until))
            }
        }
        section.progress aria-label="Outcome" data-rows=(drop.totals.rows()) data-status=(drop.status.as_str()) {
            (bar(&drop.totals)) (totals(&drop.totals))
            @if !over { progress aria-label="Loading" {} }
        }
        @for issue in &drop.issues {
            p.issue.(if issue.severity == Severity::Error { "bad" } else { "warn" }) {
                (look.message(&issue.message)) " " code { (issue.code.as_str()) }
            }
        }
        @if needs_mapping(drop) {
            form.actions method="post" action={ "/drops/" (drop.id) "/workbench" } {
                button.primary type="submit" { "Say what its columns are" }
            }
        }
        @match receipt {
            Some(receipt) => {
                p.actions {
                    @if receipt.files.rejected.is_some() {
                        a.button.primary #download-rejected href=(document(drop, "rejected")) download {
                            "Download " (format::plural(failed(&drop.totals), "rejected row", "rejected rows"))
                        }
                    }
                    @if receipt.files.rows.is_some() { a.button href=(document(drop, "rows")) download { "rows.csv" } }
                    a.button href=(document(drop, "receipt")) download { "Receipt (JSON)" }
                }
                @if !receipt.issues_by_code.is_empty() {
                    p.codes {
                        @for (code, number) in &receipt.issues_by_code { span { code { (code.as_str()) } " × " (count(*number)) } }
                    }
                }
            }
            None if over => { p.hint { "The receipts are being written." } }
            None => {}
        }
    }
}

/// Whether a file was refused because its columns are unknown.
fn needs_mapping(drop: &DropSummary) -> bool {
    let of_columns = [IssueCode::NoHeader, IssueCode::MissingColumn, IssueCode::AmbiguousColumn];
    drop.status == DropStatus::Refused && drop.issues.iter().any(|issue| of_columns.contains(&issue.code))
}
