//! What can go wrong in the store.

use std::io;

/// Why an operation was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The container does not exist.
    #[error("the container does not exist")]
    ContainerNotFound,
    /// A container of that name exists.
    #[error("the container already exists")]
    ContainerAlreadyExists,
    /// The blob does not exist, or has uncommitted blocks only.
    #[error("the blob does not exist")]
    BlobNotFound,
    /// The blob exists, but the write was to create it.
    #[error("the blob already exists")]
    BlobAlreadyExists,
    /// The blob exists, and the writer may create blobs but not overwrite them.
    #[error("the writer may create blobs but not overwrite them")]
    OverwriteNotPermitted,
    /// A condition (ETag or time) does not hold.
    #[error("a condition on ETag or time does not hold")]
    ConditionNotMet,
    /// A condition on the source of a copy does not hold.
    #[error("a condition on the source does not hold")]
    SourceConditionNotMet,
    /// The reader has this version already.
    #[error("not modified")]
    NotModified,
    /// The range begins beyond the blob's end.
    #[error("the range begins beyond the end")]
    InvalidRange {
        /// Length of the blob in bytes.
        length: u64,
    },
    /// A block list names a block that does not exist.
    #[error("the block list names an unknown block")]
    InvalidBlockList,
    /// A block list has more than 50,000 entries.
    #[error("the block list is too long")]
    BlockListTooLong,
    /// A block's id differs in length from the others of its blob.
    #[error("block ids of one blob must have the same length")]
    InvalidBlobOrBlock,
    /// A lease is in the way, or the given one does not fit.
    #[error(transparent)]
    Lease(#[from] super::lease::Error),
    /// Metadata or tags are not acceptable, or too long.
    #[error("metadata or tags are not acceptable")]
    InvalidMetadata,
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// The group of writes this one belonged to could not be made durable.
    #[error("the write could not be made durable")]
    NotDurable,
    /// A content file could not be written or read.
    #[error("a content file could not be written or read")]
    Io(#[from] io::Error),
    /// A stored document could not be read back.
    #[error("a stored document is damaged")]
    Damaged(#[from] serde_json::Error),
    /// Another process has the store open.
    #[error("another process has the store open")]
    InUse,
    /// A newer version of this program wrote the folder.
    #[error("the folder was written by a newer version of this program")]
    UnknownFormat,
    /// The store is closing.
    #[error("the store is closing")]
    Closed,
}
