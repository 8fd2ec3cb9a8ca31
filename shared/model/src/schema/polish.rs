//! From what the generator makes of our types to what a reader outside the project should see.

use serde_json::{Map, Value, json};

/// Applies everything that is the same for every schema.
pub(super) fn all(schema: &mut Value) {
    match schema {
        Value::Object(properties) => {
            object(properties);
            properties.values_mut().for_each(all);
        }
        Value::Array(items) => items.iter_mut().for_each(all),
        _ => {}
    }
}

fn object(schema: &mut Map<String, Value>) {
    if schema.get("default").is_some_and(is_unset) {
        schema.remove("default");
    }
    if schema.get("format").is_some_and(|format| format == "partial-date-time") {
        schema.remove("format");
        schema
            .insert("pattern".into(), json!("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?$"));
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = without_references(description);
    }
    let required: Vec<Value> = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties.iter_mut() {
            if !required.iter().any(|required| required == name) {
                without_null(property);
            }
        }
    }
}

/// A default that only says "not set".
fn is_unset(default: &Value) -> bool {
    match default {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

/// An optional property is left out, never null: that is the canonical form.
fn without_null(property: &mut Value) {
    let Value::Object(schema) = property else { return };
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [single] = types.as_slice() {
            let single = single.clone();
            schema.insert("type".into(), single);
        }
    }
    if let Some(Value::Array(options)) = schema.get("anyOf")
        && let [Value::Object(only), null] = options.as_slice()
        && *null == json!({ "type": "null" })
    {
        let only = only.clone();
        schema.remove("anyOf");
        schema.extend(only);
    }
}

/// Drops parentheses that refer to the project's own documents.
fn without_references(description: &str) -> String {
    let mut text = description.replace('\n', " ");
    while let Some((start, end)) = reference(&text) {
        text.replace_range(start..end, "");
    }
    text
}

fn reference(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(open) = text.get(from..)?.find(" (").map(|at| at + from) {
        let close = text.get(open..)?.find(')')? + open + 1;
        let inside = text.get(open + 2..close)?;
        if ["iris-facts", "decision", "R-0", "R-1", "R-2", "ours"].iter().any(|mark| inside.starts_with(mark)) {
            return Some((open, close));
        }
        from = close;
    }
    None
}

/// Gives every property that holds text its limit.
pub(super) fn limit_texts(schema: &mut Value, limit: fn(&str) -> usize) {
    match schema {
        Value::Object(entries) => {
            if let Some(Value::Object(properties)) = entries.get_mut("properties") {
                for (name, property) in properties.iter_mut() {
                    limit_text(name, property, limit);
                }
            }
            entries.values_mut().for_each(|inner| limit_texts(inner, limit));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| limit_texts(inner, limit)),
        _ => {}
    }
}

fn limit_text(name: &str, property: &mut Value, limit: fn(&str) -> usize) {
    let Value::Object(schema) = property else { return };
    if name == "NPI" {
        schema.insert("pattern".into(), json!("^[0-9]{10}$"));
    } else if schema.get("type").is_some_and(|kind| kind == "string")
        && !["format", "pattern", "enum"].iter().any(|other| schema.contains_key(*other))
        && name != "$schema"
    {
        schema.insert("maxLength".into(), json!(limit(name)));
    }
}
