//! The AMQP endpoint.
//!
//! There is one task per connection. The protocol itself is a state machine without I/O ([`machine`]): bytes in, bytes
//! out, deadlines. The task around it ([`connection`]) reads, writes, sleeps and feeds it. Nothing is spawned per
//! session or link, so nothing can overtake anything.

mod attach;
mod cbs;
mod connection;
mod dispose;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod incoming;
mod link;
mod machine;
mod management;
mod outgoing;
mod reply;
mod rules;
mod session;

use crate::access::Access;
use crate::broker::Broker;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// What all connections of an endpoint are told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Serve,
    /// Close with an error that tells clients to come back.
    Close,
    /// Drop the connection without notice. The number distinguishes one cut from the next.
    Cut(u64),
}

/// A serving endpoint. Dropping it stops it at once.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    orders: watch::Sender<Order>,
    task: JoinHandle<()>,
}

/// How long connections get to close properly.
const GRACE: Duration = Duration::from_secs(2);

/// Serves the broker on a listener, which should be bound to 127.0.0.1 because there is no TLS. Must be called in a
/// Tokio runtime.
///
/// # Errors
/// When the listener has no address.
pub fn serve(broker: Broker, listener: TcpListener, access: Access) -> std::io::Result<Endpoint> {
    start(broker, listener, None, access)
}

/// Serves the broker in TLS from the first byte on, as Azure does on port 5671. Must be called in a Tokio runtime.
///
/// # Errors
/// When the listener has no address.
pub fn serve_tls(
    broker: Broker,
    listener: TcpListener,
    access: Access,
    tls: Arc<ServerConfig>,
) -> std::io::Result<Endpoint> {
    start(broker, listener, Some(tls.into()), access)
}

fn start(broker: Broker, listener: TcpListener, tls: Option<TlsAcceptor>, access: Access) -> std::io::Result<Endpoint> {
    let address = listener.local_addr()?;
    let (orders, _) = watch::channel(Order::Serve);
    let task = tokio::spawn(accept(broker, listener, tls, Arc::new(access), orders.subscribe()));
    Ok(Endpoint { address, orders, task })
}

impl Endpoint {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A fault for tests and demonstrations: drops all existing connections without notice. New ones are served.
    pub fn cut_connections(&self) {
        self.orders.send_modify(|order| {
            *order = match *order {
                Order::Serve => Order::Cut(1),
                Order::Cut(count) => Order::Cut(count.wrapping_add(1)),
                Order::Close => Order::Close,
            };
        });
    }

    /// Accepts no new connections and closes the existing ones; returns when all are gone, after two seconds at the
    /// latest.
    pub async fn shutdown(mut self) {
        self.orders.send_replace(Order::Close);
        // The task ends by itself; it can only fail by a panic, which was reported when it happened.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    broker: Broker,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    access: Arc<Access>,
    mut orders: watch::Receiver<Order>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let mut orders = orders.clone();
                    orders.mark_unchanged();
                    connections.spawn(connection::run(broker.clone(), stream, tls.clone(), access.clone(), orders));
                }
                Err(error) => {
                    // Most likely out of file descriptors: some will be free soon.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            changed = orders.changed() => {
                if changed.is_err() || *orders.borrow_and_update() == Order::Close {
                    break;
                }
            }
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
}

#[cfg(test)]
mod tests;
