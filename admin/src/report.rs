//! The output of a command, as tables for people and as JSON for programs.

use serde_json::{Map, Value};

/// One line of a list, or the fields of one thing: names with values, in order.
pub type Row = Vec<(&'static str, Value)>;

/// The longest document in a cell of a table, in bytes.
const CELL: usize = 80;

/// The output of a command.
#[derive(Debug, Default)]
pub struct Report {
    /// Details of a single thing.
    pub fields: Row,
    /// Lists, each with its name.
    pub lists: Vec<(&'static str, Vec<Row>)>,
    /// Set if the command did not do everything it should: the closing message, with a failing exit code.
    pub failure: Option<String>,
}

impl Report {
    /// A report with a single list.
    #[must_use]
    pub fn list(name: &'static str, rows: Vec<Row>) -> Self {
        Self { lists: vec![(name, rows)], ..Self::default() }
    }

    /// A report with fields only.
    #[must_use]
    pub fn of(fields: Row) -> Self {
        Self { fields, ..Self::default() }
    }

    /// Adds another list.
    #[must_use]
    pub fn and(mut self, name: &'static str, rows: Vec<Row>) -> Self {
        self.lists.push((name, rows));
        self
    }

    /// The report as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut object = object(&self.fields);
        for (name, rows) in &self.lists {
            object.insert((*name).to_owned(), rows.iter().map(|row| Value::Object(self::object(row))).collect());
        }
        Value::Object(object)
    }

    /// The report as text: one field per line, lists as tables.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = block(&self.fields);
        for (name, rows) in &self.lists {
            if !text.is_empty() {
                text.push('\n');
            }
            if self.lists.len() > 1 || !self.fields.is_empty() {
                text.push_str(&format!("{name}:\n"));
            }
            let documents = rows.iter().flatten().any(|(_, value)| value.is_object() && value.to_string().len() > CELL);
            text.push_str(&if documents { blocks(rows) } else { table(rows) });
        }
        text
    }
}

/// One name and value per line.
fn block(fields: &Row) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    fields.iter().map(|(name, value)| format!("{name:width$}  {}\n", several(value, width + 2))).collect()
}

/// One block per row, for rows with documents, which do not fit into a table.
fn blocks(rows: &[Row]) -> String {
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

fn object(row: &Row) -> Map<String, Value> {
    row.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn table(rows: &[Row]) -> String {
    let Some(first) = rows.first() else { return "(none)\n".to_owned() };
    let names: Vec<String> = first.iter().map(|(name, _)| (*name).to_owned()).collect();
    let cells = rows.iter().map(|row| row.iter().map(|(_, value)| one_line(value)).collect());
    let lines: Vec<Vec<String>> = std::iter::once(names).chain(cells).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..first.len()).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A value within a table.
fn one_line(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Value::Array(values) => values.iter().map(one_line).collect::<Vec<_>>().join(", "),
        other => one_line(&Value::String(other.to_string())),
    }
}

/// A value that may take several lines. A sender's text must not move the cursor or change colors.
fn several(value: &Value, indent: usize) -> String {
    let text = match value {
        Value::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
        Value::String(text) => text.clone(),
        other => return one_line(other),
    };
    let safe: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    safe.replace('\n', &format!("\n{:indent$}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_are_aligned_and_nothing_escapes_them() {
        let row = |a: Value, b: Value| vec![("id", a), ("what", b)];
        let report = Report::list("things", vec![row(json!(1), json!("a\u{1b}[31m\nb")), row(json!(100), Value::Null)]);
        assert_eq!(report.text(), "id   what\n1    a [31m b\n100  -\n");
        assert_eq!(report.json()["things"][1], json!({"id": 100, "what": null}));
        assert_eq!(Report::list("things", Vec::new()).text(), "(none)\n");
    }

    #[test]
    fn documents_stand_below_each_other() {
        let long = "x".repeat(CELL);
        let row = |id: i64| vec![("id", json!(id)), ("document", json!({ "a": long }))];
        let report = Report::list("things", vec![row(1), row(2)]);
        let one = |id: i64| format!("id        {id}\ndocument  {{\n            \"a\": \"{long}\"\n          }}\n");
        assert_eq!(report.text(), format!("{}\n{}", one(1), one(2)));
    }
}
