//! Containers and block blobs in a folder, without HTTP.
//!
//! Everything except long content is in one SQLite database; content beyond 64 KiB is in files next to it (`content`
//! module). A write is answered when it is durable: content files and their folder entries are synced before the
//! database refers to them, and the database syncs its log once for all writes that wait at the same time (`writer`
//! module). Starting reads one row, however many blobs there are; files left behind by a crash are cleaned up in the
//! background.
//!
//! ```no_run
//! # async fn example() -> Result<(), iris_local_blob::store::Error> {
//! use iris_local_blob::store::{PutOptions, Store};
//! use iris_local_blob::{BlobName, ContainerName};
//!
//! let store = Store::open("data/blobs")?;
//! let mut events = store.subscribe();
//! let container = ContainerName::new("harborview-drops").unwrap();
//! let name = BlobName::new("batch 1.csv").unwrap();
//! store.ensure_container(&container).await?;
//! store.put(&container, &name, "LocalId\n1\n", PutOptions::default()).await?;
//! let event = events.recv().await;
//! let bytes = store.get(&container, &name).await?;
//! # Ok(()) }
//! ```

mod blobs;
mod blocks;
mod chunks;
mod conditions;
mod containers;
mod content;
mod copy;
mod error;
mod event;
pub mod lease;
mod list;
mod metadata;
mod read;
mod readers;
mod record;
mod schema;
mod upload;
mod writer;

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

pub use blobs::PutOptions;
pub use blocks::{Block, BlockLists, BlockSource, MAX_BLOCKS};
pub use conditions::{Conditions, Versions};
pub use content::Staged;
pub use copy::{CopyOptions, CopySource};
pub use error::Error;
pub use event::{Api, BlobCreated, Origin};
pub use list::{ContainerPage, Entry, ListQuery, Page};
pub use metadata::Pairs;
pub use read::{ByteRange, Download};
pub use record::{AccessTier, Blob, Container, ContentHeaders, CopyRecord, StoredPolicy};
pub use upload::Upload;

use content::ContentFolder;
use event::Subscribers;
use readers::Readers;
use writer::Writer;

use crate::etag::Clock;

/// Staged blocks that have not been committed for this long are discarded at the next start; the service discards them
/// after a week.
const STAGED_FOR_MILLISECONDS: i64 = 7 * 24 * 3600 * 1000;

/// The blobs of one account. Clones share them; dropping the last one waits for writes that were handed over.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    // In the order in which they have to be dropped: the writer first, the lock and a temporary folder last.
    writer: Writer,
    readers: Arc<Readers>,
    folder: Arc<ContentFolder>,
    subscribers: Arc<Subscribers>,
    _lock: File,
    _temporary: Option<TempDir>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in `folder`, which is created if it is missing. Only one process at a time may have it open.
    ///
    /// # Errors
    /// [`Error::InUse`] when it is open elsewhere; [`Error::UnknownFormat`] when a newer version wrote it;
    /// [`Error::Io`] or [`Error::Database`] when it cannot be read or made.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, Error> {
        Self::start(folder.as_ref(), None)
    }

    /// Opens an empty store in a temporary folder that is deleted with it. As nobody can open it again, nothing is
    /// synced.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn temporary() -> Result<Self, Error> {
        let folder = TempDir::with_prefix("iris-blobs-")?;
        let root = folder.path().to_path_buf();
        Self::start(&root, Some(folder))
    }

    fn start(root: &Path, temporary: Option<TempDir>) -> Result<Self, Error> {
        fs::create_dir_all(root)?;
        let lock = File::options().create(true).truncate(false).write(true).open(root.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::InUse,
            TryLockError::Error(error) => Error::Io(error),
        })?;
        let database = root.join("blobs.sqlite");
        let connection = Connection::open(&database)?;
        schema::create(&connection)?;
        let durable = temporary.is_none();
        schema::configure(&connection, durable)?;

        let last: i64 = connection.query_row("SELECT clock FROM state", [], |row| row.get(0))?;
        let mut clock = Clock::new(last.cast_unsigned());
        let now = Timestamp::now();
        let session = clock.tick(now).sequence();
        connection.execute("UPDATE state SET clock = ?1", [session.cast_signed()])?;
        forget_old_blocks(&connection, now)?;

        let folder = Arc::new(ContentFolder::open(root.join("content"), session, durable)?);
        if durable {
            content::sync_folder(root)?;
            if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                content::sync_folder(parent)?;
            }
        }
        let readers = Arc::new(Readers::new(database));
        let subscribers = Arc::new(Subscribers::default());
        let writer = Writer::start(connection, clock, Arc::clone(&folder), Arc::clone(&subscribers))?;
        remove_orphans_later(Arc::clone(&readers), Arc::clone(&folder))?;
        Ok(Self(Arc::new(Inner { writer, readers, folder, subscribers, _lock: lock, _temporary: temporary })))
    }

    /// From now on, an event for every blob that is written; see [`BlobCreated`] for what happens to them in a crash.
    #[must_use]
    pub fn subscribe(&self) -> UnboundedReceiver<BlobCreated> {
        self.0.subscribers.subscribe()
    }

    /// Starts receiving content, for [`Store::put_staged`] or [`Store::stage_block`].
    #[must_use]
    pub fn upload(&self) -> Upload {
        Upload::new(Arc::clone(&self.0.folder))
    }

    async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut writer::Transaction<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.0.writer.write(work).await
    }

    async fn query<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let readers = Arc::clone(&self.0.readers);
        let work = move || {
            let connection = readers.take()?;
            let result = work(&connection);
            readers.put_back(connection);
            result
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Closed)?
    }
}

fn forget_old_blocks(connection: &Connection, now: Timestamp) -> Result<(), Error> {
    let before = now.as_millisecond() - STAGED_FOR_MILLISECONDS;
    let old = connection
        .prepare("DELETE FROM staged WHERE at < ?1 RETURNING chunk")?
        .query_map([before], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    for chunk in old {
        // A file released here becomes an orphan, which is removed by the clean-up after the start.
        chunks::release(connection, chunk, 1)?;
    }
    connection.execute("DELETE FROM blobs WHERE committed = 0 AND id NOT IN (SELECT blob FROM staged)", [])?;
    Ok(())
}

fn remove_orphans_later(readers: Arc<Readers>, folder: Arc<ContentFolder>) -> Result<(), Error> {
    let work = move || -> Result<usize, Error> {
        let connection = readers.take()?;
        let known = connection
            .prepare("SELECT file FROM chunks WHERE file IS NOT NULL")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<HashSet<String>, _>>()?;
        Ok(folder.remove_orphans(&known)?)
    };
    std::thread::Builder::new().name("blob-orphans".to_owned()).spawn(move || match work() {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "content files left behind by a crash were deleted"),
        // A folder that disappeared meanwhile (a temporary one) has no orphans; any other failure shows at the next
        // use.
        Err(error) => tracing::debug!(%error, "orphaned content files were not looked for"),
    })?;
    Ok(())
}
