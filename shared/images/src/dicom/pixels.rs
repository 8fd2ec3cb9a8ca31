//! The picture within a DICOM file whose pixels are a JPEG (DICOM PS3.5 §A.4.1), which is what cameras that compress
//! write.
//!
//! The pixels are a sequence of items: the first lists where frames begin and may be empty; the others are the JPEG's
//! bytes in pieces. If there are several frames, the first is taken: the pieces up to the one that ends with the JPEG's
//! end marker.

use super::element::{Encoding, UNDEFINED};
use super::values::Values;
use super::{PREAMBLE, Reader};
use crate::Stop;
use crate::bytes::Cursor;

/// JPEG baseline and extended, 8 bits: the ones every viewer can show.
const SHOWABLE: [&str; 2] = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"];

/// The JPEG; `None` if the pixels are something else or malformed.
pub(crate) fn jpeg(file: &[u8]) -> Option<Vec<u8>> {
    read(file).ok().flatten()
}

fn read(file: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
    let cursor = Cursor::new(file, PREAMBLE, false);
    let mut reader = Reader { cursor, length: file.len() as u64, left: super::ELEMENTS };
    if !SHOWABLE.contains(&reader.meta()?.as_str()) {
        return Ok(None);
    }
    let mut values = Values::default();
    let pixels = reader.data_set(Encoding::ExplicitLittle, &mut values)?;
    if pixels.length != UNDEFINED || !values.are_shown_as_meant() {
        return Ok(None);
    }
    let mut jpeg = Vec::new();
    let mut is_first = true;
    loop {
        let item = reader.item()?;
        if item.tag != 0xfffe_e000 {
            return Ok(None);
        }
        let length = usize::try_from(item.length).map_err(|_| Stop::End)?;
        let piece = reader.cursor.take(length)?;
        if !is_first {
            jpeg.extend_from_slice(piece);
            // Pieces have an even length, so one byte may follow the end marker.
            if piece.ends_with(&[0xff, 0xd9]) || piece.ends_with(&[0xff, 0xd9, 0]) {
                return Ok(Some(jpeg));
            }
        }
        is_first = false;
    }
}
