//! Mappings: which column means what (design §4.1).
//!
//! A mapping is compiled once per header into [`Compiled`] columns; a row then costs one pass over its cells. Names are
//! compared in their normalized form ([`normalized_name`]). A field that the mapping does not mention takes the column
//! of its own name; one that it mentions takes the first of its headers that is present, or else the column of its own
//! name, and never more than one.

mod build;
mod candidates;
mod dates;
pub(crate) mod purpose;
mod required;
mod setter;

pub(crate) use build::Compiled;
pub(crate) use candidates::{Candidates, Chosen};
pub(crate) use dates::Dates;
pub use dates::Survey;
pub(crate) use required::missing;

use build::Bound;
use iris_model::field::normalized_name;
use iris_model::issue::quoted;
use iris_model::organization::{ColumnRule, Mapping};
use iris_model::{Cells, EvaluationType, IntakeField, Issue, IssueCode};
pub(crate) use setter::{Conventions, is_about_the_order, set};
use std::collections::{HashMap, HashSet};

/// The column of rejected files that holds our remarks; ignored when the corrected file comes back.
pub(crate) const ISSUES_COLUMN: &str = "Issues";

/// The column of rejected files that holds the row's number in the original file; ignored likewise.
pub(crate) const ROW_COLUMN: &str = "OriginalRow";

/// Whether a header is one of those that we add to rejected rows.
pub(crate) fn is_own_column(header: &str) -> bool {
    let name = normalized_name(header);
    [ISSUES_COLUMN, ROW_COLUMN].iter().any(|own| name == normalized_name(own))
}

/// The names a field has without any mapping: the published one, and its path in the OrderRequest if no other field has
/// the same.
fn own_names(field: IntakeField) -> impl Iterator<Item = String> {
    let is_shared = matches!(field, IntakeField::PatientBirthGender | IntakeField::PatientIdentityGender);
    let path = (!is_shared).then(|| field.path());
    [field.name()].into_iter().chain(path).map(normalized_name)
}

/// A header without the brackets after it, normalized: `PatientDob (MM/DD/YYYY)`.
fn without_hint(header: &str) -> Option<String> {
    let header = header.trim().trim_end_matches([':', '*']).trim_end();
    let (close, open) = match header.chars().next_back()? {
        ')' => (')', '('),
        ']' => (']', '['),
        _ => return None,
    };
    let stem = header.strip_suffix(close)?.rsplit_once(open)?.0;
    Some(normalized_name(stem)).filter(|name| !name.is_empty())
}

/// The column names that a mapping knows.
pub(crate) struct Names(HashSet<String>);

impl Names {
    pub(crate) fn of(mapping: &Mapping) -> Self {
        let own = IntakeField::ALL.iter().flat_map(|field| own_names(*field));
        let given = mapping.columns.values().flat_map(|rule| &rule.headers).map(|header| normalized_name(header));
        Self(own.chain(given).collect())
    }

    /// How many of the cells are known names: how much a row looks like the header.
    pub(crate) fn matches<'a>(&self, cells: impl Iterator<Item = &'a str>) -> usize {
        cells.filter(|cell| !cell.trim().is_empty() && self.0.contains(&self.of_header(cell))).count()
    }

    /// A header's normalized name: with its brackets if they are part of a known name, without them if only the rest is
    /// one.
    fn of_header(&self, header: &str) -> String {
        let name = normalized_name(header);
        if self.0.contains(&name) {
            return name;
        }
        without_hint(header).filter(|stem| self.0.contains(stem)).unwrap_or(name)
    }
}

/// The field that a header means without any mapping, with or without its brackets.
pub(crate) fn published(header: &str) -> Option<IntakeField> {
    let of = |name: &str| IntakeField::ALL.iter().copied().find(|field| own_names(*field).any(|own| own == name));
    of(&normalized_name(header)).or_else(|| without_hint(header).and_then(|stem| of(&stem)))
}

/// Whether a row with this many known names can be the header: at least two, or nothing else in the row.
pub(crate) fn is_header(matches: usize, cells: &Cells) -> bool {
    matches >= 2 || (matches == 1 && cells.iter().filter(|cell| !cell.trim().is_empty()).count() == 1)
}

