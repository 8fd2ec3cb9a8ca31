//! A graded order as a document for the patient: PDF (conforming to PDF/A-2a and PDF/UA-1) and HTML, from one template.
//!
//! ```text
//! Report ─┐
//!         ├─ compose ─► Document ─┬─ pdf ──► bytes
//! Template┘  (values,  (blocks)   └─ html ─► text
//!             pictures)
//! ```
//!
//! Everything here is a pure function of its input: no clock, no files, no network, no randomness. The same report
//! gives the same bytes. A [`Renderer`] only holds what is worth keeping between reports (fonts, caches) and bounds the
//! memory of images being decoded.
//!
//! A template is resolved site → organization → default ([`template::resolve`]), checked when it is saved
//! ([`template::Template::parse`]), and filled with values that are never read as markup.

mod budget;
mod clean;
mod compose;
mod document;
mod evaluation;
mod html;
mod pdf;
mod picture;
pub mod report;
pub mod sample;
pub mod template;
mod token;

pub use evaluation::title;
pub use iris_model::EvaluationType;
pub use pdf::Error;
pub use picture::{LeftOut, Limits, Refusal, Which};
pub use report::Report;
pub use token::{Kind, Token};

use document::Document;
use picture::Gate;
use template::Template;

/// A report in both forms.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// PDF file.
    pub pdf: Vec<u8>,
    /// One HTML file without external references.
    pub html: String,
    /// Images that could not be shown; the page says so in their place.
    pub left_out: Vec<LeftOut>,
}

/// Renders reports; one per process. Any number of threads may use it at once; they should be threads that may block.
pub struct Renderer {
    limits: Limits,
    gate: Gate,
    setter: pdf::Setter,
}

impl Default for Renderer {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Renderer {
    /// A renderer with these limits for images.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, gate: Gate::new(limits.pixels), setter: pdf::Setter::default() }
    }

    /// Both forms.
    ///
    /// # Errors
    /// When the PDF cannot be written, which no known input causes.
    pub fn render(&self, template: &Template, report: &Report) -> Result<Rendered, Error> {
        let (document, left_out) = self.compose(template, report);
        Ok(Rendered { pdf: pdf::write(&document, &self.setter)?, html: html::write(&document), left_out })
    }

    /// The PDF alone.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn pdf(&self, template: &Template, report: &Report) -> Result<(Vec<u8>, Vec<LeftOut>), Error> {
        let (document, left_out) = self.compose(template, report);
        Ok((pdf::write(&document, &self.setter)?, left_out))
    }

    /// The HTML alone.
    #[must_use]
    pub fn html(&self, template: &Template, report: &Report) -> (String, Vec<LeftOut>) {
        let (document, left_out) = self.compose(template, report);
        (html::write(&document), left_out)
    }

    fn compose(&self, template: &Template, report: &Report) -> (Document, Vec<LeftOut>) {
        let (pictures, left_out) = picture::prepare(report, &self.limits, &self.gate);
        (compose::compose(template, report, &pictures), left_out)
    }
}
