//! Drops: files being loaded.
//!
//! # Protocol
//!
//! A drop is a row with an *epoch*. Whoever starts or resumes it calls `Orders::begin_drop`, which raises the epoch and
//! returns what is already done. `Orders::submit_rows` commits each batch of rows, together with its lines and its
//! number, but only while the lease's epoch is current ([`Error::LostDrop`](crate::Error::LostDrop) otherwise). A batch
//! that is done is never done again, even if it is submitted again.
//!
//! Rows whose order is not known yet have no line in their batch ([`Answer::NotYet`](iris_rules::Answer::NotYet)). They
//! are recorded as *pending* and submitted again at the end, as an extra batch with a number of its own (any that the
//! file's batches do not use).
//!
//! When all rows have a line, `Orders::finish_drop` closes the drop.

use crate::Error;
use crate::queries::DropSummary;
use async_trait::async_trait;
use iris_model::receipt::EarlierRow;
use iris_model::{Cells, ClientGuid, Issue, OutcomeKind, RowIssue, RowLine};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// A file that was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDrop {
    /// The same for every announcement of the same drop; see [`drop_id`].
    pub id: Uuid,
    /// The organization its container belongs to.
    pub organization: ClientGuid,
    /// The container.
    pub container: String,
    /// The blob's name.
    pub name: String,
    /// The blob's ETag.
    pub etag: String,
    /// Size in bytes.
    pub size: u64,
    /// When it was announced.
    pub received_at: Timestamp,
}

/// The id of a drop: the same container, name and ETag mean the same drop (decision 19).
#[must_use]
pub fn drop_id(container: &str, name: &str, etag: &str) -> Uuid {
    iris_rules::incoming::message_id(container, name, etag.as_bytes())
}

/// Whether to take over a drop that somebody else is loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takeover {
    /// Always: the previous holder is known to be gone.
    Always,
    /// Only if it has been neither begun nor worked on since then.
    IfIdleSince(Timestamp),
}

impl Takeover {
    /// Whether to take over a drop that was last worked on at this time.
    #[must_use]
    pub fn takes(self, worked_on: Timestamp) -> bool {
        match self {
            Self::Always => true,
            Self::IfIdleSince(alive) => worked_on < alive,
        }
    }
}

/// Rows of a file, as disjoint ranges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowRanges(Vec<(u32, u32)>);

impl RowRanges {
    /// Whether the ranges include a row.
    #[must_use]
    pub fn contains(&self, row: u32) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= row);
        after.checked_sub(1).and_then(|place| self.0.get(place)).is_some_and(|(_, last)| row <= *last)
    }
}

impl FromIterator<(u32, u32)> for RowRanges {
    /// From pairs of first and last row, in any order.
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(ranges: I) -> Self {
        let mut ranges: Vec<(u32, u32)> = ranges.into_iter().collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut().filter(|(_, end)| first <= end.saturating_add(1)) {
                Some((_, end)) => *end = last.max(*end),
                None => merged.push((first, last)),
            }
        }
        Self(merged)
    }
}

/// The state of a drop when it is begun.
#[derive(Debug, Clone)]
pub struct DropState {
    /// The right to work on it. `None` if it is already finished or refused, so that only the steps after loading
    /// remain, or, with [`DropStatus::Loading`], if its current holder keeps it.
    pub lease: Option<DropLease>,
    /// Its status.
    pub status: DropStatus,
    /// Numbers of the batches that are done, extra batches included.
    pub done: BTreeSet<u32>,
    /// Rows covered by the batches that are done.
    pub rows: RowRanges,
    /// Rows of done batches that have no line yet and must be submitted again.
    pub pending: Vec<u32>,
    /// When it was first begun; used as `first_seen` of its rows.
    pub first_seen: Timestamp,
    /// Outcomes so far.
    pub totals: DropTotals,
}

/// Finds the column from which the value at an [`Issue`]'s path was read: position (1 = first) and header.
pub type ColumnLookup = dyn Fn(&str) -> Option<(u32, String)> + Send + Sync;

