//! One invocation: the envelope of the host, decoded.

use super::{Metadata, ServiceBusMessage, TimerTrigger};
use iris_telemetry::TraceContext;
use iris_telemetry::context::DIAGNOSTIC_ID;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The envelope, or the trigger in it, violates the contract. Contains only names of ours, never data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The body is not JSON, or not an object with a `Data` object.
    #[error("the request is not an invocation: line {line}, column {column}")]
    Envelope {
        /// Where the decoder stopped, from 1.
        line: usize,
        /// Where the decoder stopped, from 1.
        column: usize,
    },
    /// `Data` has no value for the binding.
    #[error("the invocation has no value for binding {binding}")]
    NoBinding {
        /// Name of the binding in function.json.
        binding: &'static str,
    },
    /// The value is not base64: the binding lacks `dataType: binary`, or has cardinality many.
    #[error(
        "the value of binding {binding} is not base64; its function.json must say dataType binary and cardinality one"
    )]
    NotBase64 {
        /// Name of the binding in function.json.
        binding: &'static str,
    },
}

/// One invocation of one function.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// Name of the function, exact case.
    pub function: String,
    /// The host's id of this invocation; links our log lines to the host's own. Empty when the host sent none.
    pub id: String,
    /// The host's place in a distributed trace; sent only while the host itself is tracing.
    pub trace: Option<TraceContext>,
    /// What the trigger knows in addition to its data.
    pub metadata: Metadata,
    data: Map<String, Value>,
}

/// Unknown members are ignored, a missing or null `Metadata` is empty.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Data", alias = "data")]
    data: Map<String, Value>,
    #[serde(rename = "Metadata", alias = "metadata", default)]
    metadata: Option<Map<String, Value>>,
}

