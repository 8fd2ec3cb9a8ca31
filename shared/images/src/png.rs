//! PNG: chunks up to the image data (PNG 3rd edition §5). IHDR gives the size, eXIf the EXIF data, which may also stand after the image data:
//! there it is not looked for.

use crate::bytes::Cursor;
use crate::{Facts, Format, Stop, Unusable, exif};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The most chunks before the image data.
const CHUNKS: usize = 1_000;

pub(crate) fn is_png(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

pub(crate) fn read(head: &[u8]) -> Result<Facts, Stop> {
    let mut cursor = Cursor::new(head, SIGNATURE.len(), true);
    let mut facts = Facts { format: Some(Format::Png), ..Facts::default() };
    let mut tiff = None;
    for number in 0..CHUNKS {
        let length = cursor.u32()?;
        let kind = cursor.take(4)?;
        // The format's own limit.
        let length = usize::try_from(length).ok().filter(|length| *length < 1 << 31);
        let length = length.ok_or(Unusable::Damaged("a chunk is longer than the format allows"))?;
        match kind {
            b"IHDR" => {
                let content = cursor.take(length)?;
                let mut header = Cursor::new(content, 0, true);
                let size = header.u32().and_then(|width| Ok((width, header.u32()?)));
                (facts.width, facts.height) = size.map_err(|_| Unusable::Damaged("its header is too short"))?;
            }
            _ if number == 0 => return Err(Unusable::Damaged("it does not begin with its header").into()),
            b"eXIf" => tiff = Some(cursor.take(length)?),
            b"IDAT" => {
                if let Some(tiff) = tiff {
                    exif::read(tiff, &mut facts)?;
                }
                return Ok(facts);
            }
            b"IEND" => return Err(Unusable::Damaged("it has no image data").into()),
            _ => cursor.skip(length),
        }
        cursor.skip(4);
    }
    Err(Unusable::Excessive("it has too many chunks").into())
}
