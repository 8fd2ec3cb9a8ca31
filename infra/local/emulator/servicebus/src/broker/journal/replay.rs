//! Reading the log back.

use super::record::{self, Record};
use crate::broker::slot::{Millis, Sequence, Slot};
use crate::broker::{Error, now};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::path::Path;

/// The log's content for one queue.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) next_sequence: Sequence,
    pub(crate) slots: BTreeMap<Sequence, Slot>,
    pub(crate) sessions: BTreeMap<String, Bytes>,
    /// Message ids (encoded) of the last day, for duplicate detection.
    pub(crate) seen: Vec<(Vec<u8>, Sequence, Millis)>,
}

pub(super) struct Replayed {
    pub(super) queues: HashMap<String, Recovered>,
    pub(super) segments: Vec<u64>,
    pub(super) last_segment: u64,
}

/// Older ids are not checked for duplicates.
const SEEN_FOR: Millis = 24 * 60 * 60 * 1000;

pub(super) fn read(folder: &Path) -> Result<Replayed, Error> {
    let storage = |error: std::io::Error| Error::Storage(error.to_string());
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(storage)? {
        let name = entry.map_err(storage)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log"));
        segments.extend(number.and_then(|number| u64::from_str_radix(number, 16).ok()));
    }
    segments.sort_unstable();
    let mut queues = HashMap::new();
    for (index, segment) in segments.iter().enumerate() {
        let path = super::writer::path(folder, *segment);
        let bytes = std::fs::read(&path).map_err(storage)?;
        let mut rest = &bytes[..];
        apply(&mut queues, *segment, &mut rest);
        if rest.is_empty() {
            continue;
        }
        if index + 1 < segments.len() {
            return Err(Error::Storage(format!("the message log is damaged: {}", path.display())));
        }
        // The last write was cut short; it was never confirmed to anyone.
        let whole = (bytes.len() - rest.len()) as u64;
        let file = OpenOptions::new().write(true).open(&path).map_err(storage)?;
        file.set_len(whole).and_then(|()| file.sync_all()).map_err(storage)?;
    }
    let last_segment = segments.last().copied().unwrap_or(0);
    Ok(Replayed { queues, segments, last_segment })
}

fn apply(queues: &mut HashMap<String, Recovered>, segment: u64, bytes: &mut &[u8]) {
    let mut names: HashMap<u32, String> = HashMap::new();
    let oldest_seen = now() - SEEN_FOR;
    while let Some(record) = record::next(bytes) {
        let number = match &record {
            Record::Queue { number, name, .. } => {
                names.insert(*number, name.to_ascii_lowercase());
                *number
            }
            Record::Put { queue, .. }
            | Record::Update { queue, .. }
            | Record::Remove { queue, .. }
            | Record::Session { queue, .. } => *queue,
        };
        let Some(name) = names.get(&number) else { continue };
        let queue = match queues.get_mut(name) {
            Some(queue) => queue,
            None => queues.entry(name.clone()).or_default(),
        };
        match record {
            Record::Queue { next_sequence, .. } => queue.next_sequence = queue.next_sequence.max(next_sequence),
            Record::Put { sequence, kept, .. } => {
                queue.next_sequence = queue.next_sequence.max(sequence + 1);
                let Some(slot) = kept.into_slot(segment) else { continue };
                if let (true, Ok(facts)) = (slot.enqueued_at > oldest_seen, slot.message.facts()) {
                    queue.seen.extend(facts.message_id.map(|id| (id.to_vec(), sequence, slot.enqueued_at)));
                }
                queue.slots.insert(sequence, slot);
            }
            Record::Update { sequence, attempts, place, .. } => {
                if let Some(slot) = queue.slots.get_mut(&sequence) {
                    slot.attempts = attempts;
                    slot.place = place.into();
                }
            }
            Record::Remove { sequence, .. } => {
                queue.slots.remove(&sequence);
            }
            Record::Session { id, state, .. } => {
                match state {
                    Some(state) => queue.sessions.insert(id, state.into()),
                    None => queue.sessions.remove(&id),
                };
            }
        }
    }
}
