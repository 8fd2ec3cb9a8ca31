//! From the cells of a row to an OrderRequest, with every issue found in them.

use super::dates::{Dates, Survey};
use super::purpose::{is_date, purpose};
use super::setter::{Conventions, is_about_the_order, set};
use crate::layout::Layout;
use crate::template::EXAMPLE_PATIENT;
use iris_model::formula::unguarded;
use iris_model::organization::{ColumnRule, fits_pattern};
use iris_model::value::ValueError;
use iris_model::value::residue::{self, Judgment, Purpose};
use iris_model::{IntakeField, OrderRequest, RowIssue};
use std::borrow::Cow;

/// A mapping, compiled for one header.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(super) bound: Vec<Bound>,
    pub(super) constants: Vec<(IntakeField, String)>,
    pub(super) conventions: Conventions,
    /// Placeholders that the mapping adds, in lower case.
    pub(super) empty_words: Vec<String>,
    /// Patterns of the first cell of rows to skip.
    pub(super) skip_rows: Vec<String>,
    /// Date fields whose header says how they are written, with that header.
    pub(super) hints: Vec<(IntakeField, String)>,
    /// The file is one of our rejected files, coming back corrected.
    pub(super) returned: bool,
}

/// A field and the column it is read from.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    field: IntakeField,
    /// 0 = first; `None` = no column, only the default.
    column: Option<usize>,
    /// A value in it implies that there is an order.
    about_the_order: bool,
    is_date: bool,
    purpose: Purpose,
    /// Translations; the first of each pair in lower case.
    values: Vec<(String, String)>,
    default: Option<String>,
}

impl Compiled {
    /// Whether a column, default or constant gives a field its value.
    pub(crate) fn provides(&self, field: IntakeField) -> bool {
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

    /// Whether the mapping skips a row, by its first cell that is not empty.
    pub(crate) fn skips<'a>(&self, mut cells: impl Iterator<Item = &'a str>) -> bool {
        !self.skip_rows.is_empty()
            && cells
                .find(|cell| !cell.trim().is_empty())
                .is_some_and(|first| self.skip_rows.iter().any(|skipped| fits_pattern(skipped.trim(), first.trim())))
    }

    /// The paths that are read from columns.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.bound.iter().filter_map(|bound| bound.column.map(|column| (bound.field.path(), column)))
    }

    /// Fills the request of a row and collects the issues of its cells; or only surveys its dates.
    pub(crate) fn build<'a>(
        &self,
        request: &mut OrderRequest,
        cell: impl Fn(usize) -> &'a str,
        layout: &Layout,
        issues: &mut Vec<RowIssue>,
        dates: &mut Dates<'_>,
        row: u32,
    ) {
        let survey = match dates {
            Dates::Judge(survey) => &**survey,
            Dates::Collect(survey) => {
                self.survey(cell, survey, row);
                return;
            }
        };
        let text = |bound: &Bound| self.text(bound, bound.column.map_or("", &cell));
        // A row has an order if any of the order's own columns says something (decision 5).
        let says_something = |bound: &Bound| bound.about_the_order && !bound.is_nothing(&text(bound));
        let has_order = self.bound.iter().any(says_something);
        for bound in &self.bound {
            let given = text(bound);
            let is_unneeded = bound.about_the_order && !has_order;
            let value = if given.is_empty() || (is_unneeded && bound.is_nothing(&given)) {
                match &bound.default {
                    Some(default) if !is_unneeded => default,
                    _ => continue,
                }
            } else {
                match bound.translated(&given) {
                    // Translated to empty: not set.
                    "" => continue,
                    value => value,
                }
            };
            let read = match residue::judge(value, bound.purpose) {
                Judgment::Refused(error) => Err(error),
                Judgment::Nothing => continue,
                // Doubtful values are reported when the request is validated.
                Judgment::Sound | Judgment::Doubtful(_) => self.set(request, bound, value, survey),
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

    fn set(&self, request: &mut OrderRequest, bound: &Bound, value: &str, survey: &Survey) -> Result<(), ValueError> {
        if bound.is_date
            && let Some(objection) = survey.objection(bound.field, value, self.conventions.dates())
        {
            return Err(objection);
        }
        set(request, bound.field, value, &self.conventions)
    }

    /// Notes what the dates of a row show about the order of day and month in their columns.
    fn survey<'a>(&self, cell: impl Fn(usize) -> &'a str, survey: &mut Survey, row: u32) {
        for bound in self.bound.iter().filter(|bound| bound.is_date) {
            if let Some(column) = bound.column {
                let given = self.text(bound, cell(column));
                survey.note(bound.field, bound.translated(&given), row);
            }
        }
        for (field, header) in &self.hints {
            survey.note_header(*field, header);
        }
    }

    /// What a cell says: without the marks that protect it from spreadsheets or from losing zeros, and empty where it
    /// holds a placeholder that has no translation. In ids and names placeholders stay, to be refused or questioned
    /// later.
    fn text<'a>(&self, bound: &Bound, cell: &'a str) -> Cow<'a, str> {
        let text = trimmed(cell);
        let text = if self.returned { unguarded(text) } else { text };
        let text = match text.as_bytes() {
            [b'=', b'"', ..] => residue::unforced(text).map_or(Cow::Borrowed(text), Cow::Owned),
            _ => Cow::Borrowed(text),
        };
        let is_kept = matches!(bound.purpose, Purpose::Id | Purpose::PersonName);
        let is_empty = !text.is_empty()
            && (self.is_empty_word(&text) || (!is_kept && residue::is_nothing(&text, bound.purpose)))
            && bound.translated(&text) == text;
        if is_empty { Cow::Borrowed("") } else { text }
    }

    fn is_empty_word(&self, text: &str) -> bool {
        !self.empty_words.is_empty() && self.empty_words.contains(&text.to_lowercase())
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
            is_date: is_date(field),
            purpose: purpose(field),
            values,
            default: given(rule.default.as_deref()),
        }
    }

    /// Whether a text says nothing, and is not one that the mapping translates.
    fn is_nothing(&self, text: &str) -> bool {
        text.is_empty() || (residue::is_nothing(text, self.purpose) && self.translated(text) == text)
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

/// A value of the mapping; an empty one counts as none.
pub(super) fn given(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// Trims a cell; nearly all of them need no trimming.
fn trimmed(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    if is_plain(text.as_bytes().first()) && is_plain(text.as_bytes().last()) { text } else { text.trim() }
}
