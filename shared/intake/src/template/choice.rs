//! What may stand in the cells of coded columns.

use iris_model::organization::ColumnRule;
use iris_model::{Gender, IntakeField as F, OrderControlCode, Organization, state};

/// A value and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) meaning: String,
}

fn choice(value: &str, meaning: &str) -> Choice {
    Choice { value: value.to_owned(), meaning: meaning.to_owned() }
}

/// What is offered for a field; `None` when it is free text. If a mapping translates values, its words are offered,
/// because they are those of the people who fill in the file.
pub(super) fn choices(field: F, rule: &ColumnRule, organization: &Organization) -> Option<Vec<Choice>> {
    let known = known(field, organization)?;
    let translated: Vec<Choice> = rule
        .values
        .iter()
        .filter(|(_, to)| !to.trim().is_empty())
        .map(|(from, to)| {
            let own = known.iter().find(|own| own.value.eq_ignore_ascii_case(to.trim()));
            choice(from.trim(), own.map_or(to.trim(), |own| &own.meaning))
        })
        .collect();
    let choices = if translated.is_empty() { known } else { translated };
    (!choices.is_empty()).then_some(choices)
}

fn known(field: F, organization: &Organization) -> Option<Vec<Choice>> {
    Some(match field {
        F::SiteLocalId => organization.sites.iter().map(|site| choice(site.local_id.as_str(), &site.name)).collect(),
        F::EvaluationType => {
            organization.evaluation_types.iter().map(|exam| choice(exam.code(), super::words::exam(*exam))).collect()
        }
        F::PatientBirthGender | F::PatientIdentityGender => {
            Gender::ALL.iter().map(|gender| choice(gender.code(), super::words::gender(*gender))).collect()
        }
        F::OrderState => state::STATES.iter().map(|(code, name)| choice(code, name)).collect(),
        F::OrderControlCode => {
            let codes = [
                (OrderControlCode::NewOrder, "New order"),
                (OrderControlCode::Change, "Change of an order"),
                (OrderControlCode::Cancel, "Cancellation of an order"),
                (OrderControlCode::ResendResult, "The order's result once more"),
            ];
            codes.iter().map(|(code, meaning)| choice(code.code(), meaning)).collect()
        }
        F::SingleEyeOnly => vec![choice("Yes", "One eye only"), choice("No", "Both eyes")],
        _ => return None,
    })
}
