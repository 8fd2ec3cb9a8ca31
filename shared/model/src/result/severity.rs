//! How severe a finding is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The severity of an order, an eye or a finding, least first (iris-facts §9.4.1, §12.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Nothing to flag.
    #[default]
    Normal,
    /// Flag `A`.
    Abnormal,
    /// Flag `AA`.
    Critical,
}

impl Severity {
    /// The abnormal flag of HL7; nothing when normal.
    #[must_use]
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Self::Normal => None,
            Self::Abnormal => Some("A"),
            Self::Critical => Some("AA"),
        }
    }
}
