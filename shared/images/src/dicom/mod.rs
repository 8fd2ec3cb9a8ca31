//! DICOM part 10 files: the data set up to the pixel data (DICOM PS3.5, PS3.10).
//!
//! Elements are in ascending order of their tags, each with its length, by which unwanted values are skipped. Wanted
//! are a few texts and numbers of the top level, and the eye within the shared functional groups of tomography. Parsing
//! is strict: a tag out of order, a length beyond the file, or a sequence deeper than [`DEPTH`] means that the file is
//! damaged or hostile, and it is refused.

mod element;
mod pixels;
mod text;
mod values;

use crate::bytes::Cursor;
use crate::{Facts, Stop, Unusable};
use element::{Element, Encoding, UNDEFINED};
use values::Values;

pub(crate) use pixels::jpeg;

/// The magic word follows 128 bytes without meaning.
pub(crate) const PREAMBLE: usize = 132;

/// The most elements that are read, including those within sequences.
const ELEMENTS: usize = 20_000;

/// The deepest nesting of sequences; images of the eye need five levels.
const DEPTH: usize = 16;

/// (7FE0,0010) PixelData: the header ends here.
const PIXEL_DATA: u32 = 0x7fe0_0010;

pub(crate) fn is_dicom(head: &[u8]) -> bool {
    head.get(128..PREAMBLE) == Some(b"DICM")
}

pub(crate) fn read(head: &[u8], length: u64) -> Result<Facts, Stop> {
    let mut reader = Reader { cursor: Cursor::new(head, PREAMBLE, false), length, left: ELEMENTS };
    let syntax = reader.meta()?;
    let encoding = Encoding::of(&syntax).ok_or(Unusable::TransferSyntax)?;
    reader.cursor.big_endian = encoding == Encoding::ExplicitBig;
    let mut values = Values::default();
    reader.data_set(encoding, &mut values)?;
    values.into_facts(reader.cursor.big_endian)
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    /// Length of the whole file.
    length: u64,
    /// How many more elements may be read.
    left: usize,
}

impl<'a> Reader<'a> {
    /// Reads the file meta information, which is always explicit VR little endian and ends with its group. Returns the
    /// transfer syntax.
    fn meta(&mut self) -> Result<String, Stop> {
        let mut syntax = None;
        loop {
            // What follows may be compressed, so only its first two bytes are read.
            let mut ahead = self.cursor;
            if ahead.u16()? != 0x0002 {
                break;
            }
            let element = self.element(Encoding::ExplicitLittle)?;
            let value = self.value(&element)?;
            if element.tag == 0x0002_0010 {
                syntax = text::ascii(value);
            }
        }
        syntax.ok_or_else(|| Unusable::Damaged("it does not name its transfer syntax").into())
    }

    /// Reads up to the pixels; returns their head.
    fn data_set(&mut self, encoding: Encoding, values: &mut Values<'a>) -> Result<Element, Stop> {
        let mut before = 0;
        loop {
            if self.at_end() {
                return Err(Unusable::Damaged("it has no pixels").into());
            }
            let element = self.element(encoding)?;
            if element.tag <= before {
                return Err(Unusable::Damaged("its elements are out of order").into());
            }
            before = element.tag;
            if element.tag == PIXEL_DATA {
                self.check_pixels(&element)?;
                return Ok(element);
            }
            if element.is_sequence() {
                self.sequence(&element, encoding, 1, values)?;
            } else if Values::wants(element.tag) {
                let value = self.value(&element)?;
                values.put(element.tag, value);
            } else {
                self.skip(&element)?;
            }
        }
    }

    /// Pixels of a declared length must all be there; compressed pixels declare none.
    fn check_pixels(&self, element: &Element) -> Result<(), Stop> {
        let end = self.cursor.position() as u64 + u64::from(element.length);
        if element.length == UNDEFINED || (element.length > 0 && end <= self.length) {
            Ok(())
        } else {
            Err(Unusable::Damaged("its pixels are not complete").into())
        }
    }

