//! Lines and texts of instructions, parsed.

use super::filter::Filter;
use super::problem::Wrong;
use super::value::{List, Part, Path, Sort};
use crate::tree::{Components, Repetitions, Subcomponents};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Path(Path),
    /// A part of an item of the rule's list.
    Part(Part),
    /// The running number of the segment.
    Running,
    /// MSH-12.
    Version,
    /// MSH-9.3, from 2.5 on.
    Structure,
}

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Value { source: Source, filters: Vec<Filter> },
}

/// The content of one place.
pub(super) type Leaf = Vec<Piece>;

/// What makes a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Fixed(Repetitions<Leaf>),
    /// One repetition per item.
    Each(List, Components<Leaf>),
}

impl Default for Field {
    fn default() -> Self {
        Self::Fixed(Vec::new())
    }
}

impl Field {
    /// Whether nothing can ever be in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Fixed(repetitions) => repetitions.iter().flatten().flatten().all(Vec::is_empty),
            Self::Each(..) => false,
        }
    }

    /// The components that a place in the field refers to: those of its first repetition, or of each.
    pub(super) fn components(&mut self) -> &mut Components<Leaf> {
        match self {
            Self::Fixed(repetitions) => crate::tree::grown(repetitions, 1),
            Self::Each(_, components) => components,
        }
    }
}

/// The parts between separators, ignoring those inside braces.
pub(super) fn split(text: &str, separator: char) -> Result<Vec<&str>, Wrong> {
    let mut parts = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, char) in text.char_indices() {
        match char {
            '{' if inside => return Err(Wrong::Brace),
            '}' if !inside => return Err(Wrong::Brace),
            '{' | '}' => inside = !inside,
            char if char == separator && !inside => {
                parts.extend(text.get(start..at));
                start = at + char.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    if inside { Err(Wrong::Brace) } else { Ok(parts) }
}

/// Repetitions, components and subcomponents of a text.
pub(super) fn field(text: &str, list: Option<List>) -> Result<Repetitions<Leaf>, Wrong> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    split(text, '~')?.into_iter().map(|repetition| components(repetition, list)).collect()
}

pub(super) fn components(text: &str, list: Option<List>) -> Result<Components<Leaf>, Wrong> {
    split(text, '^')?.into_iter().map(|component| subcomponents(component, list)).collect()
}

pub(super) fn subcomponents(text: &str, list: Option<List>) -> Result<Subcomponents<Leaf>, Wrong> {
    split(text, '&')?.into_iter().map(|leaf_text| leaf(leaf_text, list)).collect()
}

/// Literal text and values.
pub(super) fn leaf(text: &str, list: Option<List>) -> Result<Leaf, Wrong> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (literal, value) = rest.split_at(rest.find(['{', '}']).unwrap_or(rest.len()));
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal.to_owned()));
        }
        rest = match value.strip_prefix('{') {
            Some(inner) => {
                let (inner, after) = inner.split_once('}').ok_or(Wrong::Brace)?;
                pieces.push(value_of(inner, list)?);
                after
            }
            None if value.is_empty() => value,
            None => return Err(Wrong::Brace),
        };
    }
    Ok(pieces)
}

/// What a name means within a rule over this list, and its kind.
pub(super) fn source(name: &str, list: Option<List>) -> Result<(Source, Sort), Wrong> {
    let unknown = || Wrong::Value(name.to_owned());
    Ok(match name {
        "n" => (Source::Running, Sort::Text),
        "version" => (Source::Version, Sort::Text),
        "structure" => (Source::Structure, Sort::Text),
        name if name == "it" || name.starts_with("it.") => {
            (Source::Part(list.and_then(|list| list.part(name)).ok_or_else(unknown)?), Sort::Text)
        }
        name => {
            let path = Path::from_name(name).ok_or_else(unknown)?;
            (Source::Path(path), path.sort())
        }
    })
}

fn value_of(text: &str, list: Option<List>) -> Result<Piece, Wrong> {
    let mut parts = text.split('|');
    let (source, sort) = source(parts.next().unwrap_or_default(), list)?;
    let mut filters = Vec::new();
    for part in parts {
        let filter = Filter::parse(part).filter(|filter| filter.fits(sort, filters.len()));
        filters.push(filter.ok_or_else(|| Wrong::Filter(part.to_owned()))?);
    }
    Ok(Piece::Value { source, filters })
}
