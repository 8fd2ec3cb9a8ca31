//! Trial runs: a file is read completely and decided by the rules as if it were loaded, but nothing is written.
//!
//! Rows are decided in pieces of [`PIECE`]. Within a piece, each row sees what those before it would have done; from
//! one piece to the next, only the database says what exists. So a trial of a file with more rows is a little less
//! strict than loading it, never more.

use crate::rows::RowOrigin;
use iris_intake::receipt::{IssueGroup, IssueList, ReceiptIssue, Totals};
use iris_intake::{FileIssue, Format, Intake, Layout, Limits, Source, Step, detect};
use iris_model::organization::{DropRule, Mapping};
use iris_model::{Cells, Issue, IssueCode, OrderRequest, Organization, OutcomeKind, RowLine};
use iris_rules::{Answer, Incoming};
use iris_store::{RowDetail, Store};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use uuid::Uuid;

/// How many rows are decided together.
const PIECE: usize = 5_000;
/// How many rows are shown as the orders they would become.
const SHOWN: usize = 10;
/// How many bytes are used to recognize a format.
const HEAD: usize = 4096;

/// Why a file could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    File(#[source] std::io::Error),
    /// The database failed.
    #[error("the database cannot be read")]
    Store(#[from] iris_store::Error),
    /// The reading thread ended early.
    #[error("the file was not read to its end")]
    Reader,
}

/// A value of an order, and the cell it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TriedValue {
    /// Its path in the OrderRequest.
    pub path: String,
    /// The value.
    pub value: String,
    /// The content of the file's cell; absent for constants and defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// True if the value differs from the cell's content.
    pub transformed: bool,
}

/// A row as the order it would become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TriedRow {
    /// Its number.
    pub row: u32,
    /// What would become of it; absent if it would wait for its order.
    pub outcome: Option<OutcomeKind>,
    /// Its values.
    pub values: Vec<TriedValue>,
}

/// What would become of a file.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// The mapping that reads it.
    pub mapping: String,
    /// Rows by outcome.
    pub totals: Totals,
    /// Rows that would wait for an order that is not known yet.
    pub waiting: u64,
    /// Why the file would be refused, or not read any further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defect: Option<Issue>,
    /// Warnings about the file as a whole.
    pub warnings: Vec<Issue>,
    /// The issues of rows, with equal ones grouped.
    pub groups: Vec<IssueGroup>,
    /// The first rows as orders.
    pub rows: Vec<TriedRow>,
}

/// The organization, with a mapping for files of this name that is not in its document yet.
#[must_use]
pub fn with_mapping(organization: &Organization, file_name: &str, mapping: Mapping) -> Organization {
    let mut organization = organization.clone();
    organization.drops.insert(0, DropRule { pattern: file_name.to_owned(), mapping });
    organization
}

/// The format of a file, determined by its name and its first bytes.
///
/// # Errors
/// The file cannot be read. The inner error: its format is not supported.
pub fn format(path: &Path, name: &str) -> Result<Result<Format, Issue>, Error> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(Error::File)?;
    file.take(HEAD as u64).read_to_end(&mut head).map_err(Error::File)?;
    Ok(detect(name, &head))
}

/// Opens a file for the readers of the intake library.
///
/// # Errors
/// It cannot be read.
pub fn source(path: &Path) -> Result<Source, Error> {
    Ok(Source::File(File::open(path).map_err(Error::File)?))
}

enum Told {
    Layout(Arc<Layout>),
    Rows(Vec<(Incoming, RowDetail, OrderRequest)>),
    Failed(FileIssue),
    End,
}

/// Tries a file as the organization would read it. Writes nothing.
///
/// # Errors
/// The file or the database cannot be read. Problems of the file's content are part of the result.
pub async fn attempt(
    store: &dyn Store,
    organization: Arc<Organization>,
    file: PathBuf,
    name: String,
    limits: Limits,
) -> Result<Tried, Error> {
    let format = match format(&file, &name)? {
        Ok(format) => format,
        Err(issue) => return Ok(Tried { defect: Some(issue), ..Tried::default() }),
    };
    let (sender, mut told) = mpsc::channel(1);
    let reader = tokio::task::spawn_blocking(move || read(&file, format, &name, &organization, &limits, &sender));
    let mut trial = Trial::default();
    let mut ended = false;
    while let Some(told) = told.recv().await {
        match told {
            Told::Layout(layout) => trial.layout = Some(layout),
            Told::Rows(rows) => trial.rows(store, rows).await?,
            Told::Failed(failure) => {
                trial.tried.defect = Some(failure.issue);
                ended = true;
            }
            Told::End => ended = true,
        }
    }
    reader.await.map_err(|_| Error::Reader)??;
    if ended { Ok(trial.finish()) } else { Err(Error::Reader) }
}

