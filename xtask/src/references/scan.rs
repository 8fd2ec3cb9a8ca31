//! References in running text, one line at a time.
//!
//! It understands `page §2`, `page §2.1, §3 and §4`, `page §13 #4, #5`, `R-08`, `decision 15a`, `decisions 1, 2`,
//! `decisions 1 to 4`, `decisions 1-4`, and the names of Markdown files. Of a range only the ends are checked. Sections
//! of published standards (`PS3.5 §7.1`) are left alone.

use super::index::{Index, page_name};

/// One reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// A section of a page of facts.
    Section {
        /// The page's name without its ending.
        page: String,
        /// The section's number.
        section: String,
    },
    /// A numbered row of a table.
    Row {
        /// The page's name without its ending.
        page: String,
        /// The section in which the table stands.
        section: String,
        /// What the row's first cell says.
        row: String,
    },
    /// A rule of the domain, as `R-08`.
    Rule(String),
    /// A decision by number.
    Decision(String),
    /// A Markdown file.
    File(String),
    /// A section of an unknown page.
    Nameless(String),
}

/// The references of a file, each with its line.
pub(super) fn references(path: &str, text: &str, index: &Index) -> Vec<(usize, Reference)> {
    let own = page_name(path);
    let lines = text.lines().enumerate();
    lines.flat_map(|(at, line)| on_line(line, own, index).into_iter().map(move |found| (at + 1, found))).collect()
}

fn on_line(line: &str, own: Option<&str>, index: &Index) -> Vec<Reference> {
    let mut found = sections(line, own, index);
    found.extend(rules(line));
    found.extend(decisions(line));
    found.extend(files(line));
    found
}

/// Sections and rows of pages.
fn sections(line: &str, own: Option<&str>, index: &Index) -> Vec<Reference> {
    let mut found = Vec::new();
    // The page of the section before, and where the text after it begins.
    let mut before: Option<(String, usize)> = None;
    for (at, sign) in line.match_indices('§') {
        let start = at + sign.len();
        let section = number(&line[start..]);
        if section.is_empty() {
            continue;
        }
        let mut end = start + section.len();
        let word = last_word(&line[..at]);
        let named = index.has_page(word).then(|| word.to_owned());
        let continued = before.take().filter(|(_, after)| line.get(*after..at).is_some_and(is_separator));
        let page = named.or_else(|| continued.map(|(page, _)| page)).or_else(|| own.map(str::to_owned));
        let Some(page) = page else {
            if !is_standard(word) {
                found.push(Reference::Nameless(section.to_owned()));
            }
            continue;
        };
        found.push(Reference::Section { page: page.clone(), section: section.to_owned() });
        while let Some((row, length)) = row(&line[end..]) {
            found.push(Reference::Row { page: page.clone(), section: section.to_owned(), row: row.to_owned() });
            end += length;
        }
        before = Some((page, end));
    }
    found
}

/// ` #4`, or `, #5` after it: the number, and the length of the whole.
fn row(text: &str) -> Option<(&str, usize)> {
    let rest = text.strip_prefix(',').unwrap_or(text).strip_prefix(" #")?;
    let digits = &rest[..digits(rest)];
    (!digits.is_empty()).then(|| (digits, text.len() - rest.len() + digits.len()))
}

