//! What the functions share: settings, connections, the order service.

use crate::publisher::ServiceBusPublisher;
use anyhow::Context;
use iris_azure::blob::BlobStore;
use iris_azure::database;
use iris_azure::eventgrid::Account;
use iris_azure::handler::Memory;
use iris_azure::organizations::Organizations;
use iris_azure::servicebus::{SenderOptions, ServiceBusSender};
use iris_azure::settings::{ContainerNames, Lookup, QueueNames, RetentionSettings, Settings};
use iris_channels::Channels;
use iris_intake::Limits;
use iris_orders::Orders;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How much memory all work in progress may hold at a time, in bytes. An instance has 2 GB; together with everything
/// that is not counted here, the handler stays within 512 MB above its idle size.
const MEMORY: u64 = 384 << 20;

/// How many rows may wait for their orders at a time, over all drops.
const WAITING_ROWS: usize = 10_000;

/// The handler's state, one per process.
pub struct App {
    /// The order service: rules and storage.
    pub orders: Orders,
    /// Blob storage.
    pub blobs: BlobStore,
    /// Service Bus.
    pub sender: ServiceBusSender,
    /// The organizations' documents.
    pub organizations: Organizations,
    /// Names of queues.
    pub queues: QueueNames,
    /// Names of internal containers.
    pub containers: ContainerNames,
    /// How long the different kinds of data are kept.
    pub retention: RetentionSettings,
    /// How results are sent.
    pub channels: Channels,
    /// Limits on files.
    pub limits: Limits,
    /// The memory budget for files and images.
    pub memory: Memory,
    /// Permits for rows that wait for their orders.
    pub waiting_rows: Arc<Semaphore>,
    hierarchical_namespace: bool,
}

/// How long a starting handler waits for a database that is restarting or failing over. Its host counts every handler
/// that ends as a strike, and stops after three.
const DATABASE_PATIENCE: Duration = Duration::from_secs(15);
/// Between two tries to open it, at first and at most.
const DATABASE_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_DATABASE_PAUSE: Duration = Duration::from_secs(2);

/// Opens the database, patiently where it may come back by itself.
async fn opened<T>(mut open: impl AsyncFnMut() -> Result<T, database::Error>) -> Result<T, database::Error> {
    let until = Instant::now() + DATABASE_PATIENCE;
    let mut pause = DATABASE_PAUSE;
    loop {
        match open().await {
            Err(database::Error::Store(error)) if error.is_transient() && Instant::now() < until => {
                tracing::warn!(%error, "the database is not there yet");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_DATABASE_PAUSE);
            }
            opened => return opened,
        }
    }
}

impl App {
    /// Sets everything up. Service Bus and Blob storage are connected when first needed. The database is opened and
    /// migrated now, because no function can do anything without it.
    pub async fn start(settings: Settings) -> anyhow::Result<Arc<Self>> {
        let lookup: Lookup<'_> = &|name| std::env::var(name).ok();
        let hierarchical_namespace = settings.storage.hierarchical_namespace;
        let blobs = BlobStore::new(&settings.storage, lookup).context("Storage")?;
        let sender =
            ServiceBusSender::start(&settings.service_bus, lookup, SenderOptions::default()).context("ServiceBus")?;
        let publisher = ServiceBusPublisher::new(sender.clone(), settings.queues.deliveries.clone());
        let store = opened(async || database::open(&settings.database, lookup).await).await.context("Database")?;
        let orders = Orders::open(store, Arc::new(publisher), iris_orders::Options::default());
        let documents = settings.containers.organizations.clone();
        let archive = settings.containers.archive.clone();
        let memory = Memory::new(MEMORY);
        Ok(Arc::new(Self {
            organizations: Organizations::new(blobs.clone(), documents, iris_channels::organization),
            channels: Channels::new(blobs.clone(), sender.clone(), archive, memory.clone()),
            orders,
            blobs,
            sender,
            queues: settings.queues,
            containers: settings.containers,
            retention: settings.retention,
            limits: Limits::default(),
            memory,
            waiting_rows: Arc::new(Semaphore::new(WAITING_ROWS)),
            hierarchical_namespace,
        }))
    }

    /// The storage account whose events are trusted.
    #[must_use]
    pub fn account(&self) -> Account<'_> {
        Account { name: self.blobs.account(), hierarchical_namespace: self.hierarchical_namespace }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iris_store::Error;

    /// What opening gives, try by try; the last error for ever. And how often it was tried.
    async fn tried(mut failures: Vec<Error>, forever: Option<Error>) -> (Result<(), database::Error>, usize) {
        let mut tries = 0;
        let opened = opened(async || {
            tries += 1;
            match failures.pop().or_else(|| forever.clone()) {
                Some(error) => Err(error.into()),
                None => Ok(()),
            }
        })
        .await;
        (opened, tries)
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_restarts_does_not_end_a_starting_handler() {
        let away = || Error::Unavailable("starting up".to_owned());
        let (opened, tries) = tried(vec![away(), away(), away()], None).await;
        assert!(opened.is_ok());
        assert_eq!(tries, 4);
        // One that stays away does, in time for the host; what never works does at once.
        let began = Instant::now();
        let (opened, tries) = tried(Vec::new(), Some(away())).await;
        assert!(opened.is_err() && tries > 5);
        assert!(began.elapsed() >= DATABASE_PATIENCE && began.elapsed() < DATABASE_PATIENCE * 2);
        let (opened, tries) = tried(Vec::new(), Some(Error::Migration("refused".to_owned()))).await;
        assert!(opened.is_err());
        assert_eq!(tries, 1);
    }
}
