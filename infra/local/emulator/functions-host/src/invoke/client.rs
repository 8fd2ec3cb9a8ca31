//! The HTTP side: keep-alive connections to the handler, the host's headers, a chunked body.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use uuid::Uuid;

use super::{Error, MAX_ANSWER_BYTES};

/// The host's version, in four parts, as in Azure.
const VERSION: &str = "4.1048.200.26180";
const AGENT: &str = "Azure-Functions-Host/4.1048.200.26180";
const HOST_VERSION: HeaderName = HeaderName::from_static("x-azure-functions-hostversion");
const INVOCATION_ID: HeaderName = HeaderName::from_static("x-azure-functions-invocationid");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

pub(crate) type Client = legacy::Client<HttpConnector, Payload>;

pub(crate) fn new_client() -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

/// A request body. It hides its length, so that it is sent chunked, as by the real host.
#[derive(Debug)]
pub(crate) struct Payload(Option<Bytes>);

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.0 {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(0),
        }
    }
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) id: Uuid,
    /// The trace context of the message that caused it (`Diagnostic-Id`), if it has one.
    pub(crate) trace: Option<String>,
    pub(crate) body: String,
}

/// An answer, as received.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// POSTs an invocation and reads the whole answer.
    pub(crate) async fn of(client: &Client, port: u16, function: &str, invocation: Invocation) -> Result<Self, Error> {
        let Invocation { id, trace, body } = invocation;
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://127.0.0.1:{port}/{function}"))
            .header(HOST_VERSION, HeaderValue::from_static(VERSION))
            .header(INVOCATION_ID, id.to_string())
            .header(USER_AGENT, HeaderValue::from_static(AGENT))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))
            .header(TRACE_PARENT, trace_parent(trace.as_deref()))
            .body(Payload(Some(Bytes::from(body))))
            .map_err(|error| Error::Transport(error.to_string()))?;
        let response = client.request(request).await.map_err(|error| Error::Transport(chain(&error)))?;
        let status = response.status().as_u16();
        let content_type =
            response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = match Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Error::TooLarge),
            Err(error) => return Err(Error::Transport(chain(error.as_ref()))),
        };
        Ok(Self { status, content_type, body })
    }
}

/// Whether anything HTTP answers `GET /`; the status does not matter.
pub(crate) async fn ping(client: &Client, port: u16) -> bool {
    let request = Request::builder()
        .uri(format!("http://127.0.0.1:{port}/"))
        .header(USER_AGENT, HeaderValue::from_static(AGENT))
        .body(Payload(None));
    match request {
        Ok(request) => client.request(request).await.is_ok(),
        Err(_) => false,
    }
}

/// W3C trace context for a span of the host: in the trace that caused the invocation, else in a new one. Not sampled,
/// because the host's spans never are.
fn trace_parent(cause: Option<&str>) -> String {
    let continued = cause.and_then(trace_of).map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
    let span = Uuid::new_v4().simple().to_string();
    format!("00-{continued}-{}-00", &span[..16])
}

/// The trace id in a trace context.
fn trace_of(context: &str) -> Option<&str> {
    let trace = context.strip_prefix("00-")?.get(..32)?;
    let hex = trace.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (hex && context.len() == 55 && trace.bytes().any(|byte| byte != b'0')).then_some(trace)
}

/// An error with its causes, since hyper's own text stops at "client error".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
