//! Messages waiting for a caller: the events and results in its queues.

use crate::failure::Error;
use crate::format::{self, encoded, plural};
use crate::page::{Chosen, Look, Place, live, organizations, page};
use crate::{Console, Shared};
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use iris_local_servicebus::broker::{Delivery, Error as BrokerError};
use iris_model::{ClientGuid, Organization};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

/// Events per page.
const LISTED: usize = 50;
/// How many events are searched for those about one order.
const SEARCHED: usize = 5_000;

/// An event or result as a caller would receive it.
pub(crate) struct Told {
    /// What it is.
    pub(crate) kind: String,
    /// When it was put into the queue.
    pub(crate) at: Timestamp,
    sequence: u64,
    order: Option<i64>,
    local_id: String,
    success: Option<bool>,
    error: String,
    body: String,
}

impl Told {
    fn of(delivery: &Delivery) -> Self {
        let body = String::from_utf8_lossy(&delivery.message.body).into_owned();
        let value: Value = serde_json::from_str(&body).unwrap_or_default();
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = text("ResultObjectType");
        Self {
            kind: if kind.is_empty() { "message".to_owned() } else { kind },
            at: delivery.enqueued_time,
            sequence: delivery.sequence_number,
            order: value.get("IrisOrderId").or_else(|| value.pointer("/Order/IrisOrderId")).and_then(Value::as_i64),
            local_id: text("OrderLocalId"),
            success: value.get("Success").and_then(Value::as_bool),
            error: text("ErrorMessage"),
            body,
        }
    }
}

/// Which organization, and where the lists continue.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    organization: Option<String>,
    events: Option<u64>,
    results: Option<u64>,
}

/// `GET /events`.
pub(crate) async fn show(
    State(console): State<Shared>,
    look: Look,
    chosen: Chosen,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let organization =
        console.chosen(chosen.slug(asked.organization.as_deref())).ok_or(Error::Missing("organization"))?;
    let slug = organization.slug.as_str();
    let address = |name: &str, below: u64| format!("/events?organization={}&{name}={below}", encoded(slug));
    let own = match (asked.events, asked.results) {
        (Some(below), _) => address("events", below),
        (None, Some(below)) => address("results", below),
        (None, None) => format!("/events?organization={}", encoded(slug)),
    };
    let queues = [
        ("events", "Events", organization.events_queue(), asked.events),
        ("results", "Results", Some(results(organization)), asked.results),
    ];
    let mut lists = Vec::new();
    for (name, title, queue, below) in queues {
        let queue = queue.filter(|queue| console.platform.broker.status(queue).is_ok());
        let Some(queue) = queue else { continue };
        let found = newest(&console, &queue, below, LISTED)?;
        let older = (found.len() == LISTED).then(|| found.last().map(|last| address(name, last.sequence))).flatten();
        let waiting = console.platform.broker.status(&queue)?.active as u64;
        lists.push(html! {
            section aria-labelledby=(name) {
                h2 id=(name) { (title) small { code { (queue) } " · " (plural(waiting, "waits", "wait")) " to be received" } }
                (list(&found, look))
                @if let Some(older) = older { p.more { a href=(older) { "Older ones" } } }
            }
        });
    }
    let content = html! {
        header.head {
            h1 { "Events and results" }
            p { "What the caller's program has not received yet. Looking does not take anything away." }
        }
        (organizations(&console, slug, "/events"))
        (live("waiting", &["queues"], &own, &html! { @for list in &lists { (list) } }))
    };
    let remembered = crate::page::remembers(organization);
    Ok(([(SET_COOKIE, remembered)], page(&console, look, Place::Events, "Events", content).await?).into_response())
}

fn results(organization: &Organization) -> String {
    organization.slug.results_queue()
}

fn newest(console: &Console, queue: &str, below: Option<u64>, most: usize) -> Result<Vec<Told>, Error> {
    Ok(console.platform.broker.newest(queue, below, most)?.iter().map(Told::of).collect())
}

/// The events and results about an order that still wait, oldest first.
pub(crate) fn about(console: &Console, organization: ClientGuid, order: i64) -> Result<Vec<Told>, Error> {
    let Some(organization) = console.organization(organization) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for queue in organization.events_queue().into_iter().chain([results(organization)]) {
        match console.platform.broker.newest(&queue, None, SEARCHED) {
            Ok(shown) => found.extend(shown.iter().map(Told::of).filter(|told| told.order == Some(order))),
            Err(BrokerError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    found.sort_by_key(|told| (told.at, told.sequence));
    Ok(found)
}

fn list(found: &[Told], look: Look) -> Markup {
    html! {
        @if found.is_empty() { p.empty { "Nothing waits here." } } @else {
            table.list {
                thead { tr { th.number { "No." } th { "Sent" } th { "What" } th { "Order in IRIS" } th { "Order" } th.wide { "Remarks" } } }
                tbody {
                    @for told in found {
                        tr {
                            td.number { (told.sequence) }
                            td { (format::time(told.at)) }
                            td.kind { (told.kind) }
                            td { @if let Some(order) = told.order { a href={ "/orders/" (order) } { (order) } } }
                            td { (look.private(&told.local_id)) }
                            td {
                                (remark(told, look))
                                details { summary { "whole message" } pre { (look.private(&format::pretty(&told.body))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Its outcome.
pub(crate) fn remark(told: &Told, look: Look) -> Markup {
    html! {
        @match told.success {
            Some(true) => { (format::chip("good", "success")) }
            Some(false) => { p.issue.bad { (look.message(&told.error)) } }
            None => {}
        }
    }
}
