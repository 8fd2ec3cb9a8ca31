//! Receipts: what a caller learns about a file it dropped (design §4.2).
//!
//! | document | what it has |
//! |---|---|
//! | `receipts/{name}.{drop}.rows.csv` | one line per input row |
//! | `receipts/{name}.{drop}.rejected.csv`, `.xlsx` or `.ndjson` | the failed rows as they came, with their issues; to be corrected and dropped again |
//! | `receipts/{name}.{drop}.json` | totals, status, timing, issues; written last |

mod rejected;
mod rows_csv;

pub use rejected::{RejectedCsv, RejectedJson, RejectedXlsx};
pub use rows_csv::RowsCsv;

use crate::{Format, Layout};
use iris_model::{IssueCode, OutcomeKind, RowLine, Severity};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// The most issues listed in a receipt; `rows.csv` has all.
pub const ISSUES_LISTED: usize = 1_000;

/// The receipt of a drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Receipt of a dropped file")]
pub struct Receipt {
    /// The drop; part of the names of its documents.
    pub drop_id: Uuid,
    /// Whose.
    pub organization: String,
    /// Where it was dropped.
    pub container: String,
    /// The file's name.
    pub file: String,
    /// The version of the file.
    pub etag: String,
    /// Size in bytes.
    pub size: u64,
    /// How it went.
    pub status: Status,
    /// What it was taken for; absent when nothing could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read_as: Option<ReadAs>,
    /// When it was first seen.
    pub received_at: Timestamp,
    /// When the last row was dealt with.
    pub finished_at: Timestamp,
    /// How many rows had which outcome.
    pub totals: Totals,
    /// How often each issue occurred, warnings included.
    pub issues_by_code: BTreeMap<IssueCode, u64>,
    /// The first issues, those about the file as a whole before those of rows.
    pub issues: Vec<ReceiptIssue>,
    /// The issues of rows, equal ones together, in the order in which they first occurred.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub groups: Vec<IssueGroup>,
    /// The other documents, by their names in the results container.
    pub files: Files,
}

/// What a file was taken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadAs {
    /// `csv`, `xlsx`, `json` or `ndjson`.
    pub format: String,
    /// Name of the mapping used; `built-in` when no rule of the organization fits the file's name.
    pub mapping: String,
    /// Encoding of a text file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub encoding: Option<String>,
    /// Delimiter of a CSV file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delimiter: Option<char>,
    /// The sheet that was read, of a workbook.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sheet: Option<String>,
}

impl ReadAs {
    /// As the file's layout says.
    #[must_use]
    pub fn new(format: Format, layout: &Layout) -> Self {
        Self {
            format: format.as_str().to_owned(),
            mapping: layout.mapping.clone(),
            encoding: layout.encoding.map(str::to_owned),
            delimiter: layout.delimiter,
            sheet: layout.sheet.clone(),
        }
    }
}

/// How a drop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Every row was dealt with as asked.
    Loaded,
    /// Some rows failed; the others are loaded.
    Partial,
    /// Every row failed.
    Failed,
    /// The file ended in a defect; the rows before it were dealt with.
    Broken,
    /// Nothing of the file was loaded.
    Refused,
}

impl Status {
    /// As written in receipts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Broken => "broken",
            Self::Refused => "refused",
        }
    }
}

/// How many rows had which outcome; together all rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// All rows.
    pub rows: u64,
    /// New orders.
    pub created: u64,
    /// Orders submitted before; nothing changed.
    pub replayed: u64,
    /// Orders changed.
    pub changed: u64,
    /// Orders cancelled on request.
    pub cancelled: u64,
    /// Patients registered or updated without an order.
    pub patients: u64,
    /// Results that will be delivered again.
    pub resent: u64,
    /// Operations that came too late to have an effect.
    pub ignored: u64,
    /// Rows refused.
    pub failed: u64,
}

