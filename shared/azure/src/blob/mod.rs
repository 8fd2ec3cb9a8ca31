//! Blob storage over REST, on Microsoft's `azure_storage_blob`.
//!
//! A [`BlobStore`] is one storage account, reached with a connection string (account key or SAS), a service URL with a
//! SAS, or an identity. On top of the SDK this module adds what is missing there: signing with the account key, a
//! parser for connection strings, a reader that survives connections that break in the middle of a body
//! ([`RangedReader`]), and a writer that takes bytes as they come ([`BlockWriter`]).
//!
//! **Blob names are personal data.** Senders put patients' names into file names. [`BlobAddress`] therefore has no
//! `Display` and does not show the name in `Debug`, and an [`Error`] never carries text of the HTTP library, which
//! likes to quote URLs.
//!
//! Every operation is retried on throttling, server errors and lost connections before [`Error::Transient`] is
//! returned. Conditions (`If-Match`, `If-None-Match`) make a repeated write harmless; for first attempts that may have
//! succeeded without an answer, see [`BlobStore::put_if_absent`].

mod address;
mod connection;
mod error;
mod etag;
mod list;
mod reader;
mod shared_key;
mod store;
mod writer;

pub use address::{BlobAddress, InvalidAddress, is_container_name};
pub use error::Error;
pub use etag::Etag;
pub use list::ListedBlob;
pub use reader::{RANGE_BYTES, RangedReader};
pub use store::{BlobStore, Downloaded, Properties, UploadOptions};
pub use writer::{BLOCK_BYTES, BlockWriter};
