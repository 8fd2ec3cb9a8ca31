//! The images of both eyes as pixels: decoded once, drawn in as many sizes as necessary.

use super::redraw::Pixels;
use super::{Gate, LeftOut, Limits, Looked, Picture, Pictures, Refusal, Which, kept, logo_of, look, redraw};
use crate::report::{EyeImage, Report};

/// JPEG quality when every byte counts: more pixels at 80 show more than fewer at 88.
const QUALITY: u8 = 80;

/// The images of a report, kept so that they can be drawn smaller.
pub(crate) struct Scalable {
    right: Option<Eye>,
    left: Option<Eye>,
    logo: Option<Picture>,
    /// Images that cannot be shown in any size.
    pub(crate) left_out: Vec<LeftOut>,
}

struct Eye {
    pixels: Pixels,
    /// The original file, if it is small.
    unchanged: Option<Picture>,
}

impl Scalable {
    /// Decodes the images to at most [`Limits::scaled_side`]; `limits` also say which files are small enough to stay
    /// unchanged.
    pub(crate) fn new(report: &Report, limits: &Limits, gate: &Gate) -> Self {
        let mut left_out = Vec::new();
        let eye = |image: &EyeImage| {
            let mut looked: Looked<'_> = look(&image.bytes, limits)?;
            let unchanged = looked.unchanged(limits);
            Ok(Eye { pixels: redraw::pixels(&looked, limits, gate)?, unchanged })
        };
        Self {
            right: kept(Which::RightEye, report.od.image.as_ref().map(eye), &mut left_out),
            left: kept(Which::LeftEye, report.os.image.as_ref().map(eye), &mut left_out),
            logo: logo_of(report, limits, gate, &mut left_out),
            left_out,
        }
    }

    /// The images scaled to at most `side` pixels, and how many bytes the images of the eyes take.
    pub(crate) fn at(&self, side: u32) -> Result<(Pictures, usize), Refusal> {
        let draw = |eye: &Option<Eye>| eye.as_ref().map(|eye| eye.at(side)).transpose();
        let (right, left) = (draw(&self.right)?, draw(&self.left)?);
        let bytes = [&right, &left].into_iter().flatten().map(|picture| picture.bytes.len()).sum();
        Ok((Pictures { right, left, logo: self.logo.clone() }, bytes))
    }
}

impl Eye {
    fn at(&self, side: u32) -> Result<Picture, Refusal> {
        match &self.unchanged {
            Some(picture) if picture.width.max(picture.height) <= side => Ok(picture.clone()),
            _ => self.pixels.jpeg(side, QUALITY),
        }
    }
}
