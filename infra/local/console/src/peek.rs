//! The messages of a queue, the newest first, without taking them.

use crate::Shared;
use crate::failure::Error;
use crate::format::{self, bytes};
use crate::page::{Look, Place, live, page};
use crate::queues::{messages, redrive_button};
use axum::extract::{Query, State};
use iris_local_servicebus::broker::{DEAD_LETTER_QUEUE, Delivery, MessageState, TRANSFER};
use iris_local_servicebus::message::PropertyValue;
use maud::{Markup, html};
use serde::Deserialize;

/// Messages of a page.
const LISTED: usize = 50;
/// The most characters of a body that are shown.
const BODY: usize = 16_000;

/// Which queue, and where the list continues.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    name: String,
    below: Option<u64>,
}

/// `GET /queues/messages?name=…`.
pub(crate) async fn show(
    State(console): State<Shared>,
    look: Look,
    Query(asked): Query<Asked>,
) -> Result<Markup, Error> {
    let broker = &console.platform.broker;
    let found = broker.newest(&asked.name, asked.below, LISTED)?;
    let owner = asked.name.strip_suffix(DEAD_LETTER_QUEUE).and_then(|owner| owner.strip_suffix('/'));
    let forwarding = owner.and_then(|owner| owner.strip_suffix(TRANSFER)?.strip_suffix('/'));
    let title = match (owner, forwarding) {
        (_, Some(_)) => "Not forwarded",
        (Some(_), None) => "Dead letters",
        (None, None) => asked.name.as_str(),
    };
    let owner = forwarding.or(owner);
    let below = asked.below.map(|below| format!("&below={below}")).unwrap_or_default();
    let address = format!("{}{below}", messages(&asked.name));
    let older = found.last().filter(|_| found.len() == LISTED).map(|last| last.sequence_number);
    let list = html! {
        @if found.is_empty() { p.empty { "No messages." } }
        @else {
            @if let Some(owner) = owner { p.actions { (redrive_button(owner)) } }
            @for delivery in &found { (message(delivery, look)) }
        }
        @if let Some(older) = older { p.more { a href={ (messages(&asked.name)) "&below=" (older) } { "Older messages" } } }
    };
    let content = html! {
        header.head {
            p.path { a href="/queues" { "Queues and topics" } @if let Some(owner) = owner { " / " a href=(messages(owner)) { (owner) } } }
            h1 { (title) }
        }
        (live("messages", &["queues"], &address, &list))
    };
    page(&console, look, Place::Queues, &asked.name, content).await
}

fn message(delivery: &Delivery, look: Look) -> Markup {
    let message = &delivery.message;
    let body = String::from_utf8_lossy(&message.body);
    let state = match (delivery.state, delivery.locked_until) {
        (_, Some(_)) => "locked",
        (MessageState::Active, None) => "waiting",
        (MessageState::Deferred, None) => "deferred",
        (MessageState::Scheduled, None) => "scheduled",
    };
    let tries = delivery.delivery_count.saturating_sub(1);
    let facts = [
        ("message id", look.plain(message.message_id.as_deref().unwrap_or_default()).into_owned()),
        ("session", look.plain(message.session_id.as_deref().unwrap_or_default()).into_owned()),
        ("subject", look.plain(message.subject.as_deref().unwrap_or_default()).into_owned()),
        ("content type", message.content_type.clone().unwrap_or_default()),
        ("from", delivery.dead_letter_source.clone().unwrap_or_default()),
    ];
    html! {
        article.message {
            header {
                h3 { "No. " (delivery.sequence_number) }
                (format::chip(if state == "waiting" { "calm" } else { "busy" }, state))
                span { (format::time(delivery.enqueued_time)) }
                @if tries > 0 { span { (format::plural(u64::from(tries), "failed delivery", "failed deliveries")) } }
                span { (bytes(message.body.len() as u64)) }
            }
            dl.sheet {
                @for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) { div { dt { (name) } dd { (format::foreign(value)) } } }
                @for (name, value) in &message.application_properties {
                    div { dt { code { (name) } } dd { (look.private(&format::cut(&property(value), 300))) } }
                }
            }
            details { summary { "Body" } pre { (look.private(&format::cut(&format::pretty(&body), BODY))) } }
        }
    }
}

fn property(value: &PropertyValue) -> String {
    match value {
        PropertyValue::String(text) => text.clone(),
        other => format!("{other:?}"),
    }
}
