//! The start page: drop a file, and see what became of those dropped before.

use crate::failure::Error;
use crate::format::{self, bytes, count, encoded, plural};
use crate::page::{Chosen, Look, Place, live, page};
use crate::{Console, Shared};
use axum::extract::State;
use iris_model::OutcomeKind;
use iris_store::DropStatus;
use iris_store::drops::DropTotals;
use iris_store::queries::DropSummary;
use maud::{Markup, html};

/// Drops listed.
const LISTED: u32 = 50;

/// `GET /`.
pub(crate) async fn show(State(console): State<Shared>, look: Look, chosen: Chosen) -> Result<Markup, Error> {
    let drops = console.platform.orders.drops(None, LISTED).await?;
    let content = html! {
        header.head {
            h1 { "Drops" }
            p { "Spreadsheets and JSON files, as callers upload them. Each row becomes an order, or comes back with what to correct." }
        }
        (zone(&console, &chosen, "/drops"))
        (live("drops", &["orders", "queues"], "/", &list(&console, look, &drops)?))
    };
    page(&console, look, Place::Drops, "Drops", content).await
}

/// The area to drop files on. The script sends them; see `upload`.
pub(crate) fn zone(console: &Console, chosen: &Chosen, action: &str) -> Markup {
    html! {
        form #zone.zone method="post" action=(action) {
            div {
                strong { "Drop a file here" }
                " or "
                label.button for="file" { "choose one" kbd { "u" } }
                input #file type="file" multiple accept=".csv,.tsv,.txt,.xlsx,.xlsm,.json,.ndjson,.jsonl";
                p.hint { "CSV, XLSX, JSON or NDJSON. There are some to try in the folder " code { "samples" } "." }
            }
            label.field {
                span { "as" }
                select #organization name="organization" {
                    @for organization in &console.platform.organizations {
                        option value=(organization.slug.as_str()) selected[chosen.is(organization)] { (organization.name) }
                    }
                }
            }
        }
    }
}

fn list(console: &Console, look: Look, drops: &[DropSummary]) -> Result<Markup, Error> {
    let waiting = console.platform.broker.status(&console.platform.drops_queue)?.active;
    let loading = drops.iter().filter(|drop| drop.status == DropStatus::Loading).count();
    let more = waiting.saturating_sub(loading) as u64;
    Ok(html! {
        @if more > 0 { p.note { (plural(more, "file waits", "files wait")) " for the handler." } }
        @if drops.is_empty() {
            p.empty { "Nothing was dropped yet." }
        } @else {
            table.list {
                thead { tr { th { "File" } th { "Received" } th.wide { "Rows" } th { "Status" } } }
                tbody { @for drop in drops { (row(console, look, drop)) } }
            }
        }
    })
}

fn row(console: &Console, look: Look, drop: &DropSummary) -> Markup {
    let organization =
        console.organization(drop.organization).map_or("an unknown organization", |one| one.name.as_str());
    html! {
        tr id={ "drop-" (drop.id) } {
            td {
                a.row href={ "/drops/" (drop.id) } { (look.private(&drop.name)) }
                small { (organization) " · " (bytes(drop.size)) }
            }
            td { (format::time(drop.received_at)) }
            td { (bar(&drop.totals)) (totals(&drop.totals)) }
            td { (format::drop_status(drop.status, failed(&drop.totals), drop.totals.rows())) }
        }
    }
}

/// Rows that were refused.
pub(crate) fn failed(totals: &DropTotals) -> u64 {
    totals.0.get(&OutcomeKind::Failed).copied().unwrap_or_default()
}

const ORDER: [(OutcomeKind, &str, &str); 8] = [
    (OutcomeKind::Created, "good", "created"),
    (OutcomeKind::Changed, "good", "changed"),
    (OutcomeKind::PatientRegistered, "good", "registered"),
    (OutcomeKind::Resent, "good", "resent"),
    (OutcomeKind::Replayed, "calm", "replayed"),
    (OutcomeKind::Cancelled, "calm", "cancelled"),
    (OutcomeKind::Ignored, "warn", "ignored"),
    (OutcomeKind::Failed, "bad", "rejected"),
];

/// Outcomes as one bar.
pub(crate) fn bar(totals: &DropTotals) -> Markup {
    const WIDTH: u64 = 1_000;
    let all = totals.rows().max(1);
    let mut end = 0;
    let parts = ORDER.map(|(kind, tone, _)| {
        let width = totals.0.get(&kind).copied().unwrap_or_default() * WIDTH / all;
        end += width;
        (tone, end - width, width)
    });
    html! {
        svg.bar viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" aria-hidden="true" {
            @for (tone, start, width) in parts.iter().filter(|(.., width)| *width > 0) {
                rect.(tone) x=(start) y="0" width=(width) height="10" {}
            }
        }
    }
}

/// Outcomes in words.
pub(crate) fn totals(totals: &DropTotals) -> Markup {
    let parts = ORDER.iter().filter_map(|(kind, tone, name)| totals.0.get(kind).map(|number| (tone, number, name)));
    html! {
        span.totals {
            strong { (count(totals.rows())) } " rows"
            @for (tone, number, name) in parts { span.(tone) { " · " (count(*number)) " " (name) } }
        }
    }
}

/// The address of a drop's document.
pub(crate) fn document(drop: &DropSummary, kind: &str) -> String {
    format!("/drops/{}/{}", drop.id, encoded(kind))
}
