//! What the trigger knows in addition to its data.

use super::value;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// The `Metadata` member of the envelope: any keys, none of them guaranteed. Keys are looked up in their exact spelling
/// first, then without regard to letter case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    pub(super) fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// The value as it was encoded by the host.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0
            .get(key)
            .or_else(|| self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value))
    }

    /// The text of `key`.
    pub fn text(&self, key: &str) -> Option<String> {
        value::text(self.get(key)?)
    }

    /// The whole number of `key`, even when it was sent as text.
    pub fn integer(&self, key: &str) -> Option<i64> {
        value::integer(self.get(key)?)
    }

    /// The instant of `key`; without a zone it is UTC.
    pub fn time(&self, key: &str) -> Option<Timestamp> {
        value::time(self.get(key)?)
    }

    /// The members of `key`, even when the object was sent as JSON text.
    pub fn object(&self, key: &str) -> Option<Map<String, Value>> {
        value::object(self.get(key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_exact_spelling_wins_over_another_case() {
        let Value::Object(members) = json!({ "messageid": "\"other\"", "MessageId": "\"own\"", "DELIVERYCOUNT": "3" })
        else {
            panic!("an object")
        };
        let metadata = Metadata::new(members);
        assert_eq!(metadata.text("MessageId").as_deref(), Some("own"));
        assert_eq!(metadata.integer("DeliveryCount"), Some(3));
        assert_eq!(metadata.time("EnqueuedTimeUtc"), None);
    }
}
