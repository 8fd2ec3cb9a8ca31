//! The meaning of the file's values: each different one of a field with a fixed set, with the organization's own
//! choices.

use super::form::Entered;
use crate::format::count;
use crate::page::Look;
use iris_drops::proposal::Proposal;
use iris_model::{Gender, IntakeField, Organization};
use maud::{Markup, html};

const FIELDS: [IntakeField; 5] = [
    IntakeField::SiteLocalId,
    IntakeField::PatientBirthGender,
    IntakeField::PatientIdentityGender,
    IntakeField::EvaluationType,
    IntakeField::OrderState,
];

/// The section "Values".
pub(super) fn values(proposal: &Proposal, entered: &Entered, organization: &Organization, look: Look) -> Markup {
    let tables: Vec<_> = FIELDS
        .into_iter()
        .filter_map(|field| Some((field, entered.choices.translated(field, &proposal.look, organization)?)))
        .collect();
    html! {
        @if !tables.is_empty() {
            section aria-labelledby="values-head" {
                h2 #values-head { "Values" }
                @for (field, values) in &tables {
                    @let known = values.iter().filter(|value| value.is.is_some()).count();
                    h3 { (field.name()) }
                    @if known == values.len() { p.hint { "All " (known) " values are known." } }
                    @else {
                        table.list.values data-field=(field.name()) {
                            thead { tr { th { "In your file" } th.number { "Rows" } th { "Means" } } }
                            tbody {
                                @for (number, value) in values.iter().enumerate().filter(|(_, value)| value.is.is_none()) {
                                    @let to = entered.choices.values.get(field).and_then(|table| table.get(&value.value));
                                    tr {
                                        td { (look.private(&value.value)) }
                                        td.number { (count(value.count)) }
                                        td {
                                            input type="hidden" name={ "tk-" (field.name()) "-" (number) } value=(value.value);
                                            (input(&format!("tv-{}-{number}", field.name()), *field, to.map_or("", String::as_str), organization))
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a value of a field can be: a choice of the organization's, or any text.
pub(super) fn input(name: &str, field: IntakeField, value: &str, organization: &Organization) -> Markup {
    let label = format!("Value of {}", field.name());
    let choices: Vec<(String, String)> = match field {
        IntakeField::SiteLocalId => {
            organization.sites.iter().map(|site| (site.local_id.to_string(), site.name.clone())).collect()
        }
        IntakeField::EvaluationType => {
            organization.evaluation_types.iter().map(|exam| (exam.code().to_owned(), String::new())).collect()
        }
        IntakeField::PatientBirthGender | IntakeField::PatientIdentityGender => {
            Gender::codes().split(", ").map(|code| (code.to_owned(), String::new())).collect()
        }
        _ => Vec::new(),
    };
    html! {
        @if choices.is_empty() {
            input type="text" name=(name) value=(value) aria-label=(label);
        } @else {
            select name=(name) aria-label=(label) {
                option value="" { "choose …" }
                @for (code, words) in &choices {
                    option value=(code) selected[code == value] { (code) @if !words.is_empty() { " – " (words) } }
                }
            }
        }
    }
}
