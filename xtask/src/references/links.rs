//! Links of Markdown files, and the headings they can lead to.

use std::collections::BTreeSet;

/// Links to other files and headings, each with its line. Links to the web, and anything inside code, are left out.
pub(super) fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, line) in prose(text) {
        let is_code = |position: usize| line[..position].matches('`').count() % 2 == 1;
        for (start, opening) in line.match_indices("](").filter(|(start, _)| !is_code(*start)) {
            let target = &line[start + opening.len()..];
            let target = target.split([')', ' ']).next().unwrap_or(target);
            if !target.contains("://") && !target.starts_with("mailto:") && !target.is_empty() {
                found.push((at, target));
            }
        }
    }
    found
}

/// The anchors of the headings, as code hosts generate them.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text).filter(|(_, line)| line.starts_with('#')) {
        let anchor = anchor(line.trim_start_matches('#').trim());
        let again = (1..).map(|count| format!("{anchor}-{count}"));
        if let Some(free) = std::iter::once(anchor.clone()).chain(again).find(|name| !anchors.contains(name)) {
            anchors.insert(free);
        }
    }
    anchors
}

fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
    kept.map(|char| if char == ' ' { '-' } else { char }).flat_map(char::to_lowercase).collect()
}

/// The lines outside fenced code, each with its number.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((at + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_the_web_are_left_out() {
        let text = "[a](a.md) `[b](b.md)` [c](https://c)\n```\n[d](d.md)\n```\n![e](e.svg \"title\")\n";
        assert_eq!(links(text), [(1, "a.md"), (5, "e.svg")]);
    }

    #[test]
    fn anchors_are_made_as_code_hosts_make_them() {
        let text = "# What `iris-local` does, and why\n## Files\n## Files\n```\n# comment\n```\n";
        assert_eq!(Vec::from_iter(anchors(text)), ["files", "files-1", "what-iris-local-does-and-why"]);
    }
}