impl Invocation {
    /// Decodes the body of `POST /{function}`. `id` and `traceparent` are the headers `X-Azure-Functions-InvocationId`
    /// and `traceparent`.
    ///
    /// # Errors
    /// [`Error::Envelope`] when the body is not an envelope.
    pub fn decode(function: &str, id: Option<&str>, traceparent: Option<&str>, body: &[u8]) -> Result<Self, Error> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let envelope: Envelope = serde_json::from_slice(body)
            .map_err(|error| Error::Envelope { line: error.line(), column: error.column() })?;
        Ok(Self {
            function: function.to_owned(),
            id: id.unwrap_or_default().to_owned(),
            trace: traceparent.and_then(TraceContext::parse),
            metadata: Metadata::new(envelope.metadata.unwrap_or_default()),
            data: envelope.data,
        })
    }

    /// The value of a binding as the host encoded it; looked up in its exact spelling first, then without regard to
    /// letter case.
    pub fn data(&self, binding: &str) -> Option<&Value> {
        self.data
            .get(binding)
            .or_else(|| self.data.iter().find(|(name, _)| name.eq_ignore_ascii_case(binding)).map(|(_, value)| value))
    }

    /// The message of a `serviceBusTrigger` with `dataType: binary` and cardinality one.
    ///
    /// # Errors
    /// [`Error::NoBinding`] and [`Error::NotBase64`]: the app is configured wrongly, and another delivery will not
    /// help.
    pub fn service_bus_message(&self, binding: &'static str) -> Result<ServiceBusMessage, Error> {
        let value = self.data(binding).ok_or(Error::NoBinding { binding })?;
        ServiceBusMessage::decode(value, &self.metadata).ok_or(Error::NotBase64 { binding })
    }

    /// What kind of trigger it was, in OpenTelemetry's words: `pubsub`, `timer`, `other`.
    #[must_use]
    pub fn trigger(&self) -> &'static str {
        if self.metadata.get("DeliveryCount").is_some() {
            "pubsub"
        } else if self.data.values().filter_map(super::value::object).any(|data| data.contains_key("IsPastDue")) {
            "timer"
        } else {
            "other"
        }
    }

    /// Where the sender of the message belongs in a distributed trace, if it says so. A text that is not a trace
    /// context is dropped entirely.
    #[must_use]
    pub fn cause(&self) -> Option<TraceContext> {
        let property = |properties: &Map<String, Value>| {
            [DIAGNOSTIC_ID, "traceparent"].iter().find_map(|name| TraceContext::parse(properties.get(*name)?.as_str()?))
        };
        ["ApplicationProperties", "UserProperties"].into_iter().find_map(|key| match self.metadata.get(key)? {
            Value::Object(properties) => property(properties),
            encoded => property(&super::value::object(encoded)?),
        })
    }

    /// The occasion of a `timerTrigger`.
    ///
    /// # Errors
    /// [`Error::NoBinding`].
    pub fn timer(&self, binding: &'static str) -> Result<TimerTrigger, Error> {
        self.data(binding).map(TimerTrigger::decode).ok_or(Error::NoBinding { binding })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(body: &str) -> Result<Invocation, Error> {
        Invocation::decode("submit_order", Some("id"), None, body.as_bytes())
    }

    #[test]
    fn metadata_may_be_missing_or_null() {
        for body in [r#"{"Data":{"m":""}}"#, r#"{"Data":{"m":""},"Metadata":null,"Other":[1]}"#] {
            assert_eq!(decode(body).unwrap().metadata, Metadata::default());
        }
    }

    #[test]
    fn what_is_not_an_envelope_is_refused_without_quoting_it() {
        for body in ["", "null", "[]", "{}", r#"{"Data":null}"#, r#"{"Data":"Doe^Jane"}"#, "\u{0}", r#"{"Data":{"m":"#]
        {
            let error = decode(body).unwrap_err();
            assert!(matches!(error, Error::Envelope { .. }), "{body}");
            assert!(!error.to_string().contains("Doe"));
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let body = format!(r#"{{"Data":{{"m":{}{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(decode(&body), Err(Error::Envelope { .. })));
    }

    #[test]
    fn text_that_is_not_base64_is_refused_rather_than_guessed() {
        for value in [
            r#""\"{\\\"a\\\":1}\"""#,
            r#""hello world""#,
            r#""eyJhIjoxfQ""#,
            "1",
            "null",
            r#"{"a":1}"#,
            r#"["eyJhIjoxfQ=="]"#,
        ] {
            let invocation = decode(&format!(r#"{{"Data":{{"m":{value}}}}}"#)).unwrap();
            assert_eq!(invocation.service_bus_message("m"), Err(Error::NotBase64 { binding: "m" }), "{value}");
        }
        assert_eq!(decode(r#"{"Data":{}}"#).unwrap().service_bus_message("m"), Err(Error::NoBinding { binding: "m" }));
    }

    #[test]
    fn a_message_may_say_what_caused_it() {
        const CONTEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let cause = |metadata: Value| {
            decode(&serde_json::json!({ "Data": {}, "Metadata": metadata }).to_string()).unwrap().cause()
        };
        let properties = serde_json::json!({ "Diagnostic-Id": CONTEXT });
        for metadata in [
            serde_json::json!({ "ApplicationProperties": properties }),
            serde_json::json!({ "UserProperties": properties }),
            serde_json::json!({ "ApplicationProperties": { "Diagnostic-Id": "|old.1.", "traceparent": CONTEXT } }),
            serde_json::json!({ "ApplicationProperties": properties.to_string() }),
        ] {
            assert_eq!(cause(metadata), TraceContext::parse(CONTEXT));
        }
        for hostile in [
            serde_json::json!(null),
            serde_json::json!(7),
            serde_json::json!({ "Diagnostic": CONTEXT }),
            serde_json::json!("Doe^Jane"),
            serde_json::json!("0".repeat(1_000_000)),
            serde_json::json!(format!("{CONTEXT}-{CONTEXT}")),
        ] {
            assert_eq!(cause(serde_json::json!({ "ApplicationProperties": { "Diagnostic-Id": hostile } })), None);
            assert_eq!(cause(serde_json::json!({ "ApplicationProperties": hostile })), None);
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            "\"[a-z0-9:T.+-]{0,20}\"".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(".{0,8}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Invocation::decode("f", None, None, &body);
        }

        #[test]
        fn no_values_make_the_decoders_panic(
            data in json(),
            metadata in prop::collection::hash_map("MessageId|DeliveryCount|EnqueuedTimeUtc|ApplicationProperties|SequenceNumber", json(), 0..5),
        ) {
            let body = serde_json::json!({ "Data": { "m": data }, "Metadata": metadata }).to_string();
            let invocation = decode(&body).unwrap();
            let _ = invocation.service_bus_message("m");
            let _ = invocation.timer("m");
        }

        #[test]
        fn any_body_survives(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            use base64::Engine;
            let body = serde_json::json!({ "Data": { "m": base64::engine::general_purpose::STANDARD.encode(&bytes) } });
            let message = decode(&body.to_string()).unwrap().service_bus_message("m").unwrap();
            prop_assert_eq!(&message.body[..], &bytes[..]);
        }
    }
}
