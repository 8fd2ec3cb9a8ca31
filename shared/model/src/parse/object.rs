//! Reading the properties of one object, whatever their spelling, and noting what was not understood.

use super::path::Path;
use crate::enumeration::WireEnum;
use crate::issue::quoted;
use crate::json::Node;
use crate::organization::DateOrder;
use crate::value::{self, ValueError};
use crate::{ClientGuid, DateTimeOffset, Issue, IssueCode, state};
use jiff::civil::{Date, DateTime};
use std::borrow::Cow;

/// The most issues reported about one document; a document with more is broken as a whole.
const ISSUE_LIMIT: usize = 100;
/// The most properties of one object that are looked at; the model's largest object has 15.
const PROPERTY_LIMIT: usize = 128;
/// The most elements of one list.
const LIST_LIMIT: usize = 1_000;

/// The issues found while reading one document.
#[derive(Default)]
pub(super) struct Findings {
    issues: Vec<Issue>,
    /// Set when there are issues beyond the limit: whether one of them was an error.
    beyond: Option<bool>,
}

impl Findings {
    pub(super) fn add(&mut self, issue: Issue) {
        if self.issues.len() < ISSUE_LIMIT {
            self.issues.push(issue);
        } else {
            self.beyond = Some(self.beyond.unwrap_or(false) || issue.is_error());
        }
    }

    pub(super) fn into_issues(mut self) -> Vec<Issue> {
        if let Some(error) = self.beyond {
            let message = format!("There are more issues than these {ISSUE_LIMIT}; correct them and send again.");
            let report = if error { Issue::error } else { Issue::warning };
            self.issues.push(report(IssueCode::LimitExceeded, Cow::Borrowed(""), Cow::Owned(message)));
        }
        self.issues
    }
}

/// Reads a section of the document. `None` when nothing in it is set.
pub(super) fn section<T: Default + PartialEq>(
    node: &Node<'_>,
    path: Path<'_>,
    findings: &mut Findings,
    read: impl FnOnce(&mut Object<'_, '_>) -> T,
) -> Option<T> {
    let entries = match node {
        Node::Object(entries) => entries.as_slice(),
        blank if blank.is_blank() => return None,
        other => {
            let message = format!("An object {{ … }} belongs here, not {}.", other.kind());
            findings.add(Issue::error(IssueCode::WrongType, path.text(), message));
            return None;
        }
    };
    let within = entries.get(..PROPERTY_LIMIT).unwrap_or(entries);
    if within.len() < entries.len() {
        let message = format!("This object has more than {PROPERTY_LIMIT} properties.");
        findings.add(Issue::error(IssueCode::LimitExceeded, path.text(), message));
    }
    let mut object = Object { entries: within, taken: 0, path, findings };
    let value = read(&mut object);
    object.report_unknown();
    (value != T::default()).then_some(value)
}

/// An object being read.
pub(super) struct Object<'n, 'p> {
    entries: &'n [(Cow<'n, str>, Node<'n>)],
    /// One bit per entry that was asked for.
    taken: u128,
    path: Path<'p>,
    findings: &'p mut Findings,
}

