//! The table of docs/LOCAL-HOST.md: operations, clients, outcomes.

use super::results::Results;
use super::{suites, text};
use crate::console;
use crate::workspace::root;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fmt::Write;

const DOCUMENT: &str = "docs/LOCAL-HOST.md";
const BEGIN: &str = "<!-- operations: written by cargo xtask test --update-docs -->\n";
const END: &str = "<!-- end of operations -->";

/// A part of tests/clients/operations.json.
#[derive(Deserialize)]
struct Group {
    service: String,
    title: String,
    operations: serde_json::Map<String, serde_json::Value>,
}

/// Compares the document's table with the results, or writes it.
pub(super) fn keep(results: &Results, update: bool) -> Result<()> {
    let (document, current) = compared(results)?;
    if current == document {
        console::note(&format!("the table of {DOCUMENT} is current"));
        return Ok(());
    }
    if !update {
        for (was, is) in document.lines().zip(current.lines()).filter(|(was, is)| was != is) {
            console::note(&format!("documented: {was}\nseen:       {is}"));
        }
        bail!(
            "the table of {DOCUMENT} is not what the suites showed; run `cargo xtask test --only clients --update-docs`"
        );
    }
    console::note(&format!("wrote the table of {DOCUMENT}"));
    std::fs::write(root().join(DOCUMENT), current).with_context(|| format!("cannot write {DOCUMENT}"))
}

/// Whether the document's table matches the results.
pub(super) fn is_current(results: &Results) -> Result<bool> {
    let (document, current) = compared(results)?;
    Ok(current == document)
}

/// The document, and the document as it would be with the table of these results.
fn compared(results: &Results) -> Result<(String, String)> {
    let groups: Vec<Group> = serde_json::from_str(&text(&suites().join("operations.json"))?)
        .context("tests/clients/operations.json is damaged")?;
    let document = text(&root().join(DOCUMENT))?;
    let current = replaced(&document, &render(&groups, results))?;
    Ok((document, current))
}

fn replaced(document: &str, table: &str) -> Result<String> {
    let parts = document.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = parts.with_context(|| format!("{DOCUMENT} has no place for the table"))?;
    Ok(format!("{head}{BEGIN}\n{table}\n{END}{tail}"))
}

fn render(groups: &[Group], results: &Results) -> String {
    let mut services: Vec<&str> = groups.iter().map(|group| group.service.as_str()).collect();
    services.dedup();
    let tables = services.iter().map(|service| {
        let groups: Vec<&Group> = groups.iter().filter(|group| group.service == *service).collect();
        format!("### {service}\n\n{}", service_table(&groups, results))
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn service_table(groups: &[&Group], results: &Results) -> String {
    let operations: Vec<&str> = groups.iter().flat_map(|group| group.operations.keys().map(String::as_str)).collect();
    let mut clients = results.clients(&operations);
    // What the local host is compared with goes to the right.
    clients.sort_by_key(|client| client.ends_with(" on Azurite"));
    let mut table = format!("| | {} |\n|---|{}\n", clients.join(" | "), ":-:|".repeat(clients.len()));
    for group in groups {
        let _ = writeln!(table, "| **{}** |{}", group.title, " |".repeat(clients.len()));
        for (operation, description) in &group.operations {
            let outcomes: Vec<_> = clients.iter().map(|client| mark(results.outcome(client, operation))).collect();
            let description = description.as_str().unwrap_or(operation);
            let _ = writeln!(table, "| {description} | {} |", outcomes.join(" | "));
        }
    }
    table
}

fn mark(outcome: Option<bool>) -> &'static str {
    match outcome {
        Some(true) => "✓",
        Some(false) => "✗",
        None => "–",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_works_when_all_of_its_tests_passed() {
        let groups = r#"[{ "service": "Blobs", "title": "Basics", "operations": { "put": "put and get", "list": "list", "tags": "tags" } }]"#;
        let groups: Vec<Group> = serde_json::from_str(groups).unwrap();
        let mut results = Results::default();
        for (operation, client, passed) in
            [("put", "a 1 on Azurite", true), ("put", "b 2", true), ("list", "b 2", true), ("list", "b 2", false)]
        {
            let line = format!(r#"{{"operation":"{operation}","client":"{client}","passed":{passed}}}"#);
            results.add(&line).unwrap();
        }
        let expected = "### Blobs\n\n| | b 2 | a 1 on Azurite |\n|---|:-:|:-:|\n| **Basics** | | |\n\
                        | put and get | ✓ | ✓ |\n| list | ✗ | – |\n| tags | – | – |\n";
        assert_eq!(render(&groups, &results), expected);
        let document = format!("before\n{BEGIN}old{END}\nafter\n");
        let written = replaced(&document, expected).unwrap();
        assert!(written.starts_with("before\n") && written.ends_with(&format!("{expected}\n{END}\nafter\n")));
        assert_eq!(replaced(&written, expected).unwrap(), written);
        assert!(replaced("nothing", expected).is_err());
    }
}
