//! The log that makes messages survive a restart.
//!
//! Changes are appended while their queue is locked, so the log has them in the order they happened. A thread of its
//! own writes what has gathered and syncs it to disk at once (group commit). Before anything is confirmed to the
//! outside, the log must be durable up to the [`Position`] of the change. When a write fails, nothing is confirmed any
//! more.
//!
//! The log is a sequence of segments. Segments are deleted oldest first, once none of the messages in them is alive,
//! and only after the records that ended them are durable. If one long-lived message holds up many segments,
//! [`Journal::crowded`] names the oldest one, and its messages are written again at the end. Only the oldest may be
//! deleted, because a later one may hold the removals of messages in an earlier one.

mod record;
mod replay;
mod writer;

use super::Error;
use super::slot::{Sequence, Slot};
use super::state::{Change, State};
use super::timer::Timer;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

pub(crate) use replay::Recovered;

/// How much was appended, in bytes since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position(u64);

impl Position {
    /// Beyond anything that is ever appended.
    pub(crate) const MAX: Self = Self(u64::MAX);
}

/// The size in bytes at which a new segment is begun.
const SEGMENT: u64 = 32 << 20;
/// The number of segments, whatever they hold, at which the oldest is rewritten.
const CROWD: usize = 8;

#[derive(Debug)]
pub(crate) struct Journal {
    shared: Arc<Shared>,
    timer: Arc<Timer>,
    /// Messages of queues that have not been recreated yet, by the queue's name.
    waiting: Mutex<HashMap<String, Recovered>>,
    thread: Option<std::thread::JoinHandle<()>>,
    /// Keeps other processes out of the folder.
    _lock: File,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    tail: Mutex<Tail>,
    more: Condvar,
    /// How far the log is durable; [`FAILED`] once it cannot be written.
    durable: watch::Sender<u64>,
}

/// Means that the log cannot be written.
const FAILED: u64 = u64::MAX;

/// What has been appended but not written, and what is known about the segments.
#[derive(Debug, Default)]
struct Tail {
    position: u64,
    chunks: Vec<Chunk>,
    segment: u64,
    segment_bytes: u64,
    queues: BTreeMap<Arc<str>, Head>,
    sessions: BTreeMap<(u32, Arc<str>), Bytes>,
    /// Messages alive in each segment; the current one is always listed.
    live: BTreeMap<u64, usize>,
    /// Bytes of all messages alive.
    live_bytes: u64,
    failure: Option<String>,
    stop: bool,
}

#[derive(Debug)]
struct Chunk {
    segment: u64,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    number: u32,
    next_sequence: Sequence,
}

