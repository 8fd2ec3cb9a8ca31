//! A report of so many bytes: its images are shown smaller, until it fits.
//!
//! The text of a report is some tens of kilobytes; what makes it large are its two images. So only their size on the page's pixels changes,
//! never what the report says. The steps are few: each costs a decoding.

use crate::picture;
use crate::report::Report;
use crate::template::Template;
use crate::{Error, LeftOut, Limits, Renderer, compose, html, pdf};

/// Longest sides of an image, in pixels, from the largest that is tried to the smallest that still shows something.
const SIDES: [u32; 6] = [1_280, 1_024, 800, 640, 480, 320];

/// A PDF that is small enough, and what is not on it.
type Fitting = (Vec<u8>, Vec<LeftOut>);

impl Renderer {
    /// The PDF in at most so many bytes. `full` is the length of [`Self::pdf`]: it tells which steps are not worth trying. `None`: it does not
    /// fit with the smallest images either.
    ///
    /// # Errors
    /// As [`Self::pdf`].
    pub fn pdf_within(
        &self,
        template: &Template,
        report: &Report,
        most: usize,
        full: usize,
    ) -> Result<Option<Fitting>, Error> {
        for limits in self.steps(most, full) {
            let (pictures, left_out) = picture::prepare(report, &limits, &self.gate);
            let bytes = pdf::write(&compose::compose(template, report, &pictures), &self.setter)?;
            if bytes.len() <= most {
                return Ok(Some((bytes, left_out)));
            }
        }
        Ok(None)
    }

    /// The HTML in at most so many bytes; `full` is the length of [`Self::html`].
    #[must_use]
    pub fn html_within(
        &self,
        template: &Template,
        report: &Report,
        most: usize,
        full: usize,
    ) -> Option<(String, Vec<LeftOut>)> {
        self.steps(most, full).find_map(|limits| {
            let (pictures, left_out) = picture::prepare(report, &limits, &self.gate);
            let text = html::write(&compose::compose(template, report, &pictures));
            (text.len() <= most).then_some((text, left_out))
        })
    }

    /// What images may be, step by step. An image's bytes grow with its area; steps that would leave twice the room that there is are
    /// passed over.
    fn steps(&self, most: usize, full: usize) -> impl Iterator<Item = Limits> {
        let own = self.limits;
        let worth_trying = move |side: &u32| {
            let area = |side: u32| u64::from(side) * u64::from(side);
            let (most, full) = (most as u64, full as u64);
            let expected = full.saturating_mul(area(*side)) / area(own.scaled_side.max(1));
            SIDES.last() == Some(side) || expected <= most.saturating_mul(2)
        };
        SIDES.into_iter().filter(worth_trying).map(move |side| Limits {
            unchanged_bytes: own.unchanged_bytes.min(most / 4),
            unchanged_side: own.unchanged_side.min(side),
            scaled_side: own.scaled_side.min(side),
            ..own
        })
    }
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

    /// A picture with much detail.
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
        let (fitting, left_out) = renderer.pdf_within(&template, &report, MOST, full.len()).unwrap().unwrap();
        assert!(fitting.len() <= MOST && left_out.is_empty(), "{}", fitting.len());
        assert!(fitting.len() > MOST / 3, "no smaller than it has to be: {}", fitting.len());
        let again = renderer.pdf_within(&template, &report, MOST, full.len()).unwrap().unwrap();
        assert_eq!(again.0, fitting, "the same report gives the same bytes");
        let (full, _) = renderer.html(&template, &report);
        let (fitting, _) = renderer.html_within(&template, &report, MOST, full.len()).unwrap();
        assert!(fitting.len() <= MOST, "{}", fitting.len());
    }

    #[test]
    fn what_cannot_fit_is_said() {
        let renderer = Renderer::default();
        let (template, report) = exam(200);
        assert_eq!(renderer.pdf_within(&template, &report, 1_000, 200_000).unwrap().map(|_| ()), None);
        assert!(renderer.html_within(&template, &report, 1_000, 200_000).is_none());
    }
}
