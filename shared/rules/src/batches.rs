//! Which result goes into which batch.
//!
//! # No gap, no repeat
//!
//! When an organization gets its results in batches, every result leaves a row in `batch_results`, written in the
//! transaction that writes the result. At first the row belongs to no batch. A batch is *opened* in one transaction:
//! its own row is inserted under the organization's next number, and every unassigned result written before the end of
//! the period is given that number. From then on the batch's content is fixed and can be written to files as often as
//! necessary. Once everything is written, the batch is *closed*.
//!
//! - **Out of order.** The code does not remember how far it has read sequence numbers. A result whose transaction
//!   commits late, after results with higher numbers were claimed, is still unassigned, and the next batch claims it.
//! - **Crash.** Before the commit nothing is claimed. After it, the next run finds the batch open and writes it again
//!   under the same names.
//! - **Two at a time.** The second process to insert the same number waits for the first, violates the primary key, and
//!   gives up with a conflict before it claims anything. Two processes that write the same open batch write the same
//!   files.

use iris_model::{ClientGuid, ResultCode};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

/// A result waiting to go into a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchEntry {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// The result.
    pub transaction_id: Uuid,
    /// When it was written.
    pub at: Timestamp,
    /// Its order.
    pub order: i64,
    /// What kind of result it is.
    pub code: ResultCode,
}

/// A batch to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBatch {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// The last batch's number plus one.
    pub number: u32,
    /// Start of the period, which is the end of the previous one; `None` for the first.
    pub starts_at: Option<Timestamp>,
    /// End of the period; later results go into the next batch.
    pub ends_at: Timestamp,
    /// The day its files are named after. Stored, so that a batch rewritten after a change of settings keeps its names.
    pub day: Date,
    /// The current time.
    pub opened_at: Timestamp,
    /// The most results it may contain.
    pub limit: u32,
}

/// A stored batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The organization it belongs to.
    pub organization: ClientGuid,
    /// Its number within the organization, starting at 1.
    pub number: u32,
    /// Start of the period; `None` for the first.
    pub starts_at: Option<Timestamp>,
    /// End of the period.
    pub ends_at: Timestamp,
    /// The day its files are named after.
    pub day: Date,
    /// When its content was fixed.
    pub opened_at: Timestamp,
    /// When all its files had been written.
    pub closed_at: Option<Timestamp>,
    /// True when another batch of the same period follows, because one batch could not hold all the results.
    pub has_more: bool,
}

/// An order's entry in a batch: the last of its results in that batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchResult {
    /// Its sequence number, by which pages are ordered.
    pub sequence: i64,
    /// The result.
    pub transaction_id: Uuid,
    /// The order.
    pub order: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened to the order in this batch: the code of its last result that was not just a resend.
    pub code: ResultCode,
    /// The most recent earlier batch that contained the order.
    pub earlier: Option<u32>,
    /// The result's own code, even when it was just a resend.
    pub own_code: ResultCode,
    /// When the last destination received it. Fixed when the batch is opened: `None` if a destination had not received
    /// it by then; the opening time if the result has no other destination than the batch.
    pub sent_at: Option<Timestamp>,
    /// The canonical document.
    pub document: String,
    /// The report content that is not in the document.
    pub report: String,
}
