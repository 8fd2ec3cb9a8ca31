//! Writing a blob whose length is not known beforehand, with bounded memory.
//!
//! Bytes are collected into blocks; a full block is uploaded while the next one fills. Nothing is visible until
//! [`BlockWriter::finish`] commits the list of blocks, which is also when conditions are checked. A writer that is
//! dropped leaves only uncommitted blocks, which the service discards. Content that fits into one block is written in
//! one request.

use super::{BlobAddress, BlobStore, Error, Etag, UploadOptions};
use azure_storage_blob::models::{
    BlockBlobClientCommitBlockListOptions, BlockBlobClientCommitBlockListResultHeaders, BlockLookupList,
};
use bytes::{Bytes, BytesMut};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Length of a block. With the service's limit of 50,000 blocks this allows about 195 GiB.
pub const BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// Writes one blob. Holds at most two blocks.
#[derive(Debug)]
pub struct BlockWriter {
    store: BlobStore,
    address: BlobAddress,
    options: UploadOptions,
    block: usize,
    /// First part of every block id, so that two writers of one name cannot mix their blocks.
    id: Uuid,
    staged: u32,
    pending: BytesMut,
    /// The block being uploaded; aborted when the writer is dropped.
    going: JoinSet<Result<(), Error>>,
}

impl BlockWriter {
    pub(super) fn new(store: BlobStore, address: BlobAddress, options: UploadOptions) -> Self {
        Self {
            store,
            address,
            options,
            block: BLOCK_BYTES,
            id: Uuid::new_v4(),
            staged: 0,
            pending: BytesMut::new(),
            going: JoinSet::new(),
        }
    }

    /// Writes in blocks of `bytes` instead of [`BLOCK_BYTES`]; at least 1.
    #[must_use]
    pub fn with_block(mut self, bytes: usize) -> Self {
        self.block = bytes.max(1);
        self
    }

    /// Takes more bytes. Waits when two blocks are full. After an error the writer is useless: drop it.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`] and the general ones, possibly of an earlier block.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.block - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == self.block {
                self.stage().await?;
            }
        }
        Ok(())
    }

    /// Makes the blob appear.
    ///
    /// # Errors
    /// [`Error::Changed`] and [`Error::AlreadyExists`] by the conditions given, [`Error::Changed`] also when another
    /// writer of the same name was faster, and the general ones.
    pub async fn finish(mut self) -> Result<Etag, Error> {
        if self.staged == 0 {
            let content = self.pending.split().freeze();
            return self.store.upload(&self.address, content, self.options.clone()).await;
        }
        if !self.pending.is_empty() {
            self.stage().await?;
        }
        self.arrived().await?;
        let ids = (0..self.staged).map(|index| block_id(self.id, index)).collect();
        let blocks = BlockLookupList { latest: Some(ids), ..Default::default() };
        let options = BlockBlobClientCommitBlockListOptions {
            blob_content_type: self.options.content_type.clone(),
            metadata: (!self.options.metadata.is_empty()).then(|| self.options.metadata.clone().into_iter().collect()),
            if_match: self.options.if_match.as_ref().map(Into::into),
            if_none_match: self.options.if_absent.then(|| "*".into()),
            ..Default::default()
        };
        let client = self.store.client(&self.address).block_blob_client();
        let answer = client.commit_block_list(blocks.try_into()?, Some(options)).await?;
        answer.etag()?.and_then(|etag| Etag::parse(etag.as_ref())).ok_or(Error::Protocol { what: "ETag" })
    }

    /// Starts uploading the pending block, once the one before has arrived.
    async fn stage(&mut self) -> Result<(), Error> {
        self.arrived().await?;
        let content: Bytes = self.pending.split().freeze();
        let id = block_id(self.id, self.staged);
        self.staged += 1;
        let client = self.store.client(&self.address).block_blob_client();
        self.going.spawn(async move {
            let length = content.len() as u64;
            client.stage_block(&id, length, content.into(), None).await?;
            Ok(())
        });
        Ok(())
    }

    async fn arrived(&mut self) -> Result<(), Error> {
        match self.going.join_next().await {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Error::transient("an upload was ended")),
        }
    }
}

/// 20 bytes: all ids of a blob must have the same length, at most 64.
fn block_id(writer: Uuid, index: u32) -> Vec<u8> {
    [writer.as_bytes().as_slice(), &index.to_be_bytes()].concat()
}
