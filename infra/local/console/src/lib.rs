//! The console: pages that show what the local host has, for a person who would rather look than read logs.
//!
//! # How a page works
//!
//! Every view is an ordinary page with an address of its own, rendered here from the platform's data: orders and drops
//! from the handler's database (read only), queues from the broker, documents from the blob store. Parts of a page name
//! *topics* (`data-topic` by way of `hx-trigger="live:orders from:body"`). A page listens to `/live`, a stream of
//! server-sent events that name the topics that have changed; each part then reloads its own page and takes over what
//! differs. So rendering code exists only once, and a page that misses an event is corrected by the next one.
//!
//! # Who may use it
//!
//! Programs and people on this machine: it listens on 127.0.0.1 only. Web sites open in a browser on the same machine
//! are kept out by checks of `Host` and `Origin` and by the browser's own rules, which the answers' headers tighten
//! (module `guard`). Every value is escaped by the templates; scripts and styles come from files of ours alone.

mod assets;
mod changes;
mod documents;
mod drop_page;
mod drops;
mod events;
mod failure;
mod faults;
mod format;
mod guard;
mod lines;
mod live;
mod messages;
mod order_page;
mod orders;
mod page;
mod peek;
mod queues;
mod shapes;
mod upload;
mod workbench;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use guard::Own;
use iris_local_blob::store::Store as BlobStore;
use iris_local_functions_host::Host;
use iris_local_servicebus::broker::Broker;
use iris_model::{ClientGuid, Organization};
use iris_store::Store as OrderStore;
use shapes::Shapes;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The parts of a running local host that the console shows.
pub struct Platform {
    /// Queues and topics.
    pub broker: Broker,
    /// Containers and blobs.
    pub blobs: BlobStore,
    /// The Functions hosts, each with a handler process; at least one.
    pub handlers: Vec<Host>,
    /// The handler's database.
    pub orders: Arc<dyn OrderStore>,
    /// The organizations provided for; at least one.
    pub organizations: Vec<Organization>,
    /// The queue that announces dropped files.
    pub drops_queue: String,
    /// The container that keeps a copy of every drop, as `{slug}/{drop id}`.
    pub archive: String,
    /// The container of the organizations' documents.
    pub documents: String,
    /// How a document is read; its error lists all problems.
    pub reader: iris_drops::mappings::Reader,
}

/// What all requests share.
struct Console {
    platform: Platform,
    shapes: Shapes,
    bench: workbench::Bench,
}

type Shared = Arc<Console>;

impl Console {
    fn organization(&self, guid: ClientGuid) -> Option<&Organization> {
        self.platform.organizations.iter().find(|organization| organization.client_guid == guid)
    }

    /// The organization with this short name; the first one when none is named, or an unknown one.
    fn chosen(&self, slug: Option<&str>) -> Option<&Organization> {
        let organizations = &self.platform.organizations;
        organizations
            .iter()
            .find(|organization| Some(organization.slug.as_str()) == slug)
            .or_else(|| organizations.first())
    }
}

/// Serves the console until the task is dropped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, platform: Platform) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    axum::serve(listener, router(platform, address)).await
}

/// The console's pages and actions, for a server that listens on this address.
pub fn router(platform: Platform, address: SocketAddr) -> Router {
    let console = Arc::new(Console { platform, shapes: Shapes::default(), bench: workbench::Bench::default() });
    Router::new()
        .route("/", get(drops::show))
        .route("/drops", post(upload::take))
        .route("/drops/{id}", get(drop_page::show))
        .route("/drops/{id}/workbench", post(workbench::from_drop))
        .route("/workbench", get(workbench::start).post(workbench::enter))
        .route("/workbench/{key}", get(workbench::show).post(workbench::act))
        .route("/drops/{id}/{document}", get(documents::download))
        .route("/orders", get(orders::show))
        .route("/orders/{id}", get(order_page::show))
        .route("/messages", get(messages::show))
        .route("/messages/{id}", get(messages::body))
        .route("/events", get(events::show))
        .route("/queues", get(queues::show))
        .route("/queues/messages", get(peek::show))
        .route("/queues/redrive", post(queues::redrive))
        .route("/faults/kill", post(faults::kill))
        .route("/faults/twice", post(faults::twice))
        .route("/faults/hold", post(faults::hold))
        .route("/status", get(faults::show))
        .route("/privacy", post(page::privacy))
        .route("/live", get(live::stream))
        .route("/assets/{file}", get(assets::file))
        .fallback(failure::nothing_here)
        .with_state(console)
        .layer(from_fn_with_state(Own::new(address), guard::check))
}
