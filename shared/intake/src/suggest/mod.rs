//! What the columns of an unknown file probably mean.
//!
//! [`look`] reads a file that no mapping reads and gathers what its columns show: names, values, shapes. [`suggest`], a
//! pure function, says which field each column probably is, how sure that is and why. [`Choices`] are what a person
//! decides, and become the mapping. Names are learned from the published fields, the organization's own mappings (never
//! another's), and the table of synonyms in `data/synonyms.txt`.

mod choices;
mod column;
mod look;
mod synonyms;
mod words;

pub use choices::{Choices, Fallback};
pub use column::{Column, DateEvidence};
pub use look::{Look, TopRow, View, look};

use crate::mapping::{self, purpose};
use iris_model::field::normalized_name;
use iris_model::organization::{DateOrder, Mapping};
use iris_model::{IntakeField, Organization};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// How sure a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Only the name or only the shape of its values fits, or two columns could be the same field: a person has to
    /// choose.
    Weak,
    /// A synonym, with values of the right shape.
    Strong,
    /// A published name, or one that another mapping of the organization uses.
    Exact,
}

/// What a column probably is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The field.
    pub field: IntakeField,
    /// How sure that is.
    pub confidence: Confidence,
    /// Why, in sentences that quote no value of the file.
    pub reasons: Vec<String>,
}

/// What the dates of all columns show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dates {
    /// All dates are unambiguous.
    NoQuestion,
    /// Some dates are valid only in this order, none only in the other.
    Shown(DateOrder),
    /// Both orders are evident: the file contradicts itself, and cannot be read.
    Contradictory,
    /// Dates could mean either of two days, and none shows which: a person has to say.
    Open,
}

/// Everything that is suggested for a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestions {
    /// By column; `None` where nothing is suggested.
    pub columns: Vec<Option<Suggestion>>,
    /// What the dates show.
    pub dates: Dates,
}

/// Fields that always need a person's confirmation, however sure the suggestion: a mistake in them means another
/// patient or another order.
pub const CONFIRMED: [IntakeField; 3] =
    [IntakeField::PatientLocalId, IntakeField::PatientDob, IntakeField::OrderLocalId];

/// Says what the columns of a file probably are.
#[must_use]
pub fn suggest(columns: &[Column], organization: &Organization) -> Suggestions {
    let own = own_names(organization);
    let mut found: Vec<Option<Suggestion>> =
        columns.iter().map(|column| suggested(column, &own, organization)).collect();
    settle_rivals(&mut found);
    Suggestions { columns: found, dates: dates(columns) }
}

/// The names that the organization's mappings use, where they agree about the field.
fn own_names(organization: &Organization) -> HashMap<String, Option<(IntakeField, String)>> {
    let mut names: HashMap<String, Option<(IntakeField, String)>> = HashMap::new();
    for Mapping { name, columns, .. } in organization.drops.iter().map(|rule| &rule.mapping) {
        for (field, rule) in columns {
            for header in &rule.headers {
                let entry = names.entry(normalized_name(header)).or_insert_with(|| Some((*field, name.clone())));
                if entry.as_ref().is_some_and(|(known, _)| known != field) {
                    // One column for two fields: it is unclear which is meant.
                    *entry = None;
                }
            }
        }
    }
    names
}

fn suggested(
    column: &Column,
    own: &HashMap<String, Option<(IntakeField, String)>>,
    organization: &Organization,
) -> Option<Suggestion> {
    if column.header.trim().is_empty() {
        return None;
    }
    if let Some(field) = mapping::published(&column.header) {
        let reasons = vec!["It is the published name of the field.".to_owned()];
        return Some(Suggestion { field, confidence: Confidence::Exact, reasons });
    }
    if let Some(Some((field, mapping))) = own.get(&normalized_name(&column.header)) {
        let reasons = vec![format!("The organization's mapping \u{201c}{mapping}\u{201d} reads this name so.")];
        return Some(Suggestion { field: *field, confidence: Confidence::Exact, reasons });
    }
    match synonyms::of(&column.header) {
        Some((field, is_telling)) => {
            let named = "Its name is a usual one for the field.".to_owned();
            match column.agrees(field, organization) {
                _ if column.filled == 0 => Some(weak(field, vec![named, "It has no values.".to_owned()])),
                Ok(why) if is_telling => {
                    Some(Suggestion { field, confidence: Confidence::Strong, reasons: vec![named, why] })
                }
                Ok(why) => {
                    let doubt = "The name is also used for other things.".to_owned();
                    Some(weak(field, vec![named, why, doubt]))
                }
                Err(why) => Some(weak(field, vec![named, why])),
            }
        }
        None => column.shape_alone(organization).map(|(field, why)| weak(field, vec![why])),
    }
}

fn weak(field: IntakeField, reasons: Vec<String>) -> Suggestion {
    Suggestion { field, confidence: Confidence::Weak, reasons }
}

/// If several columns fit one field, the surest keeps it; if equally sure, a person has to choose.
fn settle_rivals(found: &mut [Option<Suggestion>]) {
    let mut best: BTreeMap<IntakeField, (Confidence, usize)> = BTreeMap::new();
    for suggestion in found.iter().flatten() {
        let entry = best.entry(suggestion.field).or_insert((suggestion.confidence, 0));
        if suggestion.confidence > entry.0 {
            *entry = (suggestion.confidence, 1);
        } else if suggestion.confidence == entry.0 {
            entry.1 += 1;
        }
    }
    for suggestion in found.iter_mut().flatten() {
        let Some((most, rivals)) = best.get(&suggestion.field).copied() else { continue };
        if suggestion.confidence < most || (rivals > 1 && most > Confidence::Weak) {
            suggestion.confidence = Confidence::Weak;
            suggestion.reasons.push("Another column could be the same field.".to_owned());
        }
    }
}

fn dates(columns: &[Column]) -> Dates {
    let mut all = DateEvidence::default();
    columns.iter().filter(|column| column.is_of_dates()).for_each(|column| all.add(&column.dates));
    match (all.month_first > 0, all.day_first > 0) {
        (true, true) => Dates::Contradictory,
        (true, false) => Dates::Shown(DateOrder::MonthFirst),
        (false, true) => Dates::Shown(DateOrder::DayFirst),
        (false, false) if all.either > 0 => Dates::Open,
        (false, false) => Dates::NoQuestion,
    }
}

/// Whether a field is a date of the file.
#[must_use]
pub fn is_date(field: IntakeField) -> bool {
    purpose::is_date(field)
}
