//! What a person sees after a file was processed, as plain text.

use iris_intake::receipt::Receipt;
use std::fmt::Write;

/// The most issues listed, with equal ones of several rows once; the receipts have all.
const LISTED: usize = 15;

/// The longest text of an issue's place, in characters.
const PLACE: usize = 28;

/// The summary of a receipt, for a terminal.
#[must_use]
pub fn summary(receipt: &Receipt) -> String {
    let totals = &receipt.totals;
    let mut text = String::new();
    let mut line = |label: &str, count: u64, what: &str| {
        if count > 0 {
            let _ = writeln!(text, "{}", format!("  {label:<11}{count:>9}  {what}").trim_end());
        }
    };
    line("rows", totals.rows, "");
    line("created", totals.created, plural(totals.created, "order", "orders"));
    line("replayed", totals.replayed, "submitted before, nothing changed");
    line("changed", totals.changed, plural(totals.changed, "order", "orders"));
    line("cancelled", totals.cancelled, plural(totals.cancelled, "order", "orders"));
    line("patients", totals.patients, "registered or updated without an order");
    line("resent", totals.resent, plural(totals.resent, "result", "results"));
    line("ignored", totals.ignored, "could not be applied any more");
    line("failed", totals.failed, "not loaded; reasons below");
    if !receipt.issues.is_empty() {
        let _ = writeln!(text, "\n  {:>7}  {:<PLACE$}  problem", "row", "column");
    }
    let of_file = receipt.issues.iter().filter(|issue| issue.row.is_none()).map(|issue| (issue, 1));
    let groups = of_file.chain(receipt.groups.iter().map(|group| (&group.first, group.rows)));
    let mut told = 0;
    for (issue, rows) in groups.take(LISTED) {
        let row = issue.row.map_or_else(String::new, |row| row.to_string());
        let place = cut(&place(issue.column, issue.header.as_deref(), &issue.path));
        let others = match rows {
            0 | 1 => String::new(),
            2 => " (and in another row)".to_owned(),
            rows => format!(" (and in {} other rows)", rows - 1),
        };
        let _ = writeln!(text, "  {row:>7}  {place:<PLACE$}  {} [{}]{others}", issue.message, issue.code);
        told += rows;
    }
    let total: u64 = receipt.issues_by_code.values().sum();
    let rest = total.saturating_sub(told);
    if rest > 0 {
        let _ = writeln!(text, "  … and {rest} more; rows.csv has all");
    }
    text
}

/// What became of images, for a terminal.
#[must_use]
pub fn images(linked: usize, unlinked: &[String]) -> String {
    let mut text =
        format!("  {:<11}{linked:>9}  linked to {}", "images", plural(linked as u64, "its order", "their orders"));
    list(&mut text, "not linked", unlinked);
    text
}

/// What became of gradings, for a terminal.
#[must_use]
pub fn graded(results: usize, refused: &[String]) -> String {
    let mut text = format!("  {:<11}{results:>9}  {}", "graded", plural(results as u64, "order", "orders"));
    list(&mut text, "not graded", refused);
    text
}

fn list(text: &mut String, label: &str, reasons: &[String]) {
    for reason in reasons.iter().take(LISTED) {
        let _ = write!(text, "\n  {label:<11}{:>9}  {reason}", "");
    }
    if reasons.len() > LISTED {
        let _ = write!(text, "\n  … and {} more; events.ndjson has all", reasons.len() - LISTED);
    }
}

fn place(column: Option<u32>, header: Option<&str>, path: &str) -> String {
    match (column, header) {
        (Some(column), Some(header)) => format!("{} {header}", letters(column)),
        (_, Some(header)) => header.to_owned(),
        _ => path.to_owned(),
    }
}

/// A spreadsheet's name of a column: 1 = A, 27 = AA.
fn letters(column: u32) -> String {
    let mut rest = column;
    let mut letters = Vec::new();
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(PLACE - 1) {
        Some((at, _)) if text.chars().count() > PLACE => format!("{}…", &text[..at]),
        _ => text.to_owned(),
    }
}

fn plural(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_spreadsheets_name_them() {
        let names: Vec<String> = [1, 26, 27, 52, 53, 702, 703].into_iter().map(letters).collect();
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn long_headers_are_cut_between_characters() {
        assert_eq!(cut(&"ä".repeat(40)).chars().count(), PLACE);
        assert_eq!(cut("A Dob"), "A Dob");
    }
}
