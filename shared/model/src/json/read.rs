//! From bytes to a tree: serde_json's tokenizer with our caps, and errors that name the place and what to do.

use super::{Node, Number, SIZE_LIMIT};
use crate::{Issue, IssueCode};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// The deepest nesting of arrays and objects.
pub const DEPTH_LIMIT: usize = 64;

/// Where a text starts in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Line, 1 = first.
    pub(super) line: usize,
    /// Byte within the line, 1 = first.
    pub(super) column: usize,
}

impl Position {
    /// The start of a file.
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

/// Reads one JSON document. A byte-order mark in front is skipped.
///
/// Issues: `empty`, `too-large`, `bad-encoding`, `too-deep`, or `bad-json` with line and column.
pub fn parse(bytes: &[u8]) -> Result<Node<'_>, Issue> {
    if bytes.len() > SIZE_LIMIT {
        return Err(Issue::error(
            IssueCode::TooLarge,
            "",
            "The message is larger than 1 MB. Send one order per message.",
        ));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err(Issue::error(IssueCode::Empty, "", "There is no content. Send an OrderRequest as JSON."));
    }
    parse_at(bytes, Position::START)
}

/// Reads one JSON document that starts at this place of a file.
pub(super) fn parse_at(bytes: &[u8], start: Position) -> Result<Node<'_>, Issue> {
    let text = std::str::from_utf8(bytes).map_err(|error| encoding(bytes, error.valid_up_to(), start))?;
    let too_deep = Cell::new(false);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let tree = Tree { room: DEPTH_LIMIT, too_deep: &too_deep }.deserialize(&mut deserializer);
    tree.and_then(|node| deserializer.end().map(|()| node)).map_err(|error| {
        if too_deep.get() {
            let message = format!("Arrays and objects are nested more than {DEPTH_LIMIT} deep.");
            return Issue::error(IssueCode::TooDeep, "", message);
        }
        let place = place(start, error.line(), error.column());
        syntax(place, hint(&error.to_string(), text, error.line(), error.column()))
    })
}

/// The issue of a syntax error.
pub(super) fn syntax(place: Position, hint: &str) -> Issue {
    let Position { line, column } = place;
    Issue::error(IssueCode::BadJson, "", format!("Not well-formed JSON at line {line}, column {column}: {hint}"))
}

fn encoding(bytes: &[u8], valid: usize, start: Position) -> Issue {
    let before = bytes.get(..valid).unwrap_or_default();
    let line = start.line + before.iter().filter(|byte| **byte == b'\n').count();
    let message = format!("The text is not UTF-8 (line {line}). Save or send it in the encoding UTF-8.");
    Issue::error(IssueCode::BadEncoding, "", message)
}

/// A place within a text as a place of the file the text starts in.
fn place(start: Position, line: usize, column: usize) -> Position {
    if line <= 1 {
        Position { line: start.line, column: start.column + column.saturating_sub(1) }
    } else {
        Position { line: start.line + line - 1, column: column.max(1) }
    }
}

/// What is probably wrong and what to do about it.
fn hint(error: &str, text: &str, line: usize, column: usize) -> &'static str {
    let found =
        text.split('\n').nth(line.saturating_sub(1)).and_then(|text| text.as_bytes().get(column.saturating_sub(1)));
    if error.starts_with("trailing comma") {
        "there is a comma before a closing bracket. Remove the comma."
    } else if error.starts_with("EOF") {
        "the text ends too early. It was cut off, or a quotation mark or closing bracket is missing."
    } else if error.starts_with("trailing characters") {
        "there is more text after the end of the value. Send one value; a file of several has one per line, or an \
         array."
    } else if error.starts_with("expected `,` or") {
        "a comma is missing between two values, or a quotation mark inside a text is not written as \\\"."
    } else if error.starts_with("expected `:`") {
        "a colon is missing after a property name."
    } else if matches!(found, Some(b'\'')) {
        "text is put in double quotation marks (\"), not in single ones."
    } else if matches!(found, Some(b'/')) {
        "comments are not allowed in JSON. Remove the comment."
    } else if error.starts_with("key must be a string") {
        "property names are put in double quotation marks."
    } else if error.starts_with("control character") {
        "a line break, tab or other control character stands inside a text. Write it as \\n or \\t."
    } else if error.contains("escape") || error.contains("surrogate") || error.contains("unicode") {
        "a backslash inside a text is followed by something that has no meaning. Write a backslash itself as \\\\."
    } else if error.contains("number") || matches!(found, Some(b'+' | b'.')) {
        "this is not a number as JSON has them. Numbers have no leading zero or plus sign; put identifiers in \
         quotation marks."
    } else if error.starts_with("expected ident") || found.is_some_and(u8::is_ascii_alphabetic) {
        "a word stands without quotation marks. Only true, false and null may, in lower case."
    } else {
        "a value is missing here. Put text in double quotation marks."
    }
}

/// Builds the tree, counting down the depth that is left.
#[derive(Clone, Copy)]
struct Tree<'c> {
    room: usize,
    too_deep: &'c Cell<bool>,
}

impl Tree<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.room.checked_sub(1) {
            Some(room) => Ok(Self { room, ..self }),
            None => {
                self.too_deep.set(true);
                Err(E::custom("nested too deeply"))
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(Number::Integer(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(i64::try_from(value).map_or(Number::Large(value), Number::Integer)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Node::Number(Number::Float(value)))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Node::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(Key)? {
            entries.push((key, access.next_value_seed(inner)?));
        }
        Ok(Node::Object(entries))
    }
}

/// A property name, borrowed where possible.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property name")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}
