//! What is removed once its retention period is over, and what never is.
//!
//! | kind | what goes | what stays |
//! |---|---|---|
//! | [`Kind::Bodies`] | bytes of refused messages | the record of the message, with its issues |
//! | [`Kind::Lines`] | lines of finished drops, with their cells | the drop and its totals |
//! | [`Kind::OrderHistory`] | former contents of closed orders | what happened to the order, and when |
//! | [`Kind::PatientHistory`] | former details of patients without an open order | the patient |
//! | [`Kind::Images`] | records of images that found no order | images of orders |
//! | [`Kind::Submissions`] | records of messages, except those of orders that are not closed | the order |
//! | [`Kind::Links`] | which message repeated which, once both are gone | |
//! | [`Kind::Drops`] | finished drops | the orders |
//! | [`Kind::Deliveries`] | deliveries that ended: made, impossible, or for a destination that is gone | the result |
//! | [`Kind::BatchEntries`] | contents of batches whose files were all written | the results |
//! | [`Kind::Batches`] | those batches, except an organization's last | |
//! | [`Kind::Results`] | results of closed orders replaced by later ones | the order's last result |
//! | [`Kind::Gradings`] | gradings of closed orders replaced by later ones | the one in force, and every addendum |
//!
//! Never removed by time: patients, orders, each order's grading and result (they are the medical record, which its
//! owner decides about), messages the outbox still has to send or has parked, and the audit. Nothing goes before it was
//! handed over: a result stays as long as one of its deliveries has a record, and as long as it is in no batch, or in
//! one that has a record; and neither of these goes before it is done. A batch of removals and the audit entry that
//! says how much was removed are one transaction.

use jiff::Timestamp;
use serde::Serialize;

/// Rows that are removed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Bytes of refused messages.
    Bodies,
    /// Lines of finished drops.
    Lines,
    /// Former contents of closed orders.
    OrderHistory,
    /// Former details of patients without an open order.
    PatientHistory,
    /// Records of images that found no order.
    Images,
    /// Records of messages.
    Submissions,
    /// Which message repeats which.
    Links,
    /// Finished drops.
    Drops,
    /// Deliveries that have ended.
    Deliveries,
    /// Contents of batches of results.
    BatchEntries,
    /// Batches of results whose files were written.
    Batches,
    /// Results that were replaced by later ones.
    Results,
    /// Gradings that were replaced by later ones.
    Gradings,
}

impl Kind {
    /// Every kind; dependents come before what they depend on.
    pub const ALL: [Self; 13] = [
        Self::Bodies,
        Self::Lines,
        Self::OrderHistory,
        Self::PatientHistory,
        Self::Images,
        Self::Submissions,
        Self::Links,
        Self::Drops,
        Self::Deliveries,
        Self::BatchEntries,
        Self::Batches,
        Self::Results,
        Self::Gradings,
    ];

    /// The name used in audit entries and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bodies => "bodies",
            Self::Lines => "lines",
            Self::OrderHistory => "order-history",
            Self::PatientHistory => "patient-history",
            Self::Images => "images",
            Self::Submissions => "submissions",
            Self::Links => "links",
            Self::Drops => "drops",
            Self::Deliveries => "deliveries",
            Self::BatchEntries => "batch-entries",
            Self::Batches => "batches",
            Self::Results => "results",
            Self::Gradings => "gradings",
        }
    }
}

/// One batch of rows to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prune {
    /// The kind of rows.
    pub kind: Kind,
    /// Rows that ended before this time.
    pub before: Timestamp,
    /// At most this many rows.
    pub limit: u32,
    /// The current time, for the audit.
    pub at: Timestamp,
}
