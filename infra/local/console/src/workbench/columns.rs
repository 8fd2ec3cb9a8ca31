//! Which column is which field: the sections "File", "Columns", "Dates" and what is still missing.

use super::form::{Entered, order_name};
use crate::format::{count, foreign, plural};
use crate::page::Look;
use iris_drops::proposal::Proposal;
use iris_intake::suggest::{CONFIRMED, Confidence, Dates, Suggestion, is_date};
use iris_model::organization::DateOrder;
use iris_model::{IntakeField, Organization};
use maud::{Markup, html};

/// Cells of a row near the top that are shown.
const WIDE: usize = 8;
/// Rows near the top that are shown.
const TALL: usize = 20;

/// Sheet, header, rows to skip.
pub(super) fn file(proposal: &Proposal, entered: &Entered, look: Look) -> Markup {
    let seen = &proposal.look;
    let place = format!("{}/{}", seen.sheet.as_deref().unwrap_or_default(), seen.header_row);
    html! {
        section aria-labelledby="file-head" {
            h2 #file-head { "File " small { (plural(seen.rows, "row", "rows")) " below the header" } }
            input type="hidden" name="chosen" value=(place);
            @if seen.sheets.len() > 1 {
                label.field {
                    span { "Sheet" }
                    select name="sheet" {
                        @for sheet in &seen.sheets { option value=(sheet) selected[seen.sheet.as_ref() == Some(sheet)] { (sheet) } }
                    }
                }
            } @else if let Some(sheet) = &seen.sheet {
                input type="hidden" name="sheet" value=(sheet);
            }
            details {
                summary { "The header is row " (seen.header_row) ". Another one?" }
                div.scroll tabindex="0" role="region" aria-label="The first rows" {
                    table.list {
                        thead { tr { th { "Header" } th colspan=(WIDE) { "The first rows" } } }
                        tbody {
                            @for row in seen.top.iter().take(TALL) {
                                tr.(if row.number == seen.header_row { "chosen" } else { "" }) {
                                    td {
                                        label {
                                            input type="radio" name="header" value=(row.number) checked[row.number == seen.header_row];
                                            " row " (row.number)
                                        }
                                    }
                                    @for cell in row.cells.iter().take(WIDE) {
                                        td { @if row.number == seen.header_row { (foreign(cell)) } @else { (look.private(cell)) } }
                                    }
                                }
                            }
                        }
                    }
                }
                button type="submit" name="do" value="look" { "Look again" }
            }
            label.field.tall {
                span { "Rows to pass over, by what stands in their first cell" }
                textarea name="skip" rows="2" placeholder="Total*" { (entered.choices.skip_rows.join("\n")) }
            }
        }
    }
}

/// A line for each column.
pub(super) fn columns(proposal: &Proposal, entered: &Entered, look: Look) -> Markup {
    let lines = proposal.look.columns.iter().zip(&proposal.suggestions.columns).enumerate();
    html! {
        section aria-labelledby="columns-head" {
            h2 #columns-head { "Columns" }
            p.hint { "What is sure is chosen. Ids and birth dates want your confirmation: a mistake there is another patient." }
            table.list.mapped {
                thead { tr { th { "Your column" } th { "Values" } th { "Is" } th { "How sure" } } }
                tbody {
                    @for (at, (column, suggestion)) in lines {
                        @let chosen = entered.choices.columns.iter().filter(|(_, own)| **own == at).map(|(field, _)| *field);
                        @let chosen: Vec<IntakeField> = chosen.collect();
                        tr data-column=(column.header) {
                            td { strong { (foreign(&column.header)) } small { (count(column.filled)) " filled" } }
                            td { @for sample in &column.samples { span.sample { (look.private(sample)) } } }
                            td {
                                (choice(at, &column.header, &chosen, suggestion.as_ref()))
                                @for field in chosen.iter().filter(|field| CONFIRMED.contains(field)) { (confirming(*field, entered)) }
                            }
                            td { @if let Some(suggestion) = suggestion { (why(suggestion)) } }
                        }
                    }
                }
            }
        }
    }
}

fn choice(at: usize, header: &str, chosen: &[IntakeField], suggestion: Option<&Suggestion>) -> Markup {
    let probable = suggestion.map(|suggestion| suggestion.field);
    html! {
        select name={ "c" (at) } aria-label={ "Field of " (header) } {
            option value="" { "not needed" }
            @if let Some(field) = probable.filter(|field| !chosen.contains(field)) {
                option value=(field.name()) { (field.name()) " (suggested)" }
            }
            @for field in IntakeField::ALL {
                @if Some(*field) != probable || chosen.contains(field) {
                    option value=(field.name()) selected[chosen.first() == Some(field)] { (field.name()) }
                }
            }
        }
        @for field in chosen.iter().skip(1) { small { "and " (field.name()) } }
    }
}

fn confirming(field: IntakeField, entered: &Entered) -> Markup {
    let text = match field {
        IntakeField::PatientLocalId => "Each patient has one of their own",
        IntakeField::OrderLocalId => "Each order has one of its own",
        _ => "These are birth dates",
    };
    html! {
        label.confirm {
            input type="checkbox" name={ "k-" (field.name()) } checked[entered.confirmed.contains(&field)];
            " " (text)
        }
    }
}

