//! Blobs as wholes: put, properties, metadata, tags, lease, delete.

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::params;
use uuid::Uuid;

use super::content::Staged;
use super::record::{self, AccessTier, Blob, BlobDocument, ContentHeaders};
use super::writer::Transaction;
use super::{Api, BlobCreated, Conditions, Error, Origin, Pairs, Store, chunks, conditions, lease};
use crate::names::{BlobName, ContainerName};

/// Options for the content of a blob that is written.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// Its content headers. Without an MD5, [`Store::put_staged`] stores the computed one.
    pub headers: ContentHeaders,
    /// Its metadata.
    pub metadata: Pairs,
    /// Its index tags.
    pub tags: Pairs,
    /// Its access tier, if it is assigned one.
    pub tier: Option<AccessTier>,
    /// What must hold for it to be written.
    pub conditions: Conditions,
    /// Who writes it.
    pub origin: Origin,
}

impl PutOptions {
    /// Options with a content type and nothing else.
    #[must_use]
    pub fn content_type(content_type: impl Into<String>) -> Self {
        let headers = ContentHeaders { content_type: Some(content_type.into()), ..ContentHeaders::default() };
        Self { headers, ..Self::default() }
    }
}

impl Store {
    /// Writes a blob whose content is in memory.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], a condition, a lease, or the disk.
    pub async fn put(
        &self,
        container: &ContainerName,
        name: &BlobName,
        content: impl Into<Bytes>,
        options: PutOptions,
    ) -> Result<Blob, Error> {
        let mut upload = self.upload();
        upload.write(content.into()).await?;
        self.put_staged(container, name, upload.finish().await?, options).await
    }

    /// Writes a blob from received content.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], a condition, a lease, or the disk. The content is forgotten then.
    pub async fn put_staged(
        &self,
        container: &ContainerName,
        name: &BlobName,
        mut content: Staged,
        options: PutOptions,
    ) -> Result<Blob, Error> {
        let (container, name) = (container.clone(), name.clone());
        self.write(move |tx| {
            let PutOptions { mut headers, metadata, tags, tier, conditions, origin } = options;
            headers.content_md5.get_or_insert_with(|| content.md5.to_vec());
            let mut replaced = replace(tx, &container, &name, &conditions)?;
            replaced.blob.length = content.length;
            let lease = replaced.blob.document.lease;
            replaced.blob.document = BlobDocument::written(headers, metadata, tags, tier, lease, tx.now);
            record::save_blob(tx.connection, replaced.container, &mut replaced.blob)?;
            forget_content(tx, replaced.blob.id)?;
            if content.length > 0 {
                let chunk = chunks::insert(tx.connection, &content, 1)?;
                add_part(
                    tx,
                    replaced.blob.id,
                    &Part { ordinal: 0, start: 0, length: content.length, chunk, block: None },
                )?;
            }
            announce(tx, &container, &replaced.blob, Api::PutBlob, origin);
            if content.length > 0 {
                content.keep();
            }
            Ok(replaced.blob)
        })
        .await
    }

    /// A blob's properties, metadata and tags.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`], a condition ([`Error::NotModified`] included), a lease.
    pub async fn properties(
        &self,
        container: &ContainerName,
        name: &BlobName,
        conditions: &Conditions,
    ) -> Result<Blob, Error> {
        let (container, name, conditions) = (container.clone(), name.clone(), conditions.clone());
        self.query(move |connection| {
            let container = record::container_id(connection, &container)?;
            let blob = record::committed_blob(connection, container, &name)?;
            conditions::check_read(&conditions, blob.version(), Timestamp::now())?;
            Ok(blob)
        })
        .await
    }

