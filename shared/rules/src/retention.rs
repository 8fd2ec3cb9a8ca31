//! What is removed when its time is over, and what never is.
//!
//! | kind | what goes | what stays |
//! |---|---|---|
//! | [`Kind::Bodies`] | bytes of refused messages | the record of the message, with its issues |
//! | [`Kind::Lines`] | lines of drops that are over, with their cells | the drop and its totals |
//! | [`Kind::OrderHistory`] | former contents of closed orders | what happened to the order, and when |
//! | [`Kind::PatientHistory`] | former details of patients without an open order | the patient |
//! | [`Kind::Images`] | records of images that found no order | images of orders |
//! | [`Kind::Submissions`] | records of messages, except those of orders that are not closed | the order |
//! | [`Kind::Links`] | which message repeated which, when both are gone | |
//! | [`Kind::Drops`] | drops that are over | the orders |
//! | [`Kind::Deliveries`] | deliveries that ended: made, impossible, or for a destination that is gone | the result |
//! | [`Kind::BatchEntries`] | what batches had whose files were all written | the results |
//! | [`Kind::Batches`] | these batches, but for an organization's last | |
//! | [`Kind::Results`] | results of closed orders that later ones took the place of | the order's last result |
//! | [`Kind::Gradings`] | gradings of closed orders that later ones took the place of | the one that stands, and every addendum |
//!
//! Never removed by time: patients, orders, the grading and the result of each (they are the medical record, which its
//! owner decides about), what the outbox still has to send or had to park, and the audit. Nothing goes that was not
//! handed over: a result stays as long as a delivery of it has a record, and as long as it belongs to no batch or to
//! one that has a record; and neither of these goes before it is done. A batch of removals and the audit entry that
//! says how much it removed are one transaction.

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
    /// Records of images that found no order.
    Images,
    /// Records of messages.
    Submissions,
    /// Which message repeated which.
    Links,
    /// Drops that are over.
    Drops,
    /// Deliveries that ended.
    Deliveries,
    /// What batches of results had.
    BatchEntries,
    /// Batches of results that were written.
    Batches,
    /// Results that later ones took the place of.
    Results,
    /// Gradings that later ones took the place of.
    Gradings,
}

impl Kind {
    /// Every kind, what hangs on something before that.
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

    /// The name in audit entries and logs.
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
