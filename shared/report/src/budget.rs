//! A report of limited size: its images are scaled down until it fits.
//!
//! The text of a report takes some tens of kilobytes; its two images make it large. So only the resolution of the
//! images changes, never what the report says. The images are decoded once. The size of the first drawing tells how
//! large they may be, because an image's bytes grow roughly with its area.

use crate::document::Document;
use crate::picture::Scalable;
use crate::report::Report;
use crate::template::Template;
use crate::{Error, LeftOut, Limits, Renderer, compose, html, pdf};

/// The longest side of an image to try first, in pixels.
const LARGEST: u32 = 1_280;
/// The smallest side at which an image is still useful.
const SMALLEST: u32 = 320;

/// A drawing that fits, and the images it lacks. `None`: it does not fit even with the smallest images.
type Fitting<T> = Option<(T, Vec<LeftOut>)>;

impl Renderer {
    /// The PDF in at most `most` bytes.
    ///
    /// # Errors
    /// As [`Self::pdf`].
    pub fn pdf_within(&self, template: &Template, report: &Report, most: usize) -> Result<Fitting<Vec<u8>>, Error> {
        self.within(template, report, most, |document| pdf::write(document, &self.setter))
    }

    /// The HTML in at most `most` bytes.
    ///
    /// # Errors
    /// When an image that was read cannot be drawn, which no known input causes.
    pub fn html_within(&self, template: &Template, report: &Report, most: usize) -> Result<Fitting<String>, Error> {
        self.within(template, report, most, |document| Ok(html::write(document)))
    }

    fn within<T: AsRef<[u8]>>(
        &self,
        template: &Template,
        report: &Report,
        most: usize,
        write: impl Fn(&Document) -> Result<T, Error>,
    ) -> Result<Fitting<T>, Error> {
        let own = self.limits;
        let limits = Limits {
            unchanged_bytes: own.unchanged_bytes.min(most / 4),
            unchanged_side: own.unchanged_side.min(LARGEST),
            scaled_side: own.scaled_side.min(LARGEST),
            ..own
        };
        let images = Scalable::new(report, &limits, &self.gate);
        let mut side = LARGEST;
        loop {
            let (pictures, shown) = images.at(side).map_err(|_| Error::Write("image"))?;
            let written = write(&compose::compose(template, report, &pictures))?;
            let length = written.as_ref().len();
            if length <= most {
                return Ok(Some((written, images.left_out)));
            }
            match next(side, length - most, shown) {
                Some(smaller) => side = smaller,
                None => return Ok(None),
            }
        }
    }
}

/// The side to try after a drawing that was `too_many` bytes too large, `shown` bytes of which were images. Always
/// smaller than the last, so the search ends.
fn next(side: u32, too_many: usize, shown: usize) -> Option<u32> {
    if side <= SMALLEST || shown == 0 {
        return None;
    }
    // In hundredths, and somewhat less than the area suggests: small images compress worse, and another drawing costs
    // more than a few pixels.
    let share = (shown.saturating_sub(too_many) * 10_000 / shown).isqrt() * 95 / 100;
    let smaller = u64::from(side) * share as u64 / 100;
    Some(u32::try_from(smaller).unwrap_or(side).clamp(SMALLEST, side - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EvaluationType;
    use crate::sample;
    use crate::template::default_source;
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, ImageEncoder as _, RgbImage};
    use std::sync::Arc;

    /// A picture with a lot of detail.
    fn picture(side: u32) -> Arc<[u8]> {
        let image = RgbImage::from_fn(side, side, |x, y| {
            let grain = u8::try_from((x.wrapping_mul(7919) ^ y.wrapping_mul(104_729)) % 40).unwrap();
            image::Rgb([120 + grain, u8::try_from(x * 90 / side).unwrap() + grain, 30 + grain / 2])
        });
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
        encoder.write_image(image.as_raw(), side, side, ExtendedColorType::Rgb8).unwrap();
        bytes.into()
    }

    fn exam(side: u32) -> (Template, Report) {
        let mut report = sample::report(EvaluationType::Dr);
        let image = Some(crate::report::EyeImage { bytes: picture(side), taken: None });
        (report.od.image, report.os.image) = (image.clone(), image);
        (Template::parse(default_source(EvaluationType::Dr)).unwrap(), report)
    }

    #[test]
    fn images_are_scaled_until_the_report_fits() {
        let renderer = Renderer::default();
        let (template, report) = exam(1_400);
        let (full, _) = renderer.pdf(&template, &report).unwrap();
        const MOST: usize = 174_000;
        assert!(full.len() > 2 * MOST, "{}", full.len());
        let (fitting, left_out) = renderer.pdf_within(&template, &report, MOST).unwrap().unwrap();
        assert!(fitting.len() <= MOST && left_out.is_empty(), "{}", fitting.len());
        assert!(fitting.len() > MOST / 3, "no smaller than it has to be: {}", fitting.len());
        let again = renderer.pdf_within(&template, &report, MOST).unwrap().unwrap();
        assert_eq!(again.0, fitting, "the same report gives the same bytes");
        let (fitting, _) = renderer.html_within(&template, &report, MOST).unwrap().unwrap();
        assert!(fitting.len() <= MOST, "{}", fitting.len());
    }

    #[test]
    fn what_cannot_fit_is_said() {
        let renderer = Renderer::default();
        let (template, report) = exam(200);
        assert_eq!(renderer.pdf_within(&template, &report, 1_000).unwrap().map(|_| ()), None);
        assert!(renderer.html_within(&template, &report, 1_000).unwrap().is_none());
    }
}
