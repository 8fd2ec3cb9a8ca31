//! What is stored about a container and a blob.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::conditions::Version;
use super::lease::Lease;
use super::{Error, metadata::Pairs};
use crate::etag::Etag;
use crate::names::{BlobName, ContainerName};

/// The headers a blob is given and returned with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContentHeaders {
    /// `Content-Type`. Content written without one gets `application/octet-stream`; it can be taken away later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Content-Disposition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Cache-Control`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Content-MD5` of the whole blob: computed for a blob written by one request, else as the writer sent it, of any
    /// length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_md5: Option<Vec<u8>>,
}

impl ContentHeaders {
    /// These, completed from another's.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            content_type: self.content_type.or(other.content_type),
            content_encoding: self.content_encoding.or(other.content_encoding),
            content_language: self.content_language.or(other.content_language),
            content_disposition: self.content_disposition.or(other.content_disposition),
            cache_control: self.cache_control.or(other.cache_control),
            content_md5: self.content_md5.or(other.content_md5),
        }
    }
}

/// The type of content that is written without one.
const DEFAULT_CONTENT_TYPE: &str = "application/octet-stream";

/// How often a blob is expected to be needed. It is kept and shown; here, everything is equally fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessTier {
    /// Often; the tier of blobs that were never assigned one.
    Hot,
    /// Seldom.
    Cool,
    /// Hardly ever.
    Cold,
    /// Depends on actual use.
    Smart,
}

impl AccessTier {
    /// The tier's name in headers and listings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hot => "Hot",
            Self::Cool => "Cool",
            Self::Cold => "Cold",
            Self::Smart => "Smart",
        }
    }
}

/// Where a blob was copied from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyRecord {
    /// Id of the copy.
    pub id: String,
    /// Address of the source.
    pub source: String,
    /// Bytes copied.
    pub length: u64,
    /// When it was done.
    pub completed: Timestamp,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct BlobDocument {
    #[serde(flatten)]
    pub(super) headers: ContentHeaders,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    pub(super) metadata: Pairs,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    pub(super) tags: Pairs,
    #[serde(skip_serializing_if = "Lease::is_none")]
    pub(super) lease: Lease,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) copy: Option<CopyRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tier: Option<AccessTier>,
    /// When it was assigned; unknown if an earlier release did so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tier_since: Option<Timestamp>,
}

/// A blob without its content.
#[derive(Debug, Clone)]
pub struct Blob {
    pub(super) id: i64,
    /// Its name.
    pub name: BlobName,
    /// `false`: it has only uncommitted blocks, and nothing to read.
    pub committed: bool,
    /// Its version.
    pub etag: Etag,
    /// When it was first written.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Length in bytes.
    pub length: u64,
    pub(super) document: BlobDocument,
}

impl BlobDocument {
    /// For a blob that is overwritten; its lease stays.
    pub(super) fn written(
        mut headers: ContentHeaders,
        metadata: Pairs,
        tags: Pairs,
        tier: Option<AccessTier>,
        lease: Lease,
        now: Timestamp,
    ) -> Self {
        headers.content_type.get_or_insert_with(|| DEFAULT_CONTENT_TYPE.to_owned());
        Self { headers, metadata, tags, lease, copy: None, tier, tier_since: tier.map(|_| now) }
    }
}

impl Blob {
    /// Its content headers.
    #[must_use]
    pub fn headers(&self) -> &ContentHeaders {
        &self.document.headers
    }

    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> &Pairs {
        &self.document.metadata
    }

    /// Its index tags.
    #[must_use]
    pub fn tags(&self) -> &Pairs {
        &self.document.tags
    }

    /// Its lease.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.document.lease
    }

    /// Its access tier, when it was assigned one.
    #[must_use]
    pub fn tier(&self) -> Option<AccessTier> {
        self.document.tier
    }

    /// When it was assigned its tier.
    #[must_use]
    pub fn tier_since(&self) -> Option<Timestamp> {
        self.document.tier_since
    }

    /// Where it was copied from.
    #[must_use]
    pub fn copy(&self) -> Option<&CopyRecord> {
        self.document.copy.as_ref()
    }

    pub(super) fn version(&self) -> Version<'_> {
        Version { etag: self.etag, modified: self.modified, lease: &self.document.lease }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ContainerDocument {
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    pub(super) metadata: Pairs,
    #[serde(skip_serializing_if = "Lease::is_none")]
    pub(super) lease: Lease,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) policies: Vec<StoredPolicy>,
}

