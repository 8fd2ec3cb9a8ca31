//! A person's choices about the suggestions, and the mapping that results.

use super::{CONFIRMED, Confidence, Dates, Look, Suggestions};
use crate::mapping;
use iris_model::organization::{ColumnRule, DateOrder, Mapping};
use iris_model::{EvaluationType, Gender, IntakeField, LocalId, Organization, state};
use std::collections::BTreeMap;

/// Fields with a fixed set of values: those in the file have to be in the set, or be translated.
const OF_LISTS: [IntakeField; 5] = [
    IntakeField::SiteLocalId,
    IntakeField::PatientBirthGender,
    IntakeField::PatientIdentityGender,
    IntakeField::EvaluationType,
    IntakeField::OrderState,
];

/// What a field gets if no column provides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fallback {
    /// This value in every row.
    Constant(String),
    /// This value where the cell is empty.
    Default(String),
}

/// A person's choices about a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// The mapping's name.
    pub name: String,
    /// The sheet, if only that one is to be read.
    pub sheet: Option<String>,
    /// The column of a field, 0 = first. One column may be several fields.
    pub columns: BTreeMap<IntakeField, usize>,
    /// What fields get otherwise.
    pub fallbacks: BTreeMap<IntakeField, Fallback>,
    /// Translations by field.
    pub values: BTreeMap<IntakeField, BTreeMap<String, String>>,
    /// The order of day and month.
    pub date_order: DateOrder,
    /// Rows to skip.
    pub skip_rows: Vec<String>,
    /// Orders without an id get one.
    pub derives_order_ids: bool,
}

/// A value of the file for a field with a fixed set of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// As it stands in the file.
    pub value: String,
    /// In how many rows.
    pub count: u64,
    /// Its meaning without a translation, if it is in the set.
    pub is: Option<String>,
    /// What it probably means; never used without confirmation.
    pub meant: Option<String>,
}

impl Choices {
    /// Takes only the exact and strong suggestions, and the date order that the dates show.
    #[must_use]
    pub fn suggested(look: &Look, suggestions: &Suggestions, organization: &Organization) -> Self {
        let mut choices = Self { sheet: look.sheet.clone().filter(|_| look.sheets.len() > 1), ..Self::default() };
        for (at, suggestion) in suggestions.columns.iter().enumerate() {
            if let Some(suggestion) = suggestion.as_ref().filter(|found| found.confidence > Confidence::Weak) {
                choices.columns.entry(suggestion.field).or_insert(at);
            }
        }
        if let Dates::Shown(order) = suggestions.dates {
            choices.date_order = order;
        }
        choices.skip_rows.clone_from(&look.totals);
        choices.prefill(look, organization);
        choices
    }

    /// Adds translations for values with only one possible meaning, if the field has none of its own yet.
    pub fn prefill(&mut self, look: &Look, organization: &Organization) {
        for field in OF_LISTS {
            let Some(values) = self.translated(field, look, organization) else { continue };
            let table = self.values.entry(field).or_default();
            for value in values {
                if let (None, Some(meant)) = (&value.is, value.meant) {
                    table.entry(value.value).or_insert(meant);
                }
            }
        }
        self.values.retain(|_, table| !table.is_empty());
    }

    /// The values in the file for a field with a fixed set of them; `None` for other fields, if no column is chosen, or
    /// if it has too many values.
    #[must_use]
    pub fn translated(&self, field: IntakeField, look: &Look, organization: &Organization) -> Option<Vec<Translated>> {
        if !OF_LISTS.contains(&field) {
            return None;
        }
        let column = look.columns.get(*self.columns.get(&field)?)?;
        let choices = column.choices.as_ref()?;
        let value = |(value, count): (&String, &u64)| Translated {
            value: value.clone(),
            count: *count,
            is: is(field, value, organization),
            meant: meant(field, value, organization),
        };
        Some(choices.iter().map(value).collect())
    }

