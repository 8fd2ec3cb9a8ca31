//! Puts a mapping into an organization's document: what changes in its `drops`, and all problems that result.
//!
//! The document is edited as JSON, so that everything else in it stays as it was written.

use iris_model::organization::{DropRule, Error as DocumentError, fits_pattern};
use iris_model::{EvaluationType, IntakeField, Organization};
use serde_json::Value;

/// Reads a document and reports all problems, as the platform would.
pub type Reader = fn(&[u8]) -> Result<Organization, DocumentError>;

/// Why a mapping cannot be put into a document.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stored document is not JSON or has no list of drops.
    #[error("the organization's document cannot be edited; correct it first")]
    Document,
    /// All problems of the document with the mapping in it, one sentence each.
    #[error("{}", .0.join("; "))]
    Problems(Vec<String>),
}

/// A document with a mapping put into it.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The new document's bytes.
    pub content: Vec<u8>,
    /// The document, parsed.
    pub organization: Organization,
    /// Its `drops` before the change.
    pub before: Value,
    /// Its `drops` after the change.
    pub after: Value,
    /// The rule's position among them, 0 = first.
    pub place: usize,
    /// True if it replaced a rule with the same pattern.
    pub replaced: bool,
}

/// Puts a rule into a document: in place of the one with the same pattern; otherwise after the others, or before them
/// if one of them would read this file instead.
///
/// # Errors
/// [`Error`] with all problems, including those the document already had.
pub fn put(document: &[u8], rule: &DropRule, file_name: &str, read: Reader) -> Result<Edited, Error> {
    let bytes = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    let mut tree: Value = serde_json::from_slice(bytes).map_err(|_| Error::Document)?;
    let root = tree.as_object_mut().ok_or(Error::Document)?;
    let before = root.get("drops").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
    let mut drops = before.as_array().cloned().ok_or(Error::Document)?;
    let added = written(rule)?;
    let pattern = |drop: &Value| drop.get("pattern").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let known = drops.iter().position(|drop| pattern(drop) == rule.pattern.to_lowercase());
    let place = match known {
        Some(place) => place,
        None if drops.iter().any(|drop| fits_pattern(&pattern(drop), file_name)) => 0,
        None => drops.len(),
    };
    match known.and_then(|place| drops.get_mut(place)) {
        Some(old) => *old = added,
        None => drops.insert(place, added),
    }
    let after = Value::Array(drops);
    root.insert("drops".to_owned(), after.clone());
    let content = serde_json::to_vec_pretty(&tree).map_err(|_| Error::Document)?;
    let organization = read(&content).map_err(|error| match error {
        DocumentError::Problems(problems) => Error::Problems(problems),
        DocumentError::Shape(problem) => Error::Problems(vec![problem]),
    })?;
    let mut problems = exams(rule, &organization);
    if organization.rule_for(file_name).is_none_or(|found| found.pattern != rule.pattern) {
        problems.push(format!("drops[{place}].pattern does not fit the name of the file that was tried"));
    }
    if !problems.is_empty() {
        return Err(Error::Problems(problems));
    }
    Ok(Edited { content, organization, before, after, place, replaced: known.is_some() })
}

/// The rule as written in documents: without properties that say nothing.
fn written(rule: &DropRule) -> Result<Value, Error> {
    let mut tree = serde_json::to_value(rule).map_err(|_| Error::Document)?;
    without_defaults(&mut tree);
    Ok(tree)
}

fn without_defaults(node: &mut Value) {
    if let Value::Object(entries) = node {
        entries.values_mut().for_each(without_defaults);
        entries.retain(|_, value| match value {
            Value::Array(items) => !items.is_empty(),
            Value::Object(entries) => !entries.is_empty(),
            Value::Bool(flag) => *flag,
            _ => true,
        });
    }
}

/// Translations to exams that the organization does not offer: rows with them would be refused one by one.
fn exams(rule: &DropRule, organization: &Organization) -> Vec<String> {
    let Some(columns) = rule.mapping.columns.get(&IntakeField::EvaluationType) else { return Vec::new() };
    let has = |code: &str| {
        EvaluationType::from_text(code.trim()).is_some_and(|exam| organization.evaluation_types.contains(&exam))
    };
    let strange = columns.values.values().flat_map(|to| to.split([',', ';'])).filter(|code| !code.trim().is_empty());
    let strange = strange.filter(|code| !has(code));
    strange
        .map(|code| {
            format!(
                "values: {} is not one of the organization's evaluationTypes",
                iris_model::issue::quoted(code.trim())
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use iris_model::organization::{ColumnRule, Mapping};
    use std::collections::BTreeMap;

    const DOCUMENT: &[u8] = include_bytes!("../../../samples/harborview.json");

    fn rule(pattern: &str, field: IntakeField, rule: ColumnRule) -> DropRule {
        let columns = BTreeMap::from([(field, rule)]);
        DropRule {
            pattern: pattern.to_owned(),
            mapping: Mapping { name: "new".to_owned(), columns, ..Mapping::default() },
        }
    }

    fn site(to: &str) -> ColumnRule {
        ColumnRule { values: BTreeMap::from([("here".to_owned(), to.to_owned())]), ..ColumnRule::default() }
    }

    #[test]
    fn a_rule_is_added_where_it_is_found_and_all_else_stays() {
        let edited = put(
            DOCUMENT,
            &rule("gaps-*.xlsx", IntakeField::SiteLocalId, site("HV-SEA")),
            "gaps-1.xlsx",
            Organization::parse,
        )
        .unwrap();
        assert_eq!((edited.place, edited.replaced), (3, false));
        let (before, after): (Value, Value) =
            (serde_json::from_slice(DOCUMENT).unwrap(), serde_json::from_slice(&edited.content).unwrap());
        for (name, value) in before.as_object().unwrap().iter().filter(|(name, _)| *name != "drops") {
            assert_eq!(after[name], *value, "{name}");
        }
        assert_eq!(
            after["drops"][3]["mapping"]["columns"]["SiteLocalId"],
            serde_json::json!({"values": {"here": "HV-SEA"}})
        );
        // A rule that would read the file instead is placed after the new one.
        let shadowed = rule("members-2027*.csv", IntakeField::SiteLocalId, site("HV-SEA"));
        assert_eq!(put(DOCUMENT, &shadowed, "members-2027-01.csv", Organization::parse).unwrap().place, 0);
        let again = put(
            &edited.content,
            &rule("GAPS-*.xlsx", IntakeField::SiteLocalId, site("HV-PDX")),
            "gaps-2.xlsx",
            Organization::parse,
        );
        assert!(again.unwrap().replaced);
    }

    #[test]
    fn what_does_not_exist_is_not_saved() {
        let problems = |rule: &DropRule, name: &str| match put(DOCUMENT, rule, name, Organization::parse) {
            Err(Error::Problems(problems)) => problems.join("; "),
            other => panic!("{other:?}"),
        };
        let nowhere = rule("a-*.csv", IntakeField::SiteLocalId, site("HV-XXX"));
        assert!(problems(&nowhere, "a-1.csv").contains("HV-XXX"));
        let exam = ColumnRule { values: BTreeMap::from([("x".to_owned(), "AMD".to_owned())]), ..ColumnRule::default() };
        assert!(problems(&rule("a-*.csv", IntakeField::EvaluationType, exam), "a-1.csv").contains("AMD"));
        let elsewhere = rule("b-*.csv", IntakeField::SiteLocalId, site("HV-SEA"));
        assert!(problems(&elsewhere, "a-1.csv").contains("does not fit the name"));
    }
}
