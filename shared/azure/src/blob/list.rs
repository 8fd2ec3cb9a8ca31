//! Listing a container.

use super::store::timestamp;
use super::{BlobAddress, Error, Etag};
use azure_storage_blob::models::BlobItem;
use jiff::Timestamp;

/// One blob of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBlob {
    /// Which blob.
    pub address: BlobAddress,
    /// Which version of it.
    pub etag: Etag,
    /// Length in bytes.
    pub content_length: u64,
    /// When it was last written.
    pub last_modified: Option<Timestamp>,
}

impl ListedBlob {
    /// `None` for entries that are not blobs of ours: directories of a hierarchical account, and names that cannot be
    /// addressed.
    pub(super) fn of(container: &str, item: BlobItem) -> Option<Result<Self, Error>> {
        let address = BlobAddress::new(container, &item.name?).ok()?;
        let metadata = item.metadata.and_then(|metadata| metadata.values).unwrap_or_default();
        if metadata.iter().any(|(name, value)| name.eq_ignore_ascii_case("hdi_isfolder") && value == "true") {
            return None;
        }
        let properties = item.properties.unwrap_or_default();
        let etag = properties.etag.as_ref().and_then(|etag| Etag::parse(etag.as_ref()));
        let (Some(etag), Some(content_length)) = (etag, properties.content_length) else {
            return Some(Err(Error::Protocol { what: "properties of a listed blob" }));
        };
        let last_modified = properties.last_modified.map(timestamp);
        Some(Ok(Self { address, etag, content_length, last_modified }))
    }
}
