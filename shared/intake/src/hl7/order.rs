//! One order of a message.

use super::{Reader, Rule};
use crate::mapping::{is_about_the_order, set};
use iris_hl7::message::{Group, Value};
use iris_hl7::{Address, Message, Time};
use iris_model::issue::quoted;
use iris_model::{IntakeField, Issue, IssueCode, OrderControlCode, OrderRequest, RowIssue};
use std::borrow::Cow;

/// An order of a message, as far as it could be read.
#[derive(Debug, Clone)]
pub struct Order {
    /// What it asks for. Version and ClientGuid come from the interface.
    pub request: OrderRequest,
    /// What is wrong with its values; the header of each is the address it was read from.
    pub issues: Vec<RowIssue>,
    /// Fields that the sender wants cleared (`""`). Only a change has any; for a new order they are the same as empty.
    pub cleared: Vec<IntakeField>,
    /// The values that answers repeat.
    pub echo: Echo,
}

/// The values that answers to an order repeat as they came, in the message's own escapes and delimiters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Echo {
    /// ORC-2.
    pub placer: String,
    /// OBR-4: code, text, system, and alternate text (components 1, 2, 3, 5), as texts.
    pub procedure: [String; 4],
    /// MSH-12.
    pub version: String,
}

/// What HL7 orders may ask for (iris-facts §9.2).
const CONTROL_CODES: [OrderControlCode; 5] = [
    OrderControlCode::NewOrder,
    OrderControlCode::Change,
    OrderControlCode::ChangeRequest,
    OrderControlCode::Cancel,
    OrderControlCode::CancelRequest,
];

/// What was found at the places of a rule.
struct Found<'r> {
    rule: &'r Rule,
    /// The text, and the place it was read from.
    text: Option<(String, &'r Address)>,
    null: bool,
}

impl Reader {
    pub(super) fn order(&self, message: &Message<'_>, group: &Group<'_>) -> Order {
        let found: Vec<Found<'_>> = self.rules.iter().map(|rule| find(rule, group)).collect();
        let has_order = found.iter().any(|found| found.text.is_some() && is_about_the_order(found.rule.field));
        let mut request = OrderRequest::default();
        let mut issues = Vec::new();
        for found in &found {
            let field = found.rule.field;
            let (value, place) = match (&found.rule.constant, &found.text, &found.rule.default) {
                (Some(constant), ..) if has_order || !is_about_the_order(field) => {
                    (Cow::Borrowed(constant.as_str()), None)
                }
                (None, Some((text, place)), _) => (found.rule.translated(text), Some(*place)),
                (None, None, Some(default)) if has_order || !is_about_the_order(field) => {
                    (Cow::Borrowed(default.as_str()), None)
                }
                _ => continue,
            };
            // Translated to empty: not set.
            if value.is_empty() {
                continue;
            }
            if let Err(error) = set(&mut request, field, &in_iso(field, value), &self.conventions) {
                issues.push(located(place, error.at(field.path())));
            }
        }
        issues.extend(control_code(&request, &found));
        let is_change =
            matches!(request.order_control_code, Some(OrderControlCode::Change | OrderControlCode::ChangeRequest));
        let cleared = found.iter().filter(|found| is_change && found.null).map(|found| found.rule.field).collect();
        Order { request, issues, cleared, echo: echo(message, group) }
    }
}

/// The first place that has a value. An HL7 null is not a value, but is remembered.
fn find<'r>(rule: &'r Rule, group: &Group<'_>) -> Found<'r> {
    let mut null = false;
    for address in &rule.addresses {
        match group.value(address) {
            Value::Text(text) => {
                let text = text.trim();
                if !text.is_empty() {
                    return Found { rule, text: Some((text.to_owned(), address)), null: false };
                }
            }
            Value::Null => null = true,
            Value::Absent => {}
        }
    }
    Found { rule, text: None, null }
}

impl Rule {
    fn translated<'t>(&'t self, text: &'t str) -> Cow<'t, str> {
        let lower = text.to_lowercase();
        let found = self.values.iter().find(|(from, _)| *from == lower);
        Cow::Borrowed(found.map_or(text, |(_, to)| to))
    }
}

/// HL7 times in the form that requests have; scheduled times stay local, without an offset. Anything that is not an HL7
/// time is left to the reader of requests, which says what is wrong with it.
fn in_iso(field: IntakeField, text: Cow<'_, str>) -> Cow<'_, str> {
    use IntakeField as F;
    let date = matches!(field, F::PatientDob | F::HealthPlanEffectiveDate | F::HealthPlanExpirationDate);
    if !date && field != F::OrderScheduledTime {
        return text;
    }
    let Ok(time) = Time::read(&text) else { return text };
    match time.date() {
        Ok(day) if date || time.precision() == iris_hl7::Precision::Day => Cow::Owned(day.to_string()),
        Ok(_) => Cow::Owned(time.civil().strftime("%Y-%m-%dT%H:%M:%S").to_string()),
        Err(_) => text,
    }
}

/// The operation must be one that HL7 orders may ask for.
fn control_code(request: &OrderRequest, found: &[Found<'_>]) -> Option<RowIssue> {
    let of = found.iter().find(|found| found.rule.field == IntakeField::OrderControlCode)?;
    let path = IntakeField::OrderControlCode.path();
    let place = of.text.as_ref().map(|(_, place)| *place).or(of.rule.addresses.first());
    match request.order_control_code {
        Some(code) if CONTROL_CODES.contains(&code) => None,
        Some(code) => {
            let message =
                format!("{} is nothing an HL7 order can ask for. Send NW, XO, XR, CA or CR.", quoted(code.code()));
            Some(located(place, Issue::error(IssueCode::UnknownCode, path, message)))
        }
        // Text that is no code at all has already been reported.
        None if of.text.is_some() => None,
        None => {
            let message = "The order does not say what it asks for. Send NW, XO, XR, CA or CR.";
            Some(located(place, Issue::error(IssueCode::Missing, path, message)))
        }
    }
}

fn located(place: Option<&Address>, issue: Issue) -> RowIssue {
    RowIssue { column: None, header: place.map(ToString::to_string), issue }
}

fn echo(message: &Message<'_>, group: &Group<'_>) -> Echo {
    let raw = |address: &str| {
        let field = address.parse::<Address>().ok().and_then(|address| group.field(&address));
        field.map(|field| message.charset().decode(field.bytes()).into_owned()).unwrap_or_default()
    };
    let text = |address: &str| {
        let value = address.parse::<Address>().ok().and_then(|address| group.value(&address).into_text());
        value.map(Cow::into_owned).unwrap_or_default()
    };
    Echo {
        placer: raw("ORC-2"),
        procedure: ["OBR-4.1.*", "OBR-4.2.*", "OBR-4.3.*", "OBR-4.5.*"].map(text),
        version: text("MSH-12.1"),
    }
}
