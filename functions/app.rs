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
use tokio::sync::Semaphore;

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
        let store = database::open(&settings.database, lookup).await.context("Database")?;
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
