//! `try FILE`: what would become of a file, without loading it; for a file that no mapping reads, what its columns
//! probably mean.

use crate::cli::{CommonArgs, TryArgs};
use crate::organizations;
use crate::process::file_name;
use crate::serve::say;
use anyhow::{Context, Result, bail};
use iris_drops::proposal::{Proposal, propose};
use iris_drops::trial::{Tried, attempt, with_mapping};
use iris_intake::Limits;
use iris_intake::suggest::{CONFIRMED, Confidence, Dates, View};
use iris_model::organization::DropRule;
use iris_model::{IssueCode, Organization, Severity};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// Kinds of problems listed.
const GROUPS: usize = 15;

/// Tries a file. Returns an error, and so a non-zero exit code, when nothing of it would be loaded.
pub async fn run(arguments: &TryArgs, common: &CommonArgs) -> Result<()> {
    let name = file_name(&arguments.file)?;
    let slug = &arguments.organization;
    let documents = organizations::read(common.organizations.as_deref())?;
    let found = documents.iter().find(|document| document.organization.slug == *slug);
    let mut organization = found
        .with_context(|| {
            format!("there is no organization {slug}; give the folder of its document with --organizations")
        })?
        .organization
        .clone();
    if let Some(mapping) = &arguments.mapping {
        organization = with_mapping(&organization, &name, read_rule(mapping)?.mapping);
    }
    let folder = tempfile::Builder::new().prefix("iris-local-").tempdir().context("no temporary folder can be made")?;
    let own = || format!("sqlite:{}", folder.path().join("iris.db").display());
    let store = crate::open_database(&common.database.clone().unwrap_or_else(own)).await?;
    let tried = attempt(
        store.as_ref(),
        Arc::new(organization.clone()),
        arguments.file.clone(),
        name.clone(),
        Limits::default(),
    )
    .await;
    store.close().await;
    let tried = tried?;
    if tried.defect.as_ref().is_some_and(|defect| is_about_columns(defect.code)) {
        return suggest(arguments, &name, &organization, &tried);
    }
    if arguments.json {
        say(&serde_json::to_string(&tried)?);
    } else {
        say(told(&name, &tried).trim_end());
    }
    match &tried.defect {
        Some(defect) if tried.totals.rows == 0 => bail!("nothing would be loaded: {}", defect.message),
        _ if tried.totals.rows > 0 && tried.totals.failed == tried.totals.rows => {
            bail!("nothing would be loaded: every row would be rejected")
        }
        _ => Ok(()),
    }
}

/// Whether a file was refused because its columns are unknown.
fn is_about_columns(code: IssueCode) -> bool {
    matches!(code, IssueCode::NoHeader | IssueCode::MissingColumn | IssueCode::AmbiguousColumn)
}

fn read_rule(file: &Path) -> Result<DropRule> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a mapping: an object with pattern and mapping", file.display()))
}

fn suggest(arguments: &TryArgs, name: &str, organization: &Organization, tried: &Tried) -> Result<()> {
    let proposal = propose(&arguments.file, name, organization, &Limits::default(), &View::default())?;
    let proposal = match proposal {
        Ok(proposal) => proposal,
        Err(issue) => bail!("nothing would be loaded: {}", issue.message),
    };
    let rule = proposal.rule(name);
    if arguments.json {
        let columns = &proposal.suggestions;
        say(&serde_json::json!({ "look": proposal.look, "suggestions": columns, "rule": rule }).to_string());
    } else {
        say(suggested(name, &proposal, organization).trim_end());
    }
    if let Some(out) = &arguments.save_mapping {
        let text = serde_json::to_vec_pretty(&rule)?;
        std::fs::write(out, text).with_context(|| format!("cannot write {}", out.display()))?;
        say(&format!("  what is sure is in {}; complete it and try it with --mapping", out.display()));
    }
    let reason = tried.defect.as_ref().map_or("", |defect| defect.message.as_ref());
    bail!("no mapping reads the file: {reason}")
}

fn suggested(name: &str, proposal: &Proposal, organization: &Organization) -> String {
    let look = &proposal.look;
    let mut text = format!("{name}: header in row {}, {} rows below it\n", look.header_row, look.rows);
    for (column, suggestion) in look.columns.iter().zip(&proposal.suggestions.columns) {
        let (what, why) = match suggestion {
            Some(found) => {
                let sure = match found.confidence {
                    Confidence::Exact => "exact",
                    Confidence::Strong => "strong",
                    Confidence::Weak => "weak",
                };
                let confirm = if CONFIRMED.contains(&found.field) { " To be confirmed." } else { "" };
                (format!("{} ({sure})", found.field.name()), format!("{}{confirm}", found.reasons.join(" ")))
            }
            None => ("-".to_owned(), String::new()),
        };
        let _ = writeln!(text, "  {:<26}  {what:<40}  {why}", cut(&column.header));
    }
    let dates = match proposal.suggestions.dates {
        Dates::NoQuestion => "no question",
        Dates::Shown(iris_model::organization::DateOrder::MonthFirst) => "month first, as the file shows",
        Dates::Shown(iris_model::organization::DateOrder::DayFirst) => "day first, as the file shows",
        Dates::Contradictory => "both orders are in the file: it cannot be read",
        Dates::Open => "day or month first: the file does not show it, dateOrder has to say it",
    };
    let _ = writeln!(text, "  dates: {dates}");
    let missing: Vec<&str> = proposal.choices.missing(look, organization).iter().map(|field| field.name()).collect();
    if !missing.is_empty() {
        let _ = writeln!(text, "  still needed: {}", missing.join(", "));
    }
    text
}

fn told(name: &str, tried: &Tried) -> String {
    let totals = &tried.totals;
    let mut text = format!("{name}, read by {}: nothing is stored\n", tried.mapping);
    let outcomes = [
        (totals.created, "would be created"),
        (totals.changed, "changed"),
        (totals.cancelled, "cancelled"),
        (totals.patients, "would register or update a patient alone"),
        (totals.resent, "would send a result again"),
        (totals.replayed, "known already"),
        (totals.ignored, "too late to have an effect"),
        (totals.failed, "rejected"),
    ];
    let outcomes = outcomes.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let outcomes: Vec<String> = outcomes.collect();
    let _ = writeln!(text, "  {}: {}", rows(totals.rows), outcomes.join(", "));
    if tried.waiting > 0 {
        let _ = writeln!(text, "  {} would wait for their orders", tried.waiting);
    }
    for issue in tried.defect.iter().chain(&tried.warnings) {
        let _ = writeln!(text, "  {} [{}]", issue.message, issue.code);
    }
    for group in tried.groups.iter().take(GROUPS) {
        let mark = if group.first.severity == Severity::Error { "rejects" } else { "warns" };
        let header = group.first.header.as_deref().map(|header| format!("{}: ", cut(header))).unwrap_or_default();
        let row = group.first.row.map(|row| format!(", first row {row}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {mark} {}{row}  {header}{} [{}]",
            rows(group.rows),
            group.first.message,
            group.first.code
        );
    }
    text
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

/// A header, cut to the available width.
fn cut(text: &str) -> String {
    text.chars().take(26).collect()
}
