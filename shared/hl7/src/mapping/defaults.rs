//! The platform's own instructions: the published layout (iris-facts §9.3–9.6), as JSON documents in this folder.

use super::instructions::Instructions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of message that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// Results: ORU^R01.
    Oru,
    /// Charges: DFT^P03.
    Dft,
    /// Documents: MDM^T02.
    Mdm,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Oru, Self::Dft, Self::Mdm];

    /// MSH-9.3.
    #[must_use]
    pub fn structure(self) -> &'static str {
        match self {
            Self::Oru => "ORU_R01",
            Self::Dft => "DFT_P03",
            Self::Mdm => "MDM_T02",
        }
    }
}

/// The platform's instructions for a kind of message.
///
/// # Errors
///
/// None in practice: the documents are part of the program, and a test reads them all.
pub fn defaults(kind: Kind) -> Result<Instructions, serde_json::Error> {
    serde_json::from_str(match kind {
        Kind::Oru => include_str!("defaults/oru.json"),
        Kind::Dft => include_str!("defaults/dft.json"),
        Kind::Mdm => include_str!("defaults/mdm.json"),
    })
}
