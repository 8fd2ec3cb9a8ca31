//! The reading thread: bytes → rows → submissions, a batch ahead of the database.
//!
//! Parsing and validating need the processor, committing needs the database: the two overlap through a channel of [`AHEAD`] batches.

use crate::refusal::about;
use iris_intake::{FileIssue, Format, Layout, Limits, Row, Source, Step, read};
use iris_model::submission::{Context, Origin, validate};
use iris_model::{Issue, IssueCode, LocalId, Organization};
use iris_rules::incoming::row_id;
use iris_rules::{Incoming, Refusal};
use iris_store::RowDetail;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Rows per batch, and per transaction.
pub(super) const BATCH: usize = 500;
/// Batches parsed ahead of the one being committed.
const AHEAD: usize = 1;

/// Issues after which a row's values mean nothing.
const UNREADABLE: [IssueCode; 4] =
    [IssueCode::BadJson, IssueCode::TooDeep, IssueCode::TooLarge, IssueCode::BadEncoding];

/// What the reading thread tells: a layout, then batches, and at the end a failure if there was one.
pub(super) enum Told {
    /// What the columns mean.
    Layout(Arc<Layout>),
    /// The next rows.
    Batch(Vec<(Incoming, RowDetail)>),
    /// The file is not usable from here on.
    Failed(FileIssue),
    /// The file was read to its end. Without this or a failure the thread died, and nothing may be concluded.
    End,
}

/// Everything the thread needs.
pub(super) struct Reading {
    pub(super) source: Source,
    pub(super) format: Format,
    pub(super) file_name: String,
    pub(super) organization: Arc<Organization>,
    pub(super) drop: Uuid,
    pub(super) first_seen: Timestamp,
    pub(super) limits: Limits,
}

impl Reading {
    /// Starts the thread.
    pub(super) fn start(self) -> mpsc::Receiver<Told> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || self.run(&sender));
        receiver
    }

    fn run(self, sender: &mpsc::Sender<Told>) {
        let mut rows = RowOrigin {
            drop: self.drop,
            first_seen: self.first_seen,
            organization: self.organization,
            derives_order_ids: false,
        };
        let organization = Arc::clone(&rows.organization);
        let mut sink = |step: Step| {
            let told = match step {
                Step::Layout(layout) => {
                    rows.derives_order_ids = layout.allow_missing_order_id;
                    Told::Layout(layout)
                }
                Step::Batch(batch) => Told::Batch(rows.submissions(batch)),
            };
            if sender.blocking_send(told).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let done = read(self.source, self.format, &organization, &self.file_name, &self.limits, BATCH, &mut sink);
        // Nobody listening means that the drop was given up.
        let _ = sender.blocking_send(done.map_or_else(Told::Failed, |()| Told::End));
    }
}

/// What all rows of a drop have in common.
struct RowOrigin {
    drop: Uuid,
    first_seen: Timestamp,
    organization: Arc<Organization>,
    derives_order_ids: bool,
}

impl RowOrigin {
    fn submissions(&self, rows: Vec<Row>) -> Vec<(Incoming, RowDetail)> {
        let now = Timestamp::now();
        let today = now.to_zoned(TimeZone::UTC).date();
        rows.into_iter().map(|row| self.submission(row, now, today)).collect()
    }

    /// A row as the rules see it: validated, or refused with every issue of the row.
    fn submission(&self, row: Row, now: Timestamp, today: Date) -> (Incoming, RowDetail) {
        let origin = Origin {
            today,
            derived_order_id: self.derives_order_ids.then(|| self.derived_order_id(row.number)).flatten(),
            fill_from_organization: true,
        };
        let context = Context { organization: &self.organization, origin: &origin };
        let refused = about(&row.request);
        let known: Vec<Issue> = row.issues.iter().map(|located| located.issue.clone()).collect();
        // Of a row that could not be read at all there is nothing more to say.
        let request = if known.iter().any(|issue| UNREADABLE.contains(&issue.code)) {
            Err(known)
        } else {
            validate(row.request, known, &context)
        };
        let detail = RowDetail { row: row.number, issues: row.issues, cells: row.original.into_cells() };
        let incoming = Incoming {
            id: row_id(self.drop, row.number),
            organization: Arc::clone(&self.organization),
            received_at: now,
            first_seen: self.first_seen,
            source: iris_rules::Source::Row,
            request: request.map_err(|issues| Refusal { issues, ..refused }),
            body: None,
        };
        (incoming, detail)
    }

    /// The id of an order that has none, stable over redelivery (decision 4).
    fn derived_order_id(&self, row: u32) -> Option<LocalId> {
        LocalId::new(&format!("{}-{row}", self.drop.simple()))
    }
}
