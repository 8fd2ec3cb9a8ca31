//! The OrderResult as a destination reads it.

use crate::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iris_model::organization::ResultSettings;
use iris_model::result::{ResultsDocument, compatible};

/// The report that goes into a result.
#[derive(Debug, Clone, Copy)]
pub enum Embedded<'a> {
    /// None: the result alone.
    Nothing,
    /// As PDF.
    Pdf(&'a [u8]),
    /// As HTML.
    Html(&'a str),
}

/// What the file of a result is called after, where it is a file.
pub const FILE_ENDING: &str = ".json";

/// The result as JSON, written as the settings want it (decision 132), with the report in it (iris-facts §3.14, §5.1).
#[must_use]
pub fn message(result: &Result, embedded: Embedded<'_>, settings: &ResultSettings) -> String {
    let mut document = result.document.clone();
    let (kind, bytes) = match embedded {
        Embedded::Nothing => return compatible(document, settings).to_string(),
        Embedded::Pdf(bytes) => ("PDF", bytes),
        Embedded::Html(text) => ("HTML", text.as_bytes()),
    };
    let report =
        ResultsDocument { kind: kind.to_owned(), encoding: "Base64".to_owned(), content: STANDARD.encode(bytes) };
    if let (Some(entries), Ok(report)) = (document.as_object_mut(), serde_json::to_value(report)) {
        entries.insert("ResultsDocument".to_owned(), report);
    }
    compatible(document, settings).to_string()
}