    /// Required fields that get no value from anywhere.
    #[must_use]
    pub fn missing(&self, look: &Look, organization: &Organization) -> Vec<IntakeField> {
        let mapping = self.mapping(look);
        match mapping::compile(&mapping, &look.headers(), &organization.evaluation_types, false) {
            Ok((compiled, _)) => {
                let mut missing = mapping::missing(&compiled, &mapping, &organization.evaluation_types);
                // Whoever maps a file of patients wants orders.
                let exams = &organization.evaluation_types;
                let has = |field| compiled.provides(field);
                let names_exam =
                    exams.len() <= 1 || has(IntakeField::EvaluationType) || has(IntakeField::OrderControlCode);
                let has_id = self.derives_order_ids || has(IntakeField::OrderLocalId);
                for (field, has) in [(IntakeField::OrderLocalId, has_id), (IntakeField::EvaluationType, names_exam)] {
                    if !has && !missing.contains(&field) {
                        missing.push(field);
                    }
                }
                missing
            }
            Err(_) => Vec::new(),
        }
    }

    /// The mapping.
    #[must_use]
    pub fn mapping(&self, look: &Look) -> Mapping {
        let mut columns: BTreeMap<IntakeField, ColumnRule> = BTreeMap::new();
        let mut used = vec![false; look.columns.len()];
        for (field, at) in &self.columns {
            let Some(column) = look.columns.get(*at) else { continue };
            if let Some(used) = used.get_mut(*at) {
                *used = true;
            }
            let rule = columns.entry(*field).or_default();
            if mapping::published(&column.header) != Some(*field) {
                rule.headers.push(column.header.clone());
            }
            rule.values = self.values.get(field).cloned().unwrap_or_default();
        }
        for (field, fallback) in &self.fallbacks {
            let rule = columns.entry(*field).or_default();
            match fallback {
                Fallback::Constant(value) => rule.constant = Some(value.clone()),
                Fallback::Default(value) => rule.default = Some(value.clone()),
            }
        }
        let ignored = look.columns.iter().zip(&used).filter(|(column, used)| {
            !**used && !column.header.trim().is_empty() && mapping::published(&column.header).is_none()
        });
        Mapping {
            name: self.name.clone(),
            sheet: self.sheet.clone(),
            columns: columns.into_iter().filter(|(_, rule)| *rule != ColumnRule::default()).collect(),
            ignored_columns: ignored.map(|(column, _)| column.header.clone()).collect(),
            date_order: self.date_order,
            skip_rows: self.skip_rows.clone(),
            allow_missing_order_local_id: self.derives_order_ids,
            ..Mapping::default()
        }
    }

    /// The chosen columns that need confirmation.
    #[must_use]
    pub fn to_confirm(&self) -> Vec<IntakeField> {
        CONFIRMED.into_iter().filter(|field| self.columns.contains_key(field)).collect()
    }
}

/// The value of the set that a text stands for.
fn is(field: IntakeField, text: &str, organization: &Organization) -> Option<String> {
    match field {
        IntakeField::SiteLocalId => {
            LocalId::new(text).and_then(|id| organization.site(&id)).map(|site| site.local_id.to_string())
        }
        IntakeField::PatientBirthGender | IntakeField::PatientIdentityGender => {
            Gender::from_text(text).map(|gender| gender.code().to_owned())
        }
        IntakeField::EvaluationType => EvaluationType::from_text(text)
            .filter(|exam| organization.evaluation_types.contains(exam))
            .map(|exam| exam.code().to_owned()),
        IntakeField::OrderState => state::from_text(text).map(str::to_owned),
        _ => None,
    }
}

/// What a text probably means: according to the organization's other mappings where they agree, and for a site by its
/// name or city.
fn meant(field: IntakeField, text: &str, organization: &Organization) -> Option<String> {
    let rules = organization.drops.iter().filter_map(|rule| rule.mapping.columns.get(&field));
    let own: Vec<&String> = rules
        .flat_map(|rule| &rule.values)
        .filter(|(from, to)| from.trim().eq_ignore_ascii_case(text.trim()) && !to.trim().is_empty())
        .map(|(_, to)| to)
        .collect();
    if let Some((first, others)) = own.split_first() {
        return others.iter().all(|other| other == first).then(|| (*first).clone());
    }
    match field {
        IntakeField::SiteLocalId => organization.site_meant(text).map(|site| site.local_id.to_string()),
        _ => None,
    }
}
