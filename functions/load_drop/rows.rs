//! The reading thread: bytes → rows → submissions, one batch ahead of the database.
//!
//! Parsing and validating need the processor, committing needs the database. The two overlap through a channel of
//! [`AHEAD`] batches.

use super::Error;
use iris_drops::rows::RowOrigin;
use iris_intake::{FileIssue, Format, Intake, Layout, Limits, Source, Step, Survey};
use iris_model::Organization;
use iris_rules::Incoming;
use iris_store::RowDetail;
use jiff::Timestamp;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Rows per batch, and per transaction.
pub(super) const BATCH: usize = 500;
/// Batches parsed ahead of the one being committed.
const AHEAD: usize = 1;

/// What the reading thread sends: a layout, then batches, and finally how it ended.
pub(super) enum Told {
    /// What the columns mean.
    Layout(Arc<Layout>),
    /// The next rows.
    Batch(Vec<(Incoming, RowDetail)>),
    /// The file is unusable from here on.
    Failed(FileIssue),
    /// The file was read to its end. If neither this nor a failure arrives, the thread died, and nothing can be
    /// concluded.
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
    /// What the file's rows reveal about each other, from an earlier pass over the file.
    pub(super) survey: Survey,
}

impl Reading {
    /// Starts the thread.
    pub(super) fn start(self) -> mpsc::Receiver<Told> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || self.run(&sender));
        receiver
    }

    /// Makes a pass over the file to see what its rows reveal about each other.
    pub(super) async fn survey(self) -> Result<Survey, Error> {
        let run = move || {
            let Self { source, format, file_name, organization, limits, .. } = self;
            let intake = Intake { format, organization: &organization, file_name: &file_name, limits: &limits };
            intake.survey(source)
        };
        // Problems of the file are reported when it is read for loading.
        tokio::task::spawn_blocking(run).await.map_err(|_| Error::Reader)?.map_err(|_| Error::Reader)
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
                Step::Batch(batch) => Told::Batch(rows.submissions(batch, Timestamp::now())),
            };
            if sender.blocking_send(told).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let intake = Intake {
            format: self.format,
            organization: &organization,
            file_name: &self.file_name,
            limits: &self.limits,
        };
        let done = intake.read(self.source, &self.survey, BATCH, &mut sink);
        // If nobody is listening, the drop was abandoned.
        let _ = sender.blocking_send(done.map_or_else(Told::Failed, |()| Told::End));
    }
}
