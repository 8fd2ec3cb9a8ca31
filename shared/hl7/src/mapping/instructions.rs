//! The documents: the platform's instructions, and what an interface overrides.

use crate::version::Version;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tables by name: replacements for values. Keys of findings may also be `identifier=value`.
pub type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// How a kind of message is built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    /// Parts of lines that are used more than once, by name.
    #[serde(default)]
    pub fragments: BTreeMap<String, String>,
    /// The payloads that are sent where an interface says nothing.
    #[serde(default, rename = "use")]
    pub payloads: Vec<String>,
    /// Tables by name.
    #[serde(default)]
    pub tables: Tables,
    /// The segments, in order.
    pub segments: Vec<Rule>,
}

/// A rule: one segment, or one for each item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, which overrides refer to.
    pub id: String,
    /// The segment.
    pub line: String,
    /// The list of which each item makes a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// Conditions; all must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
    /// The payloads it belongs to; one of them must be chosen. Always used, if none is named.
    #[serde(default, rename = "use", skip_serializing_if = "Vec::is_empty")]
    pub payloads: Vec<String>,
    /// Fields made of a list, by number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub repeat: BTreeMap<u16, Repeat>,
    /// Further segments for each item.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Rule>,
}

/// A field made of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// The list.
    pub each: String,
    /// One repetition.
    pub text: String,
}

/// What one interface has otherwise for a kind of message. Applied in the order move, set, clear, drop, add.
///
/// Places are `PID-3` or `PID-3.1` (in every rule of that segment), or `obx.document/5` (in that rule).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// The payloads that are sent.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub payloads: Option<Vec<String>>,
    /// MSH-12; the order's, if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Fields that stand somewhere else: from, to. Where they stood is empty then.
    #[serde(rename = "move", skip_serializing_if = "BTreeMap::is_empty")]
    pub moved: BTreeMap<String, String>,
    /// Fields, components or subcomponents with another content.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Fields, components or subcomponents that stay empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clear: Vec<String>,
    /// Rules that are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
    /// Further rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Added>,
    /// Entries that come before those of the platform's tables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: Tables,
}

/// A further rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Added {
    /// The rule it follows.
    pub after: String,
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
}
