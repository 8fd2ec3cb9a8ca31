//! JSON as a tree of our own, read with limits from untrusted bytes.
//!
//! Text is borrowed from the input where it has no escapes. Objects keep their properties in order, repeated ones
//! included, so that a reader can report them; numbers keep their digits. [`parse`] reads one message; [`Elements`]
//! reads one element after the other from a file of any length.

mod elements;
mod input;
mod read;

pub use elements::{Element, Elements, ReadError};
pub use read::{DEPTH_LIMIT, parse};

use std::borrow::Cow;

/// The largest message or element of a file, in bytes (design §7).
pub const SIZE_LIMIT: usize = 1024 * 1024;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text, escapes resolved.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Node<'a>>),
    /// An object: its properties in the order sent, repeated ones included.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// A JSON number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Integer(i64),
    /// A whole number beyond `i64`.
    Large(u64),
    /// Any other number. One with more digits than `f64` has was rounded.
    Float(f64),
}

impl Number {
    /// The number as text, where that is surely what was sent: whole numbers, and fractions small enough to be exact. A
    /// whole number that was sent with a fraction or an exponent keeps a fraction of `.0`, because as an id it is no
    /// longer the same.
    #[must_use]
    pub fn text(self) -> Option<String> {
        /// Above this, `f64` skips whole numbers.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match self {
            Self::Integer(number) => Some(number.to_string()),
            Self::Large(number) => Some(number.to_string()),
            Self::Float(number) if number.abs() >= EXACT => None,
            Self::Float(number) if number.fract() == 0.0 => Some(format!("{number:.1}")),
            Self::Float(number) => Some(number.to_string()),
        }
    }

    /// The number, if it is whole and fits.
    #[must_use]
    pub fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(number),
            Self::Large(_) => None,
            Self::Float(number) if number.fract() == 0.0 => {
                Self::Float(number).text()?.strip_suffix(".0")?.parse().ok()
            }
            Self::Float(_) => None,
        }
    }
}

impl<'a> Node<'a> {
    /// True for what stands for "not set": `null`, text of white space only, and arrays and objects that hold nothing
    /// else (iris-facts §13 #4).
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(_) | Self::Number(_) => false,
            Self::Text(text) => text.trim().is_empty(),
            Self::Array(items) => items.iter().all(Self::is_blank),
            Self::Object(entries) => entries.iter().all(|(_, value)| value.is_blank()),
        }
    }

    /// The properties, when it is an object.
    #[must_use]
    pub fn entries(&self) -> Option<&[(Cow<'a, str>, Node<'a>)]> {
        match self {
            Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// The first property of this name, compared without regard to case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.entries()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// A single value as the text a cell would hold: empty for `null`. `None` for arrays, objects, and numbers that
    /// lost digits.
    #[must_use]
    pub fn cell(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Null => Some(Cow::Borrowed("")),
            Self::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Self::Number(number) => number.text().map(Cow::Owned),
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The path of the first property that is in its object more than once, compared exactly.
    #[must_use]
    pub fn repeated_property(&self) -> Option<String> {
        let within = |place: String, child: &Self| {
            child
                .repeated_property()
                .map(|path| if path.starts_with('[') { place + &path } else { format!("{place}.{path}") })
        };
        match self {
            Self::Object(entries) => {
                let mut seen = std::collections::HashSet::new();
                let own = entries.iter().find(|(key, _)| !seen.insert(key.as_ref()));
                own.map(|(key, _)| key.to_string())
                    .or_else(|| entries.iter().find_map(|(key, child)| within(key.to_string(), child)))
            }
            Self::Array(items) => {
                items.iter().enumerate().find_map(|(index, child)| within(format!("[{index}]"), child))
            }
            _ => None,
        }
    }

    /// What it is, for messages: `text`, `a number` …
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The same tree, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Node<'static> {
        match self {
            Self::Null => Node::Null,
            Self::Bool(value) => Node::Bool(value),
            Self::Number(number) => Node::Number(number),
            Self::Text(text) => Node::Text(Cow::Owned(text.into_owned())),
            Self::Array(items) => Node::Array(items.into_iter().map(Node::into_owned).collect()),
            Self::Object(entries) => Node::Object(
                entries.into_iter().map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned())).collect(),
            ),
        }
    }
}