/// The number at the beginning: `2`, `2.1`, without a full stop that ends a sentence.
fn number(text: &str) -> &str {
    let mut end = digits(text);
    while end > 0 && text[end..].starts_with('.') {
        match digits(&text[end + 1..]) {
            0 => break,
            more => end += 1 + more,
        }
    }
    &text[..end]
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// The name before a section: the last word, or the page that a Markdown link at the end points to.
fn last_word(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches([')', '`', '*']);
    let start = text.rfind(|char: char| !(char.is_ascii_alphanumeric() || "-._/".contains(char)));
    let word = text[start.map_or(0, |start| start + 1)..].trim_end_matches(".md");
    word.rsplit('/').next().unwrap_or(word)
}

fn is_separator(between: &str) -> bool {
    matches!(between.trim(), "," | ";" | "and" | ", and" | "or" | "to" | "through" | "-" | "–" | "/")
}

/// Standards that are cited by section: the parts of DICOM, PNG by its edition, RFCs by number.
fn is_standard(word: &str) -> bool {
    word.starts_with("PS3.") || word == "edition" || (word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Rules of the domain.
fn rules(line: &str) -> Vec<Reference> {
    let starts = line.match_indices("R-").filter(|(at, _)| !ends_in_word(&line[..*at]));
    let texts = starts.filter_map(|(at, _)| {
        let end = at + 2 + digits(&line[at + 2..]);
        let whole = end == at + 4 && !line[end..].starts_with(|char: char| char.is_ascii_alphanumeric() || char == '-');
        whole.then(|| line[at..end].to_owned())
    });
    texts.map(Reference::Rule).collect()
}

/// Decisions, one or several.
fn decisions(line: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    for (at, word) in line.match_indices("ecision") {
        let one = at > 0 && line[..at].ends_with(['d', 'D']) && !ends_in_word(&line[..at - 1]);
        let rest = &line[at + word.len()..];
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        let Some(mut rest) = rest.strip_prefix(' ').filter(|_| one) else { continue };
        loop {
            let length = decision(rest);
            if length == 0 {
                break;
            }
            found.push(Reference::Decision(rest[..length].to_owned()));
            rest = &rest[length..];
            let separators = [", and ", ", ", " and ", " to ", " or ", "-", "–"];
            match separators.iter().find_map(|separator| rest.strip_prefix(separator)) {
                Some(next) => rest = next,
                None => break,
            }
        }
    }
    found
}

/// The length of the decision's number at the beginning: `15`, `15a`. Quantities (`30 days`) are recognized by what
/// comes before them.
fn decision(text: &str) -> usize {
    let length = digits(text);
    let letter = text[length..].starts_with(|char: char| char.is_ascii_lowercase());
    let ends = |at: usize| !text[at..].starts_with(|char: char| char.is_ascii_alphanumeric());
    match length {
        0 => 0,
        length if letter && ends(length + 1) => length + 1,
        length if ends(length) => length,
        _ => 0,
    }
}

/// Markdown files by name. Addresses on the web are left out, and so are links, which are checked separately.
fn files(line: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    for (at, ending) in line.match_indices(".md") {
        let end = at + ending.len();
        let start = line[..at].rfind(|char: char| !(char.is_ascii_alphanumeric() || "-._/{}*".contains(char)));
        let name = &line[start.map_or(0, |start| start + 1)..end];
        let linked = line[..end - name.len()].ends_with(['(', ':']);
        let plain = name.len() > ending.len() && !name.contains(['{', '}', '*']);
        if plain && !linked && !line[end..].starts_with(|char: char| char.is_ascii_alphanumeric()) {
            found.push(Reference::File(name.trim_start_matches("./").to_owned()));
        }
    }
    found
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|char: char| char.is_alphanumeric() || char == '-' || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: Vec<Reference>) -> Vec<String> {
        let name = |reference| match reference {
            Reference::Section { section, .. } => section,
            Reference::Row { row, .. } => format!("#{row}"),
            Reference::Rule(name) | Reference::Decision(name) | Reference::File(name) | Reference::Nameless(name) => {
                name
            }
        };
        found.into_iter().map(name).collect()
    }

    #[test]
    fn decisions_stand_alone_in_lists_and_in_ranges() {
        let line = "Decision 3; decisions 23 to 25, 170-179 and 15a; (decision 9, late), the decisions 2, then an indecision 7.";
        assert_eq!(names(decisions(line)), ["3", "23", "25", "170", "179", "15a", "9", "2"]);
        assert_eq!(names(decisions("decides 5 times, decision: 6, a decision about 7")), [""; 0]);
    }

    #[test]
    fn rules_are_two_digits() {
        assert_eq!(names(rules("R-01, (R-02 to R-06) but not R-123, PR-01 or R-1")), ["R-01", "R-02", "R-06"]);
    }

    #[test]
    fn files_are_named_in_passing() {
        let line = "see threats.md and ../docs/ADMIN.md; [x](gone.md), https://example.org/a.md, {name}.md";
        assert_eq!(names(files(line)), ["threats.md", "../docs/ADMIN.md"]);
    }

    #[test]
    fn sections_belong_to_the_page_before_them() {
        let pages = [("docs/reference/facts.md".to_owned(), Some(String::new()))];
        let index = Index::of(&pages.into_iter().collect());
        let line = "facts §2.10, §5, §13 #2, #42 and §6. [facts](../docs/reference/facts.md) §7; page §8, §9";
        assert_eq!(names(sections(line, None, &index)), ["2.10", "5", "13", "#2", "#42", "6", "7", "8", "9"]);
    }
}
