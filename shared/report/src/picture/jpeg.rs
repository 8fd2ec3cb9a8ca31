//! A JPEG file's segments: what kind of JPEG it is, and the file without its metadata.
//!
//! A JPEG is `SOI`, segments (`FF`, marker, length of two bytes, content), and after each `SOS` entropy-coded data that
//! runs until the next marker (`FF 00` is data, `FF D0`–`FF D7` restart it), closed by `EOI`. The segments needed for
//! decoding are kept; of the application segments only Adobe's (`APP14`), which says how colors are coded. EXIF is read
//! for the orientation and dropped.

use super::Refusal;

/// The result of [`scan`].
pub(super) struct Scan {
    pub(super) width: u32,
    pub(super) height: u32,
    /// 8 bits, one or three components, Huffman-coded: every PDF viewer can show it.
    pub(super) plain: bool,
    /// EXIF orientation, 1 to 8; 1 is upright.
    pub(super) orientation: u16,
    /// The file without metadata.
    pub(super) stripped: Vec<u8>,
}

const DAMAGED: fn(&'static str) -> Refusal = Refusal::Damaged;

/// Walks the segments of a file that begins with `SOI`.
pub(super) fn scan(bytes: &[u8]) -> Result<Scan, Refusal> {
    let mut found =
        Scan { width: 0, height: 0, plain: false, orientation: 1, stripped: Vec::with_capacity(bytes.len()) };
    found.stripped.extend_from_slice(&[0xff, 0xd8]);
    let mut frame = false;
    let mut scans = 0;
    let mut at = 2;
    loop {
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let (Some(0xff), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) else {
            return Err(DAMAGED("it ends early or lacks a marker"));
        };
        if marker == 0xd9 {
            break;
        }
        let length = match bytes.get(at + 2..at + 4) {
            Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
            _ => return Err(DAMAGED("a segment ends early")),
        };
        let segment = bytes.get(at..at + 2 + length).filter(|_| length >= 2).ok_or(DAMAGED("a segment ends early"))?;
        let content = &segment[4..];
        at += segment.len();
        match marker {
            // Start of frame; C4, C8 and CC have other meanings in the same range.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let &[bits, h1, h0, w1, w0, components, ..] = content else {
                    return Err(DAMAGED("a frame without size"));
                };
                if frame {
                    return Err(DAMAGED("two frames"));
                }
                frame = true;
                found.height = u32::from(u16::from_be_bytes([h1, h0]));
                found.width = u32::from(u16::from_be_bytes([w1, w0]));
                found.plain = bits == 8 && matches!(components, 1 | 3) && matches!(marker, 0xc0..=0xc2);
                found.stripped.extend_from_slice(segment);
            }
            0xe1 => {
                if let Some(tiff) = content.strip_prefix(b"Exif\0\0") {
                    found.orientation = orientation(tiff).unwrap_or(1);
                }
            }
            0xe0..=0xed | 0xef | 0xfe => {}
            0xda => {
                if !frame {
                    return Err(DAMAGED("image data before the frame"));
                }
                // A progressive image has about ten scans; each costs a viewer a pass over the whole picture.
                scans += 1;
                if scans > 100 {
                    return Err(DAMAGED("too many scans"));
                }
                found.stripped.extend_from_slice(segment);
                let end = entropy_end(bytes, at).ok_or(DAMAGED("the image data ends early"))?;
                found.stripped.extend_from_slice(&bytes[at..end]);
                at = end;
            }
            _ => found.stripped.extend_from_slice(segment),
        }
    }
    if scans == 0 {
        return Err(DAMAGED("no image data"));
    }
    found.stripped.extend_from_slice(&[0xff, 0xd9]);
    Ok(found)
}

/// The offset of the marker that ends the entropy-coded data starting here.
fn entropy_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match bytes.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}

fn orientation(tiff: &[u8]) -> Option<u16> {
    let exif = exif::Reader::new().read_raw(tiff.to_vec()).ok()?;
    let value = exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?.value.get_uint(0)?;
    u16::try_from(value).ok().filter(|value| (1..=8).contains(value))
}
