//! From the cells of a row to an OrderRequest, with everything wrong in them.

use super::setter::{Conventions, is_about_the_order, set};
use super::spoiled::{is_identifier, spoiled};
use crate::layout::Layout;
use crate::template::EXAMPLE_PATIENT;
use iris_model::formula::unguarded;
use iris_model::organization::ColumnRule;
use iris_model::{IntakeField, OrderRequest, RowIssue};

/// A mapping, compiled for one header.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(super) bound: Vec<Bound>,
    pub(super) constants: Vec<(IntakeField, String)>,
    pub(super) conventions: Conventions,
    /// The file is one of ours that comes back corrected.
    pub(super) returned: bool,
}

/// A field and the column it is read from.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    field: IntakeField,
    /// 0 = first; `None` = no column, only the default.
    column: Option<usize>,
    /// A value of it says that there is an order.
    about_the_order: bool,
    is_identifier: bool,
    /// Translations; the first of each pair in lower case.
    values: Vec<(String, String)>,
    default: Option<String>,
}

impl Compiled {
    /// Whether a column, default or constant gives a field its value.
    pub(super) fn provides(&self, field: IntakeField) -> bool {
        self.bound.iter().any(|bound| bound.field == field) || self.constants.iter().any(|(own, _)| *own == field)
    }

    /// Whether a field is read from a column.
    pub(super) fn has_column(&self, field: IntakeField) -> bool {
        self.bound.iter().any(|bound| bound.field == field && bound.column.is_some())
    }

    /// Whether a row is the example of the template.
    pub(crate) fn is_example<'a>(&self, cell: impl Fn(usize) -> &'a str) -> bool {
        let patient = self.bound.iter().find(|bound| bound.field == IntakeField::PatientLocalId);
        patient.and_then(|bound| bound.column).is_some_and(|column| trimmed(cell(column)) == EXAMPLE_PATIENT)
    }

    /// The paths that are read from columns.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.bound.iter().filter_map(|bound| bound.column.map(|column| (bound.field.path(), column)))
    }

    /// Fills the request of a row and collects everything wrong with its cells.
    pub(crate) fn build<'a>(
        &self,
        request: &mut OrderRequest,
        cell: impl Fn(usize) -> &'a str,
        layout: &Layout,
        issues: &mut Vec<RowIssue>,
    ) {
        let text = |bound: &Bound| {
            let text = bound.column.map_or("", |column| trimmed(cell(column)));
            if self.returned { unguarded(text) } else { text }
        };
        // An order is what any of its own columns says something about (decision 5).
        let has_order = self.bound.iter().any(|bound| bound.about_the_order && !text(bound).is_empty());
        for bound in &self.bound {
            let given = text(bound);
            let value = if !given.is_empty() {
                match bound.translated(given) {
                    // Translated to nothing: not set.
                    "" => continue,
                    value => value,
                }
            } else if let Some(default) = &bound.default
                && (has_order || !bound.about_the_order)
            {
                default
            } else {
                continue;
            };
            let read = match spoiled(bound.is_identifier, value) {
                Some(spoiled) => Err(spoiled),
                None => set(request, bound.field, value, &self.conventions),
            };
            if let Err(error) = read {
                issues.push(layout.locate(bound.column, error.at(bound.field.path())));
            }
        }
        for (field, constant) in &self.constants {
            if (has_order || !is_about_the_order(*field))
                && let Err(error) = set(request, *field, constant, &self.conventions)
            {
                issues.push(layout.locate(None, error.at(field.path())));
            }
        }
    }
}

impl Bound {
    pub(super) fn new(field: IntakeField, column: Option<usize>, rule: &ColumnRule) -> Self {
        let values = rule.values.iter().map(|(from, to)| (from.trim().to_lowercase(), to.trim().to_owned())).collect();
        let about_the_order = is_about_the_order(field);
        Self {
            field,
            column,
            about_the_order,
            is_identifier: is_identifier(field),
            values,
            default: given(rule.default.as_deref()),
        }
    }

    fn translated<'t>(&'t self, text: &'t str) -> &'t str {
        if self.values.is_empty() {
            return text;
        }
        let found = if text.is_ascii() {
            self.values.iter().find(|(from, _)| from.eq_ignore_ascii_case(text))
        } else {
            let text = text.to_lowercase();
            self.values.iter().find(|(from, _)| *from == text)
        };
        found.map_or(text, |(_, to)| to)
    }
}

/// A value of the mapping; empty stands for none.
pub(super) fn given(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// Trims a cell; nearly all need it not.
fn trimmed(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    if is_plain(text.as_bytes().first()) && is_plain(text.as_bytes().last()) { text } else { text.trim() }
}
