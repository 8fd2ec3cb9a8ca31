//! One invocation from body to outcome, as every trigger uses it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use iris_local_servicebus::broker::Broker;
use iris_local_servicebus::message::Message;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::config::{App, Function};
use crate::event::{HostEvent, Level, Line, LineSink, LineSource};
use crate::faults::FaultState;
use crate::invoke::{Answer, Client, Error, Invocation, Reply, interpret};
use crate::options::Mode;
use crate::statistics::Counters;
use crate::worker::Worker;

/// What all tasks of a host share.
pub(crate) struct Core {
    pub(crate) app: App,
    pub(crate) functions: Vec<Arc<Served>>,
    pub(crate) worker: Worker,
    pub(crate) client: Client,
    pub(crate) broker: Broker,
    pub(crate) mode: Mode,
    pub(crate) lines: LineSink,
    pub(crate) events: broadcast::Sender<HostEvent>,
    pub(crate) faults: FaultState,
    pub(crate) tasks: TaskTracker,
    /// Cancelled when triggers must not start anything new.
    pub(crate) stopping: CancellationToken,
    /// Cancelled when hanging invocations are given up.
    pub(crate) stopped: CancellationToken,
}

/// A function with its figures.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) function: Function,
    pub(crate) name: Arc<str>,
    pub(crate) counters: Counters,
}

impl Core {
    /// Invokes a function: waits for the handler, calls it, sends its outputs. `cause` is the trace context of the
    /// message that triggers it.
    pub(crate) async fn invoke(&self, served: &Served, cause: Option<&str>, body: String) -> Result<(), Error> {
        let invocation = Uuid::new_v4();
        let started = Instant::now();
        let in_flight = served.counters.enter();
        let outcome = self.attempt(served, Invocation { id: invocation, trace: cause.map(str::to_owned), body }).await;
        drop(in_flight);
        let elapsed = started.elapsed();
        served.counters.record(elapsed, outcome.is_err());
        if let Err(error) = &outcome {
            let text = format!("{} failed (id {invocation}, {} ms): {error}", served.name, elapsed.as_millis());
            self.line(Level::Error, text);
        }
        if self.events.receiver_count() > 0 {
            self.event(HostEvent::Invoked {
                function: Arc::clone(&served.name),
                invocation,
                elapsed,
                failure: outcome.as_ref().err().map(ToString::to_string),
            });
        }
        outcome
    }

    async fn attempt(&self, served: &Served, invocation: Invocation) -> Result<(), Error> {
        let endpoint = self.worker.ready().await?;
        let reply = self.limited(self.call(served, endpoint.port, invocation)).await;
        match reply {
            Ok(reply) => self.publish(served, reply).await,
            Err(Error::Timeout(limit)) => {
                self.worker.restart(Some(endpoint.generation), "an invocation took longer than functionTimeout");
                Err(Error::Timeout(limit))
            }
            Err(Error::Transport(reason)) => {
                self.worker.noticed(endpoint.generation).await;
                Err(Error::Transport(reason))
            }
            Err(other) => Err(other),
        }
    }

    async fn limited(&self, call: impl Future<Output = Result<Reply, Error>>) -> Result<Reply, Error> {
        match self.app.host.function_timeout {
            None => call.await,
            Some(limit) => tokio::time::timeout(limit, call).await.unwrap_or(Err(Error::Timeout(limit))),
        }
    }

    async fn call(&self, served: &Served, port: u16, invocation: Invocation) -> Result<Reply, Error> {
        let answer = Answer::of(&self.client, port, &served.name, invocation).await?;
        let reply = interpret(answer.status, answer.content_type.as_deref(), &answer.body, &served.function.outputs);
        if self.mode == Mode::Faithful && reply == Err(Error::Empty) {
            // Azure reports neither success nor failure: only functionTimeout ends this.
            self.stopped.cancelled().await;
        }
        reply
    }

    async fn publish(&self, served: &Served, reply: Reply) -> Result<(), Error> {
        for text in reply.logs {
            (self.lines)(Line { source: LineSource::Function, level: Level::Information, text });
        }
        for name in reply.ignored {
            self.line(
                Level::Warning,
                format!("{}: there is no output binding {name:?}; Azure ignores it", served.name),
            );
        }
        for (index, bodies) in reply.messages {
            let output = &served.function.outputs[index];
            let messages = bodies
                .into_iter()
                .map(|body| Message { content_type: Some("text/plain".to_owned()), ..Message::new(body) });
            self.broker
                .send_all(&output.entity, messages.collect())
                .await
                .map_err(|error| Error::Output { binding: output.name.clone(), reason: error.to_string() })?;
        }
        Ok(())
    }

    pub(crate) fn line(&self, level: Level, text: String) {
        (self.lines)(Line { source: LineSource::Host, level, text });
    }

    pub(crate) fn event(&self, event: HostEvent) {
        // It does not matter if nobody listens.
        let _ = self.events.send(event);
    }

    /// Waits; returns false at once when the host stops.
    pub(crate) async fn pause(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.stopping.cancelled() => false,
            () = tokio::time::sleep(time) => true,
        }
    }
}

impl Served {
    pub(crate) fn new(function: Function) -> Self {
        Self { name: function.name.as_str().into(), function, counters: Counters::default() }
    }

    pub(crate) fn count_completed(&self, messages: u64) {
        self.counters.completed.fetch_add(messages, Ordering::Relaxed);
    }

    pub(crate) fn count_abandoned(&self, messages: u64) {
        self.counters.abandoned.fetch_add(messages, Ordering::Relaxed);
    }

    pub(crate) fn count_lock_lost(&self) {
        self.counters.locks_lost.fetch_add(1, Ordering::Relaxed);
    }
}