/// A stored access policy: what a signature that names it may do, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredPolicy {
    /// Its id, up to 64 characters.
    pub id: String,
    /// Not before, as given.
    pub start: Option<String>,
    /// Not after, as given.
    pub expiry: Option<String>,
    /// Permission letters.
    pub permissions: Option<String>,
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    pub(super) id: i64,
    /// Its name.
    pub name: ContainerName,
    /// Its version.
    pub etag: Etag,
    /// When it (not its blobs) was last changed.
    pub modified: Timestamp,
    pub(super) document: ContainerDocument,
}

impl Container {
    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> &Pairs {
        &self.document.metadata
    }

    /// Its lease.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.document.lease
    }

    /// Its stored access policies.
    #[must_use]
    pub fn policies(&self) -> &[StoredPolicy] {
        &self.document.policies
    }

    pub(super) fn version(&self) -> Version<'_> {
        Version { etag: self.etag, modified: self.modified, lease: &self.document.lease }
    }
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads a row of `id, name, committed, etag, created, modified, length, document`.
pub(super) fn blob_from_row(row: &Row<'_>) -> Result<Blob, Error> {
    let name: String = row.get(1)?;
    let document: String = row.get(7)?;
    Ok(Blob {
        id: row.get(0)?,
        name: BlobName::new(name).map_err(|_| Error::InvalidMetadata)?,
        committed: row.get(2)?,
        etag: Etag(row.get::<_, i64>(3)?.cast_unsigned()),
        created: time(row.get(4)?),
        modified: time(row.get(5)?),
        length: row.get::<_, i64>(6)?.cast_unsigned(),
        document: serde_json::from_str(&document)?,
    })
}

/// The container, or [`Error::ContainerNotFound`].
pub(super) fn container(connection: &Connection, name: &ContainerName) -> Result<Container, Error> {
    let found = connection
        .prepare_cached("SELECT id, etag, modified, document FROM containers WHERE name = ?1")?
        .query_row([name.as_str()], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get::<_, String>(3)?))
        })
        .optional()?;
    let (id, etag, modified, document) = found.ok_or(Error::ContainerNotFound)?;
    Ok(Container {
        id,
        name: name.clone(),
        etag: Etag(etag.cast_unsigned()),
        modified: time(modified),
        document: serde_json::from_str(&document)?,
    })
}

/// The id of a container, or [`Error::ContainerNotFound`].
pub(super) fn container_id(connection: &Connection, name: &ContainerName) -> Result<i64, Error> {
    connection
        .prepare_cached("SELECT id FROM containers WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?
        .ok_or(Error::ContainerNotFound)
}

/// The blob, committed or not, if there is one.
pub(super) fn blob(connection: &Connection, container: i64, name: &BlobName) -> Result<Option<Blob>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, name, committed, etag, created, modified, length, document FROM blobs WHERE container = ?1 \
             AND name = ?2",
    )?;
    let mut rows = statement.query(params![container, name.as_str()])?;
    rows.next()?.map(blob_from_row).transpose()
}

/// The committed blob, or [`Error::BlobNotFound`].
pub(super) fn committed_blob(connection: &Connection, container: i64, name: &BlobName) -> Result<Blob, Error> {
    blob(connection, container, name)?.filter(|blob| blob.committed).ok_or(Error::BlobNotFound)
}

/// Writes a blob's row; a new one (id 0) gets its id.
pub(super) fn save_blob(connection: &Connection, container: i64, blob: &mut Blob) -> Result<(), Error> {
    let document = serde_json::to_string(&blob.document)?;
    let common = (
        blob.committed,
        blob.etag.0.cast_signed(),
        blob.created.as_millisecond(),
        blob.modified.as_millisecond(),
        blob.length.cast_signed(),
    );
    if blob.id == 0 {
        connection
            .prepare_cached(
                "INSERT INTO blobs (container, name, committed, etag, created, modified, length, document)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                container,
                blob.name.as_str(),
                common.0,
                common.1,
                common.2,
                common.3,
                common.4,
                document
            ])?;
        blob.id = connection.last_insert_rowid();
    } else {
        connection
            .prepare_cached(
                "UPDATE blobs SET committed = ?2, etag = ?3, created = ?4, modified = ?5, length = ?6, \
                     document = ?7 WHERE id = ?1",
            )?
            .execute(params![blob.id, common.0, common.1, common.2, common.3, common.4, document])?;
    }
    Ok(())
}
