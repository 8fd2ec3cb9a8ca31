//! JSON files: OrderRequests, or flat records as a Salesforce flow writes them.
//!
//! An element that has an order, a patient or a site as an *object* is an OrderRequest and needs no mapping. Any other
//! object is a flat record: its keys are column names.

mod unwrap;

pub(crate) use unwrap::Unwrapped;

use crate::delimited::too_many_columns;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::mapping::{self, Compiled, Dates};
use iris_model::field::normalized_name;
use iris_model::json::{Node, Number};
use iris_model::organization::Mapping;
use iris_model::{EvaluationType, Issue, IssueCode, OrderRequest, RowIssue, not_a_request};
use std::borrow::Cow;
use std::collections::HashMap;

/// Salesforce's description of a record; never data.
const ATTRIBUTES: &str = "attributes";

/// Properties that hold the records of a file, in exports of Salesforce, in messages that people wrap, and in OData,
/// which Power Automate passes on.
const WRAPPERS: [&str; 3] = ["records", "orders", "value"];

/// What an element became.
pub(crate) struct Built {
    pub(crate) request: OrderRequest,
    pub(crate) issues: Vec<RowIssue>,
}

/// The columns of flat records, which grow with every new key.
pub(crate) struct FlatColumns {
    mapping: Mapping,
    exams: Vec<EvaluationType>,
    limits: Limits,
    places: HashMap<String, usize>,
    compiled: Option<Compiled>,
    pub(crate) layout: Layout,
    /// The layout changed since it was last returned.
    pub(crate) changed: bool,
}

impl FlatColumns {
    pub(crate) fn new(mapping: &Mapping, exams: &[EvaluationType], limits: &Limits, layout: Layout) -> Self {
        let (mapping, exams, limits) = (mapping.clone(), exams.to_vec(), limits.clone());
        Self { mapping, exams, limits, places: HashMap::new(), compiled: None, layout, changed: true }
    }

    /// Builds the request of an element that is an object.
    pub(crate) fn build(&mut self, node: &Node<'_>, dates: &mut Dates<'_>, row: u32) -> Result<Built, Issue> {
        let Some(entries) = node.entries() else {
            let message = format!("An order is expected here, not {}. Send one object per order.", node.kind());
            return Ok(Built {
                request: OrderRequest::default(),
                issues: vec![whole(Issue::error(IssueCode::WrongType, "", message))],
            });
        };
        if let Some(issue) = not_a_request(node) {
            return Ok(Built { request: OrderRequest::default(), issues: vec![whole(issue)] });
        }
        if is_order_request(entries) {
            // Our own remarks from last time, in an element that comes back corrected, are not properties of it.
            let is_ours = |entry: &&(Cow<'_, str>, Node<'_>)| mapping::is_own_column(&entry.0);
            let parsed = if entries.iter().any(|entry| is_ours(&entry)) {
                let others = entries.iter().filter(|entry| !is_ours(entry)).cloned().collect();
                OrderRequest::from_node(&Node::Object(others))
            } else {
                OrderRequest::from_node(node)
            };
            return Ok(Built { request: parsed.request, issues: parsed.issues.into_iter().map(whole).collect() });
        }
        self.learn(entries)?;
        let Some(compiled) = &self.compiled else {
            return Ok(Built { request: OrderRequest::default(), issues: Vec::new() });
        };
        let mut cells = vec![String::new(); self.layout.headers.len()];
        let mut issues = Vec::new();
        if let Some(name) = node.repeated_property() {
            let message = format!("The key {name} stands in the record more than once. Send it once.");
            issues.push(whole(Issue::error(IssueCode::DuplicateProperty, "", message)));
        }
        for (key, value) in entries.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(ATTRIBUTES)) {
            let Some(&column) = self.places.get(&normalized_name(key)) else { continue };
            match value.cell() {
                Some(text) => cells[column] = text.into_owned(),
                None if value.is_blank() => {}
                None => {
                    let message = format!("A single value is expected here, not {}.", value.kind());
                    issues.push(self.layout.of_cell(Some(column), Issue::error(IssueCode::WrongType, "", message)));
                }
            }
        }
        let mut request = OrderRequest::default();
        let cell = |column| cells.get(column).map_or("", String::as_str);
        compiled.build(&mut request, cell, &self.layout, &mut issues, dates, row);
        Ok(Built { request, issues })
    }

    fn learn(&mut self, entries: &[(Cow<'_, str>, Node<'_>)]) -> Result<(), Issue> {
        let known = self.places.len();
        for (key, _) in entries.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(ATTRIBUTES)) {
            let name = normalized_name(key);
            if !name.is_empty() && !self.places.contains_key(&name) {
                self.places.insert(name, self.layout.headers.len());
                self.layout.headers.push(key.trim().to_owned());
            }
        }
        if self.layout.headers.len() > self.limits.columns {
            return Err(too_many_columns(self.layout.headers.len(), &self.limits));
        }
        if self.places.len() > known || self.compiled.is_none() {
            let (compiled, warnings) = mapping::compile(&self.mapping, &self.layout.headers, &self.exams, false)?;
            self.layout.remember(&compiled);
            self.layout.warnings = warnings;
            self.compiled = Some(compiled);
            self.changed = true;
        }
        Ok(())
    }
}

fn whole(issue: Issue) -> RowIssue {
    RowIssue { column: None, header: None, issue }
}

/// An OrderRequest contains objects, or is an operation on an order named by its id.
fn is_order_request(entries: &[(Cow<'_, str>, Node<'_>)]) -> bool {
    entries.iter().any(|(key, value)| {
        let section = ["Order", "Patient", "Site"].iter().any(|name| key.eq_ignore_ascii_case(name));
        section && matches!(value, Node::Object(_))
    })
}

/// The records of an element that is itself a wrapper: `{"records": […]}` on a line of its own.
pub(crate) fn wrapped<'n>(node: &'n Node<'n>) -> Option<&'n [Node<'n>]> {
    WRAPPERS.iter().find_map(|name| match node.get(name) {
        Some(Node::Array(records)) => Some(records.as_slice()),
        _ => None,
    })
}

/// The element as it was sent, for the rejected file. Numbers keep their digits where they were kept in reading.
pub(crate) fn text(node: &Node<'_>) -> String {
    let mut text = String::new();
    write(node, &mut text);
    text
}

fn write(node: &Node<'_>, out: &mut String) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Node::Number(Number::Float(number)) => out.push_str(&number.to_string()),
        Node::Number(number) => out.push_str(&number.text().unwrap_or_default()),
        Node::Text(text) => write_text(text, out),
        Node::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write(item, out);
            }
            out.push(']');
        }
        Node::Object(entries) => {
            out.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_text(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
