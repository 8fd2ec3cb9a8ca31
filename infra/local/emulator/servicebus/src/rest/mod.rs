//! Sending over HTTP: `POST /{queue-or-topic}/messages`, for callers without an AMQP library (curl, Salesforce).
//!
//! A request is authorized by a shared access signature in `Authorization`, made with the same keys as for AMQP, for the entity or anything
//! above it. One message: the body is the payload, `Content-Type` its type, `BrokerProperties` a JSON object of system properties, every
//! other header that is not HTTP's own an application property. Several messages: a JSON array with the content type
//! `application/vnd.microsoft.servicebus.json`; all are taken or none. The answer is 201 once the messages are durable. As Azure does, the
//! endpoint refuses with an XML `Error` that has the status and the reason:
//!
//! | status | when |
//! |---|---|
//! | 400 | the message or the batch cannot be read |
//! | 401 | no signature, a wrong or expired one, or one without the right to send here |
//! | 403 | the queue is full and stayed so |
//! | 404 | no such entity |
//! | 405 | anything but sending |
//! | 413 | more than 1 MiB |
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
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

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
#[derive(Debug)]
struct Server {
    broker: Broker,
    access: Access,
}

/// Serves sending over HTTP on a listener, which should be bound to 127.0.0.1: there is no TLS. Must be called in a Tokio runtime.
///
/// # Errors
/// When the listener has no address.
pub fn serve_http(broker: Broker, listener: TcpListener, access: Access) -> std::io::Result<HttpEndpoint> {
    let address = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, Arc::new(Server { broker, access })));
    Ok(HttpEndpoint { address, task })
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(server.clone(), stream));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: some will be free soon.
                    tracing::warn!(%error, "an HTTP connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(server: Arc<Server>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
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
