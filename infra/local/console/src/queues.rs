//! Queues, topics and subscriptions with their counts, and the redrive of dead letters.

use crate::Shared;
use crate::failure::Error;
use crate::format::{bytes, chip, count, encoded, plural};
use crate::page::{Look, Place, done, live, page};
use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use iris_local_servicebus::broker::{Broker, DEAD_LETTER_QUEUE, EntityKind, EntityStatus, TRANSFER};
use maud::{Markup, html};
use serde::Deserialize;

/// `GET /queues`.
pub(crate) async fn show(State(console): State<Shared>, look: Look) -> Result<Markup, Error> {
    let broker = &console.platform.broker;
    let content = html! {
        header.head {
            h1 { "Queues and topics" }
            p { "Looking at messages does not take them away." }
        }
        (live("queues", &["queues", "host"], "/queues", &table(broker)))
    };
    page(&console, look, Place::Queues, "Queues", content).await
}

/// The address of an entity's messages.
pub(crate) fn messages(entity: &str) -> String {
    format!("/queues/messages?name={}", encoded(entity))
}

fn table(broker: &Broker) -> Markup {
    html! {
        table.list {
            thead { tr { th.wide { "Name" } th.number { "Waiting" } th.number { "Locked" } th.number { "Scheduled" } th.number { "Deferred" } th.number { "Size" } th.number { "Dead letters" } th {} } }
            tbody { @for entity in broker.entities() { (row(broker, &entity)) } }
        }
    }
}

fn row(broker: &Broker, entity: &EntityStatus) -> Markup {
    let is_queue = entity.kind != EntityKind::Topic;
    let number = |number: usize| html! { td.number.nothing[number == 0] { @if is_queue { (count(number as u64)) } } };
    html! {
        tr data-entity=(entity.name) {
            td {
                @if is_queue { a.row href=(messages(&entity.name)) { (entity.name) } } @else { span.row { (entity.name) } }
                @if broker.is_held(&entity.name).unwrap_or(false) { " " (chip("warn", "held")) }
                small {
                    (match entity.kind { EntityKind::Queue => "queue", EntityKind::Topic => "topic", EntityKind::Subscription => "subscription" })
                    @if let Some(target) = &entity.forward_to { ", forwards to " (target) }
                }
            }
            (number(entity.active - entity.locked.min(entity.active)))
            (number(entity.locked))
            (number(entity.scheduled))
            (number(entity.deferred))
            td.number.nothing[entity.bytes == 0] { @if is_queue { (bytes(entity.bytes)) } }
            td.number.nothing[entity.dead_lettered + entity.not_forwarded == 0] {
                @if entity.dead_lettered > 0 {
                    a.bad href=(messages(&format!("{}/{DEAD_LETTER_QUEUE}", entity.name))) { (count(entity.dead_lettered as u64)) }
                } @else if is_queue { "0" }
                @if entity.not_forwarded > 0 {
                    " " a.bad href=(messages(&format!("{}/{TRANSFER}/{DEAD_LETTER_QUEUE}", entity.name))) {
                        (count(entity.not_forwarded as u64)) " not forwarded"
                    }
                }
            }
            td { @if entity.dead_lettered + entity.not_forwarded > 0 { (redrive_button(&entity.name)) } }
        }
    }
}

/// Sends an entity's dead letters back.
pub(crate) fn redrive_button(entity: &str) -> Markup {
    html! {
        form method="post" action="/queues/redrive" hx-post="/queues/redrive" hx-swap="none" {
            input type="hidden" name="name" value=(entity);
            button type="submit" title="Puts the dead letters back into the queue they came from" { "Redrive" }
        }
    }
}

/// Which entity.
#[derive(Deserialize)]
pub(crate) struct Redriven {
    name: String,
}

/// `POST /queues/redrive`.
pub(crate) async fn redrive(
    State(console): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<Redriven>,
) -> Result<Response, Error> {
    let back = console.platform.broker.redrive(&form.name).await?;
    let what = plural(back as u64, "dead letter is", "dead letters are");
    Ok(done(&headers, &format!("{what} back in the queue.")))
}
