//! JPEG: marker segments up to the first scan (ITU-T T.81 Annex B). The frame header has the size, APP1 the EXIF data.

use crate::bytes::Cursor;
use crate::{Facts, Format, Stop, Unusable, exif};

/// The most segments before the first scan.
const SEGMENTS: usize = 1_000;

pub(crate) fn is_jpeg(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xd8, 0xff])
}

pub(crate) fn read(head: &[u8]) -> Result<Facts, Stop> {
    let mut cursor = Cursor::new(head, 2, true);
    let mut facts = Facts { format: Some(Format::Jpeg), ..Facts::default() };
    let mut tiff = None;
    for _ in 0..SEGMENTS {
        let marker = marker(&mut cursor)?;
        match marker {
            // Stand-alone markers do not belong here, let alone the end of the image.
            0x01 | 0xd0..=0xd9 => return Err(Unusable::Damaged("it has no image data").into()),
            0xda => {
                if let Some(tiff) = tiff {
                    exif::read(tiff, &mut facts);
                }
                return Ok(facts);
            }
            _ => {}
        }
        let length = usize::from(cursor.u16()?);
        let content = cursor.take(length.checked_sub(2).ok_or(Unusable::Damaged("a segment has no length"))?)?;
        match marker {
            // Start of frame, of any process; C4, C8 and CC have other meanings.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let mut frame = Cursor::new(content, 1, true);
                let size = frame.u16().and_then(|height| Ok((height, frame.u16()?)));
                let (height, width) = size.map_err(|_| Unusable::Damaged("its frame header is too short"))?;
                (facts.width, facts.height) = (width.into(), height.into());
            }
            0xe1 if tiff.is_none() => tiff = content.strip_prefix(b"Exif\0\0"),
            _ => {}
        }
    }
    Err(Unusable::Excessive("it has too many segments").into())
}

/// The code of the next marker, which any number of fill bytes may precede.
fn marker(cursor: &mut Cursor<'_>) -> Result<u8, Stop> {
    if cursor.u8()? != 0xff {
        return Err(Unusable::Damaged("its segments do not follow each other").into());
    }
    loop {
        match cursor.u8()? {
            0xff => {}
            0x00 => return Err(Unusable::Damaged("its segments do not follow each other").into()),
            code => return Ok(code),
        }
    }
}
