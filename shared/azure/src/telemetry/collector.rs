//! Sending requests to the collector.

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::{info, warn};

/// How long one request may take. The exporter repeats requests with transient failures, within its own time limit.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends requests of an SDK thread, which has no runtime, on ours.
#[derive(Debug, Clone)]
pub(super) struct Collector(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    runtime: Handle,
    /// Created with the first request: reading the machine's trusted roots takes longer than the handler may take to
    /// start.
    client: OnceLock<Option<reqwest::Client>>,
    failing: AtomicBool,
}

impl Collector {
    pub(super) fn new(runtime: Handle) -> Self {
        Self(Arc::new(Shared { runtime, client: OnceLock::new(), failing: AtomicBool::new(false) }))
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.0.client.get_or_init(|| {
            let builder = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
            builder.build().ok()
        });
        let client = client.clone().ok_or("no HTTP client")?;
        self.0.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }

    /// Logs when the collector's state changes.
    fn report(&self, answer: Result<u16, ()>) {
        let failing = !matches!(answer, Ok(200..300));
        if self.0.failing.swap(failing, Ordering::Relaxed) == failing {
            return;
        }
        match answer {
            Ok(_) if !failing => info!("the telemetry collector answers again"),
            Ok(status) => warn!(code = "telemetry", status, "the telemetry collector refuses what it gets"),
            Err(()) => warn!(code = "telemetry", "the telemetry collector cannot be reached"),
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.send(request).await;
        self.report(answer.as_ref().map(|response| response.status().as_u16()).map_err(|_| ()));
        answer
    }
}
