//! Keys, and what callers connect with.
//!
//! Secrets are made at the first start and kept in the data folder, so that connection strings stay the same over restarts. A caller gets
//! what it would get in Azure: send-only for its entry, listen-only for its queues, write-only for its drops and images, read-only for its
//! results.

use crate::organizations::Document;
use crate::provision::container;
use anyhow::{Context, Result};
use iris_local_blob::auth::{Account, Key, SasTerms};
use iris_local_blob::{BlobName, ContainerName};
use iris_local_servicebus::access::{
    Access, AccessKey, ROOT_KEY_NAME, Right, connection_string, derive_key, shared_access_signature,
};
use iris_model::Organization;
use iris_model::organization::Environment;
use jiff::{Span, Timestamp, Zoned};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

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
    amqp: SocketAddr,
    http: SocketAddr,
    blob: SocketAddr,
    expiry: Timestamp,
}

/// What one organization connects with.
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
    /// Connection string to receive events: listen only.
    pub events: String,
    /// Connection string to receive results: listen only.
    pub results: String,
    /// URL of the drops container: create and write only.
    pub drops: String,
    /// URL of the images container: create and write only.
    pub images: String,
    /// URL of the results container: read and list only.
    pub receipts: String,
}

impl Credentials {
    /// Reads the secret of the data folder, or makes it.
    pub(crate) fn load(data: &Path, amqp: SocketAddr, http: SocketAddr, blob: SocketAddr) -> Result<Self> {
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
        let expiry = Zoned::now().checked_add(Span::new().years(1))?.timestamp();
        Ok(Self { seed: secret.into_bytes(), account: Account::new(ACCOUNT, key), amqp, http, blob, expiry })
    }

    /// The storage account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The handler's connection string of Service Bus.
    pub(crate) fn service_bus(&self) -> String {
        self.queue(ROOT_KEY_NAME, "")
    }

    /// The handler's connection string of the storage account.
    pub(crate) fn storage(&self) -> String {
        self.account.endpoint(self.blob).connection_string()
    }

    /// The address of a blob, as events have it.
    pub(crate) fn blob_url(&self, container: &ContainerName, name: &BlobName) -> String {
        self.account.endpoint(self.blob).blob_url(container, name)
    }

    /// What an organization connects with.
    #[must_use]
    pub fn caller(&self, organization: &Organization) -> CallerAccess {
        let slug = &organization.slug;
        let entry = slug.orders_entry();
        let entry_url = format!("http://{}/{entry}", self.http);
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
            events: self.queue("listen", &organization.events_queue().unwrap_or_default()),
            results: self.queue("listen", &slug.results_queue()),
            drops: self.container(&organization.drops_container(), DROP),
            images: self.container(&organization.images_container(), DROP),
            receipts: self.container(&organization.results_container(), FETCH),
        }
    }

    /// What those who grade an organization's orders connect with: send only.
    #[must_use]
    pub fn grader(&self, organization: &Organization) -> String {
        self.queue("send", &organization.slug.gradings_entry())
    }

    /// The URL of the Blob service with the write-only signature of the organization's drops container: what SDKs take.
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

    /// The keys the Service Bus endpoint knows.
    pub(crate) fn access(&self, organizations: &[Document]) -> Access {
        let mut keys = vec![self.key(ROOT_KEY_NAME, None, Right::Manage)];
        for Document { organization, .. } in organizations {
            let slug = &organization.slug;
            keys.push(self.key("send", Some(slug.orders_entry()), Right::Send));
            keys.push(self.key("send", Some(slug.gradings_entry()), Right::Send));
            keys.push(self.key("listen", Some(slug.results_queue()), Right::Listen));
            keys.extend(organization.events_queue().map(|queue| self.key("listen", Some(queue), Right::Listen)));
        }
        Access::with_keys(keys)
    }

    fn key(&self, name: &str, entity: Option<String>, right: Right) -> AccessKey {
        let key = derive_key(&self.seed, entity.as_deref().unwrap_or_default(), name);
        AccessKey { name: name.to_owned(), key, entity, right }
    }

    fn queue(&self, name: &str, entity: &str) -> String {
        let key = derive_key(&self.seed, entity, name);
        connection_string(self.amqp, name, &key, (!entity.is_empty()).then_some(entity))
    }

    fn container(&self, name: &str, permissions: &str) -> String {
        let terms = SasTerms { permissions: permissions.to_owned(), expiry: self.expiry };
        container(name)
            .map(|name| self.account.endpoint(self.blob).container_sas_url(&name, &terms))
            .unwrap_or_default()
    }
}