/// The right to commit batches of a drop until somebody else begins it.
#[derive(Clone)]
pub struct DropLease {
    /// The drop.
    pub drop: Uuid,
    /// The epoch of this lease.
    pub epoch: i64,
    columns: Option<Arc<ColumnLookup>>,
}

impl DropLease {
    pub(crate) fn new(drop: Uuid, epoch: i64) -> Self {
        Self { drop, epoch, columns: None }
    }

    /// The same lease, with a lookup that adds columns to the issues that the rules find.
    #[must_use]
    pub fn with_columns(mut self, columns: Arc<ColumnLookup>) -> Self {
        self.columns = Some(columns);
        self
    }

    /// An issue found by the rules, with the column its value was read from.
    #[must_use]
    pub fn locate(&self, issue: Issue) -> RowIssue {
        let place = self.columns.as_ref().and_then(|columns| columns(&issue.path));
        let (column, header) = place.map_or((None, None), |(column, header)| (Some(column), Some(header)));
        RowIssue { column, header, issue }
    }
}

impl std::fmt::Debug for DropLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DropLease").field("drop", &self.drop).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// What a row has besides its submission.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RowDetail {
    /// The row number as people see it in the file.
    pub row: u32,
    /// Issues found so far, with their cells. The outcome's issues that are already among them are not repeated.
    pub issues: Vec<RowIssue>,
    /// The original cells; kept with the line only if the row fails.
    pub cells: Cells,
    /// The previous row that ordered something for the same patient.
    pub earlier: Option<EarlierRow>,
}

/// The status of a drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropStatus {
    /// Begun but not finished.
    Loading,
    /// Every row has a line.
    Loaded,
    /// Ended early because the file is defective; the rows before the defect are loaded.
    Broken,
    /// Refused as a whole.
    Refused,
}

impl DropStatus {
    /// The name that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Loaded => "loaded",
            Self::Broken => "broken",
            Self::Refused => "refused",
        }
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        [Self::Loading, Self::Loaded, Self::Broken, Self::Refused].into_iter().find(|status| status.as_str() == text)
    }
}

/// Reads the stored lines of a batch: newline-delimited JSON.
pub fn parse_lines(text: &str) -> Result<Vec<RowLine>, Error> {
    let lines = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    lines.map_err(|_| Error::Corrupt(String::from("lines of a drop")))
}

/// How many rows had which outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DropTotals(pub BTreeMap<OutcomeKind, u64>);

impl DropTotals {
    /// Adds one to a count.
    pub fn count(&mut self, kind: OutcomeKind) {
        *self.0.entry(kind).or_default() += 1;
    }

    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(*kind).or_default() += count;
        }
    }

    /// The total over all outcomes.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.values().sum()
    }
}

/// How a drop ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropFinish {
    /// [`DropStatus::Loaded`], [`DropStatus::Broken`] or [`DropStatus::Refused`].
    pub status: DropStatus,
    /// Issues that concern the file as a whole; for a broken or refused file, the reason.
    pub issues: Vec<Issue>,
    /// When it happened.
    pub at: Timestamp,
}

/// Drops: files of many rows, loaded batch by batch.
#[async_trait]
pub trait Drops: Send + Sync {
    /// Begins or resumes a drop and raises its epoch, unless it is over or its current holder keeps it.
    async fn begin_drop(&self, drop: &NewDrop, takeover: Takeover) -> Result<DropState, Error>;
    /// Ends a drop while the lease is valid. Finishing again under the same lease changes nothing.
    async fn finish_drop(&self, lease: &DropLease, finish: &DropFinish) -> Result<(), Error>;
    /// The number and newline-delimited JSON lines of the batch that follows `after` in numeric order; `None` = the
    /// first.
    async fn drop_lines(&self, drop: Uuid, after: Option<u32>) -> Result<Option<(u32, String)>, Error>;
    /// Drops, latest first.
    async fn drops(&self, organization: Option<ClientGuid>, limit: u32) -> Result<Vec<DropSummary>, Error>;
    /// One drop.
    async fn drop_summary(&self, drop: Uuid) -> Result<Option<DropSummary>, Error>;
}
