//! The columns without which no row could be loaded: ids always, demographics all or none, the site for patients, the
//! order's id for orders.

use super::build::Compiled;
use iris_model::issue::quoted;
use iris_model::organization::Mapping;
use iris_model::{EvaluationType, IntakeField as F, Issue, IssueCode};

/// How many of the header's names are listed.
const NAMES_SHOWN: usize = 12;

const DEMOGRAPHICS: [F; 4] = [F::PatientFirstName, F::PatientLastName, F::PatientDob, F::PatientBirthGender];

/// Columns that show that the rows are orders.
const OF_ORDERS: [F; 2] = [F::EvaluationType, F::OrderScheduledTime];

/// The fields without which no row could be loaded and that get no value from anywhere.
pub(crate) fn missing(compiled: &Compiled, mapping: &Mapping, exams: &[EvaluationType]) -> Vec<F> {
    let has = |field| compiled.provides(field);
    let has_demographics = DEMOGRAPHICS.into_iter().any(has);
    let mut missing = Vec::new();
    if !has(F::PatientLocalId) && (!has(F::OrderLocalId) || has_demographics) {
        missing.push(F::PatientLocalId);
    }
    if has_demographics {
        missing.extend(DEMOGRAPHICS.into_iter().filter(|field| !has(*field)));
    }
    if has(F::PatientLocalId) && !has(F::SiteLocalId) {
        missing.push(F::SiteLocalId);
    }
    let has_orders = OF_ORDERS.into_iter().any(|field| compiled.has_column(field));
    if has_orders && !has(F::OrderLocalId) && !mapping.allow_missing_order_local_id {
        missing.push(F::OrderLocalId);
    }
    if missing.is_empty() {
        return missing;
    }
    // What would be missing next is named as well: nobody wants to learn of missing columns one by one.
    let is_of_patients = missing.contains(&F::PatientLocalId);
    if is_of_patients && !has(F::SiteLocalId) {
        missing.push(F::SiteLocalId);
    }
    let orders = has(F::OrderLocalId) || has_orders;
    if orders && exams.len() > 1 && !has(F::EvaluationType) && !has(F::OrderControlCode) {
        missing.push(F::EvaluationType);
    }
    missing
}

/// Names everything that is missing, and which columns there are instead.
pub(super) fn check(
    compiled: &Compiled,
    headers: &[String],
    mapping: &Mapping,
    exams: &[EvaluationType],
) -> Result<(), Issue> {
    let missing = missing(compiled, mapping, exams);
    let Some(first) = missing.first().copied() else { return Ok(()) };
    let names: Vec<&str> = missing.iter().map(|field| field.name()).collect();
    let named = headers.iter().filter(|header| !header.trim().is_empty());
    let found: Vec<String> = named.clone().take(NAMES_SHOWN).map(|header| quoted(header)).collect();
    let more = named.count().saturating_sub(NAMES_SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = format!(
        "The file has no column for {}. Its columns are {}{more}. Rename or add what is missing, or have the mapping \
         extended.",
        names.join(", "),
        found.join(", ")
    );
    Err(Issue::error(IssueCode::MissingColumn, first.path(), message))
}
