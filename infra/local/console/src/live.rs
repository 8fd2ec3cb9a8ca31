//! `/live`: names the topics that have changed, as server-sent events.
//!
//! | topic | what |
//! |---|---|
//! | `host` | the handler, its figures, the faults, the outbox |
//! | `queues` | messages in queues |
//! | `orders` | what is in the handler's database |
//!
//! The handler changes its database in a process of its own and notifies nobody. But it does so only while a function
//! runs, and functions and queues are in this process. So while they stand still nothing is queried, and otherwise a
//! few cheap figures are compared several times a second.

use crate::{Shared, faults};
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use futures::stream::unfold;
use iris_local_functions_host::Host;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often changes are checked.
const LOOK: Duration = Duration::from_millis(250);
/// How many drops are checked.
const DROPS: u32 = 20;

/// The state that each topic's parts show, reduced to one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pulse {
    /// Functions and queues; while this stays the same and nothing runs, so does everything else.
    activity: u64,
    running: bool,
    host: u64,
    queues: u64,
    orders: u64,
    outbox: (u64, u64),
}

/// `GET /live`.
pub(crate) async fn stream(State(console): State<Shared>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let pulse = Pulse::take(&console, None).await;
    // Catches up with changes between the page's rendering and now.
    let first = Event::default().data("host queues orders");
    let later = unfold((console, look, pulse), |(console, mut look, mut before)| async move {
        let topics = next(&console, &mut look, &mut before).await;
        Some((Ok(Event::default().data(topics)), (console, look, before)))
    });
    let all = futures::StreamExt::chain(futures::stream::iter([Ok(first)]), later);
    Sse::new(all).keep_alive(KeepAlive::default())
}

/// Waits until something has changed.
async fn next(console: &Shared, look: &mut Interval, before: &mut Pulse) -> String {
    loop {
        look.tick().await;
        let now = Pulse::take(console, Some(before)).await;
        let topics = now.topics(before);
        *before = now;
        if !topics.is_empty() {
            return topics.join(" ");
        }
    }
}

impl Pulse {
    async fn take(console: &Shared, before: Option<&Self>) -> Self {
        let platform = &console.platform;
        let functions: Vec<_> = platform.handlers.iter().flat_map(Host::statistics).collect();
        let figures: Vec<_> = functions.iter().map(|one| (one.invocations, one.in_flight, one.failures)).collect();
        let entities = platform.broker.entities();
        let twice = faults::twice_left(console);
        let processes: Vec<_> = platform.handlers.iter().map(Host::handler_pid).collect();
        let mut pulse = Self {
            activity: number((&figures, format!("{entities:?}"))),
            running: functions.iter().any(|one| one.in_flight > 0),
            host: number((&figures, processes, twice, faults::held(console))),
            queues: number(format!("{entities:?}")),
            ..Self::default()
        };
        match before.filter(|before| before.is_quiet() && pulse.is_quiet() && before.activity == pulse.activity) {
            Some(before) => (pulse.orders, pulse.outbox) = (before.orders, before.outbox),
            None => {
                // If the database does not answer, the pages themselves say so.
                let drops = platform.orders.drops(None, DROPS).await.unwrap_or_default();
                let outbox = platform.orders.outbox_depth().await.unwrap_or_default();
                let ended: u64 = figures.iter().map(|(invocations, ..)| invocations).sum();
                pulse.orders = number((format!("{drops:?}"), ended));
                pulse.outbox = (outbox.messages, outbox.parked);
            }
        }
        pulse
    }

    /// No function runs, and nothing waits to be sent.
    fn is_quiet(&self) -> bool {
        !self.running && self.outbox.0 == 0
    }

    fn topics(&self, before: &Self) -> Vec<&'static str> {
        let changes = [
            ("host", self.host != before.host || self.outbox != before.outbox),
            ("queues", self.queues != before.queues),
            ("orders", self.orders != before.orders),
        ];
        changes.into_iter().filter(|(_, changed)| *changed).map(|(topic, _)| topic).collect()
    }
}

fn number(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_named() {
        let before = Pulse { host: 1, queues: 2, orders: 3, ..Pulse::default() };
        assert!(before.topics(&before).is_empty());
        assert_eq!(Pulse { orders: 9, ..before }.topics(&before), ["orders"]);
        assert_eq!(Pulse { outbox: (1, 0), ..before }.topics(&before), ["host"]);
    }
}
