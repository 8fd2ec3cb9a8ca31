//! Blocks: staged one by one, then committed as a list.
//!
//! A commit only rewrites which chunks a blob consists of; no content is moved, and blocks of the old content can be
//! kept.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};

use super::blobs::{Part, add_part, announce, forget_content, replace, uncommitted};
use super::content::Staged;
use super::record::{self, Blob, BlobDocument};
use super::writer::Transaction;
use super::{Api, Conditions, Error, PutOptions, Store, chunks, conditions};
use crate::names::{BlobName, ContainerName};

/// Most blocks in a blob.
pub const MAX_BLOCKS: usize = 50_000;
/// Most bytes in a decoded block id.
pub(super) const MAX_BLOCK_ID: usize = 64;

/// Where a block list looks for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockSource {
    /// Among the blob's committed blocks.
    Committed,
    /// Among its staged blocks.
    Uncommitted,
    /// Among the staged ones first, then the committed.
    Latest,
}

/// A block: its decoded id, and its length in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The id's bytes (base64 on the wire).
    pub id: Vec<u8>,
    /// Length in bytes.
    pub length: u64,
}

/// A blob's blocks.
#[derive(Debug, Clone)]
pub struct BlockLists {
    /// The blob they belong to; not committed when it has staged blocks only.
    pub blob: Blob,
    /// In the order of the content. Content that was not written as blocks has none.
    pub committed: Vec<Block>,
    /// By id.
    pub uncommitted: Vec<Block>,
}

struct Placed {
    chunk: i64,
    length: u64,
}

