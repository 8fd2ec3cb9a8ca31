//! `Metadata`: binding data as the handler sees it.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;

use super::value::{civil_seconds, full_precision, quoted, twice_quoted, whole_seconds};
use super::{Context, dotnet_date};

/// The entries in order, each with its JSON on the wire.
#[derive(Default)]
pub(super) struct Metadata(Vec<(Cow<'static, str>, Cow<'static, str>)>);

impl Metadata {
    pub(super) fn with_capacity(entries: usize) -> Self {
        Self(Vec::with_capacity(entries))
    }

    /// An object or any other value whose JSON is already known.
    pub(super) fn json(&mut self, key: &'static str, json: impl Into<Cow<'static, str>>) {
        self.0.push((Cow::Borrowed(key), json.into()));
    }

    /// A .NET string.
    pub(super) fn text(&mut self, key: &'static str, text: &str) {
        self.json(key, twice_quoted(text));
    }

    /// A .NET string that may be null, in which case it is left out.
    pub(super) fn optional(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// A number or an array, as JSON text in a JSON string.
    pub(super) fn json_text(&mut self, key: &'static str, json: &str) {
        self.json(key, quoted(json));
    }

    /// A `DateTime` (UTC, no zone) and the `DateTimeOffset` of the same time.
    pub(super) fn times(&mut self, utc_key: &'static str, offset_key: &'static str, time: DateTime) {
        let text = civil_seconds(time);
        self.json(utc_key, format!("\"{text}\""));
        self.json(offset_key, format!("\"{text}+00:00\""));
    }

    /// A `DateTimeOffset`.
    pub(super) fn time_offset(&mut self, key: &'static str, time: Timestamp) {
        self.json(key, format!("\"{}+00:00\"", whole_seconds(time)));
    }

    /// An entry whose name is known only at run time; replaces an entry of that name, whatever its case, and then keeps
    /// the old spelling.
    pub(super) fn set(&mut self, key: &str, json: String) {
        match self.0.iter_mut().find(|(existing, _)| existing.eq_ignore_ascii_case(key)) {
            Some((_, value)) => *value = Cow::Owned(json),
            None => self.0.push((Cow::Owned(key.to_owned()), Cow::Owned(json))),
        }
    }

    /// What a text body that is a JSON object does to the metadata (functions-host-contract §1.4): its members become
    /// entries, replacing the broker's own. This is why triggers use `dataType: binary`.
    pub(super) fn pollute(&mut self, body: &str) {
        if !body.trim_start().starts_with('{') {
            return;
        }
        let Ok(Value::Object(members)) = serde_json::from_str(body) else { return };
        for (key, value) in members {
            let json = match value {
                Value::Null | Value::Array(_) => continue,
                Value::Object(_) => value.to_string(),
                Value::Bool(flag) => twice_quoted(if flag { "True" } else { "False" }),
                Value::Number(number) => twice_quoted(&number.to_string()),
                Value::String(text) => twice_quoted(dotnet_date::as_invariant_text(&text).as_ref().unwrap_or(&text)),
            };
            // Entries named like a trigger never reach the handler (functions-host-contract §1.3).
            if !key.to_ascii_lowercase().ends_with("trigger") {
                self.set(&key, json);
            }
        }
    }

    /// `sys`, and `RetryContext` when there is one.
    pub(super) fn system(&mut self, context: &Context<'_>) {
        if let Some(retry) = context.retry {
            let exception = retry
                .failure
                .map_or(Cow::Borrowed("null"), |failure| Cow::Owned(format!("{{\"Message\":{}}}", quoted(failure))));
            let max = retry.max.map_or(-1, i64::from);
            self.json(
                "RetryContext",
                format!(
                    "{{\"RetryCount\":{},\"MaxRetryCount\":{max},\"Exception\":{exception},\"Instance\":null,\"State\":{{}}}}",
                    retry.count
                ),
            );
        }
        // A polluting body may have brought its own `sys`, which takes precedence.
        if self.0.iter().any(|(key, _)| key.eq_ignore_ascii_case("sys")) {
            return;
        }
        self.json(
            "sys",
            format!(
                "{{\"MethodName\":{},\"UtcNow\":\"{}Z\",\"RandGuid\":\"{}\"}}",
                quoted(context.function),
                full_precision(context.now),
                context.guid
            ),
        );
    }

    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|(key, json)| key.len() + json.len() + 4).sum()
    }

    pub(super) fn write(&self, out: &mut String) {
        out.push('{');
        for (index, (key, json)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            super::value::push_quoted(out, key);
            out.push(':');
            out.push_str(json);
        }
        out.push('}');
    }
}
