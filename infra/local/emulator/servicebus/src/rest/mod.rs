//! Sending over HTTP: `POST /{queue-or-topic}/messages`, for callers without an AMQP library (curl, Salesforce).
//!
//! A request is authorized by a shared access signature in `Authorization`, made with the same keys as for AMQP, for
//! the entity or anything above it. One message: the body is the payload, `Content-Type` its type, `BrokerProperties` a
//! JSON object of system properties, and every other header that is not part of HTTP an application property. Several
//! messages: a JSON array with the content type `application/vnd.microsoft.servicebus.json`; all are accepted or none.
//! The answer is 201 once the messages are durable. Refusals, as in Azure, are an XML `Error` with the status and the
//! reason:
//!
//! | status | when |
//! |---|---|
//! | 400 | the message or the batch cannot be read |
//! | 401 | no signature, a wrong or expired one, or one without the right to send here |
//! | 403 | the queue is full and stayed so |
//! | 404 | no such entity |
//! | 405 | anything but sending |
//! | 413 | more than 1 MiB |
//! | 501 | anything else of the service's HTTP interface |
//! | 500 | the message log cannot be written |

mod header_names;
mod message;
mod refusal;
mod request;

use crate::access::Access;
use crate::broker::Broker;
use header_names::Listening;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(30);

/// A serving HTTP endpoint. Dropping it stops it at once.
#[derive(Debug)]
pub struct HttpEndpoint {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl HttpEndpoint {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpEndpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What all connections share.
struct Server {
    broker: Broker,
    access: Access,
    tls: Option<TlsAcceptor>,
}

/// Serves sending over HTTP on a listener, which should be bound to 127.0.0.1 because there is no TLS. Must be called
/// in a Tokio runtime.
///
/// # Errors
/// When the listener has no address.
pub fn serve_http(broker: Broker, listener: TcpListener, access: Access) -> std::io::Result<HttpEndpoint> {
    start(listener, Server { broker, access, tls: None })
}

/// Serves sending over HTTP in TLS. Must be called in a Tokio runtime.
///
/// # Errors
/// When the listener has no address.
pub fn serve_https(
    broker: Broker,
    listener: TcpListener,
    access: Access,
    tls: Arc<ServerConfig>,
) -> std::io::Result<HttpEndpoint> {
    start(listener, Server { broker, access, tls: Some(tls.into()) })
}

fn start(listener: TcpListener, server: Server) -> std::io::Result<HttpEndpoint> {
    let address = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, Arc::new(server)));
    Ok(HttpEndpoint { address, task })
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(carry(server.clone(), stream));
                }
                Err(error) => {
                    // Most likely out of file descriptors: some will be free soon.
                    tracing::warn!(%error, "an HTTP connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves a connection from its first byte on, with TLS if the endpoint has it.
async fn carry(server: Arc<Server>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = server.tls.clone() else { return connection(server, stream).await };
    match tokio::time::timeout(HEAD, tls.accept(stream)).await {
        Ok(Ok(stream)) => connection(server, stream).await,
        Ok(Err(error)) => tracing::debug!(%error, "an HTTP client does not agree on TLS"),
        Err(_) => tracing::debug!("an HTTP client did not begin TLS in time"),
    }
}

async fn connection(server: Arc<Server>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let (stream, names) = Listening::new(stream);
    let service = service_fn(move |request: Request<Incoming>| {
        let (server, names) = (server.clone(), names.clone());
        async move {
            let answer = request::answer(&server, request, &names.take()).await;
            names.listen();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}

#[cfg(test)]
mod tests;
