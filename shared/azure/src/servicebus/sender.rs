//! The handle callers hold.

use super::actor::{Actor, Command};
use super::endpoint::{Endpoint, InvalidEndpoint};
use super::link::{Job, Pace};
use super::token::Tokens;
use super::{Cause, Error, OutgoingMessage};
use crate::credential::Credential;
use crate::settings::{Lookup, ServiceBusSettings};
use backon::{BackoffBuilder, ExponentialBuilder};
use iris_telemetry::{context, metrics, span};
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tracing::Instrument;

/// Limits of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderOptions {
    /// Deadline of every single wait on the network: connecting, attaching, an outcome.
    pub deadline: Duration,
    /// Attempts per call, the first included.
    pub attempts: usize,
    /// No new attempt is made when a call has lasted this long.
    pub patience: Duration,
    /// Calls under way at once; others wait.
    pub calls: usize,
    /// Transfers under way at once per queue.
    pub in_flight: usize,
    /// Size of a transfer with several messages, in bytes, even where the queue would take more.
    pub batch_bytes: u64,
}

impl Default for SenderOptions {
    /// Fits within the lock of a Service Bus message and the service's own limit for batches.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            attempts: 6,
            patience: Duration::from_secs(90),
            calls: 1024,
            in_flight: 64,
            batch_bytes: 1024 * 1024,
        }
    }
}

/// Sends messages to the queues of one namespace. Clones share one connection, which is closed when the last of them is
/// dropped.
#[derive(Debug, Clone)]
pub struct ServiceBusSender {
    commands: mpsc::UnboundedSender<Command>,
    calls: Arc<Semaphore>,
    options: SenderOptions,
}

/// The sender cannot be made from the settings.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The connection string or namespace cannot be used.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// There is no identity to sign in with.
    #[error(transparent)]
    Credential(#[from] crate::credential::Error),
}

impl ServiceBusSender {
    /// A sender for the namespace of the settings. Nothing is sent before the first message. Must be called inside a
    /// Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] when the settings cannot be used.
    pub fn start(
        settings: &ServiceBusSettings,
        lookup: Lookup<'_>,
        options: SenderOptions,
    ) -> Result<Self, StartError> {
        match settings {
            ServiceBusSettings::ConnectionString(text) => {
                Ok(Self::with_connection_string(text.expose_secret(), options)?)
            }
            ServiceBusSettings::Identity { namespace, identity } => {
                let credential = Credential::from_environment(identity, lookup)?;
                Ok(Self::with_credential(Endpoint::of_namespace(namespace)?, credential, options))
            }
        }
    }

    /// A sender by connection string. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`InvalidEndpoint`].
    pub fn with_connection_string(text: &str, options: SenderOptions) -> Result<Self, InvalidEndpoint> {
        let (endpoint, access) = Endpoint::parse(text)?;
        Ok(Self::spawn(endpoint, Tokens::Shared(access), options))
    }

    /// A sender by identity. Must be called inside a Tokio runtime.
    pub fn with_credential(endpoint: Endpoint, credential: Credential, options: SenderOptions) -> Self {
        Self::spawn(endpoint, Tokens::Identity(credential), options)
    }

    fn spawn(endpoint: Endpoint, tokens: Tokens, options: SenderOptions) -> Self {
        #[expect(clippy::disallowed_methods, reason = "bounded by the permits of `calls`")]
        let (sender, commands) = mpsc::unbounded_channel();
        let pace =
            Pace { deadline: options.deadline, in_flight: options.in_flight.max(1), batch_bytes: options.batch_bytes };
        tokio::spawn(Actor { endpoint, tokens, pace, commands }.run());
        Self { commands: sender, calls: Arc::new(Semaphore::new(options.calls.max(1))), options }
    }

    /// Sends messages to a queue or topic and waits until the broker has accepted all of them. Messages of one session
    /// arrive in the order given. Losses of the connection are repaired and the rest sent again with the same ids; see
    /// the module's documentation.
    ///
    /// Messages that do not say what caused them belong to the current span.
    ///
    /// # Errors
    /// [`Error`] says why, and which messages are not known to have been accepted.
    pub async fn send(&self, queue: &str, mut messages: Vec<OutgoingMessage>) -> Result<(), Error> {
        if messages.is_empty() {
            return Ok(());
        }
        if let Some(context) = context::current() {
            messages.iter_mut().for_each(|message| message.caused_by(context));
        }
        let (count, started) = (messages.len(), Instant::now());
        let span = span::send(queue, count, messages.iter().filter_map(OutgoingMessage::cause));
        let sent = self.deliver(queue, messages).instrument(span.clone()).await;
        let code = sent.as_ref().err().map(|error| error.cause.code());
        if let Some(code) = code {
            span::failed(&span, code);
        }
        metrics::sent(queue, count, code, started.elapsed());
        sent
    }

    async fn deliver(&self, queue: &str, messages: Vec<OutgoingMessage>) -> Result<(), Error> {
        let messages: Arc<[OutgoingMessage]> = messages.into();
        let confirmed: Arc<[AtomicBool]> = messages.iter().map(|_| AtomicBool::new(false)).collect();
        let end = Instant::now() + self.options.patience;
        let mut delays = delays(self.options.attempts);
        let mut in_doubt = false;
        loop {
            let Err(cause) = self.attempt(queue, &messages, &confirmed).await else { return Ok(()) };
            in_doubt |= cause.is_unknown();
            match delays.next().filter(|delay| cause.is_transient() && Instant::now() + *delay < end) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => {
                    let cause = if in_doubt && cause.is_transient() { Cause::OutcomeUnknown } else { cause };
                    return Err(Error { cause, unconfirmed: unconfirmed(&confirmed) });
                }
            }
        }
    }

    async fn attempt(
        &self,
        queue: &str,
        messages: &Arc<[OutgoingMessage]>,
        confirmed: &Arc<[AtomicBool]>,
    ) -> Result<(), Cause> {
        let _place = self.calls.acquire().await.map_err(|_| Cause::Stopped)?;
        let (reply, answer) = oneshot::channel();
        let job = Job { messages: Arc::clone(messages), confirmed: Arc::clone(confirmed), reply };
        self.commands.send(Command { queue: queue.to_owned(), job }).map_err(|_| Cause::Stopped)?;
        match answer.await {
            Ok(result) => result,
            // Dropped without an answer: the link ended. What was accepted before that is known.
            Err(_) if unconfirmed(confirmed).is_empty() => Ok(()),
            Err(_) => Err(Cause::OutcomeUnknown),
        }
    }
}

fn unconfirmed(confirmed: &[AtomicBool]) -> Vec<usize> {
    confirmed.iter().enumerate().filter(|(_, done)| !done.load(Ordering::Relaxed)).map(|(index, _)| index).collect()
}

fn delays(attempts: usize) -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(10))
        .with_max_times(attempts.saturating_sub(1))
        .with_jitter()
        .build()
}
