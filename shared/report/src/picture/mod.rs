//! Makes images fit for a page, within limits that apply before anything is decoded.
//!
//! A JPEG is used as it is, minus its metadata (EXIF may name the patient, the operator or the place), if a PDF viewer
//! can show it: 8 bits, gray or color, not arithmetic-coded, upright. A JPEG that is too large, rotated or of another
//! kind, and every PNG, is decoded, turned upright, scaled down and written as a JPEG. An image that cannot be shown is
//! left out, and the page says that it is missing: a result is never held back because of a picture.

mod gate;
mod jpeg;
mod redraw;
mod scalable;

use std::sync::Arc;

pub(crate) use gate::Gate;
pub(crate) use scalable::Scalable;

use crate::report::{EyeImage, Report};

/// Limits on images. The defaults are what the platform uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest file accepted, in bytes. Default 32 MiB.
    pub file_bytes: usize,
    /// The longest side accepted, in pixels. Default 16,384.
    pub side: u32,
    /// The most pixels decoded at once over all reports of a renderer; an image with more is refused. Default 64
    /// million.
    pub pixels: u64,
    /// The largest JPEG used unchanged, in bytes. Default 1.5 MiB.
    pub unchanged_bytes: usize,
    /// The longest side of a JPEG used unchanged, in pixels. Default 4,096.
    pub unchanged_side: u32,
    /// The longest side after scaling down, in pixels. Default 1,600: about 500 per printed inch.
    pub scaled_side: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 32 << 20,
            side: 16_384,
            pixels: 64_000_000,
            unchanged_bytes: 3 << 19,
            unchanged_side: 4_096,
            scaled_side: 1_600,
        }
    }
}

/// Why an image is not in the report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither JPEG nor PNG.
    #[error("the file is neither a JPEG nor a PNG")]
    Format,
    /// More bytes than allowed.
    #[error("the file has {0} bytes, more than allowed")]
    TooLarge(usize),
    /// Sides longer than allowed, or of length zero.
    #[error("the image is {0} by {1} pixels, which is not allowed")]
    Dimensions(u32, u32),
    /// Its structure is broken.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
}

/// An image left out of a report; for the log and an alert, without personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The image.
    pub image: Which,
    /// Why it was left out.
    pub reason: Refusal,
}

/// An image of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Right eye.
    RightEye,
    /// Left eye.
    LeftEye,
    /// Logo of the letterhead.
    Logo,
}

/// File format of a [`Picture`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
}

/// An image ready to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) format: Format,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The images of one report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pictures {
    pub(crate) right: Option<Picture>,
    pub(crate) left: Option<Picture>,
    pub(crate) logo: Option<Picture>,
}

const LOGO_BYTES: usize = 256 << 10;
const LOGO_SIDE: u32 = 1_000;

/// Prepares the images of a report.
pub(crate) fn prepare(report: &Report, limits: &Limits, gate: &Gate) -> (Pictures, Vec<LeftOut>) {
    let mut left_out = Vec::new();
    let eye = |image: &EyeImage| picture(&image.bytes, limits, gate);
    let pictures = Pictures {
        right: kept(Which::RightEye, report.od.image.as_ref().map(eye), &mut left_out),
        left: kept(Which::LeftEye, report.os.image.as_ref().map(eye), &mut left_out),
        logo: logo_of(report, limits, gate, &mut left_out),
    };
    (pictures, left_out)
}

fn logo_of(report: &Report, limits: &Limits, gate: &Gate, left_out: &mut Vec<LeftOut>) -> Option<Picture> {
    kept(Which::Logo, report.letterhead.logo.as_ref().map(|bytes| logo(bytes, limits, gate)), left_out)
}

/// The image if it can be shown; otherwise the refusal is recorded.
fn kept<T>(image: Which, made: Option<Result<T, Refusal>>, left_out: &mut Vec<LeftOut>) -> Option<T> {
    made?.map_err(|reason| left_out.push(LeftOut { image, reason })).ok()
}

/// What is known about an image file before it is decoded.
struct Looked<'a> {
    bytes: &'a [u8],
    format: image::ImageFormat,
    /// EXIF orientation, 1 to 8; 1 is upright.
    orientation: u16,
    width: u32,
    height: u32,
    /// The file without metadata, if every viewer can show it as it is.
    stripped: Option<Vec<u8>>,
}

fn look<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Looked<'a>, Refusal> {
    if bytes.len() > limits.file_bytes {
        return Err(Refusal::TooLarge(bytes.len()));
    }
    let looked = if bytes.starts_with(&[0xff, 0xd8]) {
        let jpeg::Scan { width, height, plain, orientation, stripped } = jpeg::scan(bytes)?;
        let stripped = (plain && orientation == 1).then_some(stripped);
        Looked { bytes, format: image::ImageFormat::Jpeg, orientation, width, height, stripped }
    } else {
        let (width, height) = png_sides(bytes)?;
        Looked { bytes, format: image::ImageFormat::Png, orientation: 1, width, height, stripped: None }
    };
    check_sides(looked.width, looked.height, limits)?;
    Ok(looked)
}

impl Looked<'_> {
    /// The original file without metadata, if it may be used that way.
    fn unchanged(&mut self, limits: &Limits) -> Option<Picture> {
        let fits = self.bytes.len() <= limits.unchanged_bytes && self.width.max(self.height) <= limits.unchanged_side;
        let bytes = Arc::new(self.stripped.take().filter(|_| fits)?);
        Some(Picture { bytes, format: Format::Jpeg, width: self.width, height: self.height })
    }
}

fn picture(bytes: &[u8], limits: &Limits, gate: &Gate) -> Result<Picture, Refusal> {
    let mut looked = look(bytes, limits)?;
    match looked.unchanged(limits) {
        Some(picture) => Ok(picture),
        None => redraw::pixels(&looked, limits, gate)?.jpeg(limits.scaled_side, redraw::QUALITY),
    }
}

/// A logo must keep its transparency, so a PNG stays a PNG; it is small enough for the PDF writer to decode.
fn logo(bytes: &[u8], limits: &Limits, gate: &Gate) -> Result<Picture, Refusal> {
    if bytes.len() > LOGO_BYTES {
        return Err(Refusal::TooLarge(bytes.len()));
    }
    if bytes.starts_with(&[0xff, 0xd8]) {
        return picture(bytes, limits, gate);
    }
    let (width, height) = png_sides(bytes)?;
    check_sides(width, height, &Limits { side: LOGO_SIDE, ..*limits })?;
    redraw::check_png(bytes)?;
    Ok(Picture { bytes: Arc::new(bytes.to_vec()), format: Format::Png, width, height })
}

fn check_sides(width: u32, height: u32, limits: &Limits) -> Result<(), Refusal> {
    let pixels = u64::from(width) * u64::from(height);
    if width == 0 || height == 0 || width.max(height) > limits.side || pixels > limits.pixels {
        return Err(Refusal::Dimensions(width, height));
    }
    Ok(())
}

/// Width and height from a PNG's first chunk.
fn png_sides(bytes: &[u8]) -> Result<(u32, u32), Refusal> {
    const START: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR";
    let rest = bytes.strip_prefix(START).ok_or(Refusal::Format)?;
    let (width, rest) = rest.split_first_chunk().ok_or(Refusal::Damaged("no image header"))?;
    let height = rest.first_chunk().ok_or(Refusal::Damaged("no image header"))?;
    Ok((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}
