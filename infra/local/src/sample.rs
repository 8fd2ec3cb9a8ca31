//! The sample organization, built in so that the program works from any folder.

/// Its short name.
pub(crate) const SLUG: &str = "harborview";

/// Its document.
pub(crate) const DOCUMENT: &str = include_str!("../../../samples/harborview.json");
