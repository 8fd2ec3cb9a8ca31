//! What rules do to messages.
//!
//! Of SQL, a rule supports only what needs no evaluation: the filters `1=1` and `1=0`, and actions that are a list of
//! `SET name = literal` and `REMOVE name`. Anything else a subscription needs can be expressed with correlation
//! filters.

use super::Error;
use crate::message::PropertyValue;
use crate::not_offered::NotOffered;

/// The action of a rule: application properties that are set on the copy or removed from it, whatever the sender set.
/// The default does neither.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Action {
    text: String,
    set: Vec<(String, PropertyValue)>,
    remove: Vec<String>,
}

impl Action {
    /// Reads an action. Its text is kept, and returned unchanged to anyone who asks for the rule.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what was not understood.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut action = Self { text: text.to_owned(), ..Self::default() };
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (statement, after) =
                statement(rest).ok_or_else(|| Error::Invalid(NotOffered::OtherActions.to_string()))?;
            action.then(statement);
            rest = after.trim_start().trim_start_matches(';').trim_start();
        }
        Ok(action)
    }

    /// An action that sets these properties.
    pub fn setting(set: Vec<(String, PropertyValue)>) -> Self {
        Self { text: written(&set), set, remove: Vec::new() }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it leaves messages as they are.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// The properties it removes.
    pub fn removed(&self) -> &[String] {
        &self.remove
    }

    /// The last statement about a property counts.
    fn then(&mut self, statement: Statement) {
        let (Statement::Set(name, _) | Statement::Remove(name)) = &statement;
        self.set.retain(|(known, _)| known != name);
        self.remove.retain(|known| known != name);
        match statement {
            Statement::Set(name, value) => self.set.push((name, value)),
            Statement::Remove(name) => self.remove.push(name),
        }
    }

    /// The properties it sets.
    pub fn set(&self) -> &[(String, PropertyValue)] {
        &self.set
    }
}

impl From<Vec<(String, PropertyValue)>> for Action {
    fn from(set: Vec<(String, PropertyValue)>) -> Self {
        Self::setting(set)
    }
}

/// One of the statements of an action.
enum Statement {
    Set(String, PropertyValue),
    Remove(String),
}

/// Reads a statement that ends at the end of the text or at a semicolon, and returns what follows it.
fn statement(text: &str) -> Option<(Statement, &str)> {
    let (keyword, rest) = text.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("user.").unwrap_or(rest);
    let (name, rest) = match rest.strip_prefix('[') {
        Some(quoted) => quoted.split_once(']')?,
        None => rest.split_at(rest.find(|c: char| !(c.is_alphanumeric() || "._-$".contains(c))).unwrap_or(rest.len())),
    };
    if name.is_empty() || name.to_ascii_lowercase().starts_with("sys.") {
        return None;
    }
    let (statement, rest) = if keyword.eq_ignore_ascii_case("remove") {
        (Statement::Remove(name.to_owned()), rest)
    } else if keyword.eq_ignore_ascii_case("set") {
        let (value, rest) = literal(rest.trim_start().strip_prefix('=')?.trim_start())?;
        (Statement::Set(name.to_owned(), value), rest)
    } else {
        return None;
    };
    let ended = rest.trim_start();
    (ended.is_empty() || ended.starts_with(';')).then_some((statement, rest))
}

fn literal(text: &str) -> Option<(PropertyValue, &str)> {
    if let Some(mut rest) = text.strip_prefix('\'') {
        let mut value = String::new();
        loop {
            let (part, after) = rest.split_once('\'')?;
            value.push_str(part);
            // Two quotes stand for one.
            match after.strip_prefix('\'') {
                Some(more) => {
                    value.push('\'');
                    rest = more;
                }
                None => return Some((PropertyValue::String(value), after)),
            }
        }
    }
    let end = text.find(|c: char| c == ';' || c.is_whitespace()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let value = match word.to_ascii_uppercase().as_str() {
        "TRUE" => PropertyValue::Bool(true),
        "FALSE" => PropertyValue::Bool(false),
        "NULL" => PropertyValue::Null,
        _ if word.contains(['.', 'e', 'E']) => {
            PropertyValue::Double(word.parse().ok().filter(|n: &f64| n.is_finite())?)
        }
        _ => PropertyValue::Int(word.parse().ok()?),
    };
    Some((value, rest))
}

/// Actions as text that [`parse`] can read; values that have no literal become text.
fn written(set: &[(String, PropertyValue)]) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let statements = set.iter().map(|(name, value)| {
        let value = match value {
            PropertyValue::Null => "NULL".to_owned(),
            PropertyValue::Bool(flag) => flag.to_string().to_ascii_uppercase(),
            PropertyValue::Int(number) => number.to_string(),
            PropertyValue::UInt(number) => number.to_string(),
            PropertyValue::Double(number) => format!("{number:?}"),
            PropertyValue::String(text) => quoted(text),
            PropertyValue::Timestamp(instant) => quoted(&instant.to_string()),
            PropertyValue::Uuid(id) => quoted(&id.to_string()),
            PropertyValue::Binary(_) => "NULL".to_owned(),
        };
        format!("SET [{name}] = {value}")
    });
    statements.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_read_and_written_back() {
        let text = "SET user.Mark = 'it''s; x'; set user.[two words]=-7 ;SET flag = true;SET d = 1.5;SET none = NULL;";
        let action = Action::parse(text).unwrap();
        assert_eq!(action.text(), text, "it comes back as it was written");
        let set = action.set();
        let expected: Vec<(String, PropertyValue)> = vec![
            ("Mark".into(), "it's; x".into()),
            ("two words".into(), PropertyValue::Int(-7)),
            ("flag".into(), true.into()),
            ("d".into(), 1.5.into()),
            ("none".into(), PropertyValue::Null),
        ];
        assert_eq!(set, expected);
        assert_eq!(Action::parse(Action::setting(expected.clone()).text()).unwrap().set(), expected);
        assert!(Action::parse(" ").unwrap().is_empty());
    }

    #[test]
    fn what_is_said_last_about_a_property_counts() {
        let action = Action::parse("SET a = 1; REMOVE a; remove user.b ;REMOVE [c d]; SET b = 2").unwrap();
        assert_eq!(action.set(), [("b".to_owned(), PropertyValue::Int(2))]);
        assert_eq!(action.removed(), ["a", "c d"]);
    }

    #[test]
    fn what_would_need_evaluation_is_refused() {
        for text in [
            "REMOVE a b",
            "REMOVE sys.To",
            "REMOVE",
            "SET",
            "SET a",
            "SET a =",
            "SET a = b",
            "SET a = 'x",
            "SET a = 1 + 1",
            "SET Sys.To = 'x'",
            "SET = 1",
            "SET a = 1 2",
            "SETé",
            "é",
            "SETa=1",
        ] {
            assert!(matches!(Action::parse(text), Err(Error::Invalid(_))), "{text}");
        }
    }
}
