//! Reading content: whole or a range, in pieces.
//!
//! The version that was found is the one that is read, even when it is overwritten or deleted meanwhile: files are
//! pinned, and content in the database is either loaded into memory (up to 1 MiB) or read through a connection that
//! keeps seeing that state.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::content::{ContentFolder, Pins};
use super::readers::Readers;
use super::record::{self, Blob};
use super::{Conditions, Error, Store, conditions};
use crate::names::{BlobName, ContainerName};

/// Bytes read from a file at once.
const PIECE: u64 = 1024 * 1024;
/// Most content from the database to hold in memory for one reader.
const IN_MEMORY: u64 = 1024 * 1024;

/// Bytes from `start` to `end` inclusive, or to the end of the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// Last byte; beyond the blob's end means to its end.
    pub end: Option<u64>,
}

/// Content about to be read.
pub struct Download {
    /// The blob as it was found.
    pub blob: Blob,
    /// First byte that will be read.
    pub start: u64,
    /// How many bytes will be read.
    pub length: u64,
    content: Content,
}

impl Download {
    /// The content, piece by piece.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        futures::stream::try_unfold(self.content, |mut content| async move {
            Ok(content.next().await?.map(|bytes| (bytes, content)))
        })
    }

    /// The content at once; for content known to be small.
    ///
    /// # Errors
    /// [`Error::Io`] when a content file cannot be read.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        let mut first = self.content.next().await?.unwrap_or_default();
        if first.len() as u64 == self.length {
            return Ok(first);
        }
        let mut all = Vec::with_capacity(usize::try_from(self.length).unwrap_or_default());
        loop {
            all.extend_from_slice(&first);
            match self.content.next().await? {
                Some(next) => first = next,
                None => return Ok(all.into()),
            }
        }
    }
}

struct Content {
    folder: Arc<ContentFolder>,
    segments: VecDeque<Segment>,
    open: Option<(Arc<str>, File)>,
    /// Keeps seeing the state in which the blob was found.
    snapshot: Option<Connection>,
    _pins: Pins,
}

/// Consecutive bytes within one chunk.
struct Segment {
    from: Source,
    skip: u64,
    length: u64,
}

impl Segment {
    /// Its part of the chunk's bytes.
    fn cut(&self, chunk: &Bytes) -> Bytes {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(chunk.len());
        chunk.slice(at(self.skip)..at(self.skip + self.length))
    }
}

enum Source {
    Memory(Bytes),
    Database(i64),
    File(Arc<str>),
}

