//! Whether references lead somewhere: `page §2.1` and `R-08` to the pages of docs/reference, `decision 15a` to
//! docs/DECISIONS.md, the names of Markdown files and the links between them to files and headings that exist.
//!
//! A comment that cites a rule is useful only as long as the rule can be looked up. Text in files with a syntax of
//! their own (snapshots, samples, scripts) is left out.

mod index;
mod links;
mod scan;

use crate::child::output;
use crate::console;
use anyhow::{Context, Result, bail};
use index::Index;
use std::collections::BTreeMap;
use std::fs;
use tokio::process::Command;

/// Endings of the files whose text is searched.
const SEARCHED: [&str; 6] = [".rs", ".md", ".sql", ".toml", ".bicep", ".json"];
/// This check itself, whose examples refer to nothing.
const EXAMPLES: &str = "xtask/src/references/";

/// Checks every reference in the checkout.
pub(crate) async fn run() -> Result<()> {
    let files = files().await?;
    let report = check(&files);
    for finding in &report.findings {
        console::note(finding);
    }
    if !report.findings.is_empty() {
        bail!("{} of {} references lead nowhere", report.findings.len(), report.checked);
    }
    console::note(&format!("{} references and links lead somewhere", report.checked));
    Ok(())
}

/// The result of a check.
#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    /// How many references and links there are.
    checked: usize,
    /// One line for each that leads nowhere: `file:line: what is missing`.
    findings: Vec<String>,
}

/// Checks files by path: their text if they are searched; `None` for others, which can still be linked to.
fn check(files: &BTreeMap<String, Option<String>>) -> Report {
    let index = Index::of(files);
    let mut report = Report::default();
    for (path, text) in files {
        let Some(text) = text else { continue };
        for (line, reference) in scan::references(path, text, &index) {
            report.checked += 1;
            if let Some(missing) = index.missing(&reference) {
                report.findings.push(format!("{path}:{line}: {missing}"));
            }
        }
        if path.ends_with(".md") {
            for (line, link) in links::links(text) {
                report.checked += 1;
                if let Some(missing) = index.broken(path, link) {
                    report.findings.push(format!("{path}:{line}: {missing}"));
                }
            }
        }
    }
    report
}

/// The files that Git tracks in the checkout, and those it would track if all were added.
async fn files() -> Result<BTreeMap<String, Option<String>>> {
    let root = crate::workspace::root();
    let mut git = Command::new("git");
    git.current_dir(&root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let names = output(&mut git).await.context("cannot list the files of the checkout")?;
    let mut files = BTreeMap::new();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let path = root.join(name);
        if !path.is_file() {
            continue;
        }
        let searched = SEARCHED.iter().any(|ending| name.ends_with(ending)) && !name.starts_with(EXAMPLES);
        let text = searched.then(|| fs::read_to_string(&path).with_context(|| format!("cannot read {name}")));
        files.insert(name.to_owned(), text.transpose()?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())));
        check(&files.collect()).findings
    }

    const FACTS: (&str, &str) = (
        "docs/reference/facts.md",
        "# Facts\n## 1 Rules\n| R-01 | a rule |\n### 1.2 Words\n## 13 Variants\n| 4 | four |\n",
    );
    const DECISIONS: (&str, &str) = ("docs/DECISIONS.md", "# Decisions\n| 1 | one |\n| 2 | two |\n| 15a | users |\n");

    #[test]
    fn what_exists_is_found() {
        let code = "/// facts §1, §1.2, facts §13 #4 (R-01; decisions 1, 2 and 15a; decision 2).\n";
        let page =
            "[facts](reference/facts.md#12-words), [up](../code.rs), [here](#plan), [folder](reference/)\n# Plan\n";
        assert_eq!(findings(&[FACTS, DECISIONS, ("code.rs", code), ("docs/PLAN.md", page)]), [""; 0]);
    }

    #[test]
    fn what_is_missing_is_named_with_its_place() {
        let code = "\n// facts §1.3, R-02\n// facts §13 #4, #5; decisions 2 to 4; other.md\n";
        assert_eq!(
            findings(&[FACTS, DECISIONS, ("code.rs", code)]),
            [
                "code.rs:2: docs/reference/facts.md has no section 1.3",
                "code.rs:2: no page of docs/reference has a rule R-02",
                "code.rs:3: docs/reference/facts.md §13 has no row 5",
                "code.rs:3: docs/DECISIONS.md has no decision 4",
                "code.rs:3: there is no file other.md",
            ]
        );
    }

    #[test]
    fn a_section_needs_a_page_or_a_standard() {
        let code = "// §1 of what? PS3.5 §7.1 and PNG 3rd edition §5 are known by name, nofacts §1 is not.\n";
        assert_eq!(
            findings(&[FACTS, ("code.rs", code)]),
            ["code.rs:1: §1 names no page of docs/reference", "code.rs:1: §1 names no page of docs/reference"]
        );
    }

    #[test]
    fn pages_may_refer_to_their_own_sections() {
        let page = ("docs/reference/wire.md", "# Wire\n## 1 Frames\nAs §1 says, not as §2; see facts §1.2.\n");
        assert_eq!(findings(&[FACTS, page]), ["docs/reference/wire.md:3: docs/reference/wire.md has no section 2"]);
    }

    #[test]
    fn links_lead_to_files_and_headings() {
        let page = "[a](gone.md) [b](reference/facts.md#nothing) [c](https://example.org/gone.md) `[d](code)`\n";
        assert_eq!(
            findings(&[FACTS, ("docs/PLAN.md", page)]),
            [
                "docs/PLAN.md:1: there is no docs/gone.md",
                "docs/PLAN.md:1: docs/reference/facts.md has no heading #nothing",
            ]
        );
    }
}
