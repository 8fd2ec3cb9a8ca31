//! Receiving content: small content in memory, larger content to a file, one piece written while the next arrives.
//!
//! At most two pieces are in memory per upload, whatever its length.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use tokio::task::JoinHandle;

use super::Error;
use super::content::{ContentFolder, Staged, StagedContent, StagedFile};
use crate::crc64::Crc64;

/// Content up to this length is kept in the database: one sync of the log makes many such blobs durable.
pub(crate) const INLINE: usize = 64 * 1024;
/// Bytes written to a file at once.
const PIECE: usize = 1024 * 1024;

/// Content being received. Dropping it discards what was received.
pub struct Upload {
    folder: Arc<ContentFolder>,
    buffer: Vec<Bytes>,
    buffered: usize,
    length: u64,
    sink: Option<JoinHandle<io::Result<Sink>>>,
}

struct Sink {
    file: File,
    staged: StagedFile,
    sums: Sums,
}

struct Sums {
    md5: Md5,
    crc64: Crc64,
}

impl Sums {
    fn new() -> Self {
        Self { md5: Md5::new(), crc64: Crc64::default() }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.crc64.update(bytes);
    }
}

impl Sink {
    fn write(mut self, pieces: &[Bytes]) -> io::Result<Self> {
        for piece in pieces {
            self.sums.update(piece);
            self.file.write_all(piece)?;
        }
        Ok(self)
    }

    fn sync(self) -> io::Result<Self> {
        self.staged.folder().sync(&self.file, self.staged.path())?;
        Ok(self)
    }
}

async fn joined<T>(task: JoinHandle<io::Result<T>>) -> Result<T, Error> {
    Ok(task.await.map_err(io::Error::other)??)
}

impl Upload {
    pub(super) fn new(folder: Arc<ContentFolder>) -> Self {
        Self { folder, buffer: Vec::new(), buffered: 0, length: 0, sink: None }
    }

    /// Bytes received so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk refuses.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.length += bytes.len() as u64;
        self.buffered += bytes.len();
        self.buffer.push(bytes);
        if self.buffered >= PIECE {
            self.spill().await?;
        }
        Ok(())
    }

    async fn spill(&mut self) -> Result<(), Error> {
        let previous = match self.sink.take() {
            Some(task) => Some(joined(task).await?),
            None => None,
        };
        let pieces = std::mem::take(&mut self.buffer);
        self.buffered = 0;
        let folder = Arc::clone(&self.folder);
        self.sink = Some(tokio::task::spawn_blocking(move || {
            let sink = match previous {
                Some(sink) => sink,
                None => {
                    let (file, staged) = folder.create()?;
                    Sink { file, staged, sums: Sums::new() }
                }
            };
            sink.write(&pieces)
        }));
        Ok(())
    }

    /// Ends the content and makes it durable (except small content, which becomes durable with its blob).
    ///
    /// # Errors
    /// [`Error::Io`] when the disk refuses.
    pub async fn finish(mut self) -> Result<Staged, Error> {
        if self.sink.is_none() && self.buffered <= INLINE {
            let bytes = match self.buffer.len() {
                1 => self.buffer.swap_remove(0),
                _ => self.buffer.concat().into(),
            };
            let mut sums = Sums::new();
            sums.update(&bytes);
            return Ok(staged(StagedContent::Inline(bytes), self.length, sums));
        }
        self.spill().await?;
        let Some(task) = self.sink.take() else { return Err(Error::Closed) };
        let sink = joined(task).await?;
        let sink = joined(tokio::task::spawn_blocking(move || sink.sync())).await?;
        Ok(staged(StagedContent::File(sink.staged), self.length, sink.sums))
    }
}

fn staged(content: StagedContent, length: u64, sums: Sums) -> Staged {
    Staged { content, length, md5: sums.md5.finalize().into(), crc64: sums.crc64.finish() }
}