    /// A sequence: skipped if its length is known and nothing in it is wanted, otherwise read item by item.
    fn sequence(
        &mut self,
        element: &Element,
        encoding: Encoding,
        depth: usize,
        values: &mut Values<'a>,
    ) -> Result<(), Stop> {
        if depth > DEPTH {
            return Err(Unusable::Excessive("its sequences are nested too deeply").into());
        }
        if element.length != UNDEFINED && !Values::wants_within(element.tag) {
            return self.skip(element);
        }
        let end = self.end(element)?;
        while end.is_none_or(|end| self.cursor.position() < end) {
            let item = self.item()?;
            match item.tag {
                // Item.
                0xfffe_e000 => self.item_content(&item, encoding, depth, values)?,
                // Sequence delimitation.
                0xfffe_e0dd if end.is_none() => return Ok(()),
                _ => return Err(Unusable::Damaged("a sequence holds something else than items").into()),
            }
        }
        self.arrived(end)
    }

    fn item_content(
        &mut self,
        item: &Element,
        encoding: Encoding,
        depth: usize,
        values: &mut Values<'a>,
    ) -> Result<(), Stop> {
        let end = self.end(item)?;
        while end.is_none_or(|end| self.cursor.position() < end) {
            let element = self.element(encoding)?;
            if element.tag == 0xfffe_e00d && end.is_none() {
                return Ok(());
            }
            if element.is_sequence() {
                self.sequence(&element, encoding, depth + 1, values)?;
            } else if Values::wants_nested(element.tag) {
                let value = self.value(&element)?;
                values.put(element.tag, value);
            } else {
                self.skip(&element)?;
            }
        }
        self.arrived(end)
    }

    /// Something with a known length must end exactly there.
    fn arrived(&self, end: Option<usize>) -> Result<(), Stop> {
        match end {
            Some(end) if self.cursor.position() != end => {
                Err(Unusable::Damaged("a value reaches beyond what holds it").into())
            }
            _ => Ok(()),
        }
    }

    /// Where something of known length ends; `None` if it ends with a delimiter.
    fn end(&self, element: &Element) -> Result<Option<usize>, Stop> {
        if element.length == UNDEFINED {
            return Ok(None);
        }
        self.within_file(element)?;
        Ok(usize::try_from(element.length).ok().map(|length| self.cursor.position().saturating_add(length)))
    }

    fn element(&mut self, encoding: Encoding) -> Result<Element, Stop> {
        self.count()?;
        Element::read(&mut self.cursor, encoding)
    }

    fn item(&mut self) -> Result<Element, Stop> {
        self.count()?;
        Element::read_item(&mut self.cursor)
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.left = self.left.checked_sub(1).ok_or(Unusable::Excessive("it has too many elements"))?;
        Ok(())
    }

    /// The bytes of a wanted value.
    fn value(&mut self, element: &Element) -> Result<&'a [u8], Stop> {
        self.within_file(element)?;
        if element.length > Values::LIMIT {
            self.skip(element)?;
            return Ok(&[]);
        }
        self.cursor.take(usize::try_from(element.length).map_err(|_| Stop::End)?)
    }

    fn skip(&mut self, element: &Element) -> Result<(), Stop> {
        self.within_file(element)?;
        self.cursor.skip(usize::try_from(element.length).map_err(|_| Stop::End)?);
        Ok(())
    }

    fn within_file(&self, element: &Element) -> Result<(), Stop> {
        let end = self.cursor.position() as u64 + u64::from(element.length);
        if element.length != UNDEFINED && end <= self.length {
            Ok(())
        } else {
            Err(Unusable::Damaged("a value is longer than the file").into())
        }
    }

    fn at_end(&self) -> bool {
        self.cursor.position() as u64 >= self.length
    }
}
