//! Where in the document the reader is; written out only when there is something to report.

use std::borrow::Cow;
use std::fmt;

/// A place, linked to the places it lies in.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    /// The whole document.
    Root,
    /// A property.
    Property { parent: &'p Path<'p>, name: &'static str },
    /// An element of an array, 0 = first.
    Item { parent: &'p Path<'p>, index: usize },
}

impl<'p> Path<'p> {
    pub(super) fn property(&'p self, name: &'static str) -> Path<'p> {
        Path::Property { parent: self, name }
    }

    pub(super) fn item(&'p self, index: usize) -> Path<'p> {
        Path::Item { parent: self, index }
    }

    /// As issues have it: `Camera.Images[2].Laterality`.
    pub(super) fn text(&self) -> Cow<'static, str> {
        match self {
            Path::Root => Cow::Borrowed(""),
            Path::Property { parent: Path::Root, name } => Cow::Borrowed(name),
            path => Cow::Owned(path.to_string()),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Property { parent: Path::Root, name } => f.write_str(name),
            Path::Property { parent, name } => write!(f, "{parent}.{name}"),
            Path::Item { parent, index } => write!(f, "{parent}[{index}]"),
        }
    }
}
