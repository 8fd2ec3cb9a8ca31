//! Alerts: what they search for must be logged by the code, and what to do about each must be documented.

use crate::bicep::Value;
use crate::{Checked, Problem};
use anyhow::Result;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// The code that writes the handler's log lines.
const SOURCES: [&str; 2] = ["functions", "shared"];
/// Fields every line has.
const ALWAYS: [&str; 2] = ["message", "level"];
/// Texts from Azure itself, or from the logging library.
const FOREIGN: [&str; 2] = ["{", "ERROR"];
/// The mark of a handler's line that someone has to know about: an alert's name, or `true` next to a code or a message.
const RAISED: &str = "alert = ";
/// The page that says what to do.
const GUIDE: &str = "docs/OPERATIONS.md";

/// Checks the alerts.
pub(crate) fn check(checked: &Checked<'_>) -> Result<Vec<Problem>> {
    let mut source = String::new();
    for folder in SOURCES {
        gather(&checked.root.join(folder), &mut source)?;
    }
    // The host names a function after its folder.
    for entry in std::fs::read_dir(checked.root.join("functions"))? {
        let folder = entry?;
        if folder.path().join("function.json").is_file() {
            writeln!(source, "\"{}\"", folder.file_name().to_string_lossy())?;
        }
    }
    let guide = std::fs::read_to_string(checked.root.join(GUIDE))?;
    let mut problems = Vec::new();
    let mut queries = String::new();
    for kind in ["Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts"] {
        for alert in checked.made(kind) {
            let name =
                alert.name.split_once('-').and_then(|(_, rest)| Some(rest.split_once('-')?.1)).unwrap_or_default();
            let place = format!("alert {name}");
            if !guide.contains(&format!("\n### {name}\n")) {
                problems
                    .push(Problem::new(&place, format!("{GUIDE} has no section of this name: what is to be done?")));
            }
            let criteria = alert.body.at(&["properties", "criteria", "allOf"]).map(Value::items).unwrap_or_default();
            for query in criteria.iter().filter_map(|criterion| criterion.get("query")?.text()) {
                problems.extend(unknown(query, &source).into_iter().map(|what| Problem::new(&place, what)));
                queries.push_str(query);
                queries.push('\n');
            }
        }
    }
    problems.extend(unheard(&source, &queries));
    Ok(problems)
}

/// Fields and texts in a query that no line of the handler can have.
fn unknown(query: &str, source: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (_, rest) in query.match_indices("line.").map(|(at, found)| query.split_at(at + found.len())) {
        let field: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let logged = [format!("{field} = "), format!("{field},")].iter().any(|form| source.contains(form));
        if !logged && !ALWAYS.contains(&field.as_str()) {
            problems.push(format!("no line has the field {field}"));
        }
    }
    for text in query.split('"').skip(1).step_by(2) {
        // A text may be the beginning of a longer one.
        if !source.contains(&format!("\"{text}")) && !FOREIGN.contains(&text) {
            problems.push(format!("nothing logs \"{text}\""));
        }
    }
    problems
}

/// Alerts that the code raises but no query looks for.
fn unheard(source: &str, queries: &str) -> Vec<Problem> {
    let wanted: Vec<&str> = queries.split('"').skip(1).step_by(2).filter(|text| !FOREIGN.contains(text)).collect();
    let raised =
        source.match_indices(RAISED).filter_map(|(at, found)| source.get(at + found.len()..)?.split(';').next());
    let raised = raised.filter(|line| line.starts_with('"') || line.starts_with("true"));
    let texts = raised.map(|line| line.split('"').skip(1).step_by(2).collect::<Vec<_>>());
    // A query names the alert or the code, or the beginning of the message, which has several words.
    let heard =
        |text: &&str| wanted.iter().any(|wanted| text == wanted || wanted.contains(' ') && text.starts_with(wanted));
    let unheard: BTreeSet<&str> =
        texts.filter(|texts| !texts.iter().any(heard)).filter_map(|texts| texts.first().copied()).collect();
    unheard
        .into_iter()
        .map(|alert| Problem::new("alerts", format!("nobody is told of the alert \"{alert}\"")))
        .collect()
}

/// The text of every Rust file below a folder.
fn gather(folder: &Path, text: &mut String) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, text)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            writeln!(text, "{}", std::fs::read_to_string(&path)?)?;
        }
    }
    Ok(())
}
