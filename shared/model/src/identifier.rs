//! Identifiers that keep their rules: a value of these types is always well formed.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// The most characters a LocalId may have (decision 13).
pub const LOCAL_ID_LIMIT: usize = 64;

/// The GUID IRIS issued to an organization; written in lower case with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientGuid(pub Uuid);

impl ClientGuid {
    /// Reads a GUID in either case, with or without hyphens or braces.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Uuid::try_parse(text.trim()).ok().map(Self)
    }
}

impl std::fmt::Display for ClientGuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl JsonSchema for ClientGuid {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("ClientGuid")
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid" })
    }
}

/// An identifier the submitter chose (patient, order, site, camera, image): trimmed, 1 to 64 characters, no control
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct LocalId(String);

impl LocalId {
    /// Takes the text, trimmed. `None` when it is empty, too long or holds control characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let well_formed =
            !text.is_empty() && text.chars().count() <= LOCAL_ID_LIMIT && !text.chars().any(char::is_control);
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for LocalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LocalId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| serde::de::Error::custom("a local id has 1 to 64 printable characters"))
    }
}

impl JsonSchema for LocalId {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("LocalId")
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 64 })
    }
}

/// The short name of an organization in queue and container names: lower-case letters, digits and single hyphens, 3 to
/// 40 characters, as Azure allows for `{slug}-results`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// The slug under which submissions of no known organization are recorded.
    pub(crate) fn unattributed() -> Self {
        Self("unattributed".to_owned())
    }

    /// Takes the text as it is; `None` when it breaks the rule.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let edge_free = !text.starts_with('-') && !text.ends_with('-') && !text.contains("--");
        let well_formed = (3..=40).contains(&text.len())
            && edge_free
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text)
            .ok_or_else(|| serde::de::Error::custom("a slug has 3 to 40 lower-case letters, digits and single hyphens"))
    }
}

impl JsonSchema for Slug {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Slug")
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "minLength": 3, "maxLength": 40 })
    }
}
