//! Azure Blob Storage on one machine: a store in a folder, the service's REST protocol on 127.0.0.1, and `BlobCreated` events.
//!
//! Three layers, each usable without the one above: [`store`] knows containers and block blobs and no HTTP; [`auth`] verifies account
//! keys and shared access signatures; [`http`] speaks the protocol. [`event_grid`] renders the store's events as Event Grid delivers
//! them. It is for development and tests; the platform's own blob client talks to it as it talks to Azure.

pub mod auth;
mod crc64;
mod etag;
pub mod event_grid;
pub mod http;
mod names;
pub mod store;

pub use etag::Etag;
pub use names::{BlobName, ContainerName, Error as NameError};
