//! Settings of the handler: environment variables, read once at start-up into one struct per concern.
//!
//! The function app's settings reach the process as environment variables. Identity connections use the Functions
//! convention: a prefix, two underscores and a member (`ServiceBus__fullyQualifiedNamespace`). Where the plain variable
//! (`ServiceBus`) exists it is a connection string and wins over the members, as it does in the Functions host.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `ServiceBus` | connection string | |
//! | `ServiceBus__fullyQualifiedNamespace` | host of the namespace, with an identity | |
//! | `ServiceBus__credential`, `ServiceBus__clientId` | `managedidentity` and the client id of a user-assigned identity | |
//! | `Storage` | connection string, or a service URL with a SAS | |
//! | `Storage__blobServiceUri` | URL of the Blob service, with an identity | |
//! | `Storage__credential`, `Storage__clientId` | as above | |
//! | `Storage__hierarchicalNamespace` | `true` for an account with a hierarchical namespace | `false` |
//! | `Database` | `postgres://…` or `sqlite:…` | |
//! | `Database__managedIdentity`, `Database__clientId` | `true`: the password is a token of an identity | `false` |
//! | `Database__maxConnections` | size of the pool | 8 |
//! | `ORDERS_QUEUE`, `DROPS_QUEUE`, `IMAGES_QUEUE`, `GRADINGS_QUEUE`, `HL7_QUEUE`, `DELIVERIES_QUEUE` | queues the functions are triggered by | `incoming-orders`, `drops`, `images`, `gradings`, `hl7`, `deliveries` |
//! | `DESTINATION_{SLUG}__…` | connections to destinations of an organization's own, as its document names them | |
//! | `ORGANIZATIONS_CONTAINER`, `ARCHIVE_CONTAINER` | our own containers | `organizations`, `archive` |
//! | `HANDLER_CONCURRENCY` | invocations worked on at once | 256 |
//! | `HANDLER_MAX_BODY_MB` | largest request of the host | 64 |
//! | `HANDLER_TIME_LIMIT_SECONDS` | time for one invocation, below `functionTimeout` and the lock renewal limit | 1680 |
//! | `RETENTION_BODIES_DAYS` | how long bytes of refused messages and lines of drops are kept | 90 |
//! | `RETENTION_HISTORY_DAYS` | how long former contents of orders and details of patients are kept | 730 |
//! | `RETENTION_RECEIPTS_DAYS` | how long records of messages, drops and deliveries are kept, at least as long as bodies | 730 |
//! | `RETENTION_RESULTS_DAYS` | how long former gradings and results and batches of results are kept | 3650 |
//! | `PRUNE_BATCH` | rows removed in one transaction | 500 |
//! | `LOG_LEVEL` | `error`, `warn`, `info`, `debug` or `trace`, of our own code | `info` |
//!
//! Reading goes through a closure, so that a test needs no process environment.

mod connection;
mod handler;
mod names;
mod read;
mod retention;

pub use connection::{DatabaseSettings, IdentitySettings, ServiceBusSettings, StorageConnection, StorageSettings};
pub use handler::{HandlerSettings, LogLevel, TelemetrySettings};
pub use names::{ContainerNames, QueueNames};
pub use read::{Error, Lookup};
pub use retention::RetentionSettings;

/// Everything that is configured from outside.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The namespace events and results are sent to.
    pub service_bus: ServiceBusSettings,
    /// The account drops are read from and receipts are written to.
    pub storage: StorageSettings,
    /// Where patients, orders and the outbox are stored.
    pub database: DatabaseSettings,
    /// Names of the queues that trigger functions.
    pub queues: QueueNames,
    /// Names of our own containers.
    pub containers: ContainerNames,
    /// Limits of the custom handler.
    pub handler: HandlerSettings,
    /// How long each kind of data is kept.
    pub retention: RetentionSettings,
    /// What is logged.
    pub telemetry: TelemetrySettings,
}

impl Settings {
    /// Reads all settings through `lookup`, which returns a variable's value or `None` when it is not set. Empty values
    /// count as not set.
    ///
    /// # Errors
    /// The first variable that is missing or wrong, with what to do about it. The text never contains values, because
    /// they may be secrets.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, Error> {
        Ok(Self {
            service_bus: ServiceBusSettings::from_lookup(lookup)?,
            storage: StorageSettings::from_lookup(lookup)?,
            database: DatabaseSettings::from_lookup(lookup)?,
            queues: QueueNames::from_lookup(lookup)?,
            containers: ContainerNames::from_lookup(lookup)?,
            handler: HandlerSettings::from_lookup(lookup)?,
            retention: RetentionSettings::from_lookup(lookup)?,
            telemetry: TelemetrySettings::from_lookup(lookup)?,
        })
    }

    /// Reads all settings from the process environment.
    ///
    /// # Errors
    /// As [`Settings::from_lookup`].
    pub fn from_env() -> Result<Self, Error> {
        Self::from_lookup(&|name| std::env::var(name).ok())
    }
}

#[cfg(test)]
mod tests;