    /// Deletes a blob, and its uncommitted blocks.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`], a condition, a lease.
    pub async fn delete(
        &self,
        container: &ContainerName,
        name: &BlobName,
        conditions: &Conditions,
    ) -> Result<(), Error> {
        let (container, name, conditions) = (container.clone(), name.clone(), conditions.clone());
        self.write(move |tx| {
            let container = record::container_id(tx.connection, &container)?;
            let blob = record::committed_blob(tx.connection, container, &name)?;
            conditions::check_write(&conditions, blob.version(), tx.now)?;
            forget_content(tx, blob.id)?;
            tx.connection.prepare_cached("DELETE FROM blobs WHERE id = ?1")?.execute([blob.id])?;
            Ok(())
        })
        .await
    }

    /// Replaces a blob's metadata.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`], a condition, a lease.
    pub async fn set_metadata(
        &self,
        container: &ContainerName,
        name: &BlobName,
        metadata: Pairs,
        conditions: &Conditions,
    ) -> Result<Blob, Error> {
        self.change(container, name, conditions, move |blob| blob.document.metadata = metadata).await
    }

    /// Replaces a blob's content headers, all of them.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`], a condition, a lease.
    pub async fn set_headers(
        &self,
        container: &ContainerName,
        name: &BlobName,
        headers: ContentHeaders,
        conditions: &Conditions,
    ) -> Result<Blob, Error> {
        self.change(container, name, conditions, move |blob| blob.document.headers = headers).await
    }

    async fn change<F>(
        &self,
        container: &ContainerName,
        name: &BlobName,
        conditions: &Conditions,
        change: F,
    ) -> Result<Blob, Error>
    where
        F: FnOnce(&mut Blob) + Send + 'static,
    {
        let (container, name, conditions) = (container.clone(), name.clone(), conditions.clone());
        self.write(move |tx| {
            let container = record::container_id(tx.connection, &container)?;
            let mut blob = record::committed_blob(tx.connection, container, &name)?;
            conditions::check_write(&conditions, blob.version(), tx.now)?;
            change(&mut blob);
            touch(tx, &mut blob);
            record::save_blob(tx.connection, container, &mut blob)?;
            Ok(blob)
        })
        .await
    }

    /// Replaces a blob's tags. Its version does not change; of the conditions only the lease is checked.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`], a lease.
    pub async fn set_tags(
        &self,
        container: &ContainerName,
        name: &BlobName,
        tags: Pairs,
        conditions: &Conditions,
    ) -> Result<(), Error> {
        let (container, name, lease) = (container.clone(), name.clone(), conditions.lease.clone());
        self.write(move |tx| {
            let container = record::container_id(tx.connection, &container)?;
            let mut blob = record::committed_blob(tx.connection, container, &name)?;
            blob.document.lease.permit_write(lease.as_deref(), tx.now)?;
            blob.document.tags = tags;
            record::save_blob(tx.connection, container, &mut blob)
        })
        .await
    }

    /// Assigns a blob to a tier. Neither its version nor its time of change changes; of the conditions only the lease
    /// is checked.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`], a lease.
    pub async fn set_tier(
        &self,
        container: &ContainerName,
        name: &BlobName,
        tier: AccessTier,
        conditions: &Conditions,
    ) -> Result<(), Error> {
        let (container, name, lease) = (container.clone(), name.clone(), conditions.lease.clone());
        self.write(move |tx| {
            let container = record::container_id(tx.connection, &container)?;
            let mut blob = record::committed_blob(tx.connection, container, &name)?;
            blob.document.lease.permit_write(lease.as_deref(), tx.now)?;
            blob.document.tier = Some(tier);
            blob.document.tier_since = Some(tx.now);
            record::save_blob(tx.connection, container, &mut blob)
        })
        .await
    }

    /// Takes, renews, changes, ends or breaks a blob's lease. Its version does not change.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`], a condition, [`Error::Lease`].
    pub async fn lease(
        &self,
        container: &ContainerName,
        name: &BlobName,
        action: lease::Action,
        conditions: &Conditions,
    ) -> Result<(Blob, lease::Outcome), Error> {
        let (container, name, conditions) = (container.clone(), name.clone(), conditions.clone());
        self.write(move |tx| {
            let container = record::container_id(tx.connection, &container)?;
            let mut blob = record::committed_blob(tx.connection, container, &name)?;
            conditions::check_versions(&conditions, blob.version())?;
            let (lease, outcome) = blob.document.lease.apply(action, tx.now)?;
            blob.document.lease = lease;
            record::save_blob(tx.connection, container, &mut blob)?;
            Ok((blob, outcome))
        })
        .await
    }
}

