//! The `emr` part: a listener for each hospital's orders, a client for its results, and the uplink they share.

mod client;
mod listener;
mod outbound;
mod socket;
mod uplink;

use crate::Configuration;
use anyhow::{Context, Result};
use iris_azure::blob::BlobStore;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use uplink::Uplink;

/// Messages waiting for one hospital, besides the one under way; others stay in the queue.
const WAITING: usize = 100;

/// Starts it; it runs until the returned future is dropped.
///
/// # Errors
/// When a connection string cannot be used.
pub fn run(configuration: Configuration) -> Result<impl Future<Output = ()>> {
    let documents = BlobStore::from_connection_string(&configuration.documents).context("documents")?;
    let uplink = Arc::new(Uplink::start(&configuration).context("orders")?);
    let (settle, settled) = mpsc::channel(WAITING * configuration.interfaces.len().max(1));
    let mut parts = JoinSet::new();
    let mut clients = Vec::new();
    for interface in configuration.interfaces.clone() {
        if let Some(address) = interface.listen {
            parts.spawn(listener::run(Arc::clone(&uplink), interface.id.clone(), address));
        }
        if let Some(address) = interface.connect.clone() {
            let (work, waiting) = mpsc::channel(WAITING + outbound::CHARGES);
            let client =
                client::Client::new(&interface, address, documents.clone(), Arc::clone(&uplink), settle.clone());
            parts.spawn(client.run(waiting));
            clients.push((interface.id, work));
        }
    }
    parts.spawn(outbound::run(configuration, Arc::clone(&uplink), clients, settled));
    Ok(async move {
        // None of them ends by itself.
        while parts.join_next().await.is_some() {
            tracing::error!(alert = true, "a part of the proxy has ended");
        }
    })
}