impl Content {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let Some(segment) = self.segments.pop_front() else { return Ok(None) };
        match segment.from {
            Source::Memory(bytes) => Ok(Some(bytes)),
            Source::Database(chunk) => {
                let Some(reader) = self.snapshot.take() else { return Err(io::Error::other("no snapshot")) };
                let (reader, bytes) = blocking(move || Ok((inline(&reader, chunk).map_err(io::Error::other), reader)))
                    .await
                    .map(|(bytes, reader)| (reader, bytes))?;
                self.snapshot = Some(reader);
                Ok(Some(segment.cut(&bytes?)))
            }
            Source::File(path) => {
                let piece = segment.length.min(PIECE);
                let more = segment.length > piece;
                if more {
                    let rest = Segment {
                        from: Source::File(Arc::clone(&path)),
                        skip: segment.skip + piece,
                        length: segment.length - piece,
                    };
                    self.segments.push_front(rest);
                }
                let open = self.open.take().filter(|(open, _)| *open == path).map(|(_, file)| file);
                let (folder, wanted) = (Arc::clone(&self.folder), Arc::clone(&path));
                let (file, bytes) = blocking(move || {
                    let mut file = match open {
                        Some(file) => file,
                        None => {
                            let mut file = folder.open_file(&wanted)?;
                            file.seek(SeekFrom::Start(segment.skip))?;
                            file
                        }
                    };
                    let mut bytes = Vec::with_capacity(usize::try_from(piece).unwrap_or_default());
                    let read = file.by_ref().take(piece).read_to_end(&mut bytes)?;
                    if read as u64 != piece {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    Ok((file, bytes))
                })
                .await?;
                // Only the rest of this segment continues at the file's position.
                self.open = more.then_some((path, file));
                Ok(Some(bytes.into()))
            }
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn inline(connection: &Connection, chunk: i64) -> Result<Bytes, rusqlite::Error> {
    let bytes: Vec<u8> =
        connection.prepare_cached("SELECT bytes FROM chunks WHERE id = ?1")?.query_row([chunk], |row| row.get(0))?;
    Ok(bytes.into())
}

impl Store {
    /// A whole blob in memory; for blobs known to be small.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`], or the disk.
    pub async fn get(&self, container: &ContainerName, name: &BlobName) -> Result<Bytes, Error> {
        self.read(container, name, None, &Conditions::default()).await?.bytes().await
    }

    /// Begins to read a blob, whole or a range.
    ///
    /// # Errors
    /// [`Error::ContainerNotFound`], [`Error::BlobNotFound`], [`Error::InvalidRange`] (begins at or beyond the end), a
    /// condition ([`Error::NotModified`] included), a lease.
    pub async fn read(
        &self,
        container: &ContainerName,
        name: &BlobName,
        range: Option<ByteRange>,
        conditions: &Conditions,
    ) -> Result<Download, Error> {
        let (container, name, conditions) = (container.clone(), name.clone(), conditions.clone());
        let (readers, folder) = (Arc::clone(&self.0.readers), Arc::clone(&self.0.folder));
        tokio::task::spawn_blocking(move || find(&readers, &folder, &container, &name, range, &conditions))
            .await
            .map_err(|_| Error::Closed)?
    }
}

/// The result of a look-up, with its files pinned.
struct Found {
    blob: Blob,
    start: u64,
    length: u64,
    segments: VecDeque<Segment>,
    pins: Pins,
}

fn find(
    readers: &Readers,
    folder: &Arc<ContentFolder>,
    container: &ContainerName,
    name: &BlobName,
    range: Option<ByteRange>,
    conditions: &Conditions,
) -> Result<Download, Error> {
    let connection = readers.take()?;
    let found = look_up(&connection, folder, container, name, range, conditions).and_then(|mut found| {
        let from_database = found.segments.iter().filter(|segment| matches!(segment.from, Source::Database(_)));
        let needs_snapshot = from_database.map(|segment| segment.length).sum::<u64>() > IN_MEMORY;
        if !needs_snapshot {
            take_along(&connection, &mut found.segments)?;
        }
        Ok((found, needs_snapshot))
    });
    let (found, snapshot) = match found {
        Ok((found, true)) => (found, Some(connection)),
        other => {
            readers.put_back(connection);
            (other?.0, None)
        }
    };
    let Found { blob, start, length, segments, pins } = found;
    let content = Content { folder: Arc::clone(folder), segments, open: None, snapshot, _pins: pins };
    Ok(Download { blob, start, length, content })
}

fn look_up(
    connection: &Connection,
    folder: &Arc<ContentFolder>,
    container: &ContainerName,
    name: &BlobName,
    range: Option<ByteRange>,
    conditions: &Conditions,
) -> Result<Found, Error> {
    let _gate = folder.enter();
    // From now on the connection sees one state of the database, until it is put back.
    connection.execute_batch("BEGIN")?;
    let container = record::container_id(connection, container)?;
    let blob = record::committed_blob(connection, container, name)?;
    conditions::check_read(conditions, blob.version(), Timestamp::now())?;
    let (start, length) = match range {
        None => (0, blob.length),
        Some(range) if range.start >= blob.length => return Err(Error::InvalidRange { length: blob.length }),
        Some(ByteRange { start, end }) => {
            let end = end.map_or(blob.length, |end| end.saturating_add(1).min(blob.length));
            (start, end.saturating_sub(start))
        }
    };
    let segments = segments(connection, blob.id, start, length)?;
    let pins = folder.pin(segments.iter().filter_map(|segment| match &segment.from {
        Source::File(path) => Some(Arc::clone(path)),
        Source::Memory(_) | Source::Database(_) => None,
    }));
    Ok(Found { blob, start, length, segments, pins })
}

/// Loads the content that is in the database into memory.
fn take_along(connection: &Connection, segments: &mut VecDeque<Segment>) -> Result<(), Error> {
    for segment in segments {
        if let Source::Database(chunk) = segment.from {
            segment.from = Source::Memory(segment.cut(&inline(connection, chunk)?));
        }
    }
    Ok(())
}

fn segments(connection: &Connection, blob: i64, start: u64, length: u64) -> Result<VecDeque<Segment>, Error> {
    let end = start + length;
    let mut statement = connection.prepare_cached(
        "SELECT parts.start, parts.length, chunks.id, chunks.file FROM parts JOIN chunks ON chunks.id = parts.chunk
         WHERE parts.blob = ?1 AND parts.start < ?3 AND parts.start + parts.length > ?2 ORDER BY parts.ordinal",
    )?;
    let found = statement.query_map(params![blob, start.cast_signed(), end.cast_signed()], |row| {
        let (part, part_length) = (row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned());
        let skip = start.saturating_sub(part);
        let length = (part + part_length).min(end) - part - skip;
        let from = match row.get::<_, Option<String>>(3)? {
            Some(path) => Source::File(path.into()),
            None => Source::Database(row.get(2)?),
        };
        Ok(Segment { from, skip, length })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
