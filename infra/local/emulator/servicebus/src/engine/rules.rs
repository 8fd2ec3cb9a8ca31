//! Rules of subscriptions over `$management`: add, remove, enumerate.
//!
//! A request describes a rule with maps. An answer describes it with composites, whose fields both SDKs find by
//! position.

use super::management::{Answer, Answered, Refused};
use crate::broker::{Action, Broker, CorrelationFilter, Filter, Position, Rule};
use crate::codec::{Elements, Writer};
use crate::message::PropertyValue;
use crate::not_offered::NotOffered;
use crate::wire::Request;

/// Descriptors of the service's own types.
mod descriptor {
    pub(super) const RULE: u64 = 0x137_0000_0004;
    pub(super) const NO_ACTION: u64 = 0x137_0000_0005;
    pub(super) const SQL_ACTION: u64 = 0x137_0000_0006;
    pub(super) const TRUE_FILTER: u64 = 0x13_7000_0007;
    pub(super) const FALSE_FILTER: u64 = 0x13_7000_0008;
    pub(super) const CORRELATION_FILTER: u64 = 0x13_7000_0009;
}

/// Version of the SQL dialect, as reported by the service.
const SQL_VERSION: i32 = 20;

pub(super) fn add(broker: &Broker, subscription: &str, request: &Request<'_>) -> Answered {
    let description = request.field("rule-description").and_then(|value| value.map());
    let description = description.ok_or(Refused::Argument("rule-description is missing"))?;
    let rule = Rule { name: name(request)?.to_owned(), filter: filter(description)?, action: action(description)? };
    broker.add_rule(subscription, rule)?;
    Ok((Answer::Done, Position::default()))
}

pub(super) fn remove(broker: &Broker, subscription: &str, request: &Request<'_>) -> Answered {
    broker.remove_rule(subscription, name(request)?)?;
    Ok((Answer::Done, Position::default()))
}

pub(super) fn enumerate(broker: &Broker, subscription: &str, request: &Request<'_>) -> Answered {
    let number = |name: &str| request.field(name).and_then(|value| value.integer());
    let count = |name: &str| number(name).and_then(|number| usize::try_from(number).ok());
    let (skip, top) = (count("skip").unwrap_or(0), count("top").unwrap_or(usize::MAX));
    let rules: Vec<Rule> = broker.rules(subscription)?.into_iter().skip(skip).take(top).collect();
    let answer = if rules.is_empty() { Answer::Nothing } else { Answer::Rules(rules) };
    Ok((answer, Position::default()))
}

fn name<'a>(request: &Request<'a>) -> Result<&'a str, Refused> {
    request.field("rule-name").and_then(|name| name.text()).ok_or(Refused::Argument("rule-name is missing"))
}

fn filter(description: Elements<'_>) -> Result<Filter, Refused> {
    if let Some(fields) = description.get("correlation-filter").and_then(|value| value.map()) {
        return Ok(Filter::Correlation(Box::new(correlation(fields)?)));
    }
    let expression = description.get("sql-filter").and_then(|value| value.map()?.get("expression")?.text());
    let expression: String = expression.unwrap_or_default().split_whitespace().collect();
    match expression.to_ascii_uppercase().as_str() {
        "1=1" | "TRUE" => Ok(Filter::True),
        "1=0" | "FALSE" => Ok(Filter::False),
        _ => Err(Refused::NotOffered(NotOffered::SqlFilters)),
    }
}

fn correlation(fields: Elements<'_>) -> Result<CorrelationFilter, Refused> {
    let text = |name: &str| fields.get(name).and_then(|value| value.text()).map(str::to_owned);
    let mut properties = Vec::new();
    for pair in fields.get("properties").and_then(|value| value.map()).into_iter().flat_map(|map| map.pairs()) {
        let named = pair.ok().and_then(|(name, value)| Some((name.text()?.to_owned(), PropertyValue::parse(&value)?)));
        properties.push(named.ok_or(Refused::Argument("a correlation filter's properties are simple values"))?);
    }
    Ok(CorrelationFilter {
        message_id: text("message-id"),
        correlation_id: text("correlation-id"),
        to: text("to"),
        reply_to: text("reply-to"),
        subject: text("label"),
        session_id: text("session-id"),
        reply_to_session_id: text("reply-to-session-id"),
        content_type: text("content-type"),
        properties,
    })
}

fn action(description: Elements<'_>) -> Result<Action, Refused> {
    let action = description.get("sql-rule-action").and_then(|value| value.map());
    let expression = action.and_then(|action| action.get("expression")?.text());
    Ok(Action::parse(expression.unwrap_or_default())?)
}

/// Writes a rule as it appears in an answer.
pub(super) fn write(out: &mut Writer<'_>, rule: &Rule) {
    out.composite(descriptor::RULE, |fields| {
        match &rule.filter {
            Filter::True => fields.composite(descriptor::TRUE_FILTER, |_| ()),
            Filter::False => fields.composite(descriptor::FALSE_FILTER, |_| ()),
            Filter::Correlation(filter) => write_correlation(fields, filter),
        }
        if rule.action.is_empty() {
            fields.composite(descriptor::NO_ACTION, |_| ());
        } else {
            fields.composite(descriptor::SQL_ACTION, |action| {
                action.string(rule.action.text());
                action.int(SQL_VERSION);
            });
        }
        fields.string(&rule.name);
    });
}

fn write_correlation(out: &mut Writer<'_>, filter: &CorrelationFilter) {
    out.composite(descriptor::CORRELATION_FILTER, |fields| {
        for text in [
            &filter.correlation_id,
            &filter.message_id,
            &filter.to,
            &filter.reply_to,
            &filter.subject,
            &filter.session_id,
            &filter.reply_to_session_id,
            &filter.content_type,
        ] {
            fields.optional_string(text.as_deref());
        }
        // A map even if it is empty, because JavaScript's client accepts nothing else.
        fields.map(|map| {
            for (name, value) in &filter.properties {
                map.string(name);
                value.write(map);
            }
        });
    });
}