impl Journal {
    /// Reads the folder's log and begins a new segment.
    pub(crate) fn open(folder: &Path, timer: Arc<Timer>) -> Result<Self, Error> {
        let storage = |error: std::io::Error| Error::Storage(error.to_string());
        std::fs::create_dir_all(folder).map_err(storage)?;
        let lock = File::create(folder.join("lock")).map_err(storage)?;
        lock.try_lock().map_err(|_| Error::Storage("the folder is in use by another process".to_owned()))?;
        let replayed = replay::read(folder)?;
        let mut tail = Tail { segment: replayed.last_segment, ..Tail::default() };
        for (name, recovered) in &replayed.queues {
            let head = tail.head(&name.as_str().into(), recovered.next_sequence);
            for slot in recovered.slots.values() {
                *tail.live.entry(slot.segment.unwrap_or_default()).or_default() += 1;
                tail.live_bytes += slot.message.size();
            }
            for (id, state) in &recovered.sessions {
                tail.sessions.insert((head.number, id.as_str().into()), state.clone());
            }
        }
        for segment in replayed.segments {
            tail.live.entry(segment).or_default();
        }
        tail.begin_segment();
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            tail: Mutex::new(tail),
            more: Condvar::new(),
            durable: watch::Sender::new(0),
        });
        let thread = writer::spawn(shared.clone()).map_err(storage)?;
        Ok(Self { shared, timer, waiting: Mutex::new(replayed.queues), thread: Some(thread), _lock: lock })
    }

    /// The log's content for a queue that is recreated.
    pub(crate) fn recover(&self, queue: &str) -> Option<Recovered> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&queue.to_ascii_lowercase())
    }

    /// Appends the changes of one operation on a queue, which is locked.
    pub(crate) fn append(&self, queue: &Arc<str>, state: &mut State, changes: &[Change]) -> Position {
        if changes.is_empty() {
            return Position::default();
        }
        let mut tail = self.shared.lock();
        let head = tail.head(queue, state.next_sequence);
        for change in changes {
            match change {
                Change::Put(sequence) => {
                    let Some(slot) = state.slot(*sequence) else { continue };
                    let segment = tail.put(head, *sequence, slot);
                    let before = state.logged_in(*sequence, segment);
                    if let Some(slot) = state.slot(*sequence) {
                        tail.died(before, slot.message.size());
                    }
                }
                Change::Update(sequence) => {
                    if let Some(slot) = state.slot(*sequence) {
                        tail.write(|out| record::put_update(out, head.number, *sequence, slot.attempts, slot.place));
                    }
                }
                Change::Remove(sequence, segment, size) => tail.remove(head, *sequence, *segment, *size),
                Change::Session(id) => {
                    let session = state.session_state(id);
                    tail.write(|out| record::put_session(out, head.number, id, session.as_deref()));
                    match session {
                        Some(session) => tail.sessions.insert((head.number, id.clone()), session),
                        None => tail.sessions.remove(&(head.number, id.clone())),
                    };
                }
            }
        }
        self.appended(tail)
    }

    /// Appends the removal of a message that was moved to another queue.
    pub(crate) fn append_removed(&self, queue: &Arc<str>, sequence: Sequence, slot: &Slot) -> Position {
        let mut tail = self.shared.lock();
        let head = tail.head(queue, 0);
        tail.remove(head, sequence, slot.segment, slot.message.size());
        self.appended(tail)
    }

    fn appended(&self, mut tail: MutexGuard<'_, Tail>) -> Position {
        if tail.segment_bytes >= SEGMENT {
            tail.begin_segment();
            if tail.live.len() > CROWD {
                self.timer.poke();
            }
        }
        let position = Position(tail.position);
        drop(tail);
        self.shared.more.notify_one();
        position
    }

    /// The oldest segment, if there are too many and most of their content is dead.
    pub(crate) fn crowded(&self) -> Option<u64> {
        let tail = self.shared.lock();
        let held = SEGMENT.saturating_mul(tail.live.len() as u64);
        let mostly_dead = tail.live.len() > CROWD && held / 3 > tail.live_bytes;
        tail.live.first_key_value().filter(|_| mostly_dead).map(|(segment, _)| *segment)
    }

    /// Rewrites those messages of a segment that belong to queues not recreated yet.
    pub(crate) fn rewrite_waiting(&self, segment: u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, recovered) in waiting.iter_mut() {
            let mut tail = self.shared.lock();
            let head = tail.head(&name.as_str().into(), recovered.next_sequence);
            for (sequence, slot) in recovered.slots.iter_mut().filter(|(_, slot)| slot.segment == Some(segment)) {
                let now_in = tail.put(head, *sequence, slot);
                let before = slot.segment.replace(now_in);
                tail.died(before, slot.message.size());
            }
            self.appended(tail);
        }
    }

    /// How far the log is durable.
    pub(crate) fn durable_now(&self) -> Result<Position, Error> {
        match *self.shared.durable.borrow() {
            FAILED => Err(self.shared.failure()),
            position => Ok(Position(position)),
        }
    }

    /// Changes whenever more of the log is durable.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.shared.durable.subscribe()
    }

    /// Waits until the log is durable up to a position.
    pub(crate) async fn durable(&self, position: Position) -> Result<(), Error> {
        let mut commits = self.commits();
        // The sender is our own and lives as long as we do.
        let reached = commits.wait_for(|durable| *durable >= position.0).await.map(|durable| *durable);
        match reached {
            Ok(FAILED) | Err(_) => Err(self.shared.failure()),
            Ok(_) => Ok(()),
        }
    }

    /// The end of the log as of now.
    pub(crate) fn end(&self) -> Position {
        Position(self.shared.lock().position)
    }
}