fn why(suggestion: &Suggestion) -> Markup {
    let (tone, word) = match suggestion.confidence {
        Confidence::Exact => ("good", "exact"),
        Confidence::Strong => ("good", "strong"),
        Confidence::Weak => ("warn", "weak"),
    };
    html! {
        span.chip.(tone) { (word) } " " small { (suggestion.field.name()) ". " @for reason in &suggestion.reasons { (foreign(reason)) " " } }
    }
}

/// What the dates show about the order of day and month.
pub(super) fn dates(proposal: &Proposal, entered: &Entered) -> Markup {
    let of_dates = entered.choices.columns.iter().filter(|(field, _)| is_date(**field));
    let shown = of_dates.filter_map(|(_, at)| proposal.look.columns.get(*at)).filter(|column| column.dates.total() > 0);
    html! {
        section aria-labelledby="dates-head" {
            h2 #dates-head { "Dates" }
            @for column in shown {
                @let dates = column.dates;
                p.hint {
                    (foreign(&column.header)) ": "
                    @if dates.month_first > 0 { (dates.month_first) " of " (dates.total()) " have a second part over 12: month first. " }
                    @if dates.day_first > 0 { (dates.day_first) " of " (dates.total()) " have a first part over 12: day first. " }
                    @if dates.month_first + dates.day_first == 0 && dates.either > 0 { (dates.either) " of " (dates.total()) " could be either of two days. " }
                    @if dates.total() == dates.plain { "nothing about them is a question." }
                }
            }
            @match proposal.suggestions.dates {
                Dates::NoQuestion => p.hint { "The order of day and month is no question here." },
                Dates::Shown(order) => p { "They are read as " code { (order_name(order)) } "." },
                Dates::Contradictory => p.issue.bad {
                    "The file has dates with the month first and dates with the day first. Nobody can tell which is \
                     which: write yyyy-MM-dd."
                },
                Dates::Open => fieldset {
                    legend { "Nothing shows which part is the month. Which is it?" }
                    @for (order, words) in [(DateOrder::MonthFirst, "month first, 03/04 is March 4"), (DateOrder::DayFirst, "day first, 03/04 is April 3")] {
                        label {
                            input type="radio" name="order" value=(order_name(order)) checked[entered.is_dated && entered.choices.date_order == order];
                            " " (words)
                        }
                    }
                },
            }
        }
    }
}

/// Required fields that get no value from anywhere yet, and those that a person gave one.
pub(super) fn missing(proposal: &Proposal, entered: &Entered, organization: &Organization) -> Markup {
    use iris_intake::suggest::Fallback;
    let given: Vec<IntakeField> = entered.choices.fallbacks.keys().copied().collect();
    let orders = IntakeField::OrderLocalId;
    html! {
        @if !entered.missing.is_empty() || !given.is_empty() || entered.choices.derives_order_ids {
            section.missing aria-labelledby="missing-head" {
                h2 #missing-head { "Still needed" }
                @for field in entered.missing.iter().chain(&given) {
                    @let fallback = entered.choices.fallbacks.get(field);
                    @let is_default = matches!(fallback, Some(Fallback::Default(_)));
                    @let value = match fallback { Some(Fallback::Constant(value) | Fallback::Default(value)) => value.as_str(), None => "" };
                    p.need data-field=(field.name()) {
                        strong.(if fallback.is_some() { "good" } else { "bad" }) { (field.name()) }
                        select name={ "m-" (field.name()) } aria-label={ "Where " (field.name()) " comes from" } {
                            option value="" { "choose …" }
                            option value="constant" selected[fallback.is_some() && !is_default] { "the same in every row:" }
                            option value="default" selected[is_default] { "where the cell is empty:" }
                            @for (at, column) in proposal.look.columns.iter().enumerate() {
                                option value={ "column:" (at) } { "column " (column.header) }
                            }
                        }
                        (super::values::input(&format!("v-{}", field.name()), *field, value, organization))
                    }
                }
                @if entered.missing.contains(&orders) || entered.choices.derives_order_ids {
                    label.confirm {
                        input type="checkbox" name="derive" checked[entered.choices.derives_order_ids];
                        " Orders have no id in this file: each row gets one of its own"
                    }
                }
            }
        }
        @for field in &entered.doubled { p.issue.bad { "Two columns are chosen for " (field.name()) ". Keep one." } }
        @for field in entered.unconfirmed() { p.issue.warn { (field.name()) " wants your confirmation beside its column." } }
        // Columns used for further fields keep them when the form comes back.
        @for (field, at) in doubly(entered) { input type="hidden" name={ "m-" (field.name()) } value={ "column:" (at) }; }
    }
}

/// Fields that use a column which is listed under another field.
fn doubly(entered: &Entered) -> Vec<(IntakeField, usize)> {
    let mut seen = std::collections::BTreeSet::new();
    entered.choices.columns.iter().filter(|(_, at)| !seen.insert(**at)).map(|(field, at)| (*field, *at)).collect()
}
