//! The head of a data element: tag, value representation, length (DICOM PS3.5 §7.1).

use crate::bytes::Cursor;
use crate::{Stop, Unusable};

/// The length of elements that end with a delimiter instead.
pub(super) const UNDEFINED: u32 = u32::MAX;

/// How a data set is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
}

impl Encoding {
    /// By transfer syntax. Those with compressed pixels write the header in explicit VR little endian; a deflated data
    /// set is not supported.
    pub(super) fn of(transfer_syntax: &str) -> Option<Self> {
        match transfer_syntax {
            "1.2.840.10008.1.2" => Some(Self::ImplicitLittle),
            "1.2.840.10008.1.2.1" => Some(Self::ExplicitLittle),
            "1.2.840.10008.1.2.2" => Some(Self::ExplicitBig),
            "1.2.840.10008.1.2.5" => Some(Self::ExplicitLittle),
            other if other.starts_with("1.2.840.10008.1.2.4.") => Some(Self::ExplicitLittle),
            _ => None,
        }
    }
}

/// The head of an element; the cursor is at its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    /// Group and element number.
    pub(super) tag: u32,
    pub(super) length: u32,
    sequence: bool,
}

impl Element {
    pub(super) fn read(cursor: &mut Cursor<'_>, encoding: Encoding) -> Result<Self, Stop> {
        let tag = tag(cursor)?;
        // In every encoding, items and delimiters have no value representation.
        if tag >> 16 == 0xfffe || encoding == Encoding::ImplicitLittle {
            let length = cursor.u32()?;
            return Ok(Self { tag, length, sequence: length == UNDEFINED || is_known_sequence(tag) });
        }
        let representation = cursor.take(2)?;
        let long = match representation {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV" => {
                true
            }
            b"AE" | b"AS" | b"AT" | b"CS" | b"DA" | b"DS" | b"DT" | b"FL" | b"FD" | b"IS" | b"LO" | b"LT" | b"PN"
            | b"SH" | b"SL" | b"SS" | b"ST" | b"TM" | b"UI" | b"UL" | b"US" => false,
            _ => return Err(Unusable::Damaged("an element has no known value representation").into()),
        };
        let length = if long {
            cursor.skip(2);
            cursor.u32()?
        } else {
            u32::from(cursor.u16()?)
        };
        let sequence = representation == b"SQ" || (length == UNDEFINED && representation == b"UN");
        Ok(Self { tag, length, sequence })
    }

    /// The head of an item or delimiter.
    pub(super) fn read_item(cursor: &mut Cursor<'_>) -> Result<Self, Stop> {
        Ok(Self { tag: tag(cursor)?, length: cursor.u32()?, sequence: false })
    }

    pub(super) fn is_sequence(&self) -> bool {
        self.sequence
    }
}

fn tag(cursor: &mut Cursor<'_>) -> Result<u32, Stop> {
    let (group, element) = (cursor.u16()?, cursor.u16()?);
    Ok(u32::from(group) << 16 | u32::from(element))
}

/// Without value representations, the sequences that may contain wanted values have to be known by tag.
fn is_known_sequence(tag: u32) -> bool {
    super::Values::wants_within(tag)
}