fn read(
    file: &Path,
    format: Format,
    name: &str,
    organization: &Arc<Organization>,
    limits: &Limits,
    sender: &mpsc::Sender<Told>,
) -> Result<(), Error> {
    let intake = Intake { format, organization, file_name: name, limits };
    let survey = intake.survey(source(file)?).map_err(|_| Error::Reader)?;
    let now = Timestamp::now();
    let mut origin = RowOrigin {
        // A new id, so that rows loaded earlier are not taken for rows of this file.
        drop: Uuid::new_v4(),
        first_seen: now,
        organization: Arc::clone(organization),
        derives_order_ids: false,
    };
    let mut sink = |step: Step| {
        let told = match step {
            Step::Layout(layout) => {
                origin.derives_order_ids = layout.allow_missing_order_id;
                Told::Layout(layout)
            }
            Step::Batch(batch) => {
                let requests: Vec<OrderRequest> = batch.iter().map(|row| row.request.clone()).collect();
                let rows = origin.submissions(batch, now);
                let rows =
                    rows.into_iter().zip(requests).map(|((incoming, detail), request)| (incoming, detail, request));
                Told::Rows(rows.collect())
            }
        };
        if sender.blocking_send(told).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let done = intake.read(source(file)?, &survey, PIECE, &mut sink);
    // It does not matter if nobody is listening any more.
    let _ = sender.blocking_send(done.map_or_else(Told::Failed, |()| Told::End));
    Ok(())
}

#[derive(Default)]
struct Trial {
    tried: Tried,
    layout: Option<Arc<Layout>>,
    issues: IssueList,
}

impl Trial {
    async fn rows(&mut self, store: &dyn Store, rows: Vec<(Incoming, RowDetail, OrderRequest)>) -> Result<(), Error> {
        let (mut submissions, mut details) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for (incoming, detail, request) in rows {
            submissions.push(incoming);
            details.push((detail, request));
        }
        let answers = iris_orders::preview(store, &submissions).await?;
        for ((detail, request), answer) in details.into_iter().zip(answers) {
            self.row(&detail, &request, &answer);
        }
        Ok(())
    }

    fn row(&mut self, detail: &RowDetail, request: &OrderRequest, answer: &Answer) {
        let outcome = answer.outcome();
        match outcome {
            Some(outcome) => self.tried.totals.count(outcome.kind),
            None => self.tried.waiting += 1,
        }
        let mut line = RowLine {
            row: detail.row,
            outcome: outcome.map_or(OutcomeKind::Ignored, |outcome| outcome.kind),
            iris_order_id: None,
            order_local_id: None,
            patient_local_id: None,
            issues: detail.issues.clone(),
            cells: None,
        };
        for issue in outcome.iter().flat_map(|outcome| &outcome.issues) {
            if !detail.issues.iter().any(|known| known.issue == *issue) {
                line.issues.push(self.located(issue.clone()));
            }
        }
        self.issues.row(&line);
        if self.tried.rows.len() < SHOWN && outcome.is_none_or(|outcome| outcome.kind != OutcomeKind::Failed) {
            let values = self.layout.as_ref().map(|layout| values(request, &detail.cells, layout)).unwrap_or_default();
            self.tried.rows.push(TriedRow { row: detail.row, outcome: outcome.map(|outcome| outcome.kind), values });
        }
    }

    fn located(&self, issue: Issue) -> iris_model::RowIssue {
        let place = self.layout.as_ref().and_then(|layout| layout.column_of(&issue.path));
        let (column, header) = place.unzip();
        iris_model::RowIssue { column, header: header.map(str::to_owned), issue }
    }

    fn finish(mut self) -> Tried {
        if let Some(layout) = &self.layout {
            self.tried.mapping.clone_from(&layout.mapping);
            self.tried.warnings.clone_from(&layout.warnings);
        }
        let nothing = self.tried.totals.rows + self.tried.waiting == 0 && self.tried.defect.is_none();
        if nothing {
            self.tried.defect = Some(Issue::error(IssueCode::Empty, "", "The file holds no row below its header."));
        }
        self.tried.groups = self.issues.groups;
        self.tried
    }
}

impl Tried {
    /// The issues that cause rows to be refused.
    pub fn errors(&self) -> impl Iterator<Item = (&ReceiptIssue, u64)> {
        let errors = self.groups.iter().filter(|group| group.first.severity == iris_model::Severity::Error);
        errors.map(|group| (&group.first, group.rows))
    }
}

/// The values of a request, each with its cell.
fn values(request: &OrderRequest, cells: &Cells, layout: &Layout) -> Vec<TriedValue> {
    let mut values = Vec::new();
    if let Ok(tree) = serde_json::to_value(request) {
        leaves(&tree, String::new(), &mut values);
    }
    let value = |(path, value): (String, String)| {
        let cell = layout
            .column_of(plain(&path))
            .and_then(|(column, _)| Some(cells.get(usize::try_from(column).ok()?.checked_sub(1)?)));
        let cell = cell.map(|cell| cell.trim().to_owned());
        let transformed = cell.as_ref().is_none_or(|cell| *cell != value);
        TriedValue { path, value, cell, transformed }
    };
    values.into_iter().map(value).collect()
}

/// The path in the form that columns use: without list positions and anything below them.
fn plain(path: &str) -> &str {
    path.split('[').next().unwrap_or(path)
}

fn leaves(node: &Value, path: String, found: &mut Vec<(String, String)>) {
    match node {
        Value::Null => {}
        Value::Object(entries) => {
            for (name, value) in entries {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, below, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                leaves(item, format!("{path}[{at}]"), found);
            }
        }
        Value::String(text) => found.push((path, text.clone())),
        other => found.push((path, other.to_string())),
    }
}
