//! How to connect, for programs: the one line that `--json` writes when the local host is up.

use crate::LocalHost;
use crate::credentials::Published;
use crate::organizations::Document;
use serde::Serialize;

/// Addresses and credentials of a running local host. They contain its keys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Announcement {
    /// Connection string of the Service Bus namespace: every right on every queue and topic.
    pub service_bus: String,
    /// Connection string of the storage account: every right on every container.
    pub storage: String,
    /// File of the certificate that clients have to trust, when they connect in TLS.
    pub certificate: Option<String>,
    /// Where the console is, for a browser.
    pub console: String,
    /// How each organization connects.
    pub organizations: Vec<Caller>,
}

/// How one organization connects.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// Short name.
    pub slug: String,
    /// The ClientGuid that its messages must carry.
    pub client_guid: String,
    /// Where it posts orders: send only.
    pub orders: QueueAccess,
    /// The same over HTTP.
    pub orders_http: HttpAccess,
    /// Where it receives events, if it has such a queue: listen only.
    pub events: Option<QueueAccess>,
    /// Where it receives results: listen only.
    pub results: QueueAccess,
    /// Connection strings for clients that hard-code their queue names.
    pub published: Published,
    /// Where gradings are posted, if the organization may grade by itself: send only (decision 120).
    pub gradings: Option<QueueAccess>,
    /// Where it drops files: create and write only.
    pub drops: ContainerAccess,
    /// Where it uploads images: create and write only.
    pub images: ContainerAccess,
    /// Where it finds receipts and reports: read and list only.
    pub receipts: ContainerAccess,
}

/// A queue and how to reach it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueAccess {
    /// Name.
    pub queue: String,
    /// Connection string that names the queue.
    pub connection_string: String,
}

/// Where messages are posted to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpAccess {
    /// URL to post to.
    pub url: String,
    /// The `Authorization` header.
    pub authorization: String,
}

/// A container and how to reach it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerAccess {
    /// Name.
    pub container: String,
    /// URL with a shared access signature.
    pub url: String,
}

impl Announcement {
    /// What is to be said about a running host and its console.
    #[must_use]
    pub fn of(host: &LocalHost, console: std::net::SocketAddr) -> Self {
        Self {
            service_bus: host.credentials.everything().service_bus,
            storage: host.credentials.everything().storage,
            certificate: host.credentials.authority().map(|file| file.display().to_string()),
            console: format!("http://{console}/"),
            organizations: host.organizations.iter().map(|document| caller(host, document)).collect(),
        }
    }
}

fn caller(host: &LocalHost, Document { organization, .. }: &Document) -> Caller {
    let slug = &organization.slug;
    let access = host.credentials.caller(organization);
    let queue = |queue: String, connection_string: String| QueueAccess { queue, connection_string };
    Caller {
        slug: slug.to_string(),
        client_guid: organization.client_guid.to_string(),
        orders: queue(slug.orders_entry(), access.orders),
        orders_http: HttpAccess { url: access.orders_http, authorization: access.orders_token },
        events: organization.events_queue().map(|name| queue(name, access.events)),
        results: queue(slug.results_queue(), access.results),
        published: access.published,
        gradings: access.gradings.map(|access| queue(slug.gradings_entry(), access)),
        drops: ContainerAccess { container: organization.drops_container(), url: access.drops },
        images: ContainerAccess { container: organization.images_container(), url: access.images },
        receipts: ContainerAccess { container: organization.results_container(), url: access.receipts },
    }
}
