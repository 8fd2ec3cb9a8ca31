//! EXIF data of JPEG and PNG files: labeled values in ImageDescription and UserComment, the time of capture, the
//! device.
//!
//! The EXIF library follows every pointer it finds. A few kilobytes of directories that point to each other would make
//! it list billions of entries, so a traversal of our own counts them first, and data with more than [`ENTRIES`] of
//! them is ignored. Damaged EXIF data is no reason to refuse a picture: it just says nothing.

use crate::Facts;
use crate::bytes::Cursor;
use crate::labels::{self, value};
use exif::{Exif, In, Reader, Tag, Value};
use jiff::civil::DateTime;

/// The most directory entries; cameras write about a hundred.
const ENTRIES: usize = 2_000;

/// The most directories in a chain; the library's own limit.
const CHAIN: usize = 8;

/// Tags that point to a further directory: Exif, GPS, Interoperability.
const POINTERS: [u16; 3] = [0x8769, 0x8825, 0xa005];

/// Adds what EXIF data (a TIFF structure) says to `facts`.
pub(crate) fn read(tiff: &[u8], facts: &mut Facts) {
    if count(tiff).is_none_or(|entries| entries > ENTRIES) {
        return;
    }
    let read = Reader::new().continue_on_error(true).read_raw(tiff.to_vec());
    let Ok(exif) = read.or_else(|error| error.distill_partial_result(|_| {})) else { return };
    for tag in [Tag::ImageDescription, Tag::UserComment] {
        if let Some(text) = text(&exif, tag) {
            labels::read(&text, facts);
        }
    }
    facts.device = facts.device.take().or_else(|| value(&text(&exif, Tag::BodySerialNumber)?));
    facts.taken = facts.taken.or_else(|| time(&text(&exif, Tag::DateTimeOriginal)?));
}

/// How many entries a reader would find that follows every pointer; `None` if the structure cannot be followed. Stops
/// soon after the limit.
fn count(tiff: &[u8]) -> Option<usize> {
    let big_endian = match tiff.get(..2)? {
        b"MM" => true,
        b"II" => false,
        _ => return None,
    };
    let mut entries = 0;
    let mut next = Cursor::new(tiff, 4, big_endian).u32().ok()?;
    for _ in 0..CHAIN {
        if next == 0 {
            break;
        }
        next = directory(tiff, big_endian, next, 0, &mut entries).unwrap_or(0);
    }
    Some(entries)
}

/// Counts the entries of a directory and of those it points to; returns the offset of the next directory.
fn directory(tiff: &[u8], big_endian: bool, offset: u32, depth: usize, entries: &mut usize) -> Option<u32> {
    let mut cursor = Cursor::new(tiff, usize::try_from(offset).ok()?, big_endian);
    for _ in 0..cursor.u16().ok()? {
        let (tag, _, _, content) = (cursor.u16().ok()?, cursor.u16().ok()?, cursor.u32().ok()?, cursor.u32().ok()?);
        *entries += 1;
        if *entries > ENTRIES {
            return None;
        }
        if POINTERS.contains(&tag) && depth < POINTERS.len() {
            directory(tiff, big_endian, content, depth + 1, entries);
        }
    }
    cursor.u32().ok()
}

/// The text of a field. A UserComment begins with eight bytes that name its encoding.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(parts) => std::str::from_utf8(parts.first()?).ok().map(str::to_owned),
        Value::Undefined(bytes, _) => comment(bytes, exif.little_endian()),
        _ => None,
    }
}

fn comment(bytes: &[u8], little_endian: bool) -> Option<String> {
    let (encoding, text) = bytes.split_at_checked(8)?;
    match encoding {
        b"UNICODE\0" => {
            let unit = |pair: &[u8]| match *pair {
                [first, second] if little_endian => u16::from_le_bytes([first, second]),
                [first, second] => u16::from_be_bytes([first, second]),
                _ => 0,
            };
            let units: Vec<u16> = text.chunks_exact(2).map(unit).collect();
            String::from_utf16(&units).ok()
        }
        b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0" => std::str::from_utf8(text).ok().map(str::to_owned),
        _ => None,
    }
}

/// `2026:11:20 09:15:02`.
fn time(text: &str) -> Option<DateTime> {
    DateTime::strptime("%Y:%m:%d %H:%M:%S", text.trim_matches(['\0', ' '])).ok()
}
