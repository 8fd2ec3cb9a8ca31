//! What can be referred to: sections, rows, rules and decisions by number, files by name, headings by anchor.

use super::links;
use super::scan::Reference;
use std::collections::{BTreeMap, BTreeSet};

/// Where the pages of facts are.
const PAGES: &str = "docs/reference/";
/// Where the decisions are.
const DECISIONS: &str = "docs/DECISIONS.md";

/// Everything that exists.
#[derive(Default)]
pub(super) struct Index {
    files: BTreeSet<String>,
    pages: BTreeMap<String, Page>,
    rules: BTreeSet<String>,
    decisions: BTreeSet<String>,
    /// The anchors of each Markdown file.
    anchors: BTreeMap<String, BTreeSet<String>>,
}

/// The numbers of a page of facts.
#[derive(Default)]
struct Page {
    sections: BTreeSet<String>,
    /// Numbered rows, each with the section in which its table stands.
    rows: BTreeSet<(String, String)>,
}

impl Index {
    /// Reads the files by path.
    pub(super) fn of(files: &BTreeMap<String, Option<String>>) -> Self {
        let mut index = Self { files: files.keys().cloned().collect(), ..Self::default() };
        for (path, text) in files {
            let Some(text) = text.as_deref().filter(|_| path.ends_with(".md")) else { continue };
            index.anchors.insert(path.clone(), links::anchors(text));
            if path == DECISIONS {
                index.decisions = text.lines().filter_map(first_cell).map(str::to_owned).collect();
            }
            if let Some(name) = page_name(path) {
                let page = Page::of(text);
                index
                    .rules
                    .extend(page.rows.iter().map(|(_, cell)| cell.clone()).filter(|cell| cell.starts_with("R-")));
                index.pages.insert(name.to_owned(), page);
            }
        }
        index
    }

    /// Whether docs/reference has a page of this name.
    pub(super) fn has_page(&self, name: &str) -> bool {
        self.pages.contains_key(name)
    }

    /// What the reference names that does not exist.
    pub(super) fn missing(&self, reference: &Reference) -> Option<String> {
        match reference {
            Reference::Section { page, section } => {
                let exists = self.pages.get(page).is_some_and(|page| page.sections.contains(section));
                (!exists).then(|| format!("{PAGES}{page}.md has no section {section}"))
            }
            Reference::Row { page, section, row } => {
                let wanted = (section.clone(), row.clone());
                let exists = self.pages.get(page).is_some_and(|page| page.rows.contains(&wanted));
                (!exists).then(|| format!("{PAGES}{page}.md §{section} has no row {row}"))
            }
            Reference::Rule(rule) => {
                (!self.rules.contains(rule)).then(|| format!("no page of docs/reference has a rule {rule}"))
            }
            Reference::Decision(number) => {
                (!self.decisions.contains(number)).then(|| format!("{DECISIONS} has no decision {number}"))
            }
            Reference::File(name) => {
                let end = format!("/{}", name.trim_start_matches("../"));
                let exists = self.files.iter().any(|file| format!("/{file}").ends_with(&end));
                (!exists).then(|| format!("there is no file {name}"))
            }
            Reference::Nameless(section) => Some(format!("§{section} names no page of docs/reference")),
        }
    }

    /// What is wrong with a link of a Markdown file, if anything.
    pub(super) fn broken(&self, from: &str, link: &str) -> Option<String> {
        let (target, anchor) = link.split_once('#').map_or((link, None), |(target, anchor)| (target, Some(anchor)));
        let path = if target.is_empty() { from.to_owned() } else { resolve(from, target) };
        let folder = format!("{}/", path.trim_end_matches('/'));
        let exists =
            path.is_empty() || self.files.contains(&path) || self.files.iter().any(|file| file.starts_with(&folder));
        if !exists {
            return Some(format!("there is no {path}"));
        }
        let anchors = self.anchors.get(&path)?;
        anchor.filter(|anchor| !anchors.contains(*anchor)).map(|anchor| format!("{path} has no heading #{anchor}"))
    }
}

impl Page {
    fn of(text: &str) -> Self {
        let mut page = Self::default();
        let mut section = String::new();
        for line in text.lines() {
            if line.starts_with('#') {
                let title = line.trim_start_matches('#').trim_start();
                let number = title.split(' ').next().unwrap_or_default().trim_end_matches('.');
                if is_number(number) {
                    number.clone_into(&mut section);
                    page.sections.insert(section.clone());
                }
            } else if let Some(cell) = first_cell(line) {
                page.rows.insert((section.clone(), cell.to_owned()));
                // A table may define one section per row.
                if cell.contains('.') && is_number(cell) {
                    page.sections.insert(cell.to_owned());
                }
            }
        }
        page
    }
}

/// The name of a page of facts: its file's, without the ending.
pub(super) fn page_name(path: &str) -> Option<&str> {
    path.strip_prefix(PAGES)?.strip_suffix(".md").filter(|name| !name.contains('/'))
}

/// The first cell of a row of a table.
fn first_cell(line: &str) -> Option<&str> {
    line.strip_prefix('|')?.split('|').next().map(str::trim).filter(|cell| !cell.is_empty())
}

/// `1`, `1.2`, `9.4.1`.
fn is_number(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The path that a relative link points to.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_tables_define_numbers() {
        let page = Page::of(
            "# Page\n## 3. Words\n| § | what |\n|---|---|\n| 3.1 | codes |\n#### 9.4.1 Sets\n| R-07 | rule |\n",
        );
        assert_eq!(Vec::from_iter(&page.sections), ["3", "3.1", "9.4.1"]);
        assert!(page.rows.contains(&("9.4.1".to_owned(), "R-07".to_owned())));
    }

    #[test]
    fn links_are_relative_to_their_file() {
        assert_eq!(resolve("docs/PLAN.md", "../shared/model/"), "shared/model");
        assert_eq!(resolve("docs/reference/facts.md", "../DECISIONS.md"), "docs/DECISIONS.md");
        assert_eq!(resolve("README.md", "docs/ADMIN.md"), "docs/ADMIN.md");
    }
}
