//! Azure Blob Storage on one machine: a store in a folder, the service's REST protocol on 127.0.0.1, and `BlobCreated`
//! events.
//!
//! Three layers, each usable without the one above: [`store`] knows containers and block blobs and no HTTP; [`auth`]
//! verifies account keys and shared access signatures; [`http`] speaks the protocol. [`event_grid`] renders the store's
//! events as Event Grid delivers them. It is for development and tests; the platform's own blob client talks to it as
//! it talks to Azure.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use iris_local_blob::auth::{Account, Key, SasTerms};
//! use iris_local_blob::{ContainerName, event_grid, http, store::Store};
//!
//! let store = Store::open(".iris-local/blobs")?;
//! let mut events = store.subscribe();
//! let drops = ContainerName::new("harborview-drops")?;
//! store.ensure_container(&drops).await?;
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:10000").await?;
//! let address = listener.local_addr()?;
//! let account = Account::new("irislocal", Key::random());
//! let connection_string = account.endpoint(address).connection_string();
//! let write_only = SasTerms { permissions: "cw".to_owned(), expiry: "2030-01-01T00:00:00Z".parse()? };
//! let for_the_caller = account.endpoint(address).container_sas_url(&drops, &write_only);
//!
//! let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//! tokio::spawn({
//!     let (account, store) = (account.clone(), store.clone());
//!     async move { http::serve(listener, [(account, store)], http::Options::default(), stop).await }
//! });
//! while let Some(event) = events.recv().await {
//!     let url = account.endpoint(address).blob_url(&event.container, &event.name);
//!     let message = event_grid::event_grid(&event, account.name(), &url)?;
//! }
//! # Ok(()) }
//! ```

pub mod auth;
mod crc64;
mod etag;
pub mod event_grid;
pub mod http;
mod names;
mod not_offered;
pub mod store;

pub use etag::Etag;
pub use names::{BlobName, ContainerName, Error as NameError};
pub use not_offered::NotOffered;
