//! What the functions share: settings, connections, the order service.

use crate::deliver_result::{Connections, Lanes};
use crate::publisher::ServiceBusPublisher;
use crate::reports::Reports;
use anyhow::Context;
use iris_azure::blob::BlobStore;
use iris_azure::database;
use iris_azure::eventgrid::Account;
use iris_azure::organizations::Organizations;
use iris_azure::servicebus::{SenderOptions, ServiceBusSender};
use iris_azure::settings::{ContainerNames, Lookup, QueueNames, RetentionSettings, Settings};
use iris_intake::Limits;
use iris_orders::Orders;
use std::sync::Arc;

/// The handler's state, one per process.
pub struct App {
    /// Rules and storage of orders.
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
    /// How long what is kept.
    pub retention: RetentionSettings,
    /// Rendering of reports.
    pub reports: Reports,
    /// How destinations of results do.
    pub lanes: Lanes,
    /// Connections to destinations that are not ours.
    pub connections: Connections,
    /// Limits of files.
    pub limits: Limits,
    hierarchical_namespace: bool,
}

impl App {
    /// Connects everything. Connections to Service Bus and Blob storage are made when first needed; the database is opened, and its schema
    /// brought up to date, now: without it no function can do anything.
    pub async fn start(settings: Settings) -> anyhow::Result<Arc<Self>> {
        let lookup: Lookup<'_> = &|name| std::env::var(name).ok();
        let hierarchical_namespace = settings.storage.hierarchical_namespace;
        let blobs = BlobStore::new(&settings.storage, lookup).context("Storage")?;
        let sender =
            ServiceBusSender::start(&settings.service_bus, lookup, SenderOptions::default()).context("ServiceBus")?;
        let publisher = ServiceBusPublisher::new(sender.clone(), settings.queues.deliveries.clone());
        let store = database::open(&settings.database, lookup).await.context("Database")?;
        let orders = Orders::open(store, Arc::new(publisher), iris_orders::Options::default());
        Ok(Arc::new(Self {
            organizations: Organizations::new(blobs.clone(), settings.containers.organizations.clone()),
            orders,
            blobs,
            sender,
            queues: settings.queues,
            containers: settings.containers,
            retention: settings.retention,
            reports: Reports::default(),
            lanes: Lanes::default(),
            connections: Connections::default(),
            limits: Limits::default(),
            hierarchical_namespace,
        }))
    }

    /// The storage account whose events are believed.
    #[must_use]
    pub fn account(&self) -> Account<'_> {
        Account { name: self.blobs.account(), hierarchical_namespace: self.hierarchical_namespace }
    }
}
