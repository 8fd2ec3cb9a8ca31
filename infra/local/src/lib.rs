//! The platform's Azure resources on one machine: Service Bus, Blob storage and the Functions host with the deployed
//! handler.
//!
//! [`LocalHost::start`] puts the parts together; each is a crate of its own below this folder. Everything listens on
//! 127.0.0.1 only. The handler is a separate process, which communicates only over the protocols that it uses in Azure.

pub mod announcement;
pub mod app_folder;
pub mod attempt;
mod blob_events;
pub mod cli;
pub mod credentials;
mod endpoints;
pub mod entities;
pub mod handler;
pub mod hl7;
mod log;
pub mod organizations;
mod ports;
pub mod process;
pub mod provision;
mod sample;
mod sample_proxy;
pub mod serve;
pub mod summary;
pub mod template;
mod tls;

use anyhow::{Context, Result};
use app_folder::AppFolder;
use credentials::{Credentials, Everything};
use endpoints::{Listeners, Serving};
use entities::Entities;
use iris_azure::settings::DatabaseSettings;
use iris_local_blob::store::Store as BlobStore;
use iris_local_console::Platform;
use iris_local_functions_host::config::Trigger;
use iris_local_functions_host::{Executable, Host, HostOptions};
use iris_local_servicebus::broker::Broker;
use iris_local_servicebus::{Endpoint, HttpEndpoint};
use iris_model::names::{container, queue};
use iris_store::Store as OrderStore;
use organizations::Document;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How to start a local host.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder that keeps queues, blobs and the database.
    pub data: PathBuf,
    /// Whether callers connect in TLS.
    pub tls: bool,
    /// Port of the Service Bus endpoint; `None` = the usual one or a free one, `Some(0)` = any free one.
    pub amqp_port: Option<u16>,
    /// Port on which messages are taken over HTTP; values as for `amqp_port`.
    pub http_port: Option<u16>,
    /// Port of the Blob endpoint; values as for `amqp_port`.
    pub blob_port: Option<u16>,
    /// Database URL; `None` = an SQLite file in the data folder.
    pub database: Option<String>,
    /// The organizations to provide for.
    pub organizations: Vec<Document>,
    /// Queues and topics in addition to those of the organizations.
    pub entities: Entities,
    /// The function app to run.
    pub app: AppFolder,
    /// Settings of the handler in addition to the connections.
    pub settings: BTreeMap<String, String>,
    /// How many handler processes run, as Azure would run them: each with a host of its own, all on the same queues and
    /// database.
    pub handlers: u8,
}

/// Where handlers are told to connect to: takes the real endpoints and returns replacements, so that something can be
/// put in between.
pub type Detour = Box<dyn FnOnce(Inside) -> Inside + Send>;

/// The endpoints that handlers use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Service Bus (AMQP).
    pub service_bus: SocketAddr,
    /// Blob storage.
    pub storage: SocketAddr,
    /// URL of the database.
    pub database: String,
}

/// A running local host. Ends with [`LocalHost::stop`].
pub struct LocalHost {
    /// Queues, topics and what is in them.
    pub broker: Broker,
    /// Containers and blobs.
    pub blobs: BlobStore,
    /// The Functions host with the first handler process, which also runs the timers.
    pub functions: Host,
    /// The other ones.
    pub more: Vec<Host>,
    /// The database, for inspection.
    pub orders: Arc<dyn OrderStore>,
    /// What callers connect with.
    pub credentials: Credentials,
    /// The organizations provided for.
    pub organizations: Vec<Document>,
    service_bus: Vec<Endpoint>,
    service_bus_http: Vec<HttpEndpoint>,
    tasks: Vec<JoinHandle<()>>,
}

/// A running local host, as used by its own tests and commands.
impl LocalHost {
    /// Starts everything and returns when the handler is ready.
    pub async fn start(options: Options) -> Result<Self> {
        Self::start_apart(options, Box::new(|inside| inside)).await
    }

