//! The shape of a message without its content: names of published properties, and kinds and lengths of values.
//!
//! A property name that is not published may contain anything, so it is hidden like a value.

use iris_model::Issue;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Property names in published schemas and in storage events.
static PUBLISHED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut names = BTreeSet::new();
    for schema in [
        include_str!("../../schemas/order-submission.schema.json"),
        include_str!("../../schemas/image-submission.schema.json"),
        include_str!("../../schemas/order-event.schema.json"),
    ] {
        collect(&serde_json::from_str(schema).unwrap_or_default(), &mut names);
    }
    names.extend(iris_model::IntakeField::ALL.iter().map(|field| field.name().to_owned()));
    let announcement = "topic subject eventType eventTime id data api eTag contentLength contentType blobType url sequencer \
                        clientRequestId requestId storageDiagnostics batchId dataVersion metadataVersion source specversion type time";
    names.extend(announcement.split(' ').map(str::to_owned));
    names
});

fn collect(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                names.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| collect(member, names));
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, names)),
        _ => {}
    }
}

/// The shape of a body.
pub(crate) fn body(bytes: &[u8]) -> Value {
    match serde_json::from_slice(bytes) {
        Ok(value) => shape(&value),
        Err(_) => format!("(not JSON, {} bytes)", bytes.len()).into(),
    }
}

fn shape(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(_) => "(number)".into(),
        Value::String(text) if matches!(text.as_str(), "NW" | "XO" | "CA" | "ResendResult") => value.clone(),
        Value::String(text) => format!("(text, {} characters)", text.chars().count()).into(),
        Value::Array(elements) => elements.iter().map(shape).collect(),
        Value::Object(members) => {
            let mut known = Map::new();
            let mut unknown = 0;
            for (name, value) in members {
                if PUBLISHED.contains(name) {
                    known.insert(name.clone(), shape(value));
                } else {
                    unknown += 1;
                }
            }
            if unknown > 0 {
                known.insert("(other properties)".to_owned(), json!(unknown));
            }
            Value::Object(known)
        }
    }
}

/// Why a message was given up: the broker's own words unchanged, a receiver's words hidden.
pub(crate) fn reason(text: &str) -> &str {
    match text {
        "MaxDeliveryCountExceeded"
        | "TTLExpiredException"
        | "HeaderSizeExceeded"
        | "MaxTransferHopCountExceeded"
        | "Session id is null." => text,
        _ => "(hidden: a receiver's own words)",
    }
}

/// An issue without its message, which may quote what the sender wrote.
pub(crate) fn issue(issue: &Issue) -> String {
    if issue.path.is_empty() { issue.code.to_string() } else { format!("{} at {}", issue.code, issue.path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_of_the_sender_are_hidden() {
        let message = json!({
            "OrderControlCode": "NW", "Patient": { "Name": { "Last": "Sentinel" }, "Sentinel": 1 },
            "Order": { "EvaluationTypes": ["DR"], "Urgent": true }, "Dob": 19410707
        });
        let shape = body(message.to_string().as_bytes());
        assert!(!shape.to_string().contains("Sentinel") && !shape.to_string().contains("1941"), "{shape}");
        assert_eq!(shape["Patient"]["Name"]["Last"], "(text, 8 characters)");
        assert_eq!(shape["Patient"]["(other properties)"], 1);
        assert_eq!(shape["OrderControlCode"], "NW");
        assert_eq!(body(b"{Sentinel"), "(not JSON, 9 bytes)");
        assert_eq!(reason("Mr. Sentinel complained"), "(hidden: a receiver's own words)");
    }
}