impl Drop for Journal {
    /// Writes the rest.
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.more.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self) -> Error {
        Error::Storage(self.lock().failure.clone().unwrap_or_else(|| "the log is closed".to_owned()))
    }
}

impl Tail {
    /// A queue's number, with its next sequence number brought up to date.
    fn head(&mut self, queue: &Arc<str>, next_sequence: Sequence) -> Head {
        if let Some(head) = self.queues.get_mut(queue) {
            head.next_sequence = head.next_sequence.max(next_sequence);
            return *head;
        }
        let number = u32::try_from(self.queues.len()).unwrap_or(u32::MAX);
        let head = Head { number, next_sequence };
        self.queues.insert(queue.clone(), head);
        self.write(|out| record::put_queue(out, number, queue, next_sequence));
        head
    }

    fn write(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        if self.failure.is_some() {
            return;
        }
        let segment = self.segment;
        if self.chunks.last().is_none_or(|chunk| chunk.segment != segment) {
            self.chunks.push(Chunk { segment, bytes: Vec::new() });
        }
        if let Some(chunk) = self.chunks.last_mut() {
            let before = chunk.bytes.len();
            fill(&mut chunk.bytes);
            let written = (chunk.bytes.len() - before) as u64;
            self.position += written;
            self.segment_bytes += written;
        }
    }

    fn put(&mut self, head: Head, sequence: Sequence, slot: &Slot) -> u64 {
        self.write(|out| record::put_message(out, head.number, sequence, slot));
        *self.live.entry(self.segment).or_default() += 1;
        self.live_bytes += slot.message.size();
        self.segment
    }

    fn remove(&mut self, head: Head, sequence: Sequence, segment: Option<u64>, size: u64) {
        // A message that came and went in one operation was never written.
        if segment.is_some() {
            self.write(|out| record::put_remove(out, head.number, sequence));
            self.died(segment, size);
        }
    }

    /// A message no longer lives in a segment.
    fn died(&mut self, segment: Option<u64>, size: u64) {
        if let Some(count) = segment.and_then(|segment| self.live.get_mut(&segment)) {
            *count = count.saturating_sub(1);
            self.live_bytes = self.live_bytes.saturating_sub(size);
        }
    }

    /// Begins a segment with everything that must not be lost when earlier ones are deleted.
    fn begin_segment(&mut self) {
        self.segment += 1;
        self.segment_bytes = 0;
        self.live.insert(self.segment, 0);
        let queues: Vec<(Arc<str>, Head)> = self.queues.iter().map(|(name, head)| (name.clone(), *head)).collect();
        for (name, head) in queues {
            self.write(|out| record::put_queue(out, head.number, &name, head.next_sequence));
        }
        let sessions: Vec<_> = self.sessions.iter().map(|(key, state)| (key.clone(), state.clone())).collect();
        for ((number, id), state) in sessions {
            self.write(|out| record::put_session(out, number, &id, Some(&state)));
        }
        self.segment_bytes = 0;
    }

    /// Segments that may be deleted once everything appended so far is durable: the oldest ones without live messages.
    fn dead(&self) -> Vec<u64> {
        let current = self.segment;
        self.live
            .iter()
            .take_while(|(segment, count)| **count == 0 && **segment < current)
            .map(|(segment, _)| *segment)
            .collect()
    }
}

#[cfg(test)]
mod tests;
