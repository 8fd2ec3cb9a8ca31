//! PNG: its chunks (PNG 3rd edition §5). IHDR has the size, eXIf the EXIF data. Many tools write eXIf after the image
//! data, so it is searched there up to the header limit.

use crate::bytes::Cursor;
use crate::{Facts, Format, HEADER_LIMIT, Stop, Unusable, exif};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The most chunks that are read; image data often comes in chunks of 8 kB.
const CHUNKS: usize = 10_000;

pub(crate) fn is_png(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

pub(crate) fn read(head: &[u8]) -> Result<Facts, Stop> {
    let mut cursor = Cursor::new(head, SIGNATURE.len(), true);
    let mut facts = Facts { format: Some(Format::Png), ..Facts::default() };
    let (mut tiff, mut has_data) = (None, false);
    for number in 0..CHUNKS {
        let chunk = match chunk(&mut cursor) {
            // There is image data; anything beyond the first 4 MB is not searched.
            Err(Stop::End) if has_data && head.len() >= HEADER_LIMIT => break,
            chunk => chunk?,
        };
        match chunk.kind {
            b"IHDR" => {
                let mut header = Cursor::new(chunk.take(&mut cursor)?, 0, true);
                let size = header.u32().and_then(|width| Ok((width, header.u32()?)));
                (facts.width, facts.height) = size.map_err(|_| Unusable::Damaged("its header is too short"))?;
            }
            _ if number == 0 => return Err(Unusable::Damaged("it does not begin with its header").into()),
            b"eXIf" if tiff.is_none() => tiff = Some(chunk.take(&mut cursor)?),
            b"IEND" if has_data => break,
            b"IEND" => return Err(Unusable::Damaged("it has no image data").into()),
            kind => {
                has_data |= kind == b"IDAT";
                cursor.skip(chunk.length);
            }
        }
        cursor.skip(4);
        if tiff.is_some() && has_data {
            break;
        }
    }
    if !has_data {
        return Err(Unusable::Excessive("it has too many chunks").into());
    }
    if let Some(tiff) = tiff {
        exif::read(tiff, &mut facts);
    }
    Ok(facts)
}

/// The head of a chunk.
struct Chunk<'a> {
    kind: &'a [u8],
    length: usize,
}

impl Chunk<'_> {
    fn take<'a>(&self, cursor: &mut Cursor<'a>) -> Result<&'a [u8], Stop> {
        cursor.take(self.length)
    }
}

fn chunk<'a>(cursor: &mut Cursor<'a>) -> Result<Chunk<'a>, Stop> {
    let length = cursor.u32()?;
    let kind = cursor.take(4)?;
    // The format's own limit.
    let length = usize::try_from(length).ok().filter(|length| *length < 1 << 31);
    Ok(Chunk { kind, length: length.ok_or(Unusable::Damaged("a chunk is longer than the format allows"))? })
}