impl Store {
    /// Stages a block; the same id again replaces it.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::InvalidBlobOrBlock`], a lease.
    pub async fn stage_block(
        &self,
        container: &ContainerName,
        name: &BlobName,
        block: Vec<u8>,
        mut content: Staged,
        conditions: &Conditions,
    ) -> Result<(), Error> {
        let (container, name, conditions) = (container.clone(), name.clone(), conditions.clone());
        self.write(move |tx| {
            if block.is_empty() || block.len() > MAX_BLOCK_ID {
                return Err(Error::InvalidBlobOrBlock);
            }
            let container = record::container_id(tx.connection, &container)?;
            let blob = stage_target(tx, container, &name, &conditions)?;
            let other: Option<Vec<u8>> = tx
                .connection
                .prepare_cached("SELECT block FROM staged WHERE blob = ?1 LIMIT 1")?
                .query_row([blob], |row| row.get(0))
                .optional()?;
            if other.is_some_and(|other| other.len() != block.len()) {
                return Err(Error::InvalidBlobOrBlock);
            }
            let chunk = chunks::insert(tx.connection, &content, 1)?;
            let replaced: Option<i64> = tx
                .connection
                .prepare_cached("DELETE FROM staged WHERE blob = ?1 AND block = ?2 RETURNING chunk")?
                .query_row(params![blob, block], |row| row.get(0))
                .optional()?;
            if let Some(replaced) = replaced {
                tx.release(replaced, 1)?;
            }
            tx.connection
                .prepare_cached("INSERT INTO staged (blob, block, length, chunk, at) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![blob, block, content.length.cast_signed(), chunk, tx.now.as_millisecond()])?;
            content.keep();
            Ok(())
        })
        .await
    }

    /// Makes a list of blocks a blob's content. Staged blocks that are not in the list are forgotten.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::InvalidBlockList`], [`Error::BlockListTooLong`], a condition, a lease.
    pub async fn commit_blocks(
        &self,
        container: &ContainerName,
        name: &BlobName,
        list: Vec<(BlockSource, Vec<u8>)>,
        options: PutOptions,
    ) -> Result<Blob, Error> {
        let (container, name) = (container.clone(), name.clone());
        self.write(move |tx| {
            if list.len() > MAX_BLOCKS {
                return Err(Error::BlockListTooLong);
            }
            let PutOptions { headers, metadata, tags, tier, conditions, origin } = options;
            let mut replaced = replace(tx, &container, &name, &conditions)?;
            let parts = arrange(tx, replaced.blob.id, list)?;
            replaced.blob.length = parts.last().map_or(0, |part| part.start + part.length);
            let lease = replaced.blob.document.lease;
            replaced.blob.document = BlobDocument::written(headers, metadata, tags, tier, lease, tx.now);
            record::save_blob(tx.connection, replaced.container, &mut replaced.blob)?;
            for part in &parts {
                chunks::retain(tx.connection, part.chunk, 1)?;
            }
            forget_content(tx, replaced.blob.id)?;
            for part in &parts {
                add_part(tx, replaced.blob.id, part)?;
            }
            announce(tx, &container, &replaced.blob, Api::PutBlockList, origin);
            Ok(replaced.blob)
        })
        .await
    }

    /// A blob's committed and staged blocks.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`] (neither content nor staged blocks), a lease.
    pub async fn block_lists(
        &self,
        container: &ContainerName,
        name: &BlobName,
        conditions: &Conditions,
    ) -> Result<BlockLists, Error> {
        let (container, name, lease) = (container.clone(), name.clone(), conditions.lease.clone());
        self.query(move |connection| {
            let container = record::container_id(connection, &container)?;
            let blob = record::blob(connection, container, &name)?.ok_or(Error::BlobNotFound)?;
            blob.document.lease.permit_read(lease.as_deref(), jiff::Timestamp::now())?;
            let blocks = |sql: &str| {
                connection
                    .prepare_cached(sql)?
                    .query_map([blob.id], |row| {
                        Ok(Block { id: row.get(0)?, length: row.get::<_, i64>(1)?.cast_unsigned() })
                    })?
                    .collect::<Result<Vec<_>, _>>()
            };
            let committed =
                blocks("SELECT block, length FROM parts WHERE blob = ?1 AND block IS NOT NULL ORDER BY ordinal")?;
            let uncommitted = blocks("SELECT block, length FROM staged WHERE blob = ?1 ORDER BY block")?;
            Ok(BlockLists { blob, committed, uncommitted })
        })
        .await
    }
}

/// The id of the blob a block is staged for; created, without content, if there is none.
fn stage_target(
    tx: &mut Transaction<'_>,
    container: i64,
    name: &BlobName,
    conditions: &Conditions,
) -> Result<i64, Error> {
    let current = record::blob(tx.connection, container, name)?;
    let version = current.as_ref().map(Blob::version);
    let lease_only = Conditions { lease: conditions.lease.clone(), create_only: false, ..Conditions::default() };
    conditions::check_create(&lease_only, version, tx.now)?;
    if let Some(blob) = current {
        return Ok(blob.id);
    }
    let etag = tx.tick();
    let mut blob = uncommitted(name, tx.now, etag);
    record::save_blob(tx.connection, container, &mut blob)?;
    Ok(blob.id)
}

/// Finds the blocks of a list and their positions.
fn arrange(tx: &Transaction<'_>, blob: i64, list: Vec<(BlockSource, Vec<u8>)>) -> Result<Vec<Part>, Error> {
    let find = |sql: &str| -> Result<HashMap<Vec<u8>, Placed>, Error> {
        let placed = tx
            .connection
            .prepare_cached(sql)?
            .query_map([blob], |row| {
                Ok((row.get(0)?, Placed { chunk: row.get(1)?, length: row.get::<_, i64>(2)?.cast_unsigned() }))
            })?
            .collect::<Result<HashMap<_, _>, _>>()?;
        Ok(placed)
    };
    let committed = find("SELECT block, chunk, length FROM parts WHERE blob = ?1 AND block IS NOT NULL")?;
    let staged = find("SELECT block, chunk, length FROM staged WHERE blob = ?1")?;
    let mut parts = Vec::with_capacity(list.len());
    let mut start = 0;
    for (ordinal, (source, id)) in (0_i64..).zip(list) {
        let found = match source {
            BlockSource::Committed => committed.get(&id),
            BlockSource::Uncommitted => staged.get(&id),
            BlockSource::Latest => staged.get(&id).or_else(|| committed.get(&id)),
        };
        let &Placed { chunk, length } = found.ok_or(Error::InvalidBlockList)?;
        parts.push(Part { ordinal, start, length, chunk, block: Some(id) });
        start += length;
    }
    Ok(parts)
}
