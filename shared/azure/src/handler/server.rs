//! The server of the custom handler: `GET /` and `POST /{function}`.
//!
//! An invocation waits for one of a bounded number of places *before* its body is read, then runs as a task of its own.
//! If the host goes away, the task still runs to its end; a panic ends only its own invocation; the time limit ends a
//! task that does not end by itself.

use super::outcome::failure;
use super::{Invocation, Outcome};
use crate::settings::{HandlerSettings, Lookup};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::future::BoxFuture;
use iris_telemetry::span::{self, End};
use iris_telemetry::{context, metrics};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::{Instrument, Span};

/// The handler cannot serve. Fatal: end the process with a non-zero exit code, because the host never restarts one that
/// ended with 0.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The host did not say where to listen.
    #[error(
        "FUNCTIONS_CUSTOMHANDLER_PORT is missing or not a port: start this program through the Functions host or the \
         local host"
    )]
    NoPort,
    /// The port cannot be used, or the listener failed.
    #[error("cannot serve on 127.0.0.1: {0}")]
    Listener(#[from] std::io::Error),
}

type Function = Arc<dyn Fn(Invocation) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// The functions of the app by name, and the limits they run under.
#[derive(Clone)]
pub struct Router {
    functions: HashMap<String, Function>,
    limits: HandlerSettings,
}

impl Router {
    /// No functions yet.
    pub fn new(limits: HandlerSettings) -> Self {
        Self { functions: HashMap::new(), limits }
    }

    /// Adds a function under the name of its folder, exact case. If a name is added twice, the last one counts.
    #[must_use]
    pub fn function<F, R>(mut self, name: &str, function: F) -> Self
    where
        F: Fn(Invocation) -> R + Send + Sync + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        self.functions.insert(name.to_owned(), Arc::new(move |invocation| Box::pin(function(invocation))));
        self
    }

    /// The names of the functions, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.functions.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The HTTP service, for tests that need no socket.
    pub(super) fn into_service(self) -> axum::Router {
        let places = Arc::new(Semaphore::new(self.limits.concurrency));
        axum::Router::new()
            .route("/", get(ready))
            .route("/{function}", post(invoke))
            .fallback(unknown)
            .with_state(Arc::new(Shared { router: self, places }))
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.functions.keys().collect();
        formatter.debug_struct("Router").field("functions", &names).field("limits", &self.limits).finish()
    }
}

struct Shared {
    router: Router,
    places: Arc<Semaphore>,
}

/// The port the host wants the handler to listen on.
///
/// # Errors
/// [`ServeError::NoPort`].
pub fn port(lookup: Lookup<'_>) -> Result<u16, ServeError> {
    lookup("FUNCTIONS_CUSTOMHANDLER_PORT").and_then(|text| text.trim().parse().ok()).ok_or(ServeError::NoPort)
}

/// Listens on 127.0.0.1, where the host calls. Do this only when everything else is ready: the first answer means
/// ready.
///
/// # Errors
/// [`ServeError::Listener`] when the port is taken.
pub async fn bind(port: u16) -> Result<TcpListener, ServeError> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?)
}

/// Serves until `shutdown` completes, then lets running invocations end.
///
/// # Errors
/// [`ServeError::Listener`].
pub async fn serve(
    functions: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    Ok(axum::serve(listener, functions.into_service()).with_graceful_shutdown(shutdown).await?)
}

/// The host keeps asking whether the handler is alive; any answer will do.
async fn ready() -> Json<serde_json::Value> {
    Json(serde_json::json!({}))
}

async fn unknown() -> Response {
    tracing::warn!(code = "unknown-function", "a request that is no invocation was refused");
    failure(StatusCode::NOT_FOUND, "unknown-function")
}

async fn invoke(State(shared): State<Arc<Shared>>, Path(name): Path<String>, request: Request) -> Response {
    let Some(function) = shared.router.functions.get(&name).cloned() else { return unknown().await };
    let limits = shared.router.limits;
    let places = Arc::clone(&shared.places);
    let id = header(request.headers(), "x-azure-functions-invocationid").map(str::to_owned);
    let started = Instant::now();
    let log =
        tracing::info_span!("invocation", invocation = id.as_deref(), function = %name, trace = tracing::field::Empty);
    let exported = span::invocation(&name, id.as_deref());
    let call = Call { name: name.clone(), id, exported: exported.clone(), trigger: Arc::default() };
    let trigger = Arc::clone(&call.trigger);
    let work = async move {
        match places.acquire().await {
            Ok(_place) => call.run(request, limits.max_body_bytes, &function).await,
            Err(_) => (End::Failed("stopping"), failure(StatusCode::SERVICE_UNAVAILABLE, "stopping")),
        }
    };
    let limited = async move {
        match tokio::time::timeout(limits.time_limit, work).await {
            Ok(ended) => ended,
            Err(_) => {
                tracing::error!(code = "time-limit", "an invocation ran into its time limit and was ended");
                failed("time-limit")
            }
        }
    };
    let (end, response) = match tokio::spawn(limited.instrument(log.clone())).await {
        Ok(ended) => ended,
        Err(_) => {
            log.in_scope(|| tracing::error!(code = "panic", "an invocation panicked"));
            failed("panic")
        }
    };
    let trigger = trigger.get().copied().unwrap_or("other");
    span::end(&exported, trigger, end);
    metrics::invocation(&name, trigger, end, started.elapsed());
    response
}

/// One call of one function.
struct Call {
    name: String,
    id: Option<String>,
    exported: Span,
    /// What triggered it, as soon as that is known.
    trigger: Arc<OnceLock<&'static str>>,
}

impl Call {
    async fn run(self, request: Request<Body>, limit: usize, function: &Function) -> (End, Response) {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, limit).await else {
            tracing::error!(code = "body", limit, "the body of an invocation is too large or broke off");
            return (End::Failed("body"), failure(StatusCode::PAYLOAD_TOO_LARGE, "body"));
        };
        let host = header(&head.headers, "traceparent");
        let invocation = match Invocation::decode(&self.name, self.id.as_deref(), host, &body) {
            Ok(invocation) => invocation,
            Err(error) => {
                tracing::error!(code = "envelope", %error, "an invocation cannot be decoded");
                return (End::Failed("envelope"), failure(StatusCode::BAD_REQUEST, "envelope"));
            }
        };
        drop(body);
        let _ = self.trigger.set(invocation.trigger());
        let place = span::begin(&self.exported, invocation.trace, invocation.cause());
        if let Some(place) = place {
            Span::current().record("trace", format_args!("{:032x}", place.trace_id()));
        }
        let outcome = context::within(place, function(invocation).instrument(self.exported)).await;
        (outcome.into(), outcome.into_response())
    }
}

fn failed(code: &'static str) -> (End, Response) {
    (End::Failed(code), failure(StatusCode::INTERNAL_SERVER_ERROR, code))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
