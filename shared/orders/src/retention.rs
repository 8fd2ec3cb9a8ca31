//! What is removed when its time is over, and what never is.
//!
//! | kind | what goes | what stays |
//! |---|---|---|
//! | [`Kind::Bodies`] | bytes of refused messages | the record of the message, with its issues |
//! | [`Kind::Lines`] | lines of drops that are over, with their cells | the drop and its totals |
//! | [`Kind::OrderHistory`] | former contents of closed orders | what happened to the order, and when |
//! | [`Kind::PatientHistory`] | former details of patients without an open order | the patient |
//! | [`Kind::Submissions`] | records of messages, except those of orders that are not closed | the order |
//! | [`Kind::Drops`] | drops that are over | the orders |
//!
//! Never removed by time: patients and orders (they are the medical record, which its owner decides about), what the outbox still has to
//! send or had to park, and the audit. A batch and the audit entry that says how much it removed are one transaction.

use jiff::Timestamp;
use serde::Serialize;

/// What is removed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Bytes of refused messages.
    Bodies,
    /// Lines of drops that are over.
    Lines,
    /// Former contents of closed orders.
    OrderHistory,
    /// Former details of patients without an open order.
    PatientHistory,
    /// Records of messages.
    Submissions,
    /// Drops that are over.
    Drops,
}

impl Kind {
    /// Every kind, bodies before what they belong to.
    pub const ALL: [Self; 6] =
        [Self::Bodies, Self::Lines, Self::OrderHistory, Self::PatientHistory, Self::Submissions, Self::Drops];

    /// The name in audit entries and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bodies => "bodies",
            Self::Lines => "lines",
            Self::OrderHistory => "order-history",
            Self::PatientHistory => "patient-history",
            Self::Submissions => "submissions",
            Self::Drops => "drops",
        }
    }
}

/// One batch to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prune {
    /// Of this kind.
    pub kind: Kind,
    /// What ended before.
    pub before: Timestamp,
    /// So many rows at most.
    pub limit: u32,
    /// Now, for the audit.
    pub at: Timestamp,
}
