//! The one pass that finds segments and fields.

use super::segment::Span;
use super::{Delimiters, Grammar, Limits, Message, Notice, ReadError, SegmentId};
use crate::charset::Charset;
use memchr::{memchr, memchr_iter, memchr2_iter};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that mean nothing before a segment.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0)
}

/// The bytes without the byte order mark and blanks before them.
pub(crate) fn trim_start(bytes: &[u8]) -> &[u8] {
    let blanks = |bytes: &[u8]| bytes.iter().take_while(|byte| is_blank(**byte)).count();
    let bytes = bytes.get(blanks(bytes)..).unwrap_or_default();
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    bytes.get(blanks(bytes)..).unwrap_or_default()
}

/// The byte that ends segments: CR, or LF in a message without CR.
pub(crate) fn segment_end(bytes: &[u8]) -> u8 {
    if memchr(b'\r', bytes).is_some() { b'\r' } else { b'\n' }
}

/// The delimiters of the header at the start of `bytes`, and whether MSH-2 was the published artefact.
pub(crate) fn delimiters(bytes: &[u8]) -> Result<(Delimiters, bool), ReadError> {
    let separator = *bytes.get(3).ok_or(ReadError::NoHeader)?;
    let rest = bytes.get(4..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == separator || matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
    Ok(Delimiters::declared(separator, rest.get(..end).unwrap_or_default())?)
}

pub(super) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Message<'a>, ReadError> {
    let size = limits.bytes.min(u32::MAX as usize);
    if bytes.len() > size {
        return Err(ReadError::Bytes(size));
    }
    if bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.starts_with(b"M\0S\0")
        || bytes.starts_with(b"\0M\0S")
    {
        return Err(ReadError::Utf16);
    }
    let bytes = trim_start(bytes);
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    if !bytes.starts_with(b"MSH") {
        return Err(ReadError::NoHeader);
    }
    let (delimiters, artefact) = delimiters(bytes)?;
    let mut notices = Vec::new();
    if artefact {
        notices.push(Notice::EncodingArtefact);
    }
    let mut index =
        Index { bytes, limits, delimiters, segments: Vec::with_capacity(16), starts: Vec::with_capacity(128) };
    index.run()?;
    let Index { segments, starts, .. } = index;
    let grammar = Grammar { delimiters, charset: Charset::UTF8 };
    let mut message = Message { bytes, grammar, segments, starts, notices };
    conclude(&mut message)?;
    Ok(message)
}

/// Only the header, whatever it says about the rest.
pub(super) fn header_only(bytes: &[u8]) -> Option<Message<'_>> {
    if !bytes.starts_with(b"MSH") || memchr::memchr2(b'\r', b'\n', bytes).is_some() {
        return None;
    }
    let (delimiters, _) = delimiters(bytes).ok()?;
    let limits = Limits::default();
    let mut index = Index { bytes, limits: &limits, delimiters, segments: Vec::new(), starts: Vec::new() };
    index.run().ok()?;
    let Index { segments, starts, .. } = index;
    let grammar = Grammar { delimiters, charset: Charset::UTF8 };
    Some(Message { bytes, grammar, segments, starts, notices: Vec::new() })
}

/// Applies what the header says about the rest.
fn conclude(message: &mut Message<'_>) -> Result<(), ReadError> {
    const PARTS: [[u8; 3]; 2] = [*b"ADD", *b"DSC"];
    let valued = |n| message.header_field(n).is_some_and(|field| !field.whole().is_absent());
    let mut notices = Vec::new();
    let mut part = valued(14);
    for segment in message.segments() {
        match segment.id() {
            Some(id) if id.is_header() && segment.index() > 0 => return Err(ReadError::Several),
            Some(id) => part |= PARTS.contains(&id.bytes()),
            None if !notices.contains(&Notice::NoSegmentName) => notices.push(Notice::NoSegmentName),
            None => {}
        }
    }
    if part {
        return Err(ReadError::Continued);
    }
    let declared = message.header_field(18);
    let first = declared.and_then(|field| field.repetition(1)).map(|first| first.bytes()).unwrap_or_default();
    let (charset, notice) = Charset::of(first, message.bytes);
    notices.extend(notice);
    if declared.is_some_and(|field| field.repetition(2).is_some_and(|second| !second.whole().is_absent())) {
        notices.push(Notice::SeveralCharacterSets);
    }
    if message.version().is_none() {
        notices.push(Notice::UnknownVersion);
    }
    message.grammar.charset = charset;
    message.notices.extend(notices);
    Ok(())
}

struct Index<'i> {
    bytes: &'i [u8],
    limits: &'i Limits,
    delimiters: Delimiters,
    segments: Vec<Span>,
    starts: Vec<u32>,
}

impl Index<'_> {
    fn run(&mut self) -> Result<(), ReadError> {
        let bytes = self.bytes;
        let end = segment_end(bytes);
        // Where the current segment begins, and the index of its first field among all fields.
        let mut start = 0;
        let mut first_field = 0;
        self.starts.push(0);
        for at in memchr2_iter(end, self.delimiters.separator(), bytes) {
            if at < start {
                continue;
            }
            if bytes.get(at) == Some(&end) {
                self.segment(start, at, first_field)?;
                start = at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| is_blank(**byte)).count();
                first_field = self.starts.len();
                self.starts.push(small(start));
            } else {
                self.starts.push(small(at + 1));
            }
        }
        if start < bytes.len() { self.segment(start, bytes.len(), first_field) } else { Ok(()) }
    }

    fn segment(&mut self, start: usize, end: usize, first_field: usize) -> Result<(), ReadError> {
        let number = self.segments.len() + 1;
        if number > self.limits.segments {
            return Err(ReadError::Segments(self.limits.segments));
        }
        let last_field = self.starts.len();
        // One of them is the name; in a header, another is the separator.
        if last_field - first_field > self.limits.fields.saturating_add(1) {
            return Err(ReadError::Fields { segment: number, limit: self.limits.fields });
        }
        let name_end = self.starts.get(first_field + 1).map_or(end, |next| *next as usize - 1);
        let id = SegmentId::from_bytes(self.bytes.get(start..name_end).unwrap_or_default());
        self.repetitions(number, id, end, first_field)?;
        let [start, end, first_field, last_field] = [start, end, first_field, last_field].map(small);
        self.segments.push(Span { id, start, end, first_field, last_field });
        Ok(())
    }

    /// Only a long field can have many repetitions.
    fn repetitions(
        &self,
        segment: usize,
        id: Option<SegmentId>,
        end: usize,
        first_field: usize,
    ) -> Result<(), ReadError> {
        let limit = self.limits.repetitions;
        let starts = self.starts.get(first_field..).unwrap_or_default();
        let start = starts.first().map_or(end, |start| *start as usize);
        let Some(repetition) = self.delimiters.repetition.filter(|_| end - start > limit) else { return Ok(()) };
        for (n, field_start) in starts.iter().enumerate() {
            let field_end = starts.get(n + 1).map_or(end, |next| *next as usize - 1);
            let field = self.bytes.get(*field_start as usize..field_end).unwrap_or_default();
            // The last repetition has no separator after it.
            let too_many = match limit.checked_sub(1) {
                Some(last) => field.len() > limit && memchr_iter(repetition, field).nth(last).is_some(),
                None => !field.is_empty(),
            };
            if too_many {
                let field = n + usize::from(id.is_some_and(SegmentId::is_header));
                return Err(ReadError::Repetitions { segment, field, limit });
            }
        }
        Ok(())
    }
}

/// Positions always fit, because the size of messages is limited to what `u32` holds.
fn small(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
