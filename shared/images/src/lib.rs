//! What an image says about itself: format, size, whose it is, which eye it shows, and when and by which device it was
//! taken.
//!
//! Only headers are read, from the *first bytes* of a file: [`inspect`] takes as many as the caller has, and says when
//! it needs more ([`Inspection::NeedsMore`]), at most [`HEADER_LIMIT`]. Nothing is decoded, nothing is allocated by a
//! length that a file declares, and the entries and the depth of every structure are limited, so that a hostile file
//! costs no more than an honest one.
//!
//! | format | identification is read from |
//! |---|---|
//! | DICOM (secondary capture, ophthalmic and visible-light photography, ophthalmic tomography) | AccessionNumber, PatientID, StudyInstanceUID, ImageLaterality, … |
//! | JPEG, PNG | EXIF: labeled values in ImageDescription or UserComment, see [`labels`] |
//!
//! Everything else is [`Unusable`], with a sentence that says what to do.

mod bytes;
mod dicom;
mod exif;
mod jpeg;
pub mod labels;
mod png;

use iris_model::Laterality;
use jiff::civil::DateTime;

/// The most bytes of a header that are read. Honest headers have a few kB; an embedded color profile or icon adds a few
/// hundred.
pub const HEADER_LIMIT: usize = 4 << 20;

/// The most pixels of one frame that a decoder may be asked to hold.
pub const PIXEL_LIMIT: u64 = 200_000_000;

/// The result of reading the first bytes of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Inspection {
    /// An image, with what it says about itself.
    Image(Box<Facts>),
    /// The header continues beyond the bytes given.
    NeedsMore,
}

/// The accepted file formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// DICOM, part 10 file.
    Dicom,
}

impl Format {
    /// The name that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "JPG",
            Self::Png => "PNG",
            Self::Dicom => "DCM",
        }
    }
}

/// What an image says about itself. Texts are trimmed, have no control characters, and are at most
/// [`labels::VALUE_LIMIT`] characters long; others are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The file format; `None` only while the value is under construction.
    pub format: Option<Format>,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// The device's id of the order.
    pub accession_number: Option<String>,
    /// The device's id of the patient.
    pub patient_id: Option<String>,
    /// The DICOM study.
    pub study_instance_uid: Option<String>,
    /// The eye it shows.
    pub laterality: Option<Laterality>,
    /// When it was taken, in the device's local time.
    pub taken: Option<DateTime>,
    /// Serial number of the device.
    pub device: Option<String>,
}

/// Why a file is refused as an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Not an accepted format.
    #[error("This is not an image of a format that is taken. Upload JPEG, PNG or DICOM files.")]
    Format,
    /// A DICOM file that is not an image of the eye.
    #[error(
        "This DICOM file is not a photograph or tomography: its SOP class is not one that is taken. Upload ophthalmic \
         photography, ophthalmic tomography, visible-light photography or secondary capture images."
    )]
    SopClass,
    /// A DICOM file whose header is compressed or has an unsupported encoding.
    #[error(
        "The transfer syntax of this DICOM file is not read. Export it in explicit or implicit VR little endian, or \
         with JPEG, JPEG 2000, JPEG-LS or RLE compressed pixels."
    )]
    TransferSyntax,
    /// It is incomplete, or contradicts itself.
    #[error("The file is damaged or incomplete: {0}. Export it anew and upload it again.")]
    Damaged(&'static str),
    /// It exceeds what any honest file needs.
    #[error("The file is beyond what is read: {0}. Export it without embedded extras and upload it again.")]
    Excessive(&'static str),
}

/// The JPEG within a complete DICOM file whose pixels are one. No other file has a picture that could be shown without
/// decoding it: uncompressed pixels, JPEG 2000, lossless JPEG.
#[must_use]
pub fn embedded_jpeg(file: &[u8]) -> Option<Vec<u8>> {
    if dicom::is_dicom(file) { dicom::jpeg(file) } else { None }
}

/// Reads the header of a file of `length` bytes from its first bytes.
///
/// # Errors
/// [`Unusable`]; more bytes would not change it.
pub fn inspect(head: &[u8], length: u64) -> Result<Inspection, Unusable> {
    let whole = head.len() as u64 >= length;
    let read = if jpeg::is_jpeg(head) {
        jpeg::read(head)
    } else if png::is_png(head) {
        png::read(head)
    } else if dicom::is_dicom(head) {
        dicom::read(head, length)
    } else if head.len() < dicom::PREAMBLE && !whole {
        return Ok(Inspection::NeedsMore);
    } else {
        return Err(Unusable::Format);
    };
    match read {
        Ok(facts) => {
            let pixels = u64::from(facts.width) * u64::from(facts.height);
            match pixels {
                0 => Err(Unusable::Damaged("it has no pixels")),
                1..=PIXEL_LIMIT => Ok(Inspection::Image(Box::new(facts))),
                _ => Err(Unusable::Excessive("it has too many pixels")),
            }
        }
        Err(Stop::Unusable(unusable)) => Err(unusable),
        Err(Stop::End) if whole => Err(Unusable::Damaged("it ends within its header")),
        Err(Stop::End) if head.len() >= HEADER_LIMIT => Err(Unusable::Excessive("its header is longer than 4 MB")),
        Err(Stop::End) => Ok(Inspection::NeedsMore),
    }
}

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The available bytes are used up.
    End,
    /// The file is refused.
    Unusable(Unusable),
}

impl From<Unusable> for Stop {
    fn from(unusable: Unusable) -> Self {
        Self::Unusable(unusable)
    }
}
