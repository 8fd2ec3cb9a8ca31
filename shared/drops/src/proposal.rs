//! Proposes a mapping for a file that no mapping reads.

use crate::trial::{Error, format, source};
use iris_intake::suggest::{Choices, Look, Suggestions, View, look, suggest};
use iris_intake::{FileIssue, Limits};
use iris_model::organization::DropRule;
use iris_model::{Issue, Organization};
use std::path::Path;

/// A file that was examined, and the probable meaning of its columns.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// What was found.
    pub look: Look,
    /// The probable meaning of its columns.
    pub suggestions: Suggestions,
    /// The suggestions that are certain enough to use.
    pub choices: Choices,
}

/// Examines a file and proposes a mapping for it.
///
/// # Errors
/// The file cannot be read. The inner error is a problem of its content.
pub fn propose(
    path: &Path,
    name: &str,
    organization: &Organization,
    limits: &Limits,
    view: &View,
) -> Result<Result<Proposal, Issue>, Error> {
    let format = match format(path, name)? {
        Ok(format) => format,
        Err(issue) => return Ok(Err(issue)),
    };
    let look = match look(source(path)?, format, limits, view) {
        Ok(look) => look,
        Err(FileIssue { transient: true, .. }) => return Err(Error::Reader),
        Err(failure) => return Ok(Err(failure.issue)),
    };
    let suggestions = suggest(&look.columns, organization);
    let mut choices = Choices::suggested(&look, &suggestions, organization);
    choices.name = title(name);
    Ok(Ok(Proposal { look, suggestions, choices }))
}

impl Proposal {
    /// The rule, as far as it is certain.
    #[must_use]
    pub fn rule(&self, name: &str) -> DropRule {
        DropRule { pattern: pattern(name), mapping: self.choices.mapping(&self.look) }
    }
}

/// A pattern for files with names like this one, in which dates and numbers vary.
#[must_use]
pub fn pattern(name: &str) -> String {
    let own = name.rsplit('/').next().unwrap_or(name);
    let (stem, ending) = own.rsplit_once('.').map_or((own, ""), |(stem, ending)| (stem, ending));
    let mut pattern = String::new();
    for character in stem.chars() {
        let varies =
            character.is_ascii_digit() || (pattern.ends_with('*') && matches!(character, '-' | '_' | '.' | ' '));
        match (varies, pattern.ends_with('*')) {
            (true, true) => {}
            (true, false) => pattern.push('*'),
            (false, _) => pattern.push(if character == '*' || character == '?' { '?' } else { character }),
        }
    }
    if !pattern.ends_with('*') {
        pattern.push('*');
    }
    if ending.is_empty() { pattern } else { format!("{pattern}.{ending}") }
}

/// A mapping name for files with names like this one.
fn title(name: &str) -> String {
    let pattern = pattern(name);
    let stem = pattern.rsplit_once('.').map_or(pattern.as_str(), |(stem, _)| stem);
    let words: Vec<&str> = stem.split(['*', '-', '_', '.', ' ', '?']).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "new mapping".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_dates_become_patterns() {
        for (name, expected, named) in [
            ("members-2026-11.csv", "members-*.csv", "members"),
            ("Eye Gaps Q4 2026 v2.xlsx", "Eye Gaps Q*v*.xlsx", "Eye Gaps Q v"),
            ("gaps.csv", "gaps*.csv", "gaps"),
            ("in/20261130.csv", "*.csv", "new mapping"),
            ("roster", "roster*", "roster"),
        ] {
            assert_eq!((pattern(name).as_str(), title(name).as_str()), (expected, named), "{name}");
            let own = name.rsplit('/').next().unwrap();
            assert!(iris_model::organization::fits_pattern(&pattern(name), own), "{name}");
        }
    }
}
