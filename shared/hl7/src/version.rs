//! Versions of the standard, as far as they affect messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// MSH-12, first component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Version {
    /// 2.1
    #[serde(rename = "2.1")]
    V2_1,
    /// 2.2
    #[serde(rename = "2.2")]
    V2_2,
    /// 2.3
    #[serde(rename = "2.3")]
    V2_3,
    /// 2.3.1
    #[serde(rename = "2.3.1")]
    V2_3_1,
    /// 2.4, IRIS's base version.
    #[serde(rename = "2.4")]
    V2_4,
    /// 2.5
    #[serde(rename = "2.5")]
    V2_5,
    /// 2.5.1
    #[serde(rename = "2.5.1")]
    V2_5_1,
    /// 2.6
    #[serde(rename = "2.6")]
    V2_6,
    /// 2.7
    #[serde(rename = "2.7")]
    V2_7,
    /// 2.7.1
    #[serde(rename = "2.7.1")]
    V2_7_1,
    /// 2.8
    #[serde(rename = "2.8")]
    V2_8,
    /// 2.8.1
    #[serde(rename = "2.8.1")]
    V2_8_1,
    /// 2.8.2
    #[serde(rename = "2.8.2")]
    V2_8_2,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 13] = [
        Self::V2_1,
        Self::V2_2,
        Self::V2_3,
        Self::V2_3_1,
        Self::V2_4,
        Self::V2_5,
        Self::V2_5_1,
        Self::V2_6,
        Self::V2_7,
        Self::V2_7_1,
        Self::V2_8,
        Self::V2_8_1,
        Self::V2_8_2,
    ];

    /// As written in MSH-12.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
            Self::V2_3 => "2.3",
            Self::V2_3_1 => "2.3.1",
            Self::V2_4 => "2.4",
            Self::V2_5 => "2.5",
            Self::V2_5_1 => "2.5.1",
            Self::V2_6 => "2.6",
            Self::V2_7 => "2.7",
            Self::V2_7_1 => "2.7.1",
            Self::V2_8 => "2.8",
            Self::V2_8_1 => "2.8.1",
            Self::V2_8_2 => "2.8.2",
        }
    }

    /// Reads MSH-12.1.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.text() == text.trim())
    }

    /// Whether MSH-9 has a third component, the structure.
    #[must_use]
    pub fn names_structure(self) -> bool {
        self >= Self::V2_5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_order() {
        for version in Version::ALL {
            assert_eq!(Version::from_text(version.text()), Some(version));
            assert_eq!(serde_json::to_value(version).unwrap(), version.text());
        }
        assert!(Version::ALL.is_sorted());
        assert_eq!(Version::from_text("2.9"), None);
        assert!(Version::V2_5.names_structure() && !Version::V2_4.names_structure());
    }
}