    /// The same, with something between the handlers and what they connect to.
    pub async fn start_apart(options: Options, detour: Detour) -> Result<Self> {
        let data = &options.data;
        std::fs::create_dir_all(data).with_context(|| format!("cannot create the folder {}", data.display()))?;
        let broker = open_broker(&data.join("servicebus")).await?;
        let blobs = open_blobs(&data.join("blobs")).await?;
        let listeners = Listeners::open(&options).await?;
        let credentials = Credentials::load(data, listeners.addresses()?)?;

        provision::queues(&broker, &options.organizations)?;
        options.entities.create(&broker)?;
        provision::containers(&blobs, &options.organizations).await?;
        let events = tokio::spawn(blob_events::forward(blobs.subscribe(), broker.clone(), credentials.clone()));
        let access = credentials.access(&options.organizations);
        let serving = listeners.serve(&broker, &access, (credentials.account(), &blobs))?;
        let Serving { service_bus, service_bus_http, mut tasks } = serving;
        tasks.push(events);

        let database = options.database.clone().unwrap_or_else(|| format!("sqlite:{}", data.join("iris.db").display()));
        let orders = open_database(&database).await?;
        let inside = detour(credentials.inside(database));
        let settings = settings(&credentials.handler(&inside), inside.database, options.settings);
        publish_settings(data, &settings)?;
        let host = |settings: BTreeMap<String, String>, lines: &str| -> Result<HostOptions> {
            let mut host = HostOptions::new(options.app.root.clone(), settings, broker.clone());
            host.executable = options.app.handler.clone().map(|(path, arguments)| Executable { path, arguments });
            host.lines = log::sink(&data.join(lines))?;
            Ok(host)
        };
        let mut first = host(settings.clone(), "handler.log")?;
        first.timer_status = Some(data.join("timers"));
        let functions = Host::start(first)?;
        let mut more = Vec::new();
        for number in 2..=options.handlers {
            let lines = format!("handler-{number}.log");
            more.push(Host::start(host(without_timers(settings.clone(), &functions), &lines)?)?);
        }
        for host in std::iter::once(&functions).chain(&more) {
            host.ready().await.context("a handler did not start; see handler.log in the data folder")?;
        }
        Ok(Self {
            broker,
            blobs,
            functions,
            more,
            orders,
            credentials,
            organizations: options.organizations,
            service_bus,
            service_bus_http,
            tasks,
        })
    }

    /// The document of an organization.
    #[must_use]
    pub fn organization(&self, slug: &iris_model::Slug) -> Option<&Document> {
        self.organizations.iter().find(|document| document.organization.slug == *slug)
    }

    /// Every handler's host, the one with the timers first.
    pub fn handlers(&self) -> impl Iterator<Item = &Host> {
        std::iter::once(&self.functions).chain(&self.more)
    }

    /// Waits until one of the handlers has stopped for good, and returns the reason.
    pub async fn stopped(&self) -> String {
        let ends = self.handlers().map(|host| Box::pin(host.stopped()));
        futures::future::select_all(ends).await.0
    }

    /// What the console shows.
    #[must_use]
    pub fn platform(&self) -> Platform {
        Platform {
            broker: self.broker.clone(),
            blobs: self.blobs.clone(),
            handlers: self.handlers().cloned().collect(),
            orders: Arc::clone(&self.orders),
            organizations: self.organizations.iter().map(|document| document.organization.clone()).collect(),
            drops_queue: queue::DROPS.to_owned(),
            archive: container::ARCHIVE.to_owned(),
            documents: provision::DOCUMENTS.to_owned(),
            reader: iris_channels::organization,
        }
    }

    /// Whether nothing is under way: no message waits in a queue that starts a function or is scheduled there, and the
    /// outbox is empty.
    ///
    /// Work goes from queues to the outbox and from there to queues again, so something may slip past while one after
    /// Work goes from queues to the outbox and from there to queues again, so something may slip past while they are
    /// checked one after the other: the answer counts only if no message moved meanwhile.
    /// # Errors
    /// The broker's or the database's.
    pub async fn is_quiet(&self) -> Result<bool> {
        let moves = self.broker.changes();
        for queue in provision::WORK {
            let status = self.broker.status(queue)?;
            if status.active > 0 || status.scheduled > 0 {
                return Ok(false);
            }
        }
        let waits = self.orders.outbox_depth().await?.envelopes > 0 || self.orders.postponed_deliveries().await? > 0;
        Ok(!waits && !moves.has_changed()?)
    }

