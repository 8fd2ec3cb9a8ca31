//! What would become of the file, and saving the mapping in the document.

use super::form::Entered;
use crate::changes::differences;
use crate::format::{count, foreign, outcome, plural};
use crate::page::Look;
use iris_drops::mappings::{self, Edited};
use iris_drops::trial::Tried;
use iris_model::Severity;
use maud::{Markup, html};

/// Kinds of problems shown.
const GROUPS: usize = 30;

/// The section "Preview".
pub(super) fn preview(tried: &Tried, look: Look) -> Markup {
    let totals = &tried.totals;
    html! {
        section #preview aria-labelledby="preview-head" {
            h2 #preview-head { "Preview " small { "nothing was stored" } }
            @if let Some(defect) = &tried.defect { p.issue.bad { (look.message(&defect.message)) } }
            p.totals {
                strong { (count(totals.rows)) } " rows"
                span.good { " · " (count(totals.created)) " created" }
                @if totals.changed + totals.patients + totals.replayed > 0 { " · " (count(totals.changed + totals.patients + totals.replayed)) " of known orders and patients" }
                @if totals.cancelled + totals.ignored > 0 { " · " (count(totals.cancelled + totals.ignored)) " cancelled or ignored" }
                span.bad { " · " (count(totals.failed)) " rejected" }
                @if tried.waiting > 0 { " · " (count(tried.waiting)) " would wait for their orders" }
            }
            @for warning in &tried.warnings { p.issue.warn { (look.message(&warning.message)) } }
            @for group in tried.groups.iter().take(GROUPS) {
                p.issue.(if group.first.severity == Severity::Error { "bad" } else { "warn" }) {
                    @if let Some(header) = &group.first.header { strong { (foreign(header)) ": " } }
                    (look.message(&group.first.message)) " "
                    small { (plural(group.rows, "row", "rows")) @if let Some(row) = group.first.row { ", first row " (row) } }
                }
            }
            @for row in &tried.rows {
                details.tried open[tried.rows.first() == Some(row)] {
                    summary { "Row " (row.row) " " @if let Some(kind) = row.outcome { (outcome(kind)) } }
                    dl.cells {
                        @for value in &row.values {
                            div.(if value.transformed { "changed" } else { "same" }) {
                                dt { (value.path) }
                                dd.value { (look.private(&value.value)) }
                                @if value.transformed {
                                    dd { small {
                                        @match &value.cell { Some(cell) => { "in the file: " (look.private(cell)) }, None => { "the same in every row" } }
                                    } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The section "Save".
pub(super) fn save(
    entered: &Entered,
    edited: Option<&Result<Edited, mappings::Error>>,
    version: &str,
    is_saved: bool,
) -> Markup {
    html! {
        section aria-labelledby="save-head" {
            h2 #save-head { "Save" }
            input type="hidden" name="version" value=(version);
            div.fields {
                label.field { span { "Name" } input type="text" name="name" value=(entered.choices.name); }
                label.field { span { "Files called" } input type="text" name="pattern" value=(entered.pattern); }
                label.field { span { "Why (kept in the audit)" } input type="text" name="reason" value="Mapping made on the workbench"; }
            }
            p.hint { "A file under another name is recognized by its columns." }
            @match edited {
                Some(Ok(edited)) if !is_saved => {
                    details {
                        summary { @if edited.replaced { "Changes a mapping of the document" } @else { "Adds a mapping to the document" } }
                        table.list {
                            thead { tr { th { "In drops" } th { "Before" } th { "After" } } }
                            tbody {
                                @for difference in differences(&edited.before.to_string(), &edited.after.to_string()) {
                                    tr {
                                        td { code { (difference.path) } }
                                        td { @if let Some(before) = &difference.before { (foreign(before)) } }
                                        td { @if let Some(after) = &difference.after { pre { (foreign(&crate::format::pretty(after))) } } }
                                    }
                                }
                            }
                        }
                    }
                }
                Some(Err(problem)) => { p.issue.bad { (foreign(&problem.to_string())) } }
                _ => {}
            }
            p.actions {
                button type="submit" name="do" value="update" { "Update" }
                button.(if entered.is_ready() && !is_saved { "primary" } else { "" }) type="submit" name="do" value="preview" { "Preview" }
                @if entered.is_ready() {
                    button type="submit" name="do" value="save" { "Save the mapping" }
                    button type="submit" name="do" value="download" { "Download it" }
                }
                @if is_saved { button.primary type="submit" name="do" value="load" { "Load this file now" } }
            }
        }
    }
}
