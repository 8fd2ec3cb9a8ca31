//! Results in batches: which result belongs to which.
//!
//! # No gap, no repeat
//!
//! Every result of an organization that gets batches leaves a row in `batch_results`, written in the transaction that
//! writes the result; the row belongs to no batch yet. A batch is *opened* in one transaction: its own row is inserted
//! under the organization's next number, and every result that belongs to none and was written before the end of the
//! period is given that number. From then on its content is fixed, and can be written to files as often as necessary;
//! once all is written, the batch is *closed*.
//!
//! - **Out of order.** Nothing is remembered of how far sequence numbers were read. A result whose transaction commits
//!   late, after others with higher numbers were claimed, still belongs to no batch, and is claimed by the next one.
//! - **Crash.** Before the commit nothing is claimed. After it the batch is found open, and is written again under the
//!   same names.
//! - **Two at a time.** The second to insert the same number waits for the first, violates the primary key, and gives
//!   up with a conflict before it claims anything. Two that write the same open batch write the same.

use iris_model::{ClientGuid, ResultCode};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

/// A result that is to be part of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchEntry {
    /// Whose.
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
    /// Whose.
    pub organization: ClientGuid,
    /// One more than the last.
    pub number: u32,
    /// Where the period begins: the end of the last; `None` for the first.
    pub starts_at: Option<Timestamp>,
    /// Where the period ends; later results are for the next.
    pub ends_at: Timestamp,
    /// The day its files are named for, fixed so that a batch written again after a change of settings has the same
    /// names.
    pub day: Date,
    /// Now.
    pub opened_at: Timestamp,
    /// The most results it may have.
    pub limit: u32,
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Whose.
    pub organization: ClientGuid,
    /// Its number among those of the organization, from 1.
    pub number: u32,
    /// Where the period begins; `None` for the first.
    pub starts_at: Option<Timestamp>,
    /// Where it ends.
    pub ends_at: Timestamp,
    /// The day its files are named for.
    pub day: Date,
    /// When its content was fixed.
    pub opened_at: Timestamp,
    /// When everything had been written.
    pub closed_at: Option<Timestamp>,
    /// Another batch of the same period follows: there were more results than fit into one.
    pub has_more: bool,
}

/// The result of an order in a batch: the last of the order in that batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchResult {
    /// Its place; pages follow each other by it.
    pub sequence: i64,
    /// The result.
    pub transaction_id: Uuid,
    /// The order.
    pub order: i64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened to the order in this batch: the last that is not merely sent again.
    pub code: ResultCode,
    /// The last earlier batch that the order was part of.
    pub earlier: Option<u32>,
    /// What the result itself is, also where it was merely sent again.
    pub own_code: ResultCode,
    /// When the last destination got it. Fixed when the batch is opened: nothing where one had not got it by then; the
    /// time of opening where nobody but the batch hands it over.
    pub sent_at: Option<Timestamp>,
    /// The canonical document.
    pub document: String,
    /// What its report says beyond that.
    pub report: String,
}
