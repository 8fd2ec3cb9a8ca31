//! Keys, and the credentials of callers.
//!
//! Secrets are created at the first start and kept in the data folder, so that connection strings stay the same across
//! restarts. A caller gets what it would get in Azure: send-only for its entry, listen-only for its queues, write-only
//! for its drops and images, read-only for its results.

use crate::Inside;
use crate::organizations::Document;
use crate::provision::container;
use anyhow::{Context, Result};
use iris_local_blob::auth::{Account, Endpoint, Key, SasTerms};
use iris_local_blob::{BlobName, ContainerName};
use iris_local_servicebus::access::{
    Access, AccessKey, ROOT_KEY_NAME, Right, connection_string, derive_key, secure_connection_string,
    shared_access_signature,
};
use iris_model::Organization;
use iris_model::organization::Environment;
use iris_proxy::{Configuration, Interface};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The storage account's name, the one Azure's own emulators use.
const ACCOUNT: &str = "devstoreaccount1";

/// The rights of a caller that drops files: create and write.
const DROP: &str = "cw";
/// The rights of a caller that fetches results: read and list.
const FETCH: &str = "rl";

/// Keys and addresses of a running local host.
#[derive(Debug, Clone)]
pub struct Credentials {
    seed: Vec<u8>,
    account: Account,
    addresses: Addresses,
    expiry: Timestamp,
}

/// Where a running local host can be reached.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// By the handler, without TLS.
    pub(crate) inside: Ports,
    /// By callers over TLS, if enabled.
    pub(crate) outside: Option<SecurePorts>,
}

/// An endpoint for each protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) amqp: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) blob: SocketAddr,
}

/// The same over TLS, with the file of the certificate to trust.
#[derive(Debug, Clone)]
pub(crate) struct SecurePorts {
    pub(crate) ports: Ports,
    pub(crate) authority: PathBuf,
}

/// Every right on everything.
#[derive(Debug, Clone)]
pub struct Everything {
    /// Connection string of the Service Bus namespace.
    pub service_bus: String,
    /// Connection string of the storage account.
    pub storage: String,
}

/// Connection strings that name no queue, for clients that know its name: IRIS's published ones send to `orders` and
/// receive from `events` and `results`. With these strings, those names refer to the organization's own queues, as in a
/// namespace of its own.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// To send to `orders`.
    pub orders: String,
    /// To receive from `events`, if the organization has such a queue.
    pub events: Option<String>,
    /// To receive from `results`.
    pub results: String,
}

/// The names of queues in IRIS's published clients.
mod published {
    pub(super) const ORDERS: &str = "orders";
    pub(super) const EVENTS: &str = "events";
    pub(super) const RESULTS: &str = "results";
}

/// How one organization connects.
#[derive(Debug, Clone)]
pub struct CallerAccess {
    /// Connection string to post orders: send only.
    pub orders: String,
    /// URL to post orders to over HTTP.
    pub orders_http: String,
    /// The `Authorization` header for it: send only.
    pub orders_token: String,
    /// Connection string to post gradings: send only; for test organizations (decision 120).
    pub gradings: Option<String>,
    /// Connection string to hand in HL7 orders, and answers of hospitals: send only. For the proxy.
    pub hl7: String,
    /// Connection string to take HL7 messages for hospitals: listen only. For the proxy.
    pub hl7_out: String,
    /// Connection string to receive events: listen only.
    pub events: String,
    /// Connection string to receive results: listen only.
    pub results: String,
    /// Connection strings for clients that hard-code their queue names.
    pub published: Published,
    /// URL of the drops container: create and write only.
    pub drops: String,
    /// URL of the images container: create and write only.
    pub images: String,
    /// URL of the results container: read and list only.
    pub receipts: String,
}

impl Credentials {
    /// Reads the secret of the data folder, or creates it.
    pub(crate) fn load(data: &Path, addresses: Addresses) -> Result<Self> {
        let file = data.join("secret");
        let secret = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let text = Key::random().to_base64();
                fs::write(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
                text
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let key =
            Key::from_base64(secret.trim()).with_context(|| format!("{} is damaged; delete it", file.display()))?;
        let expiry = Timestamp::now().to_zoned(TimeZone::UTC).checked_add(Span::new().years(1))?.timestamp();
        Ok(Self { seed: secret.into_bytes(), account: Account::new(ACCOUNT, key), addresses, expiry })
    }

    /// The storage account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// File of the certificate that callers have to trust, when they connect in TLS.
    #[must_use]
    pub fn authority(&self) -> Option<&Path> {
        self.addresses.outside.as_ref().map(|outside| outside.authority.as_path())
    }

    /// How administrators and tests connect.
    #[must_use]
    pub fn everything(&self) -> Everything {
        Everything { service_bus: self.queue(ROOT_KEY_NAME, ""), storage: self.blobs().connection_string() }
    }

    /// Where the handler connects to by default.
    pub(crate) fn inside(&self, database: String) -> Inside {
        let Ports { amqp, blob, .. } = self.addresses.inside;
        Inside { service_bus: amqp, storage: blob, database }
    }

    /// How the handler connects, there or elsewhere.
    pub(crate) fn handler(&self, inside: &Inside) -> Everything {
        let key = derive_key(&self.seed, "", ROOT_KEY_NAME);
        Everything {
            service_bus: connection_string(inside.service_bus, ROOT_KEY_NAME, &key, None),
            storage: self.account.endpoint(inside.storage).connection_string(),
        }
    }

    /// The address of a blob, as in events.
    pub(crate) fn blob_url(&self, container: &ContainerName, name: &BlobName) -> String {
        self.account.endpoint(self.addresses.inside.blob).blob_url(container, name)
    }

    /// The storage account at the address that callers use.
    fn blobs(&self) -> Endpoint<'_> {
        match &self.addresses.outside {
            Some(outside) => self.account.secure_endpoint(outside.ports.blob),
            None => self.account.endpoint(self.addresses.inside.blob),
        }
    }