/// A piece of a committed blob.
pub(super) struct Part {
    pub(super) ordinal: i64,
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) chunk: i64,
    pub(super) block: Option<Vec<u8>>,
}

pub(super) fn add_part(tx: &Transaction<'_>, blob: i64, part: &Part) -> Result<(), Error> {
    tx.connection
        .prepare_cached(
            "INSERT INTO parts (blob, ordinal, start, length, chunk, block) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            blob,
            part.ordinal,
            part.start.cast_signed(),
            part.length.cast_signed(),
            part.chunk,
            part.block
        ])?;
    Ok(())
}

/// A blob about to get new content.
pub(super) struct Replaced {
    pub(super) container: i64,
    pub(super) blob: Blob,
}

/// Checks the conditions of a write of content, and gives the blob (new, or the one to overwrite) its new version.
pub(super) fn replace(
    tx: &mut Transaction<'_>,
    container: &ContainerName,
    name: &BlobName,
    conditions: &Conditions,
) -> Result<Replaced, Error> {
    let container = record::container_id(tx.connection, container)?;
    let current = record::blob(tx.connection, container, name)?;
    let committed = current.as_ref().filter(|blob| blob.committed);
    conditions::check_create(conditions, committed.map(Blob::version), tx.now)?;
    let etag = tx.tick();
    let mut blob = current.unwrap_or_else(|| uncommitted(name, tx.now, etag));
    if !blob.committed {
        blob.created = tx.now;
        blob.committed = true;
    }
    blob.etag = etag;
    blob.modified = tx.now;
    blob.document.lease = std::mem::take(&mut blob.document.lease).after_write(tx.now);
    Ok(Replaced { container, blob })
}

/// A blob that has no content yet.
pub(super) fn uncommitted(name: &BlobName, now: Timestamp, etag: crate::etag::Etag) -> Blob {
    Blob {
        id: 0,
        name: name.clone(),
        committed: false,
        etag,
        created: now,
        modified: now,
        length: 0,
        document: BlobDocument::default(),
    }
}

/// Gives a changed blob its new version.
fn touch(tx: &mut Transaction<'_>, blob: &mut Blob) {
    blob.etag = tx.tick();
    blob.modified = tx.now;
    blob.document.lease = std::mem::take(&mut blob.document.lease).after_write(tx.now);
}

/// Removes the committed content and the staged blocks from a blob.
pub(super) fn forget_content(tx: &mut Transaction<'_>, blob: i64) -> Result<(), Error> {
    for delete in
        ["DELETE FROM parts WHERE blob = ?1 RETURNING chunk", "DELETE FROM staged WHERE blob = ?1 RETURNING chunk"]
    {
        let chunks = tx
            .connection
            .prepare_cached(delete)?
            .query_map([blob], |row| row.get(0))?
            .collect::<Result<Vec<i64>, _>>()?;
        for chunk in chunks {
            tx.release(chunk, 1)?;
        }
    }
    Ok(())
}

/// Announces a blob's new content.
pub(super) fn announce(tx: &mut Transaction<'_>, container: &ContainerName, blob: &Blob, api: Api, origin: Origin) {
    tx.announce(BlobCreated {
        id: Uuid::new_v4(),
        container: container.clone(),
        name: blob.name.clone(),
        etag: blob.etag,
        content_length: blob.length,
        content_type: blob.document.headers.content_type.clone(),
        api,
        client_request_id: origin.client_request_id,
        request_id: origin.request_id.unwrap_or_else(Uuid::new_v4),
        sequencer: format!("{:032x}", blob.etag.sequence()),
        time: tx.now,
    });
}
