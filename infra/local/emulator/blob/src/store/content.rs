//! Content files, for content that is too long for the database.
//!
//! A file is named by us (`{shard}/{session}-{number}`), never after a blob. It is written once, synced before the
//! database refers to it, and deleted after the database has forgotten it. A crash in between leaves an orphan; the
//! next start deletes files of earlier sessions that the database does not know. A file that is still being read is
//! deleted when the last reader is done.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;

const SHARDS: u64 = 64;

/// The folder of content files of one store.
#[derive(Debug)]
pub(super) struct ContentFolder {
    root: PathBuf,
    session: u64,
    durable: bool,
    next: AtomicU64,
    pins: Mutex<HashMap<Arc<str>, Pin>>,
    /// Held for reading between looking up a file in the database and pinning it, and for writing while deciding what
    /// to delete.
    gate: RwLock<()>,
}

#[derive(Debug, Default)]
struct Pin {
    readers: usize,
    doomed: bool,
}

impl ContentFolder {
    /// Opens the folder; `session` differs from that of every earlier opening. Unless it is `durable`, nothing is
    /// synced.
    pub(super) fn open(root: PathBuf, session: u64, durable: bool) -> io::Result<Self> {
        for shard in 0..SHARDS {
            fs::create_dir_all(root.join(format!("{shard:02x}")))?;
        }
        if durable {
            sync_folder(&root)?;
        }
        Ok(Self { root, session, durable, next: AtomicU64::new(0), pins: Mutex::default(), gate: RwLock::default() })
    }

    /// Creates a new, empty file that is deleted again unless it is [kept](StagedFile::keep).
    pub(super) fn create(self: &Arc<Self>) -> io::Result<(File, StagedFile)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = format!("{:02x}/{:x}-{number:x}", number % SHARDS, self.session);
        let file = OpenOptions::new().write(true).create_new(true).open(self.root.join(&path))?;
        Ok((file, StagedFile { folder: Arc::clone(self), path, kept: false }))
    }

    pub(super) fn open_file(&self, path: &str) -> io::Result<File> {
        File::open(self.root.join(path))
    }

    /// Makes a new file and its entry in the folder durable.
    pub(super) fn sync(&self, file: &File, path: &str) -> io::Result<()> {
        if !self.durable {
            return Ok(());
        }
        file.sync_all()?;
        sync_folder(self.root.join(path).parent().unwrap_or(&self.root))
    }

    /// To be held from before a database look-up until its files are pinned.
    pub(super) fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps files from being deleted until the result is dropped.
    pub(super) fn pin(self: &Arc<Self>, paths: impl IntoIterator<Item = Arc<str>>) -> Pins {
        let paths: Vec<_> = paths.into_iter().collect();
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        for path in &paths {
            pins.entry(Arc::clone(path)).or_default().readers += 1;
        }
        drop(pins);
        Pins { folder: Arc::clone(self), paths }
    }

    /// Deletes files that the database no longer knows; those being read, later.
    pub(super) fn remove(&self, paths: Vec<String>) {
        if paths.is_empty() {
            return;
        }
        // Readers that looked before the commit have pinned their files by the time the gate opens; later ones cannot
        // find the file.
        drop(self.gate.write().unwrap_or_else(PoisonError::into_inner));
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = Vec::new();
        for path in paths {
            match pins.get_mut(path.as_str()) {
                Some(pin) => pin.doomed = true,
                None => free.push(path),
            }
        }
        drop(pins);
        for path in free {
            self.delete(&path);
        }
    }

    fn delete(&self, path: &str) {
        // A file that cannot be deleted only wastes space; the next start treats it as an orphan.
        if let Err(error) = fs::remove_file(self.root.join(path)) {
            tracing::warn!(%error, "a content file could not be deleted");
        }
    }

    /// Deletes files of earlier sessions that are not in `known`, and returns how many.
    pub(super) fn remove_orphans(&self, known: &HashSet<String>) -> io::Result<usize> {
        let own = format!("{:x}-", self.session);
        let mut orphans = Vec::new();
        for shard in 0..SHARDS {
            let shard = format!("{shard:02x}");
            for entry in fs::read_dir(self.root.join(&shard))? {
                let name = entry?.file_name();
                let Some(name) = name.to_str().filter(|name| !name.starts_with(&own)) else { continue };
                let path = format!("{shard}/{name}");
                if !known.contains(&path) {
                    orphans.push(path);
                }
            }
        }
        let count = orphans.len();
        self.remove(orphans);
        Ok(count)
    }
}

/// Makes the entries of a folder durable.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Folders cannot be synced here; the file system's journal has to suffice.
#[cfg(not(unix))]
pub(super) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Files that stay while this lives.
#[derive(Debug)]
pub(super) struct Pins {
    folder: Arc<ContentFolder>,
    paths: Vec<Arc<str>>,
}

impl Drop for Pins {
    fn drop(&mut self) {
        let mut doomed = Vec::new();
        let mut pins = self.folder.pins.lock().unwrap_or_else(PoisonError::into_inner);
        for path in &self.paths {
            let Some(pin) = pins.get_mut(path) else { continue };
            pin.readers -= 1;
            if pin.readers == 0 {
                if pin.doomed {
                    doomed.push(Arc::clone(path));
                }
                pins.remove(path);
            }
        }
        drop(pins);
        for path in doomed {
            self.folder.delete(&path);
        }
    }
}

/// A content file the database does not know yet.
#[derive(Debug)]
pub(super) struct StagedFile {
    folder: Arc<ContentFolder>,
    path: String,
    kept: bool,
}

impl StagedFile {
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn folder(&self) -> &Arc<ContentFolder> {
        &self.folder
    }

    /// From now on the database may know it.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.kept {
            self.folder.delete(&self.path);
        }
    }
}

/// Received content, on disk or small enough for the database; discarded when it is dropped.
#[derive(Debug)]
pub struct Staged {
    pub(super) content: StagedContent,
    /// Length in bytes.
    pub length: u64,
    /// MD5 of the bytes.
    pub md5: [u8; 16],
    /// CRC-64 (the service's polynomial) of the bytes.
    pub crc64: u64,
}

#[derive(Debug)]
pub(super) enum StagedContent {
    Inline(Bytes),
    File(StagedFile),
}

impl Staged {
    /// From now on the database may know the content.
    pub(super) fn keep(&mut self) {
        if let StagedContent::File(file) = &mut self.content {
            file.keep();
        }
    }
}