impl<'n> Object<'n, '_> {
    /// Takes a property that is ignored.
    pub(super) fn ignore(&mut self, name: &'static str) {
        self.take(name);
    }

    /// Takes a property, even if it is blank.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'n Node<'n>> {
        let entries = self.entries;
        let mut found = None;
        for (index, (key, node)) in entries.iter().enumerate() {
            if !key.eq_ignore_ascii_case(name) {
                continue;
            }
            self.taken |= 1 << index;
            if found.is_none() {
                found = Some(node);
            } else {
                let message = "This property is there more than once. Send it once.";
                let path = self.path.property(name).text();
                self.findings.add(Issue::error(IssueCode::DuplicateProperty, path, message));
            }
        }
        found
    }

    /// Whether a property is present and holds an empty object.
    pub(super) fn has_empty_object(&self, names: &[&'static str]) -> bool {
        let is_empty_object = |node: &Node<'_>| matches!(node, Node::Object(entries) if entries.is_empty());
        self.entries
            .iter()
            .any(|(key, node)| names.iter().any(|name| key.eq_ignore_ascii_case(name)) && is_empty_object(node))
    }

    /// Takes a property under any of its names. The first that is set wins.
    fn find(&mut self, names: &[&'static str]) -> Option<(&'static str, &'n Node<'n>)> {
        let mut found: Option<(&'static str, &'n Node<'n>)> = None;
        for name in names {
            if let Some(node) = self.take(name)
                && found.is_none()
                && !matches!(node, Node::Null)
                && !node.is_blank()
            {
                found = Some((*name, node));
            }
        }
        found
    }

    fn report(&mut self, name: &'static str, error: ValueError) {
        let path = self.path.property(name).text();
        self.findings.add(error.at(path));
    }

    fn wrong_type(&mut self, name: &'static str, expected: &str, found: &Node<'_>) {
        let message = format!("{expected} belongs here, not {}.", found.kind());
        self.report(name, ValueError::new(IssueCode::WrongType, message));
    }

    /// Text, trimmed; a number is read as its digits.
    pub(super) fn text(&mut self, names: &[&'static str]) -> Option<String> {
        let (name, node) = self.find(names)?;
        match node {
            Node::Text(text) => Some(text.trim().to_owned()),
            Node::Number(number) => {
                let text = number.text();
                if text.is_none() {
                    let message = "This number has too many digits to be read exactly. Put it in quotation marks.";
                    self.report(name, ValueError::new(IssueCode::WrongType, message));
                }
                text
            }
            other => {
                self.wrong_type(name, "Text", other);
                None
            }
        }
    }

    /// A list of texts: an array or one text. Blank ones are dropped.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        let Some((name, node)) = self.find(&[name]) else { return Vec::new() };
        let path = self.path.property(name);
        let items = match node {
            Node::Array(items) if items.len() > LIST_LIMIT => {
                self.findings.add(too_many(path));
                return Vec::new();
            }
            Node::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_blank()) {
            match item.cell() {
                Some(text) => texts.push(text.trim().to_owned()),
                None => {
                    let message = format!("Text belongs here, not {}.", item.kind());
                    self.findings.add(Issue::error(IssueCode::WrongType, path.item(index).text(), message));
                }
            }
        }
        texts
    }

    /// A state: its two-letter code where it is one, else the text as it is, for validation to judge.
    pub(super) fn state(&mut self, names: &[&'static str]) -> Option<String> {
        self.text(names).map(|text| match state::from_text(&text) {
            Some(code) => code.to_owned(),
            None => text,
        })
    }

    /// A value written as text; a number is read as its digits.
    fn scalar<T>(
        &mut self,
        names: &[&'static str],
        expected: &str,
        read: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        let (name, node) = self.find(names)?;
        let Some(cell) = node.cell() else {
            self.wrong_type(name, expected, node);
            return None;
        };
        read(&cell).map_err(|error| self.report(name, error)).ok()
    }

    pub(super) fn date(&mut self, name: &'static str) -> Option<Date> {
        self.scalar(&[name], "A date as text", |text| value::date(text, DateOrder::MonthFirst))
    }

    pub(super) fn date_time(&mut self, name: &'static str) -> Option<DateTime> {
        self.scalar(&[name], "A date and time as text", |text| value::date_time(text, DateOrder::MonthFirst))
    }

    pub(super) fn instant(&mut self, names: &[&'static str]) -> Option<DateTimeOffset> {
        self.scalar(names, "A date and time as text", value::date_time_offset)
    }

    pub(super) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.scalar(&[name], "true or false", value::boolean)
    }

    pub(super) fn integer(&mut self, name: &'static str) -> Option<i64> {
        self.scalar(&[name], "A number", value::integer)
    }

    pub(super) fn guid(&mut self, name: &'static str) -> Option<ClientGuid> {
        self.scalar(&[name], "A GUID as text", |text| {
            ClientGuid::from_text(text).ok_or_else(|| {
                let message =
                    format!("{} is not a GUID. Use the one that was issued to your organization.", quoted(text));
                ValueError::new(IssueCode::BadGuid, message)
            })
        })
    }

    /// A value of an enumeration, by code or number.
    pub(super) fn code<E: WireEnum>(&mut self, name: &'static str) -> Option<E> {
        self.code_of(&[name])
    }

    /// A value of an enumeration under any of these names.
    pub(super) fn code_of<E: WireEnum>(&mut self, names: &[&'static str]) -> Option<E> {
        self.scalar(names, "A code", code)
    }

    /// A list of values of an enumeration: an array, one value, or values separated by commas. Repetitions are dropped.
    pub(super) fn codes<E: WireEnum>(&mut self, names: &[&'static str]) -> Vec<E> {
        let mut codes = Vec::new();
        let Some((name, node)) = self.find(names) else { return codes };
        let path = self.path.property(name);
        let single = std::slice::from_ref(node);
        let (items, is_list) = match node {
            Node::Array(items) => (items.as_slice(), true),
            _ => (single, false),
        };
        if items.len() > LIST_LIMIT {
            self.findings.add(too_many(path));
            return codes;
        }
        for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_blank()) {
            let place = if is_list { path.item(index) } else { path };
            let Some(cell) = item.cell() else {
                let message = format!("A code belongs here, not {}.", item.kind());
                self.findings.add(Issue::error(IssueCode::WrongType, place.text(), message));
                continue;
            };
            for part in cell.split([',', ';']).map(str::trim).filter(|part| !part.is_empty()) {
                match code(part) {
                    Ok(value) if codes.contains(&value) => {}
                    Ok(value) => codes.push(value),
                    Err(error) => self.findings.add(error.at(place.text())),
                }
            }
        }
        codes
    }

    /// A section below this object.
    pub(super) fn child<T: Default + PartialEq>(
        &mut self,
        names: &[&'static str],
        read: impl FnOnce(&mut Object<'_, '_>) -> T,
    ) -> Option<T> {
        let (name, node) = self.find(names)?;
        section(node, self.path.property(name), self.findings, read)
    }

    /// A section below this object that may also be written as text.
    pub(super) fn child_or_text<T: Default + PartialEq>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Object<'_, '_>) -> T,
        from_text: impl FnOnce(&str) -> T,
    ) -> Option<T> {
        let (name, node) = self.find(&[name])?;
        match node {
            Node::Text(text) => Some(from_text(text)),
            node => section(node, self.path.property(name), self.findings, read),
        }
    }

    /// A list of sections; those without anything in them are dropped.
    pub(super) fn children<T: Default + PartialEq>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Object<'_, '_>) -> T,
    ) -> Vec<T> {
        let Some((name, node)) = self.find(&[name]) else { return Vec::new() };
        let path = self.path.property(name);
        match node {
            Node::Array(items) if items.len() > LIST_LIMIT => {
                self.findings.add(too_many(path));
                Vec::new()
            }
            Node::Array(items) => {
                let sections = items.iter().enumerate();
                sections.filter_map(|(index, item)| section(item, path.item(index), self.findings, &mut read)).collect()
            }
            single => section(single, path, self.findings, read).into_iter().collect(),
        }
    }

    /// A procedure: its code alone, or an object of code and description (iris-facts §13 #7).
    pub(super) fn procedure(&mut self, names: &[&'static str]) -> (Option<String>, Option<String>) {
        let Some((name, node)) = self.find(names) else { return (None, None) };
        match node {
            Node::Object(_) => section(node, self.path.property(name), self.findings, |object| {
                (object.text(&["Code"]), object.text(&["Description"]))
            })
            .unwrap_or_default(),
            Node::Text(text) => (Some(text.trim().to_owned()), None),
            Node::Number(number) => (number.text(), None),
            other => {
                self.wrong_type(name, "A procedure code as text", other);
                (None, None)
            }
        }
    }

    fn report_unknown(&mut self) {
        for (index, (key, node)) in self.entries.iter().enumerate() {
            if self.taken & (1 << index) != 0 || node.is_blank() {
                continue;
            }
            let message = format!("There is no property {} here; it is ignored.", quoted(key));
            self.findings.add(Issue::warning(IssueCode::UnknownProperty, self.path.text(), message));
        }
    }
}

fn code<E: WireEnum>(text: &str) -> Result<E, ValueError> {
    E::from_text(text).ok_or_else(|| {
        let message = format!("{} is not {}. Use one of {}.", quoted(text), E::NOUN, E::choices());
        ValueError::new(IssueCode::UnknownCode, message)
    })
}

fn too_many(path: Path<'_>) -> Issue {
    Issue::error(IssueCode::LimitExceeded, path.text(), format!("This list has more than {LIST_LIMIT} elements."))
}
