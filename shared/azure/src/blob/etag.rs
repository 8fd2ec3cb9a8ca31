//! The version of a blob.

use std::fmt::{Display, Formatter};

/// An entity tag. Services write it with quotes in headers, and without in listings and most events; here both are
/// equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Etag(String);

impl Etag {
    /// Reads a tag with or without quotes; `None` when nothing is left of it.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.trim().trim_start_matches("W/").trim_matches('"');
        let visible = |b: u8| b.is_ascii_graphic() && b != b'"';
        (!bare.is_empty() && bare.len() <= 256 && bare.bytes().all(visible)).then(|| Self(bare.to_owned()))
    }

    /// The tag without quotes, the form to store.
    pub fn bare(&self) -> &str {
        &self.0
    }
}

impl Display for Etag {
    /// With quotes, as in a header.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "\"{}\"", self.0)
    }
}

impl From<&Etag> for azure_core::http::Etag {
    fn from(etag: &Etag) -> Self {
        Self::from(etag.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_make_no_difference() {
        for text in ["0x8DE2", "\"0x8DE2\"", " \"0x8DE2\" ", "W/\"0x8DE2\""] {
            assert_eq!(Etag::parse(text).unwrap().to_string(), "\"0x8DE2\"");
        }
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_no_tag() {
        for text in ["", "\"\"", "a b", "a\r\nb", "a\"b", &"x".repeat(257)] {
            assert_eq!(Etag::parse(text), None);
        }
    }
}