    /// Stops the handler, then the endpoints. What is in queues and containers stays in the data folder.
    pub async fn stop(self) {
        futures::future::join_all(self.handlers().map(Host::stop)).await;
        self.orders.close().await;
        drop(self.service_bus_http);
        for endpoint in self.service_bus {
            endpoint.shutdown().await;
        }
        for task in self.tasks {
            task.abort();
        }
    }
}

/// Settings that disable all timers: in Azure only one instance runs a timer, whichever holds its lease.
fn without_timers(mut settings: BTreeMap<String, String>, host: &Host) -> BTreeMap<String, String> {
    let timers = host.app().functions.iter().filter(|function| matches!(function.trigger, Trigger::Timer(_)));
    settings.extend(timers.map(|timer| (format!("AzureWebJobs.{}.Disabled", timer.name), "true".to_owned())));
    settings
}

/// Opens the queues' folder. If another local host has just closed it, it may be locked for another moment.
async fn open_broker(folder: &Path) -> Result<Broker> {
    let mut tries = 0;
    loop {
        match Broker::open(Some(folder)).await {
            Err(_) if tries < 40 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            opened => {
                return opened.context("the queues cannot be opened; is another local host using this data folder?");
            }
        }
    }
}

/// Opens the blobs' folder; it may be locked for a moment, too.
async fn open_blobs(folder: &Path) -> Result<BlobStore> {
    let mut tries = 0;
    loop {
        match BlobStore::open(folder) {
            Err(_) if tries < 40 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            opened => return opened.context("the Blob folder cannot be opened; is another local host using it?"),
        }
    }
}

/// Opens the handler's database for inspection, and brings its schema up to date, so that the handler finds it ready.
async fn open_database(url: &str) -> Result<Arc<dyn OrderStore>> {
    let settings = DatabaseSettings { url: url.into(), token_identity: None, max_connections: 2 };
    iris_azure::database::open(&settings, &|_| None).await.context("the database cannot be opened; check --database")
}

/// Writes the handler's settings to where tools of the same user find them (`iris-admin --local`). The key that they
/// are derived from is in the same place.
fn publish_settings(data: &Path, settings: &BTreeMap<String, String>) -> Result<()> {
    let file = data.join("handler-settings.json");
    let text = serde_json::to_vec_pretty(settings)?;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&file)
        .and_then(|mut opened| std::io::Write::write_all(&mut opened, &text))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// The handler's settings, named as in Azure.
fn settings(handler: &Everything, database: String, more: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::from([
        ("ServiceBus".to_owned(), handler.service_bus.clone()),
        ("Storage".to_owned(), handler.storage.clone()),
        ("Database".to_owned(), database),
        ("ORDERS_QUEUE".to_owned(), queue::ORDERS.to_owned()),
        ("DROPS_QUEUE".to_owned(), queue::DROPS.to_owned()),
        ("IMAGES_QUEUE".to_owned(), queue::IMAGES.to_owned()),
        ("GRADINGS_QUEUE".to_owned(), queue::GRADINGS.to_owned()),
        ("HL7_QUEUE".to_owned(), queue::HL7.to_owned()),
        ("DELIVERIES_QUEUE".to_owned(), queue::DELIVERIES.to_owned()),
        ("SWEEP_SCHEDULE".to_owned(), "*/10 * * * * *".to_owned()),
        ("PRUNE_SCHEDULE".to_owned(), "0 15 3 * * *".to_owned()),
        ("BATCHES_SCHEDULE".to_owned(), "0 * * * * *".to_owned()),
        ("AzureWebJobsStorage".to_owned(), handler.storage.clone()),
        // How many milliseconds the handler's allocator keeps freed pages: a file of any length loads in less memory
        // than by its default.
        ("MIMALLOC_PURGE_DELAY".to_owned(), "20".to_owned()),
    ]);
    settings.extend(more);
    settings
}
