//! Mappings: which column means what (design.md §4).
//!
//! A mapping is compiled once per header into [`Bound`] columns; a row then costs one pass over its cells. Names are compared in their
//! normalized form ([`normalized_name`]). A field that the mapping does not mention takes the column of its own name; one it mentions
//! takes the first of its headers that is present, else the column of its own name, and never more than one.

use crate::layout::Layout;
use crate::receipt::unguarded;
use crate::setter::{is_about_the_order, set};
use iris_model::field::normalized_name;
use iris_model::issue::quoted;
use iris_model::organization::{ColumnRule, DateOrder, Mapping};
use iris_model::value::ValueError;
use iris_model::{IntakeField, Issue, IssueCode, OrderRequest, RowIssue};
use std::collections::HashMap;

/// The column of rejected files that holds our own remarks; ignored when the corrected file comes back.
pub(crate) const ISSUES_COLUMN: &str = "Issues";

/// How many of the header's names a "no header" message lists.
const NAMES_SHOWN: usize = 8;

/// A field and the column it is read from.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) field: IntakeField,
    /// 0 = first; `None` = no column, only the default.
    pub(crate) column: Option<usize>,
    values: HashMap<String, String>,
    default: Option<String>,
}

/// A mapping, compiled for one header.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) bound: Vec<Bound>,
    constants: Vec<(IntakeField, String)>,
    order: DateOrder,
    /// The file is one of ours that comes back corrected.
    returned: bool,
}

/// How many of the cells are names this mapping knows: how much a row looks like its header.
pub(crate) fn matches<'a>(mapping: &Mapping, cells: impl Iterator<Item = &'a str>) -> usize {
    let names = known_names(mapping);
    cells.filter(|cell| !cell.trim().is_empty() && names.contains_key(&normalized_name(cell))).count()
}

fn known_names(mapping: &Mapping) -> HashMap<String, ()> {
    let own = IntakeField::ALL.iter().map(|field| normalized_name(field.name()));
    let given = mapping.columns.values().flat_map(|rule| rule.headers.iter().map(|header| normalized_name(header)));
    own.chain(given).map(|name| (name, ())).collect()
}

/// Compiles a mapping for a header. Columns that every row needs must be there when `complete`; the records of a JSON file each bring
/// their own keys, and say for themselves what they lack.
pub(crate) fn compile(mapping: &Mapping, headers: &[String], complete: bool) -> Result<(Compiled, Vec<Issue>), Issue> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut repeated: Vec<String> = Vec::new();
    for (column, header) in headers.iter().enumerate() {
        let name = normalized_name(header);
        if !name.is_empty() && places.insert(name.clone(), column).is_some() {
            repeated.push(name);
        }
    }
    let returned = places.contains_key(&normalized_name(ISSUES_COLUMN));
    let mut compiled = Compiled { bound: Vec::new(), constants: Vec::new(), order: mapping.date_order, returned };
    let mut taken = vec![false; headers.len()];
    let nothing = ColumnRule::default();
    for &field in IntakeField::ALL {
        let rule = mapping.columns.get(&field).unwrap_or(&nothing);
        let own = normalized_name(field.name());
        let names = rule.headers.iter().map(|header| normalized_name(header)).chain([own]);
        let found = names.into_iter().find_map(|name| places.get(&name).map(|column| (name, *column)));
        if let Some((name, column)) = &found {
            if repeated.contains(name) {
                return Err(ambiguous(&headers[*column], field));
            }
            taken[*column] = true;
        }
        if let Some(constant) = &rule.constant {
            compiled.constants.push((field, constant.clone()));
        } else if found.is_some() || rule.default.is_some() {
            let values = rule.values.iter().map(|(from, to)| (from.trim().to_lowercase(), to.clone())).collect();
            let column = found.map(|(_, column)| column);
            compiled.bound.push(Bound { field, column, values, default: rule.default.clone() });
        }
    }
    if complete {
        require(&compiled, headers)?;
    }
    let ignored: Vec<String> = mapping.ignored_columns.iter().map(|name| normalized_name(name)).collect();
    let unknown = headers.iter().zip(&taken).filter(|(header, taken)| {
        let name = normalized_name(header);
        !**taken && !name.is_empty() && name != normalized_name(ISSUES_COLUMN) && !ignored.contains(&name)
    });
    let warnings = unknown.map(|(header, _)| unknown_column(header)).collect();
    Ok((compiled, warnings))
}

fn ambiguous(header: &str, field: IntakeField) -> Issue {
    Issue::error(
        IssueCode::AmbiguousColumn,
        field.path(),
        format!("The column {} stands in the file more than once. Remove or rename one of them.", quoted(header)),
    )
}