/// An issue in a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptIssue {
    /// Row as a person finds it in the file; absent for the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub row: Option<u32>,
    /// Column, 1 = first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u32>,
    /// The column's header.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub header: Option<String>,
    /// The field it is about, as a path of the OrderRequest.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub path: String,
    /// Stable code; see the list of errors.
    pub code: IssueCode,
    /// Whether it refused the row.
    pub severity: Severity,
    /// What is wrong and what to do.
    pub message: Cow<'static, str>,
}

/// Equal issues of rows: the same is wrong with the same column, and usually with the same value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueGroup {
    /// How many rows have it.
    pub rows: u64,
    /// The first of them, with the issue.
    #[serde(flatten)]
    pub first: ReceiptIssue,
}

/// Names of a drop's other documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Files {
    /// One line per row.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<String>,
    /// The failed rows, when there are any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rejected: Option<String>,
}

impl Totals {
    /// Counts a row.
    pub fn count(&mut self, outcome: OutcomeKind) {
        self.rows += 1;
        *match outcome {
            OutcomeKind::Created => &mut self.created,
            OutcomeKind::Replayed => &mut self.replayed,
            OutcomeKind::Changed => &mut self.changed,
            OutcomeKind::Cancelled => &mut self.cancelled,
            OutcomeKind::PatientRegistered => &mut self.patients,
            OutcomeKind::Resent => &mut self.resent,
            OutcomeKind::Ignored => &mut self.ignored,
            OutcomeKind::Failed => &mut self.failed,
        } += 1;
    }

    /// How a file went, once all of its rows have a line.
    #[must_use]
    pub fn status(&self) -> Status {
        match (self.failed, self.rows) {
            (0, _) => Status::Loaded,
            (failed, rows) if failed == rows => Status::Failed,
            _ => Status::Partial,
        }
    }
}

/// Collects the issues of a receipt: the first ones in full, all of them counted, equal ones grouped.
#[derive(Debug, Default)]
pub struct IssueList {
    /// The first issues.
    pub issues: Vec<ReceiptIssue>,
    /// Equal issues of rows; at most [`ISSUES_LISTED`] different ones.
    pub groups: Vec<IssueGroup>,
    places: HashMap<(Option<u32>, IssueCode, Cow<'static, str>), usize>,
    /// How often each occurred.
    pub by_code: BTreeMap<IssueCode, u64>,
}

impl IssueList {
    /// Adds an issue about the file as a whole.
    pub fn file(&mut self, issue: iris_model::Issue) {
        self.add(None, iris_model::RowIssue { column: None, header: None, issue });
    }

    /// Adds the issues of a row.
    pub fn row(&mut self, line: &RowLine) {
        for issue in &line.issues {
            self.add(Some(line.row), issue.clone());
        }
    }

    fn add(&mut self, row: Option<u32>, located: iris_model::RowIssue) {
        let issue = located.issue;
        *self.by_code.entry(issue.code).or_default() += 1;
        let entry = ReceiptIssue {
            row,
            column: located.column,
            header: located.header,
            path: issue.path.into_owned(),
            code: issue.code,
            severity: issue.severity,
            message: issue.message,
        };
        if row.is_some() {
            self.group(&entry);
        }
        if self.issues.len() < ISSUES_LISTED {
            self.issues.push(entry);
        }
    }

    fn group(&mut self, issue: &ReceiptIssue) {
        let is_full = self.groups.len() >= ISSUES_LISTED;
        match self.places.entry((issue.column, issue.code, issue.message.clone())) {
            Entry::Occupied(place) => {
                if let Some(group) = self.groups.get_mut(*place.get()) {
                    group.rows += 1;
                }
            }
            Entry::Vacant(place) if !is_full => {
                place.insert(self.groups.len());
                self.groups.push(IssueGroup { rows: 1, first: issue.clone() });
            }
            Entry::Vacant(_) => {}
        }
    }
}

/// The names of a drop's documents: `receipts/{name}.{drop}{ending}`. Folders in the file's name stay folders.
#[must_use]
pub fn document_name(file: &str, drop: Uuid, ending: &str) -> String {
    format!("receipts/{file}.{drop}{ending}")
}

/// The JSON Schema of the receipt.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Receipt).to_value()
}
