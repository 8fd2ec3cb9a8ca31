//! What became of each submission: the outcome of a row or message, as receipts and history tell it.

use crate::issue::RowIssue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What became of one submission. Every input has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeKind {
    /// A new order exists.
    Created,
    /// The same order had been submitted before; nothing changed.
    Replayed,
    /// The order was changed.
    Changed,
    /// The order was cancelled.
    Cancelled,
    /// A patient was registered or updated.
    PatientRegistered,
    /// The result will be delivered again.
    Resent,
    /// Nothing was done, and that is how it is meant to be: e.g. a change of a closed order (iris-facts R-13).
    Ignored,
    /// Refused; the issues say why.
    Failed,
}

impl OutcomeKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Created,
        Self::Replayed,
        Self::Changed,
        Self::Cancelled,
        Self::PatientRegistered,
        Self::Resent,
        Self::Ignored,
        Self::Failed,
    ];

    /// The word as written in receipts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Replayed => "replayed",
            Self::Changed => "changed",
            Self::Cancelled => "cancelled",
            Self::PatientRegistered => "patient-registered",
            Self::Resent => "resent",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

/// One input row of a drop and what became of it: a line of `rows.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowLine {
    /// Row number as a person finds it in the file: line or sheet row, 1-based; element number for JSON.
    pub row: u32,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// The order in IRIS.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iris_order_id: Option<i64>,
    /// The order as the submitter calls it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order_local_id: Option<String>,
    /// The patient as the submitter calls it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub patient_local_id: Option<String>,
    /// Issues, errors and warnings.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub issues: Vec<RowIssue>,
    /// The row's original cells; kept only for failed rows, until the rejected file is written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cells: Option<Vec<String>>,
}

/// An earlier row of the same file that ordered something for the same patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierRow {
    /// Its number.
    pub row: u32,
    /// A hash of its order's id, to save memory: a file may have a million rows.
    order: u64,
}

impl EarlierRow {
    /// The row with the id of its order.
    #[must_use]
    pub fn new(row: u32, order: &str) -> Self {
        Self { row, order: hash_of(order) }
    }

    /// Whether the row's order has this id.
    #[must_use]
    pub fn is_of(&self, order: &str) -> bool {
        self.order == hash_of(order)
    }
}

fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
