//! Rules of subscriptions: which messages they match, and what they set on them.
//!
//! Correlation filters are fully supported. Of SQL there is only what platforms use in rules: a filter that is always
//! true or false, and actions that set literals. Anything else is refused at the start rather than ignored.

use anyhow::{Context, Result, bail};
use iris_local_servicebus::NotOffered;
use iris_local_servicebus::broker::{Action, CorrelationFilter, Filter, Rule};
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
        let action = action.map_or_else(|| Ok(Action::default()), |action| Action::parse(&action.sql_expression));
        Ok(Rule { name: self.name, filter, action: action.with_context(|| place)? })
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

/// A filter that is always true or always false.
fn constant(sql: &str) -> Result<Filter> {
    match sql.split_whitespace().collect::<String>().to_ascii_uppercase().as_str() {
        "1=1" | "TRUE" => Ok(Filter::True),
        "1=0" | "FALSE" => Ok(Filter::False),
        _ => bail!("{}", NotOffered::SqlFilters),
    }
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
    fn sql_beyond_that_is_refused() {
        for (rule, expected) in [
            (r#"{ "FilterType": "Sql", "SqlFilter": { "SqlExpression": "a = 1" } }"#, "use correlation filters"),
            (r#"{ "FilterType": "Sql", "CorrelationFilter": {} }"#, "rule r: a rule has the filter"),
            (
                r#"{ "FilterType": "Sql", "SqlFilter": { "SqlExpression": "1 = 1" }, "Action": { "SqlExpression": "SET sys.To = 'x'" } }"#,
                "actions of rules but `SET name = value`",
            ),
            (
                r#"{ "FilterType": "Sql", "SqlFilter": { "SqlExpression": "1=1" }, "Action": { "SqlExpression": "REMOVE a b" } }"#,
                "actions of rules but `SET name = value`",
            ),
            (
                r#"{ "FilterType": "Correlation", "CorrelationFilter": { "Properties": { "a": [1] } } }"#,
                "a must be a string",
            ),
        ] {
            let error = format!("{:#}", parse(rule).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
