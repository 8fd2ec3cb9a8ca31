//! The wanted values, and what they mean.

use super::text;
use crate::labels::{laterality, value};
use crate::{Facts, Format, Stop, Unusable};
use jiff::civil::{Date, DateTime, Time};
use std::collections::BTreeMap;

const CHARACTER_SET: u32 = 0x0008_0005;
const SOP_CLASS: u32 = 0x0008_0016;
const ACQUISITION_DATE: u32 = 0x0008_0022;
const CONTENT_DATE: u32 = 0x0008_0023;
const ACQUISITION_DATE_TIME: u32 = 0x0008_002a;
const ACQUISITION_TIME: u32 = 0x0008_0032;
const CONTENT_TIME: u32 = 0x0008_0033;
const ACCESSION_NUMBER: u32 = 0x0008_0050;
const PATIENT_ID: u32 = 0x0010_0020;
const DEVICE_SERIAL_NUMBER: u32 = 0x0018_1000;
const STUDY_INSTANCE_UID: u32 = 0x0020_000d;
const LATERALITY: u32 = 0x0020_0060;
const IMAGE_LATERALITY: u32 = 0x0020_0062;
const PHOTOMETRIC_INTERPRETATION: u32 = 0x0028_0004;
const ROWS: u32 = 0x0028_0010;
const COLUMNS: u32 = 0x0028_0011;

const FRAME_ANATOMY: u32 = 0x0020_9071;
const FRAME_LATERALITY: u32 = 0x0020_9072;
const SHARED_GROUPS: u32 = 0x5200_9229;

const WANTED: [u32; 16] = [
    CHARACTER_SET,
    SOP_CLASS,
    ACQUISITION_DATE,
    CONTENT_DATE,
    ACQUISITION_DATE_TIME,
    ACQUISITION_TIME,
    CONTENT_TIME,
    ACCESSION_NUMBER,
    PATIENT_ID,
    DEVICE_SERIAL_NUMBER,
    STUDY_INSTANCE_UID,
    LATERALITY,
    IMAGE_LATERALITY,
    PHOTOMETRIC_INTERPRETATION,
    ROWS,
    COLUMNS,
];

/// Classes of images of the eye: secondary capture (also multi-frame true color), visible-light photography, ophthalmic
/// photography (8 and 16 bit), ophthalmic tomography, wide-field photography (two projections).
const SOP_CLASSES: [&str; 8] = [
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.7.4",
    "1.2.840.10008.5.1.4.1.1.77.1.4",
    "1.2.840.10008.5.1.4.1.1.77.1.5.1",
    "1.2.840.10008.5.1.4.1.1.77.1.5.2",
    "1.2.840.10008.5.1.4.1.1.77.1.5.4",
    "1.2.840.10008.5.1.4.1.1.77.1.5.5",
    "1.2.840.10008.5.1.4.1.1.77.1.5.6",
];

/// Values by tag, as they are in the file.
#[derive(Debug, Default)]
pub(super) struct Values<'a>(BTreeMap<u32, &'a [u8]>);

impl<'a> Values<'a> {
    /// The most bytes of a value that is meaningful to us.
    pub(super) const LIMIT: u32 = 256;

    /// Whether an element on the top level is wanted.
    pub(super) fn wants(tag: u32) -> bool {
        WANTED.contains(&tag)
    }

    /// Whether anything within this sequence is wanted.
    pub(super) fn wants_within(tag: u32) -> bool {
        matches!(tag, SHARED_GROUPS | FRAME_ANATOMY)
    }

    /// Whether an element within a sequence is wanted.
    pub(super) fn wants_nested(tag: u32) -> bool {
        tag == FRAME_LATERALITY
    }

    /// Keeps a value; the first one under a tag counts.
    pub(super) fn put(&mut self, tag: u32, value: &'a [u8]) {
        self.0.entry(tag).or_insert(value);
    }

    /// Whether the JPEG in the pixels, shown on its own, has the right colors. If the file declares them to be RGB, the
    /// JPEG may contain RGB without saying so.
    pub(super) fn are_shown_as_meant(&self) -> bool {
        let interpretation = self.ascii(PHOTOMETRIC_INTERPRETATION);
        matches!(interpretation.as_deref(), Some("YBR_FULL_422" | "YBR_FULL" | "MONOCHROME2"))
    }

    fn ascii(&self, tag: u32) -> Option<String> {
        self.0.get(&tag).copied().and_then(text::ascii)
    }

    /// An id, decoded with the file's character set.
    fn id(&self, tag: u32, character_set: Option<&str>) -> Option<String> {
        value(&text::decoded(self.0.get(&tag).copied()?, character_set)?)
    }

    fn size(&self, tag: u32, big_endian: bool) -> u32 {
        match *self.0.get(&tag).copied().unwrap_or_default() {
            [first, second] if big_endian => u32::from(u16::from_be_bytes([first, second])),
            [first, second] => u32::from(u16::from_le_bytes([first, second])),
            _ => 0,
        }
    }

    pub(super) fn into_facts(self, big_endian: bool) -> Result<Facts, Stop> {
        if !self.ascii(SOP_CLASS).is_some_and(|class| SOP_CLASSES.contains(&class.as_str())) {
            return Err(Unusable::SopClass.into());
        }
        let character_set = self.ascii(CHARACTER_SET);
        let character_set = character_set.as_deref();
        let eye = |tag| self.ascii(tag).as_deref().and_then(laterality);
        Ok(Facts {
            format: Some(Format::Dicom),
            width: self.size(COLUMNS, big_endian),
            height: self.size(ROWS, big_endian),
            accession_number: self.id(ACCESSION_NUMBER, character_set),
            patient_id: self.id(PATIENT_ID, character_set),
            study_instance_uid: self.ascii(STUDY_INSTANCE_UID).as_deref().and_then(value),
            laterality: eye(IMAGE_LATERALITY).or_else(|| eye(LATERALITY)).or_else(|| eye(FRAME_LATERALITY)),
            taken: self.taken(),
            device: self.id(DEVICE_SERIAL_NUMBER, character_set),
        })
    }

    fn taken(&self) -> Option<DateTime> {
        let whole = self.ascii(ACQUISITION_DATE_TIME).and_then(|text| {
            let (date, time) = text.split_at_checked(8)?;
            Some(date_of(date)?.to_datetime(time_of(time)?))
        });
        let parts = |date, time| Some(date_of(&self.ascii(date)?)?.to_datetime(time_of(&self.ascii(time)?)?));
        whole.or_else(|| parts(ACQUISITION_DATE, ACQUISITION_TIME)).or_else(|| parts(CONTENT_DATE, CONTENT_TIME))
    }
}

/// `yyyyMMdd`.
fn date_of(text: &str) -> Option<Date> {
    Date::strptime("%Y%m%d", text).ok()
}

/// `HHmmss`, ignoring any fraction and offset that follow.
fn time_of(text: &str) -> Option<Time> {
    Time::strptime("%H%M%S", text.get(..6)?).ok()
}
