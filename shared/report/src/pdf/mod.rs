//! Document → PDF: PDF/A-2a for archives and PDF/UA-1 for screen readers, in one file.
//!
//! `piece` measures, `page` breaks into pages and records the structure, `draw` writes. The writing library (krilla)
//! checks every rule of both standards that software can check, and refuses to write a file that breaks one. The same
//! document gives the same bytes: nothing depends on a clock or on randomness.

mod draw;
mod fonts;
mod page;
mod piece;
mod text;
mod theme;

use jiff::tz::TimeZone;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder, ValidationError};
use krilla::error::KrillaError;
use krilla::metadata::{DateTime, Metadata, TextDirection};
use krilla::{Document as Pdf, SerializeSettings};

use crate::document::Document;
use page::Paginated;
use piece::Measure;
use text::Typesetter;
pub(crate) use text_setter::Setter;

mod text_setter {
    use std::sync::{Mutex, PoisonError};

    use super::text::Typesetter;

    /// Idle typesetters; as many as reports were ever rendered at once.
    #[derive(Default)]
    pub(crate) struct Setter {
        resting: Mutex<Vec<Typesetter>>,
    }

    impl Setter {
        pub(super) fn take(&self) -> Typesetter {
            self.resting.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(Typesetter::new)
        }

        pub(super) fn rest(&self, typesetter: Typesetter) {
            self.resting.lock().unwrap_or_else(PoisonError::into_inner).push(typesetter);
        }
    }
}

/// Why a PDF could not be written. No known input causes this.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The standards cannot be combined: a defect of this crate.
    #[error("the PDF standards cannot be combined")]
    Configuration,
    /// The document breaks a rule of the standards: a defect of this crate.
    #[error("the PDF breaks {0} rules of PDF/A or PDF/UA, the first: {1}")]
    Standard(usize, &'static str),
    /// A font or image could not be embedded: a defect of this crate.
    #[error("the PDF cannot be written: {0}")]
    Write(&'static str),
}

/// Writes a document as PDF.
pub(crate) fn write(document: &Document, setter: &Setter) -> Result<Vec<u8>, Error> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|_| Error::Configuration)?;
    let settings = SerializeSettings { configuration, ..SerializeSettings::default() };
    let mut pdf = Pdf::new_with(settings);
    let mut typesetter = setter.take();
    let paginated = pages(document, &mut typesetter);
    draw::draw(&mut pdf, document, &paginated, &mut typesetter);
    setter.rest(typesetter);
    pdf.set_metadata(metadata(document));
    pdf.finish().map_err(|error| match error {
        KrillaError::Validation(broken) => {
            Error::Standard(broken.len(), broken.first().map_or("none", |(rule, _)| name(rule)))
        }
        KrillaError::Font(..) => Error::Write("font"),
        KrillaError::Image(..) => Error::Write("image"),
        _ => Error::Write("other"),
    })
}

/// Breaks the document into pages. If it would run over onto a second page by a few lines, it is set more tightly
/// instead.
fn pages(document: &Document, typesetter: &mut Typesetter) -> Paginated {
    let mut paginate = |fit: theme::Fit| {
        let mut measure = Measure { typesetter: &mut *typesetter, document, image_height: fit.image_height };
        let mut pieces = measure.blocks(&document.header, theme::WIDTH);
        pieces.extend(measure.blocks(&document.body, theme::WIDTH));
        pieces.iter_mut().for_each(|piece| piece.before *= fit.spacing);
        page::paginate(pieces)
    };
    let full = paginate(theme::FIT);
    if full.pages.len() != 2 {
        return full;
    }
    let fitting = theme::TIGHTER.into_iter().map(paginate).find(|tighter| tighter.pages.len() == 1);
    fitting.unwrap_or(full)
}

/// The name of a broken rule, without the text that broke it.
fn name(rule: &ValidationError) -> &'static str {
    match rule {
        ValidationError::TooLongString | ValidationError::TooLongName | ValidationError::TooLongArray => "length",
        ValidationError::TooManyIndirectObjects => "number of objects",
        ValidationError::ContainsNotDefGlyph(..) => "missing glyph",
        ValidationError::NoCodepointMapping(..) => "glyph without text",
        ValidationError::InvalidCodepointMapping(..) => "invalid text of a glyph",
        ValidationError::UnicodePrivateArea(..) => "private-use text",
        ValidationError::RestrictedLicense(..) => "font license",
        ValidationError::MissingAltText(..) | ValidationError::MissingAnnotationAltText(..) => {
            "picture without description"
        }
        ValidationError::MissingHeadingTitle | ValidationError::MissingDocumentOutline => "headings",
        ValidationError::MissingTagging => "structure",
        _ => "another",
    }
}

fn metadata(document: &Document) -> Metadata {
    let about = &document.metadata;
    let issued = about.issued.to_zoned(TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let date = DateTime::new(u16::try_from(issued.year()).unwrap_or(0))
        .month(part(issued.month()))
        .day(part(issued.day()))
        .hour(part(issued.hour()))
        .minute(part(issued.minute()))
        .second(part(issued.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    let mut metadata = Metadata::new()
        .title(document.title.clone())
        .description(about.subject.clone())
        .keywords(about.keywords.clone())
        .creator("IRIS".to_owned())
        .producer(concat!("iris-report ", env!("CARGO_PKG_VERSION")).to_owned())
        .language("en-US".to_owned())
        .text_direction(TextDirection::LeftToRight)
        .document_id(about.keywords.join(";"))
        .creation_date(date);
    if !about.author.is_empty() {
        metadata = metadata.authors(vec![about.author.clone()]);
    }
    metadata
}