/// Compiles a mapping for a header. Columns that every row needs must be present if `complete`; records of a JSON file
/// each bring their own keys, and report what they lack themselves. `exams` are those the organization subscribes to.
pub(crate) fn compile(
    mapping: &Mapping,
    headers: &[String],
    exams: &[EvaluationType],
    complete: bool,
) -> Result<(Compiled, Vec<Issue>), Issue> {
    let known = Names::of(mapping);
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut repeated: Vec<String> = Vec::new();
    for (column, name) in names_of(headers, &known).into_iter().enumerate() {
        if !name.is_empty() && places.insert(name.clone(), column).is_some() {
            repeated.push(name);
        }
    }
    let returned = headers.iter().any(|header| normalized_name(header) == normalized_name(ISSUES_COLUMN));
    let mut compiled = Compiled {
        bound: Vec::new(),
        constants: Vec::new(),
        conventions: Conventions::new(mapping.date_order, exams),
        empty_words: mapping.empty_words.iter().map(|word| word.trim().to_lowercase()).collect(),
        skip_rows: mapping.skip_rows.clone(),
        hints: Vec::new(),
        returned,
    };
    let mut taken = vec![false; headers.len()];
    let mut ambiguous = Vec::new();
    let nothing = ColumnRule::default();
    for &field in IntakeField::ALL {
        let rule = mapping.columns.get(&field).unwrap_or(&nothing);
        let mut names = rule.headers.iter().map(|header| normalized_name(header)).chain(own_names(field));
        let found = names.find_map(|name| places.get(&name).map(|column| (name, *column)));
        if let Some((name, column)) = &found {
            if repeated.contains(name) {
                ambiguous.extend(headers.get(*column).map(|header| (field, quoted(header))));
            }
            if let Some(taken) = taken.get_mut(*column) {
                *taken = true;
            }
            if purpose::is_date(field) {
                compiled.hints.extend(headers.get(*column).map(|header| (field, header.clone())));
            }
        }
        if let Some(constant) = build::given(rule.constant.as_deref()) {
            compiled.constants.push((field, constant));
        } else if found.is_some() || build::given(rule.default.as_deref()).is_some() {
            compiled.bound.push(Bound::new(field, found.map(|(_, column)| column), rule));
        }
    }
    if let Some((field, _)) = ambiguous.first() {
        return Err(more_than_once(*field, ambiguous.iter().map(|(_, header)| header.as_str())));
    }
    if complete {
        required::check(&compiled, headers, mapping, exams)?;
    }
    let ignored: Vec<String> = mapping.ignored_columns.iter().map(|name| normalized_name(name)).collect();
    let unknown = headers.iter().zip(&taken).filter(|(header, taken)| {
        let name = normalized_name(header);
        !**taken && !name.is_empty() && !is_own_column(&name) && !ignored.contains(&name)
    });
    let warnings = unknown.map(|(header, _)| unknown_column(header)).collect();
    Ok((compiled, warnings))
}

/// The names of all headers. If several differ only in their brackets, it is unclear which one is meant.
fn names_of(headers: &[String], known: &Names) -> Vec<String> {
    let names: Vec<String> = headers.iter().map(|header| known.of_header(header)).collect();
    let is_alone = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
    let of = |(header, name): (&String, &String)| {
        let whole = normalized_name(header);
        if whole == *name || is_alone(name) { name.clone() } else { whole }
    };
    headers.iter().zip(&names).map(of).collect()
}

fn more_than_once<'a>(field: IntakeField, headers: impl Iterator<Item = &'a str>) -> Issue {
    let headers: Vec<&str> = headers.collect();
    let message = format!("More than one column is named {}. Remove or rename the others.", headers.join(", or "));
    Issue::error(IssueCode::AmbiguousColumn, field.path(), message)
}

fn unknown_column(header: &str) -> Issue {
    let message = format!("The column {} means nothing here and was ignored. Check its spelling.", quoted(header));
    Issue::warning(IssueCode::UnknownColumn, "", message)
}