    /// How an organization connects.
    #[must_use]
    pub fn caller(&self, organization: &Organization) -> CallerAccess {
        let slug = &organization.slug;
        let entry = slug.orders_entry();
        let entry_url = match &self.addresses.outside {
            Some(outside) => format!("https://{}/{entry}", outside.ports.http),
            None => format!("http://{}/{entry}", self.addresses.inside.http),
        };
        let events = organization.events_queue();
        CallerAccess {
            orders: self.queue("send", &entry),
            orders_http: format!("{entry_url}/messages"),
            orders_token: shared_access_signature(
                &entry_url,
                "send",
                &derive_key(&self.seed, &entry, "send"),
                self.expiry,
            ),
            gradings: (organization.environment == Environment::Test).then(|| self.grader(organization)),
            hl7: self.queue("send", &slug.hl7_entry()),
            hl7_out: self.queue("listen", &slug.hl7_out_queue()),
            published: Published {
                orders: self.connection("send", &entry, None),
                events: events.as_ref().map(|queue| self.connection("listen", queue, None)),
                results: self.connection("listen", &slug.results_queue(), None),
            },
            events: self.queue("listen", &events.unwrap_or_default()),
            results: self.queue("listen", &slug.results_queue()),
            drops: self.container(&organization.drops_container(), DROP),
            images: self.container(&organization.images_container(), DROP),
            receipts: self.container(&organization.results_container(), FETCH),
        }
    }

    /// How those who grade an organization's orders connect: send only.
    #[must_use]
    pub fn grader(&self, organization: &Organization) -> String {
        self.queue("send", &organization.slug.gradings_entry())
    }

    /// The URL of the Blob service with the write-only signature of the organization's drops container, in the form
    /// that SDKs take.
    #[must_use]
    pub fn drops_service(&self, organization: &Organization) -> String {
        let url = self.container(&organization.drops_container(), DROP);
        url.replacen(&format!("/{}?", organization.drops_container()), "?", 1)
    }

    /// The URL of the Blob service with the write-only signature of the organization's images container.
    #[must_use]
    pub fn images_service(&self, organization: &Organization) -> String {
        let url = self.container(&organization.images_container(), DROP);
        url.replacen(&format!("/{}?", organization.images_container()), "?", 1)
    }

    /// The configuration of the proxy in an organization's network, with these hospital systems.
    #[must_use]
    pub fn proxy(&self, organization: &Organization, interfaces: Vec<Interface>) -> Configuration {
        let access = self.caller(organization);
        let container = format!("/{}?", organization.results_container());
        Configuration {
            organization: organization.slug.clone(),
            orders: access.hl7,
            results: access.hl7_out,
            documents: access.receipts.replacen(&container, "?", 1),
            interfaces,
        }
    }

    /// The keys the Service Bus endpoint knows.
    pub(crate) fn access(&self, organizations: &[Document]) -> Access {
        let mut keys = vec![self.key(ROOT_KEY_NAME, None, Right::Manage, None)];
        for Document { organization, .. } in organizations {
            let slug = &organization.slug;
            let mut add = |name: &str, entity: String, right: Right, known_as: Option<&str>| {
                keys.push(self.key(name, Some(entity), right, known_as));
            };
            add("send", slug.orders_entry(), Right::Send, Some(published::ORDERS));
            add("send", slug.gradings_entry(), Right::Send, None);
            add("send", slug.hl7_entry(), Right::Send, None);
            add("listen", slug.hl7_out_queue(), Right::Listen, None);
            add("listen", slug.results_queue(), Right::Listen, Some(published::RESULTS));
            if let Some(queue) = organization.events_queue() {
                add("listen", queue, Right::Listen, Some(published::EVENTS));
            }
        }
        Access::with_keys(keys)
    }

    fn key(&self, name: &str, entity: Option<String>, right: Right, known_as: Option<&str>) -> AccessKey {
        let key = derive_key(&self.seed, entity.as_deref().unwrap_or_default(), name);
        AccessKey { name: name.to_owned(), key, entity, right, known_as: known_as.map(str::to_owned) }
    }

    /// A connection string with the queue's name, or without it for the whole namespace.
    fn queue(&self, name: &str, entity: &str) -> String {
        self.connection(name, entity, (!entity.is_empty()).then_some(entity))
    }

    /// A connection string with a key of a queue, and with the queue's name if given.
    fn connection(&self, name: &str, entity: &str, named: Option<&str>) -> String {
        let key = derive_key(&self.seed, entity, name);
        match &self.addresses.outside {
            Some(outside) => secure_connection_string(outside.ports.amqp.port(), name, &key, named),
            None => connection_string(self.addresses.inside.amqp, name, &key, named),
        }
    }

    fn container(&self, name: &str, permissions: &str) -> String {
        let terms = SasTerms { permissions: permissions.to_owned(), expiry: self.expiry };
        container(name).map(|name| self.blobs().container_sas_url(&name, &terms)).unwrap_or_default()
    }
}
