//! The content of the log: records, framed with length and checksum.
//!
//! A frame is `length: u32, crc32: u32, payload`, numbers little-endian. Lengths and checksums reveal a torn end.
//! Queues are named once per segment and numbered from then on, so that every segment can be read on its own.

use crate::broker::slot::{Millis, Place, Sequence, Slot};
use crate::message::Encoded;

/// One change, as stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Record {
    /// A queue's number in this segment, and its next sequence number.
    Queue { number: u32, name: String, next_sequence: Sequence },
    /// A message, whole.
    Put { queue: u32, sequence: Sequence, kept: Kept },
    /// Attempts and state of a message.
    Update { queue: u32, sequence: Sequence, attempts: u32, place: KeptPlace },
    /// A message is gone.
    Remove { queue: u32, sequence: Sequence },
    /// A session's state.
    Session { queue: u32, id: String, state: Option<Vec<u8>> },
}

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub(super) enqueued_at: Millis,
    pub(super) expires_at: Option<Millis>,
    pub(super) attempts: u32,
    pub(super) place: KeptPlace,
    pub(super) duplicated: bool,
    pub(super) dead_letter_source: Option<String>,
    pub(super) time_to_live: Option<u32>,
    pub(super) message: Vec<u8>,
}

/// Locks are not stored, because their holders are gone after a restart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum KeptPlace {
    Ready,
    Deferred,
    Scheduled(Millis),
}

impl From<Place> for KeptPlace {
    fn from(place: Place) -> Self {
        match place {
            Place::Ready | Place::Locked { deferred: false, .. } => Self::Ready,
            Place::Deferred | Place::Locked { deferred: true, .. } => Self::Deferred,
            Place::Scheduled(at) => Self::Scheduled(at),
        }
    }
}

impl Kept {
    /// Restores the message; `None` when its bytes are not a message.
    pub(super) fn into_slot(self, segment: u64) -> Option<Slot> {
        let mut message = Encoded::parse(&self.message).ok()?;
        message.set_time_to_live(self.time_to_live);
        Some(Slot {
            message,
            enqueued_at: self.enqueued_at,
            expires_at: self.expires_at,
            attempts: self.attempts,
            place: self.place.into(),
            session: None,
            dead_letter_source: self.dead_letter_source.map(Into::into),
            duplicated: self.duplicated,
            segment: Some(segment),
        })
    }
}

impl From<KeptPlace> for Place {
    fn from(place: KeptPlace) -> Self {
        match place {
            KeptPlace::Ready => Self::Ready,
            KeptPlace::Deferred => Self::Deferred,
            KeptPlace::Scheduled(at) => Self::Scheduled(at),
        }
    }
}

/// Length and checksum.
const FRAME: usize = 8;

struct Out<'a>(&'a mut Vec<u8>);

impl Out<'_> {
    fn u8(&mut self, number: u8) {
        self.0.push(number);
    }
    fn u32(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }
    fn u64(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }
    fn i64(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(bytes);
    }
    /// A flag for presence, then the value.
    fn optional<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            put(self, value);
        }
    }
    fn place(&mut self, place: KeptPlace) {
        match place {
            KeptPlace::Ready => self.u8(0),
            KeptPlace::Deferred => self.u8(1),
            KeptPlace::Scheduled(at) => {
                self.u8(2);
                self.i64(at);
            }
        }
    }
}

fn framed(out: &mut Vec<u8>, fill: impl FnOnce(&mut Out<'_>)) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME]);
    fill(&mut Out(out));
    if let Some((head, payload)) = out.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(FRAME)) {
        let (length, checksum) = head.split_at_mut(4);
        length.copy_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        checksum.copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
    }
}

pub(super) fn put_queue(out: &mut Vec<u8>, number: u32, name: &str, next_sequence: Sequence) {
    framed(out, |out| {
        out.u8(1);
        out.u32(number);
        out.bytes(name.as_bytes());
        out.u64(next_sequence);
    });
}

/// Avoids copying the message first, because this is the busiest record.
pub(super) fn put_message(out: &mut Vec<u8>, queue: u32, sequence: Sequence, slot: &Slot) {
    framed(out, |out| {
        out.u8(2);
        out.u32(queue);
        out.u64(sequence);
        out.i64(slot.enqueued_at);
        out.optional(slot.expires_at, Out::i64);
        out.u32(slot.attempts);
        out.place(slot.place.into());
        out.u8(u8::from(slot.duplicated));
        out.optional(slot.dead_letter_source.as_deref(), |out, source| out.bytes(source.as_bytes()));
        out.optional(slot.message.time_to_live(), Out::u32);
        out.bytes(slot.message.bytes());
    });
}

pub(super) fn put_update(out: &mut Vec<u8>, queue: u32, sequence: Sequence, attempts: u32, place: Place) {
    framed(out, |out| {
        out.u8(3);
        out.u32(queue);
        out.u64(sequence);
        out.u32(attempts);
        out.place(place.into());
    });
}

pub(super) fn put_remove(out: &mut Vec<u8>, queue: u32, sequence: Sequence) {
    framed(out, |out| {
        out.u8(4);
        out.u32(queue);
        out.u64(sequence);
    });
}

pub(super) fn put_session(out: &mut Vec<u8>, queue: u32, id: &str, state: Option<&[u8]>) {
    framed(out, |out| {
        out.u8(5);
        out.u32(queue);
        out.bytes(id.as_bytes());
        out.optional(state, |out, state| out.bytes(state));
    });
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }
    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = self.u32()?;
        self.take(length as usize).map(<[u8]>::to_vec)
    }
    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
    }
    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            _ => read(self).map(Some),
        }
    }
    fn place(&mut self) -> Option<KeptPlace> {
        Some(match self.u8()? {
            0 => KeptPlace::Ready,
            1 => KeptPlace::Deferred,
            2 => KeptPlace::Scheduled(self.i64()?),
            _ => return None,
        })
    }
}

/// Takes off the next record; `None` at the end, or where the log is torn.
pub(super) fn next(bytes: &mut &[u8]) -> Option<Record> {
    let mut frame = In(bytes);
    let length = frame.u32()? as usize;
    let checksum = frame.u32()?;
    let payload = frame.take(length)?;
    if crc32fast::hash(payload) != checksum {
        return None;
    }
    let record = read(&mut In(payload))?;
    *bytes = frame.0;
    Some(record)
}

fn read(payload: &mut In<'_>) -> Option<Record> {
    Some(match payload.u8()? {
        1 => Record::Queue { number: payload.u32()?, name: payload.text()?, next_sequence: payload.u64()? },
        2 => Record::Put {
            queue: payload.u32()?,
            sequence: payload.u64()?,
            kept: Kept {
                enqueued_at: payload.i64()?,
                expires_at: payload.optional(In::i64)?,
                attempts: payload.u32()?,
                place: payload.place()?,
                duplicated: payload.u8()? != 0,
                dead_letter_source: payload.optional(In::text)?,
                time_to_live: payload.optional(In::u32)?,
                message: payload.bytes()?,
            },
        },
        3 => Record::Update {
            queue: payload.u32()?,
            sequence: payload.u64()?,
            attempts: payload.u32()?,
            place: payload.place()?,
        },
        4 => Record::Remove { queue: payload.u32()?, sequence: payload.u64()? },
        5 => Record::Session { queue: payload.u32()?, id: payload.text()?, state: payload.optional(In::bytes)? },
        _ => return None,
    })
}
