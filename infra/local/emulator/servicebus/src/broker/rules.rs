//! Rules of subscriptions, looked at and changed while messages flow, and the text form of their actions.
//!
//! Of SQL a rule has only what needs no evaluation: the filters `1=1` and `1=0`, and actions that are a list of
//! `SET name = literal`. Everything else a subscription needs is said with correlation filters. Rules added here last as long as the broker.

use super::options::Rule;
use super::topic::Topic;
use super::{Broker, Entity, Error, Inner};
use crate::message::PropertyValue;
use std::sync::{Arc, PoisonError};

/// Most rules of a subscription, as in Azure.
const MOST_RULES: usize = 2000;
/// Longest name of a rule, in characters.
const LONGEST_NAME: usize = 50;

impl Broker {
    /// The rules of a subscription (`{topic}/subscriptions/{name}`), in the order they were added.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Unsupported`] for what is no subscription.
    pub fn rules(&self, subscription: &str) -> Result<Vec<Rule>, Error> {
        self.inner().with_rules(subscription, |rules| Ok(rules.to_vec()))
    }

    /// Adds a rule; it applies to messages sent from now on.
    ///
    /// # Errors
    /// As [`Broker::rules`]; [`Error::Exists`], [`Error::Invalid`].
    pub fn add_rule(&self, subscription: &str, rule: Rule) -> Result<(), Error> {
        if rule.name.is_empty() || rule.name.chars().nth(LONGEST_NAME).is_some() {
            return Err(Error::Invalid(format!("a rule's name has 1 to {LONGEST_NAME} characters")));
        }
        self.inner().with_rules(subscription, |rules| {
            if rules.iter().any(|known| known.name.eq_ignore_ascii_case(&rule.name)) {
                return Err(Error::Exists(rule.name));
            }
            if rules.len() >= MOST_RULES {
                return Err(Error::Invalid(format!("a subscription has at most {MOST_RULES} rules")));
            }
            *rules = rules.iter().cloned().chain([rule]).collect();
            Ok(())
        })
    }

    /// Removes a rule; messages sent before keep what it did.
    ///
    /// # Errors
    /// As [`Broker::rules`]; [`Error::NotFound`] for the rule.
    pub fn remove_rule(&self, subscription: &str, rule: &str) -> Result<(), Error> {
        self.inner().with_rules(subscription, |rules| {
            let kept: Arc<[Rule]> =
                rules.iter().filter(|known| !known.name.eq_ignore_ascii_case(rule)).cloned().collect();
            if kept.len() == rules.len() {
                return Err(Error::NotFound(rule.to_owned()));
            }
            *rules = kept;
            Ok(())
        })
    }
}

impl Inner {
    fn with_rules<T>(
        &self,
        subscription: &str,
        work: impl FnOnce(&mut Arc<[Rule]>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let plain = super::key(subscription);
        let Some((topic, name)) = plain.split_once("/subscriptions/") else {
            return Err(Error::Unsupported("rules belong to subscriptions"));
        };
        let Entity::Topic(topic) = self.entity(topic)? else { return Err(Error::NotFound(subscription.to_owned())) };
        let topic: &Topic = &topic;
        let mut subscriptions = topic.subscriptions.write().unwrap_or_else(PoisonError::into_inner);
        let found = subscriptions.iter_mut().find(|known| known.name.eq_ignore_ascii_case(name));
        work(&mut found.ok_or_else(|| Error::NotFound(subscription.to_owned()))?.rules)
    }
}

/// Reads `SET name = literal; SET …`: application properties and the values they get.
///
/// # Errors
/// [`Error::Invalid`] with what was not understood.
pub fn parse_actions(text: &str) -> Result<Vec<(String, PropertyValue)>, Error> {
    let mut rest = text.trim();
    let mut set = Vec::new();
    while !rest.is_empty() {
        let (assignment, after) = assignment(rest).ok_or_else(|| {
            Error::Invalid(
                "an action is a list of SET name = value, divided by semicolons; values are 'text', numbers, TRUE, FALSE and NULL"
                    .to_owned(),
            )
        })?;
        set.push(assignment);
        rest = after.trim_start().trim_start_matches(';').trim_start();
    }
    Ok(set)
}

fn assignment(text: &str) -> Option<((String, PropertyValue), &str)> {
    let (keyword, rest) = text.split_at_checked(3)?;
    let rest = rest.strip_prefix(char::is_whitespace).filter(|_| keyword.eq_ignore_ascii_case("set"))?.trim_start();
    let rest = rest.strip_prefix("user.").unwrap_or(rest);
    let (name, rest) = match rest.strip_prefix('[') {
        Some(quoted) => quoted.split_once(']')?,
        None => rest.split_at(rest.find(|c: char| !(c.is_alphanumeric() || "._-$".contains(c)))?),
    };
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, rest) = literal(rest)?;
    let ended = rest.trim_start();
    if name.is_empty() || name.to_ascii_lowercase().starts_with("sys.") || !(ended.is_empty() || ended.starts_with(';'))
    {
        return None;
    }
    Some(((name.to_owned(), value), rest))
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

/// Actions as text that [`parse_actions`] reads back; values that have no literal are given as text.
pub(crate) fn actions_text(set: &[(String, PropertyValue)]) -> String {
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
        let set = parse_actions(text).unwrap();
        let expected: Vec<(String, PropertyValue)> = vec![
            ("Mark".into(), "it's; x".into()),
            ("two words".into(), PropertyValue::Int(-7)),
            ("flag".into(), true.into()),
            ("d".into(), 1.5.into()),
            ("none".into(), PropertyValue::Null),
        ];
        assert_eq!(set, expected);
        assert_eq!(parse_actions(&actions_text(&set)).unwrap(), expected);
        assert_eq!(parse_actions(" ").unwrap(), []);
    }

    #[test]
    fn what_would_need_evaluation_is_refused() {
        for text in [
            "REMOVE a",
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
            assert!(matches!(parse_actions(text), Err(Error::Invalid(_))), "{text}");
        }
    }
}
