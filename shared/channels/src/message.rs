//! The OrderResult in the form a destination reads.

use crate::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iris_model::organization::ResultSettings;
use iris_model::result::{DocumentLocation, ResultsDocument, compatible};

/// The report embedded in a result.
#[derive(Debug, Clone, Copy)]
pub enum Embedded<'a> {
    /// No report: the result alone.
    Nothing,
    /// As PDF.
    Pdf(&'a [u8]),
    /// As HTML.
    Html(&'a str),
}

impl Embedded<'_> {
    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Pdf(_) => Some("PDF"),
            Self::Html(_) => Some("HTML"),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Nothing => &[],
            Self::Pdf(bytes) => bytes,
            Self::Html(text) => text.as_bytes(),
        }
    }
}

/// The ending of a result's file name, if it is sent as a file.
pub const FILE_ENDING: &str = ".json";

/// The result as JSON, written as the settings require (decision 132), with the report embedded
/// (iris-facts §3.14, §5.1).
#[must_use]
pub fn message(result: &Result, embedded: Embedded<'_>, settings: &ResultSettings) -> String {
    let report = embedded.kind().map(|kind| ResultsDocument {
        kind: kind.to_owned(),
        encoding: "Base64".to_owned(),
        content: Some(STANDARD.encode(embedded.bytes())),
        location: None,
    });
    written(result, report, settings)
}

/// The same result without the report's content, and with the place where the complete one is. All findings are still
/// in it, so that nobody takes a result that is too large for a message for one without findings (decision 287).
/// `None`: there is no report to leave out.
#[must_use]
pub fn located(
    result: &Result,
    embedded: Embedded<'_>,
    location: DocumentLocation,
    settings: &ResultSettings,
) -> Option<String> {
    let report = ResultsDocument {
        kind: embedded.kind()?.to_owned(),
        encoding: "Base64".to_owned(),
        content: None,
        location: Some(location),
    };
    Some(written(result, Some(report), settings))
}

fn written(result: &Result, report: Option<ResultsDocument>, settings: &ResultSettings) -> String {
    let mut document = result.document.clone();
    if let (Some(entries), Some(Ok(report))) = (document.as_object_mut(), report.map(serde_json::to_value)) {
        entries.insert("ResultsDocument".to_owned(), report);
    }
    compatible(document, settings).to_string()
}
