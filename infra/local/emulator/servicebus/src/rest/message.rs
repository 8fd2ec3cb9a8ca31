//! Messages from requests: body, `BrokerProperties`, headers; or a batch in JSON.

use super::header_names::Names;
use super::refusal::Refusal;
use crate::message::{Message, PropertyValue};
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;

/// Content type of a batch.
const BATCH: &str = "application/vnd.microsoft.servicebus.json";
const BROKER_PROPERTIES: &str = "brokerproperties";

/// Headers that are about the request, not the message.
const OWN: [&str; 24] = [
    "accept",
    "authorization",
    BROKER_PROPERTIES,
    "cache-control",
    "connection",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "from",
    "host",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "range",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-ms-retrypolicy",
];
const OWN_PREFIXES: [&str; 6] = ["accept-", "content-", "if-", "proxy-", "sec-", "x-forwarded-"];

/// The parts of a request that make up its message.
pub(super) struct Parts<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) names: &'a Names,
    pub(super) body: Bytes,
}

/// The messages of a request.
pub(super) fn read(parts: &Parts<'_>) -> Result<Vec<Message>, Refusal> {
    let content_type = header(parts.headers, CONTENT_TYPE.as_str());
    let kind = content_type.as_deref().and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case(BATCH) {
        return batch(&parts.body);
    }
    let content_encoding = header(parts.headers, CONTENT_ENCODING.as_str());
    let mut message = Message { content_type, content_encoding, body: parts.body.clone(), ..Message::default() };
    if let Some(text) = header(parts.headers, BROKER_PROPERTIES).filter(|text| !text.trim().is_empty()) {
        let properties: Map<String, Value> = serde_json::from_str(&text)
            .map_err(|error| Refusal::bad_request(format!("BrokerProperties is not a JSON object: {error}.")))?;
        describe(&mut message, &properties)?;
    }
    for name in parts.headers.keys().map(|name| name.as_str()).filter(|name| is_custom(name)) {
        let value = header(parts.headers, name).unwrap_or_default();
        let name = parts.names.get(name).cloned().unwrap_or_else(|| name.to_owned());
        message = message.with_property(name, header_value(&value));
    }
    Ok(vec![message])
}

fn is_custom(name: &str) -> bool {
    !OWN.contains(&name) && !OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A header as text. Bytes that are not UTF-8 are read as Latin-1; a header sent twice is joined, as HTTP defines.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| match std::str::from_utf8(value.as_bytes()) {
            Ok(text) => text.to_owned(),
            Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
        })
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Text is in quotes, numbers and booleans are not; anything else is text.
fn header_value(text: &str) -> PropertyValue {
    match serde_json::from_str(text.trim()) {
        Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
            simple(&value).unwrap_or(PropertyValue::Null)
        }
        _ => PropertyValue::String(text.to_owned()),
    }
}

fn simple(value: &Value) -> Option<PropertyValue> {
    Some(match value {
        Value::Null => PropertyValue::Null,
        Value::Bool(flag) => PropertyValue::Bool(*flag),
        Value::String(text) => PropertyValue::String(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => PropertyValue::Int(number),
            (_, Some(number)) => PropertyValue::UInt(number),
            _ => PropertyValue::Double(number.as_f64()?),
        },
        Value::Array(_) | Value::Object(_) => return None,
    })
}

/// Applies `BrokerProperties`. Those that only a received message has (a lock token, a sequence number) are ignored, so
/// that the properties of a received message can be sent unchanged.
fn describe(message: &mut Message, properties: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, value) in properties {
        let field = match name.as_str() {
            "MessageId" => &mut message.message_id,
            "CorrelationId" => &mut message.correlation_id,
            "SessionId" => &mut message.session_id,
            "ReplyToSessionId" => &mut message.reply_to_session_id,
            "Label" | "Subject" => &mut message.subject,
            "ReplyTo" => &mut message.reply_to,
            "To" => &mut message.to,
            "PartitionKey" => &mut message.partition_key,
            "ContentType" => &mut message.content_type,
            "TimeToLive" | "TimeToLiveTimeSpan" => {
                message.time_to_live =
                    Some(duration(value).ok_or_else(|| unreadable(name, "a number of seconds, or [d.]hh:mm:ss"))?);
                continue;
            }
            "ScheduledEnqueueTimeUtc" => {
                message.scheduled_enqueue_time =
                    Some(instant(value).ok_or_else(|| unreadable(name, "a date as in HTTP headers"))?);
                continue;
            }
            _ => continue,
        };
        *field = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => return Err(unreadable(name, "text")),
        };
    }
    Ok(())
}

fn unreadable(name: &str, expected: &str) -> Refusal {
    Refusal::bad_request(format!("The broker property {name} is {expected}."))
}

/// Seconds, or .NET's `[d.]hh:mm:ss[.fraction]`.
fn duration(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().parse() {
            Ok(seconds) => seconds,
            Err(_) => span(text.trim())?,
        },
        _ => return None,
    };
    // More than AMQP can express means "forever".
    let longest = f64::from(u32::MAX) / 1000.0;
    if seconds.is_nan() || seconds < 0.0 { None } else { Duration::try_from_secs_f64(seconds.min(longest)).ok() }
}

fn span(text: &str) -> Option<f64> {
    let mut parts = text.splitn(3, ':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let whole = |text: &str| text.parse::<u32>().ok().map(f64::from);
    Some(((whole(days)? * 24.0 + whole(hours)?) * 60.0 + whole(minutes)?) * 60.0 + seconds.parse::<f64>().ok()?)
}

fn instant(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?.trim();
    let dated = jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp());
    dated.or_else(|| text.parse().ok())
}

/// `[{"Body": "…", "BrokerProperties": {…}, "UserProperties": {…}}, …]`
fn batch(body: &[u8]) -> Result<Vec<Message>, Refusal> {
    let entries: Vec<Map<String, Value>> = serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("The batch is not a JSON array of objects: {error}.")))?;
    if entries.is_empty() {
        return Err(Refusal::bad_request("The batch has no messages."));
    }
    entries
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            single(entry)
                .map_err(|refusal| Refusal { detail: format!("Message {}: {}", index + 1, refusal.detail), ..refusal })
        })
        .collect()
}

fn single(entry: &Map<String, Value>) -> Result<Message, Refusal> {
    let mut message = match entry.get("Body") {
        Some(Value::String(text)) => Message::new(text.clone()),
        None | Some(Value::Null) => Message::default(),
        Some(_) => return Err(Refusal::bad_request("Body is text.")),
    };
    if let Some(properties) = object(entry, "BrokerProperties")? {
        describe(&mut message, properties)?;
    }
    for (name, value) in object(entry, "UserProperties")?.into_iter().flatten() {
        let value = simple(value);
        let value =
            value.ok_or_else(|| Refusal::bad_request("The values of UserProperties are text, numbers or booleans."))?;
        message = message.with_property(name.clone(), value);
    }
    Ok(message)
}

fn object<'a>(entry: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    match entry.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(Refusal::bad_request(format!("{name} is an object."))),
    }
}
