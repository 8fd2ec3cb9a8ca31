//! Rules of subscriptions: which messages, and what is set on them.
//!
//! Correlation filters are offered whole. Of SQL there is what platforms use rules for: a filter that is always true or false, and
//! `SET name = literal` actions, several separated by semicolons. Anything else is refused at the start rather than ignored.

use anyhow::{Context, Result, bail, ensure};
use iris_local_servicebus::broker::{CorrelationFilter, Filter, Rule};
use iris_local_servicebus::message::PropertyValue;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Document {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Properties {
    filter_type: FilterType,
    correlation_filter: Option<Correlation>,
    sql_filter: Option<Sql>,
    action: Option<Sql>,
}

#[derive(Deserialize, PartialEq)]
enum FilterType {
    Correlation,
    Sql,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Sql {
    sql_expression: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Correlation {
    message_id: Option<String>,
    correlation_id: Option<String>,
    to: Option<String>,
    reply_to: Option<String>,
    label: Option<String>,
    session_id: Option<String>,
    reply_to_session_id: Option<String>,
    content_type: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, serde_json::Value>,
}

impl Document {
    pub(super) fn parse(self, place: &str) -> Result<Rule> {
        let place = format!("{place}, rule {}", self.name);
        let Properties { filter_type, correlation_filter, sql_filter, action } = self.properties;
        let filter = match (filter_type, correlation_filter, sql_filter) {
            (FilterType::Correlation, Some(fields), None) => fields.filter().with_context(|| place.clone())?,
            (FilterType::Sql, None, Some(sql)) => constant(&sql.sql_expression).with_context(|| place.clone())?,
            _ => bail!("{place}: a rule has the filter its FilterType names, and no other"),
        };
        let set = action.map_or_else(|| Ok(Vec::new()), |action| assignments(&action.sql_expression));
        Ok(Rule { name: self.name, filter, set: set.context(place)? })
    }
}

impl Correlation {
    fn filter(self) -> Result<Filter> {
        let properties = self.properties.into_iter().map(|(name, value)| {
            let value = scalar(&value).with_context(|| format!("{name} must be a string, a number or a boolean"))?;
            Ok((name, value))
        });
        Ok(Filter::Correlation(Box::new(CorrelationFilter {
            properties: properties.collect::<Result<_>>()?,
            message_id: self.message_id,
            correlation_id: self.correlation_id,
            to: self.to,
            reply_to: self.reply_to,
            subject: self.label,
            session_id: self.session_id,
            reply_to_session_id: self.reply_to_session_id,
            content_type: self.content_type,
        })))
    }
}

fn scalar(value: &serde_json::Value) -> Option<PropertyValue> {
    match value {
        serde_json::Value::String(text) => Some(PropertyValue::String(text.clone())),
        serde_json::Value::Bool(value) => Some(PropertyValue::Bool(*value)),
        serde_json::Value::Number(number) => {
            number.as_i64().map(PropertyValue::Int).or_else(|| number.as_f64().map(PropertyValue::Double))
        }
        _ => None,
    }
}

/// A filter without a question in it.
fn constant(sql: &str) -> Result<Filter> {
    match sql.split_whitespace().collect::<String>().to_ascii_uppercase().as_str() {
        "1=1" | "TRUE" => Ok(Filter::True),
        "1=0" | "FALSE" => Ok(Filter::False),
        _ => bail!("of SQL filters only 1=1 and 1=0 are offered; use a correlation filter"),
    }
}

/// `SET name = literal; SET name = literal`.
fn assignments(sql: &str) -> Result<Vec<(String, PropertyValue)>> {
    let mut rest = sql.trim();
    let mut set = Vec::new();
    while !rest.is_empty() {
        let (name, value, after) = assignment(rest).context("actions are of the form SET name = 'text'")?;
        ensure!(
            !name.to_ascii_lowercase().starts_with("sys."),
            "{name} cannot be set: only application properties can"
        );
        set.push((name, value));
        rest = after;
    }
    Ok(set)
}

fn assignment(sql: &str) -> Option<(String, PropertyValue, &str)> {
    let (keyword, rest) = sql.split_at_checked(4)?;
    if !keyword.trim_end().eq_ignore_ascii_case("set") {
        return None;
    }
    let (name, rest) = rest.split_once('=')?;
    let name = name.trim();
    let name = name.strip_prefix("user.").unwrap_or(name);
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let plain = |c: char| c.is_alphanumeric() || "_-.$".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    let (value, rest) = literal(rest.trim_start())?;
    let rest = rest.trim_start();
    let rest = if rest.is_empty() { rest } else { rest.strip_prefix(';')?.trim_start() };
    Some((name.to_owned(), value, rest))
}

/// A literal at the start, and what follows it.
fn literal(sql: &str) -> Option<(PropertyValue, &str)> {
    if let Some(quoted) = sql.strip_prefix('\'') {
        let mut text = String::new();
        let mut rest = quoted;
        loop {
            let (part, after) = rest.split_once('\'')?;
            text.push_str(part);
            match after.strip_prefix('\'') {
                // Two quotation marks stand for one.
                Some(more) => {
                    text.push('\'');
                    rest = more;
                }
                None => return Some((PropertyValue::String(text), after)),
            }
        }
    }
    let end = sql.find(|c: char| c == ';' || c.is_whitespace()).unwrap_or(sql.len());
    let (word, rest) = sql.split_at(end);
    let value = match word.to_ascii_uppercase().as_str() {
        "TRUE" => PropertyValue::Bool(true),
        "FALSE" => PropertyValue::Bool(false),
        number => PropertyValue::Int(number.parse().ok()?),
    };
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(properties: &str) -> Result<Rule> {
        let json = format!(r#"{{ "Name": "r", "Properties": {properties} }}"#);
        serde_json::from_str::<Document>(&json)?.parse("topic t, subscription s")
    }

    #[test]
    fn a_correlation_filter_compares_what_it_names() {
        let rule = r#"{ "FilterType": "Correlation", "CorrelationFilter":
            { "Label": "urgent", "Properties": { "region": "west", "level": 3, "test": true } } }"#;
        let expected = CorrelationFilter {
            subject: Some("urgent".to_owned()),
            properties: vec![
                ("level".to_owned(), PropertyValue::Int(3)),
                ("region".to_owned(), "west".into()),
                ("test".to_owned(), PropertyValue::Bool(true)),
            ],
            ..CorrelationFilter::default()
        };
        assert_eq!(parse(rule).unwrap().filter, Filter::Correlation(Box::new(expected)));
    }

    #[test]
    fn actions_set_literals() {
        let set = assignments("SET a = 'it''s; x'; set user.[b c-d]= 12 ;SET e=TRUE;").unwrap_err();
        assert!(set.to_string().contains("of the form"), "a blank in a name");
        let set = assignments("SET a = 'it''s; x'; set user.[b-d]= 12 ;SET e=TRUE;").unwrap();
        let expected = [("a", "it's; x".into()), ("b-d", PropertyValue::Int(12)), ("e", PropertyValue::Bool(true))];
        assert_eq!(set, expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn sql_beyond_that_is_refused() {
        for (rule, expected) in [
            (r#"{ "FilterType": "Sql", "SqlFilter": { "SqlExpression": "a = 1" } }"#, "use a correlation filter"),
            (r#"{ "FilterType": "Sql", "CorrelationFilter": {} }"#, "rule r: a rule has the filter"),
            (
                r#"{ "FilterType": "Sql", "SqlFilter": { "SqlExpression": "1 = 1" }, "Action": { "SqlExpression": "SET sys.To = 'x'" } }"#,
                "sys.To cannot be set",
            ),
            (
                r#"{ "FilterType": "Sql", "SqlFilter": { "SqlExpression": "1=1" }, "Action": { "SqlExpression": "REMOVE a" } }"#,
                "of the form SET",
            ),
            (
                r#"{ "FilterType": "Correlation", "CorrelationFilter": { "Properties": { "a": [1] } } }"#,
                "a must be a string",
            ),
        ] {
            let error = format!("{:#}", parse(rule).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
        for hostile in ["SET", "SETé", "SET a", "SET a = ", "SET a = 'x", "SET = 1", "SET a = 1 2", "é"] {
            assert!(assignments(hostile).is_err(), "{hostile}");
        }
    }
}
