//! Copies within the account: done at once, and without moving content.

use rusqlite::params;
use uuid::Uuid;

use super::blobs::{Part, add_part, announce, forget_content, replace};
use super::record::{self, AccessTier, Blob, BlobDocument, CopyRecord};
use super::{Api, Conditions, ContentHeaders, Error, Origin, Pairs, Store, chunks, conditions};
use crate::names::{BlobName, ContainerName};

/// What is copied.
#[derive(Debug, Clone)]
pub struct CopySource {
    /// Its container.
    pub container: ContainerName,
    /// Its name.
    pub name: BlobName,
    /// What must hold for it.
    pub conditions: Conditions,
    /// Its address as the caller gave it, without signature; kept with the copy.
    pub url: String,
}

/// Options of a copy.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// How the copy is announced: `CopyBlob`, or `PutBlob` for Put Blob From URL.
    pub api: Api,
    /// Content headers; each replaces the source's.
    pub headers: ContentHeaders,
    /// Whether the source's content headers are used where none is given.
    pub keeps_headers: bool,
    /// Metadata that replaces the source's.
    pub metadata: Option<Pairs>,
    /// Tags (`None`: the source's).
    pub tags: Option<Pairs>,
    /// Its access tier, if it is assigned one.
    pub tier: Option<AccessTier>,
    /// What must hold for the destination.
    pub conditions: Conditions,
    /// Who copies.
    pub origin: Origin,
}

impl Store {
    /// Copies a blob over another, or to a new one.
    ///
    /// # Errors
    /// [`Error::BlobNotFound`] or [`Error::ContainerNotFound`] (source or destination),
    /// [`Error::SourceConditionNotMet`], a condition, a lease.
    pub async fn copy(
        &self,
        source: CopySource,
        container: &ContainerName,
        name: &BlobName,
        options: CopyOptions,
    ) -> Result<Blob, Error> {
        let (container, name) = (container.clone(), name.clone());
        self.write(move |tx| {
            let from = record::container_id(tx.connection, &source.container)?;
            let from = record::committed_blob(tx.connection, from, &source.name)?;
            match conditions::check_read(&source.conditions, from.version(), tx.now) {
                Err(Error::NotModified | Error::ConditionNotMet) => return Err(Error::SourceConditionNotMet),
                other => other?,
            }
            let CopyOptions { api, headers, keeps_headers, metadata, tags, tier, conditions, origin } = options;
            let mut replaced = replace(tx, &container, &name, &conditions)?;
            let copy = CopyRecord {
                id: Uuid::new_v4().to_string(),
                source: source.url,
                length: from.length,
                completed: tx.now,
            };
            replaced.blob.length = from.length;
            let content_md5 = from.document.headers.content_md5.clone();
            let headers = if keeps_headers { headers.or(from.document.headers) } else { headers };
            // The content, and with it the MD5, is the source's, even if its description is replaced.
            let headers = ContentHeaders { content_md5: headers.content_md5.or(content_md5), ..headers };
            let metadata = metadata.unwrap_or(from.document.metadata);
            let tags = tags.unwrap_or(from.document.tags);
            let lease = replaced.blob.document.lease;
            let document = BlobDocument::written(headers, metadata, tags, tier, lease, tx.now);
            replaced.blob.document = BlobDocument { copy: Some(copy), ..document };
            record::save_blob(tx.connection, replaced.container, &mut replaced.blob)?;

            let parts = tx
                .connection
                .prepare_cached(
                    "SELECT ordinal, start, length, chunk, block FROM parts WHERE blob = ?1 ORDER BY ordinal",
                )?
                .query_map(params![from.id], |row| {
                    Ok(Part {
                        ordinal: row.get(0)?,
                        start: row.get::<_, i64>(1)?.cast_unsigned(),
                        length: row.get::<_, i64>(2)?.cast_unsigned(),
                        chunk: row.get(3)?,
                        block: row.get(4)?,
                    })
                })?
                .collect::<Result<Vec<_>, _>>()?;
            for part in &parts {
                chunks::retain(tx.connection, part.chunk, 1)?;
            }
            forget_content(tx, replaced.blob.id)?;
            for part in &parts {
                add_part(tx, replaced.blob.id, part)?;
            }
            announce(tx, &container, &replaced.blob, api, origin);
            Ok(replaced.blob)
        })
        .await
    }
}
