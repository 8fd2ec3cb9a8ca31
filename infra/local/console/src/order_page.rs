//! One order: its content, its history, and what was reported about it.

use crate::changes::{Difference, differences};
use crate::events::{self, Told};
use crate::failure::Error;
use crate::format;
use crate::orders::{exams, table};
use crate::page::{Look, Place, live, page};
use crate::{Console, Shared};
use axum::extract::{Path, State};
use iris_store::queries::{OrderDetail, OrderHistory, OrderSearch, OrderSummary};
use maud::{Markup, html};
use serde_json::Value;

/// Orders of the same patient that are listed.
const OTHERS: u32 = 20;

/// `GET /orders/{id}`.
pub(crate) async fn show(State(console): State<Shared>, look: Look, Path(id): Path<i64>) -> Result<Markup, Error> {
    let order = console.platform.orders.order(id).await?.ok_or(Error::Missing("such order"))?;
    let search = OrderSearch { patient: Some(order.summary.patient_id), ..OrderSearch::default() };
    let mut others = console.platform.orders.search_orders(&search, OTHERS).await?.items;
    others.retain(|other| other.id != id);
    let told = events::about(&console, order.summary.organization, id)?;
    let content = html! {
        (head(&console, &order, look))
        div.columns {
            section aria-labelledby="history" { h2 #history { "History" } (history(&order, &others, look)) }
            section aria-labelledby="told" { h2 #told { "Events" } (events_of(&told, look)) }
        }
        @if !others.is_empty() {
            section aria-labelledby="others" { h2 #others { "Other orders of this patient" } (table(&others, look)) }
        }
        (documents(&order, look))
    };
    let address = format!("/orders/{id}");
    page(
        &console,
        look,
        Place::Orders,
        &format!("Order {id}"),
        live("order", &["orders", "queues"], &address, &content),
    )
    .await
}

fn head(console: &Console, order: &OrderDetail, look: Look) -> Markup {
    let summary = &order.summary;
    let organization =
        console.organization(summary.organization).map_or("an unknown organization", |one| one.name.as_str());
    let patient: Value = serde_json::from_str(&order.patient).unwrap_or_default();
    let part = |pointer: &str| patient.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = format!("{} {}", part("/Name/First"), part("/Name/Last"));
    let facts = [
        ("Order", look.plain(&summary.local_id).into_owned()),
        ("Patient", look.plain(&summary.patient_local_id).into_owned()),
        ("Name", look.plain(name.trim()).into_owned()),
        ("Born", look.plain(&part("/Dob")).into_owned()),
        ("Exam", exams(summary)),
        ("Site", format!("{} ({})", summary.site, summary.state)),
        ("Camera", summary.camera.clone().unwrap_or_default()),
    ];
    html! {
        header.head {
            p.path { a href="/orders" { "Orders" } }
            h1 { "Order " (summary.id) " " (format::order_status(summary.status)) }
            p { (organization) " · created " (format::time(summary.created_at)) }
        }
        dl.sheet {
            @for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) { div { dt { (name) } dd { (format::foreign(value)) } } }
        }
    }
}

fn history(order: &OrderDetail, others: &[OrderSummary], look: Look) -> Markup {
    html! {
        ol.history {
            li { span.what { "created" } (format::time(order.summary.created_at)) }
            @for (place, entry) in order.history.iter().enumerate() {
                li.(entry.change) {
                    span.what { (entry.change) } (format::time(entry.at))
                    @if matches!(entry.change.as_str(), "superseded" | "recreated" | "retired") {
                        @if let Some(other) = successor(order.summary.id, others) {
                            p { "Order " a href={ "/orders/" (other) } { (other) } " took its place." }
                        }
                    }
                    (changed(&differences_of(order, place, entry), look))
                }
            }
        }
    }
}

/// The order that came next for the same patient.
fn successor(id: i64, others: &[OrderSummary]) -> Option<i64> {
    others.iter().map(|other| other.id).filter(|other| *other > id).min()
}

/// What an entry changed: its content compared with that of the next change, or with what is stored now.
fn differences_of(order: &OrderDetail, place: usize, entry: &OrderHistory) -> Vec<Difference> {
    let Some(before) = &entry.content else { return Vec::new() };
    let later = order.history.iter().skip(place + 1).find_map(|entry| entry.content.as_deref());
    differences(before, later.unwrap_or(&order.content))
}

fn changed(differences: &[Difference], look: Look) -> Markup {
    let shown = |value: &Option<String>| {
        value.as_deref().map_or_else(|| html! { "–" }, |text| look.private(&format::cut(text, 200)))
    };
    html! {
        @if !differences.is_empty() {
            dl.changes {
                @for one in differences {
                    dt { code { (one.path) } }
                    dd { del { (shown(&one.before)) } " → " ins { (shown(&one.after)) } }
                }
            }
        }
    }
}

fn events_of(told: &[Told], look: Look) -> Markup {
    html! {
        @if told.is_empty() {
            p.hint { "None is waiting in the queue of events: either it was received already, or not sent yet." }
        } @else {
            ol.history { @for event in told { li { span.what { (event.kind) } (format::time(event.at)) (events::remark(event, look)) } } }
        }
    }
}

fn documents(order: &OrderDetail, look: Look) -> Markup {
    html! {
        section {
            h2 { "As stored" }
            @for (name, document) in [("The order", &order.content), ("The patient", &order.patient)] {
                details { summary { (name) } pre { (look.private(&format::pretty(document))) } }
            }
            @if !order.images.is_empty() {
                details {
                    summary { "Its images" }
                    @for image in &order.images { pre { (look.private(&format::pretty(image))) } }
                }
            }
        }
    }
}
