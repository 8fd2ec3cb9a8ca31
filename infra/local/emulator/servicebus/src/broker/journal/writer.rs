//! The thread that writes the log.

use super::{Chunk, FAILED, Shared};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

pub(super) fn path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:016x}.log"))
}

pub(super) fn spawn(shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("servicebus-log".to_owned()).spawn(move || run(&shared))
}

fn run(shared: &Shared) {
    let mut open: Option<(u64, File)> = None;
    loop {
        let mut tail = shared.lock();
        while tail.chunks.is_empty() && !tail.stop {
            tail = shared.more.wait(tail).unwrap_or_else(PoisonError::into_inner);
        }
        if tail.chunks.is_empty() {
            return;
        }
        let chunks = std::mem::take(&mut tail.chunks);
        let position = tail.position;
        let dead = tail.dead();
        for segment in &dead {
            tail.live.remove(segment);
        }
        drop(tail);
        if let Err(error) = write(&shared.folder, &mut open, &chunks) {
            tracing::error!(%error, "the message log cannot be written; nothing more is taken");
            let mut tail = shared.lock();
            tail.failure = Some(error.to_string());
            tail.chunks.clear();
            drop(tail);
            shared.durable.send_replace(FAILED);
            return;
        }
        shared.durable.send_replace(position);
        for segment in dead {
            if let Err(error) = std::fs::remove_file(path(&shared.folder, segment)) {
                // It only wastes space: the removals of its messages are in later segments.
                tracing::warn!(%error, "a segment of the message log could not be deleted");
            }
        }
    }
}

fn write(folder: &Path, open: &mut Option<(u64, File)>, chunks: &[Chunk]) -> io::Result<()> {
    for chunk in chunks {
        let file = match open {
            Some((segment, file)) if *segment == chunk.segment => file,
            _ => {
                if let Some((_, file)) = open.take() {
                    file.sync_data()?;
                }
                let file = OpenOptions::new().create(true).append(true).open(path(folder, chunk.segment))?;
                File::open(folder)?.sync_all()?;
                &mut open.insert((chunk.segment, file)).1
            }
        };
        file.write_all(&chunk.bytes)?;
    }
    match open {
        Some((_, file)) => file.sync_data(),
        None => Ok(()),
    }
}
