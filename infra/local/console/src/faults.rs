//! The handler, and faults that can be injected. The local host around it causes all of them; the deployed handler
//! knows nothing about them.

use crate::failure::Error;
use crate::format::{bytes, count, plural};
use crate::page::{done, live};
use crate::{Console, Shared};
use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use iris_local_functions_host::Host;
use maud::{Markup, html};
use serde::Deserialize;

/// The most messages that one request can have delivered twice.
const MOST: u32 = 100_000;

/// The handler's status, live.
pub(crate) async fn status(console: &Shared) -> Result<Markup, Error> {
    let platform = &console.platform;
    let outbox = platform.orders.outbox_depth().await?;
    let functions: Vec<_> = platform.handlers.iter().flat_map(Host::statistics).collect();
    let in_flight: u64 = functions.iter().map(|function| function.in_flight).sum();
    let failures: u64 = functions.iter().map(|function| function.failures).sum();
    let (twice, held) = (twice_left(console), held(console));
    let content = html! {
        h2 { @if platform.handlers.len() == 1 { "Handler" } @else { "Handlers" } }
        @for (index, host) in platform.handlers.iter().enumerate() {
            (process(index, host, platform.handlers.len()))
        }
        dl.facts {
            dt { "in flight" } dd { (count(in_flight)) }
            dt { "failed calls" } dd { (count(failures)) }
            dt title="Events and results that are stored and not yet sent" { "outbox" } dd #outbox { (count(outbox.messages)) }
            @if outbox.parked > 0 { dt { "parked" } dd.bad { (count(outbox.parked)) } }
        }
        @if twice > 0 { p.fault { "The next " (plural(u64::from(twice), "message comes", "messages come")) " twice" } }
        @if held { p.fault { "Events and results are held back" } }
        form method="post" action="/faults/hold" hx-post="/faults/hold" hx-swap="none" {
            input type="hidden" name="hold" value=(!held);
            button type="submit" aria-pressed=(held) title="The queues of events and results answer: busy. What the handler has to send stays in its outbox." {
                @if held { "Release events and results" } @else { "Hold events and results" }
            }
        }
    };
    Ok(live("status", &["host"], "/status", &content))
}

/// A process; if there are others, with a button that kills it alone.
fn process(index: usize, host: &Host, of: usize) -> Markup {
    let id = if index == 0 { "handler".to_owned() } else { format!("handler-{}", index + 1) };
    html! {
        @match host.handler_pid() {
            Some(pid) => {
                p.state.up id=(id) data-pid=(pid) { "running" small { "process " (pid) @if let Some(memory) = host.rss() { " · " (bytes(memory)) } } }
            }
            None => { p.state.down id=(id) { "starting …" } }
        }
        @if of > 1 {
            form method="post" action="/faults/kill" hx-post="/faults/kill" hx-swap="none" {
                input type="hidden" name="handler" value=(index);
                button.danger type="submit" title="SIGKILL, without notice. Its Functions host starts it again." { "Kill handler " (index + 1) }
            }
        }
    }
}

/// `GET /status`.
pub(crate) async fn show(State(console): State<Shared>) -> Result<Markup, Error> {
    status(&console).await
}

/// The buttons that need no state.
pub(crate) fn buttons() -> Markup {
    html! {
        section.faults aria-label="Faults" {
            form method="post" action="/faults/twice" hx-post="/faults/twice" hx-swap="none" {
                button type="submit" title="As after a lost acknowledgement: each is handled once more after it succeeded." { "Deliver twice" }
                label { span { "the next" } input type="number" name="messages" value="10" min="0" max=(MOST) required; }
            }
            form method="post" action="/faults/kill" hx-post="/faults/kill" hx-swap="none" {
                button.danger type="submit" title="SIGKILL, without notice. The Functions host starts it again." { "Kill the handler" }
            }
        }
    }
}

/// The queues the platform sends to: every organization's events and results.
fn outlets(console: &Console) -> Vec<String> {
    let queues =
        console.platform.organizations.iter().flat_map(|organization| {
            organization.events_queue().into_iter().chain([organization.slug.results_queue()])
        });
    queues.collect()
}

/// Whether any of them is held.
pub(crate) fn held(console: &Console) -> bool {
    outlets(console).iter().any(|queue| console.platform.broker.is_held(queue).unwrap_or(false))
}

/// Which handler to kill; all of them if none is named.
#[derive(Deserialize)]
pub(crate) struct Kill {
    handler: Option<usize>,
}

/// `POST /faults/kill`.
pub(crate) async fn kill(State(console): State<Shared>, headers: HeaderMap, Form(form): Form<Kill>) -> Response {
    let handlers = console.platform.handlers.iter().enumerate();
    let meant: Vec<_> = handlers.filter(|(index, _)| form.handler.is_none_or(|wanted| wanted == *index)).collect();
    meant.iter().for_each(|(_, host)| host.kill_handler());
    match meant.len() {
        0 => done(&headers, "There is no such handler."),
        1 => done(&headers, "The handler was killed; it starts again."),
        _ => done(&headers, "All handlers were killed; they start again."),
    }
}

/// How many messages are still to be delivered twice.
pub(crate) fn twice_left(console: &Console) -> u32 {
    console.platform.handlers.iter().map(Host::deliveries_twice).sum()
}

/// How many messages to deliver twice.
#[derive(Deserialize)]
pub(crate) struct Twice {
    messages: u32,
}

/// `POST /faults/twice`.
pub(crate) async fn twice(State(console): State<Shared>, headers: HeaderMap, Form(form): Form<Twice>) -> Response {
    let messages = form.messages.min(MOST);
    // Divided among the handlers, so that about this many are delivered twice in total, whichever handler takes a
    // message.
    let handlers = &console.platform.handlers;
    let count = u32::try_from(handlers.len()).unwrap_or(1).max(1);
    for (host, number) in handlers.iter().zip(0..) {
        host.deliver_twice(messages / count + u32::from(number < messages % count));
    }
    let what = plural(u64::from(messages), "message is", "messages are");
    done(&headers, &format!("The next {what} delivered twice."))
}

/// Whether to hold or to release.
#[derive(Deserialize)]
pub(crate) struct Hold {
    hold: bool,
}

/// `POST /faults/hold`.
pub(crate) async fn hold(
    State(console): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<Hold>,
) -> Result<Response, Error> {
    for queue in outlets(&console) {
        match console.platform.broker.hold(&queue, form.hold) {
            Ok(()) | Err(iris_local_servicebus::broker::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let notice = if form.hold {
        "Events and results are held back: they stay in the outbox."
    } else {
        "Events and results flow again with the handler's next try."
    };
    Ok(done(&headers, notice))
}
