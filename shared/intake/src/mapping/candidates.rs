//! Which mapping reads a file.
//!
//! A file is read by the rule whose pattern its name fits. If none fits, the built-in mapping reads it, provided its
//! header has the published names. Otherwise the header itself decides: it must have every column that a rule names. So
//! a corrected file loads under whatever name it comes back. If two rules fit equally well, neither is taken.

use super::{Names, compile, own_names};
use iris_model::field::normalized_name;
use iris_model::organization::Mapping;
use iris_model::{EvaluationType, Organization};
use std::collections::HashSet;

/// The fewest columns that distinguish a mapping from another.
const TELLING: usize = 3;

/// The mappings that may be meant.
#[derive(Debug, Clone)]
pub(crate) struct Candidates<'a> {
    /// By the file's name, or the built-in one.
    pub(crate) first: &'a Mapping,
    /// The mappings of the other rules, if the name does not decide.
    others: Vec<&'a Mapping>,
    exams: &'a [EvaluationType],
}

/// The mapping that was chosen, and what was found with it.
pub(crate) struct Chosen<'a, T> {
    pub(crate) mapping: &'a Mapping,
    pub(crate) found: T,
}

impl<'a> Candidates<'a> {
    /// Those for a file of this name.
    pub(crate) fn of(organization: &'a Organization, file_name: &str, builtin: &'a Mapping) -> Self {
        let exams = &organization.evaluation_types;
        match organization.rule_for(file_name) {
            Some(rule) => Self { first: &rule.mapping, others: Vec::new(), exams },
            None => {
                let others = organization.drops.iter().map(|rule| &rule.mapping).collect();
                Self { first: builtin, others, exams }
            }
        }
    }

    /// Chooses among them by what each finds in the file: the place of a header, and the header's names. If none fits,
    /// the result of the first one stands, whatever it is.
    pub(crate) fn choose<T, E>(
        &self,
        mut find: impl FnMut(&Mapping) -> Result<T, E>,
        headers: impl Fn(&T) -> &[String],
    ) -> Result<Chosen<'a, T>, E> {
        let first = find(self.first);
        let fits = |mapping: &Mapping, found: &T| compile(mapping, headers(found), self.exams, true).is_ok();
        if self.others.is_empty() || first.as_ref().is_ok_and(|found| fits(self.first, found)) {
            return first.map(|found| Chosen { mapping: self.first, found });
        }
        let mut best: Option<(usize, Chosen<'a, T>)> = None;
        let mut is_tied = false;
        for mapping in &self.others {
            let Ok(found) = find(mapping) else { continue };
            let Some(columns) = named_columns(mapping, headers(&found)) else { continue };
            if columns < TELLING || !fits(mapping, &found) {
                continue;
            }
            let most = best.as_ref().map_or(0, |(most, _)| *most);
            if columns > most {
                (best, is_tied) = (Some((columns, Chosen { mapping, found })), false);
            } else if columns == most {
                is_tied = true;
            }
        }
        match best.filter(|_| !is_tied) {
            Some((_, chosen)) => Ok(chosen),
            None => first.map(|found| Chosen { mapping: self.first, found }),
        }
    }
}

/// How many columns of a header have a name that only the mapping knows; `None` when one that it names is missing.
fn named_columns(mapping: &Mapping, headers: &[String]) -> Option<usize> {
    let known = Names::of(mapping);
    let names: HashSet<String> = headers.iter().map(|header| known.of_header(header)).collect();
    let mut told = HashSet::new();
    for (field, rule) in &mapping.columns {
        if rule.headers.is_empty() {
            continue;
        }
        let own: Vec<String> = own_names(*field).collect();
        let given = rule.headers.iter().map(|header| normalized_name(header));
        let name = given.chain(own.iter().cloned()).find(|name| names.contains(name))?;
        if !own.contains(&name) {
            told.insert(name);
        }
    }
    Some(told.len())
}