fn unknown_column(header: &str) -> Issue {
    Issue::warning(
        IssueCode::UnknownColumn,
        "",
        format!("The column {} means nothing here and was ignored. Check its spelling.", quoted(header)),
    )
}

/// The columns without which no row could be loaded: ids always, demographics all or none, the site for patients.
fn require(compiled: &Compiled, headers: &[String]) -> Result<(), Issue> {
    use IntakeField as F;
    let has = |field| {
        compiled.bound.iter().any(|bound| bound.field == field)
            || compiled.constants.iter().any(|(own, _)| *own == field)
    };
    let demographics = [F::PatientFirstName, F::PatientLastName, F::PatientDob, F::PatientBirthGender];
    let mut missing = Vec::new();
    if !has(F::PatientLocalId) && (!has(F::OrderLocalId) || demographics.into_iter().any(has)) {
        missing.push(F::PatientLocalId);
    }
    if demographics.into_iter().any(has) {
        missing.extend(demographics.into_iter().filter(|field| !has(*field)));
    }
    if has(F::PatientLocalId) && !has(F::SiteLocalId) {
        missing.push(F::SiteLocalId);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|field| field.name()).collect();
    let found: Vec<String> = headers
        .iter()
        .filter(|header| !header.trim().is_empty())
        .take(NAMES_SHOWN)
        .map(|header| quoted(header))
        .collect();
    Err(Issue::error(
        IssueCode::MissingColumn,
        missing.first().map_or("", |field| field.path()),
        format!("The file has no column for {}. Its header begins with {}.", names.join(", "), found.join(", ")),
    ))
}

impl Compiled {
    /// Builds the request of a row and collects everything wrong with its cells.
    pub(crate) fn build<'a>(&self, cell: impl Fn(usize) -> &'a str, layout: &Layout) -> (OrderRequest, Vec<RowIssue>) {
        let mut request = OrderRequest::default();
        let mut issues = Vec::new();
        let text = |bound: &Bound| {
            let text = bound.column.map_or("", |column| cell(column).trim());
            if self.returned { unguarded(text) } else { text }
        };
        let has_order = self.bound.iter().any(|bound| is_about_the_order(bound.field) && !text(bound).is_empty());
        for bound in &self.bound {
            let given = text(bound);
            let value = match (given.is_empty(), &bound.default) {
                (false, _) => bound.translated(given),
                (true, Some(default)) if has_order || !is_about_the_order(bound.field) => default,
                _ => continue,
            };
            let read = match spoiled(bound.field, value) {
                Some(spoiled) => Err(spoiled.at(bound.field.path())),
                None => set(&mut request, bound.field, value, self.order).map_err(|error| error.at(bound.field.path())),
            };
            if let Err(issue) = read {
                issues.push(layout.locate(bound.column, issue));
            }
        }
        for (field, constant) in &self.constants {
            if (has_order || !is_about_the_order(*field))
                && let Err(error) = set(&mut request, *field, constant, self.order)
            {
                issues.push(layout.locate(None, error.at(field.path())));
            }
        }
        (request, issues)
    }
}

/// What a spreadsheet leaves behind where a value should be: its errors as text, and ids it has shortened (decision 69).
fn spoiled(field: IntakeField, text: &str) -> Option<ValueError> {
    const ERRORS: [&str; 8] = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!"];
    if text.starts_with('#') && ERRORS.iter().any(|error| text.eq_ignore_ascii_case(error)) {
        let message = format!("The cell holds the spreadsheet error {text}. Correct its formula, or enter its value.");
        return Some(ValueError { code: IssueCode::CellError, message: message.into() });
    }
    if field.name().ends_with("LocalId") && is_shortened(text) {
        let message = format!(
            "{} is a number that a spreadsheet has shortened. Format the column as text and enter the id again.",
            quoted(text)
        );
        return Some(ValueError { code: IssueCode::BadNumber, message: message.into() });
    }
    None
}

/// `1.23457E+11`: digits, a point or comma, digits, and an exponent with its sign.
fn is_shortened(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some((number, exponent)) = text.split_once(['E', 'e']) else { return false };
    let number = number.split_once(['.', ',']).map_or(digits(number), |(whole, rest)| digits(whole) && digits(rest));
    number && exponent.strip_prefix('+').is_some_and(digits)
}

impl Bound {
    fn translated<'t>(&'t self, text: &'t str) -> &'t str {
        if self.values.is_empty() {
            return text;
        }
        self.values.get(&text.to_lowercase()).map_or(text, String::as_str)
    }
}
