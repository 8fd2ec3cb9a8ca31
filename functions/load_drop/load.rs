//! Committing the rows of a drop.
//!
//! Batches are numbered by their first row. A resumed drop parses the file from the start (parsing is cheap, and all
//! rows are needed to find repeated order ids) and skips the rows of committed batches, however those were formed.
//! Batches of late parents are numbered from [`EXTRA`].

use super::bridge::pieces;
use super::rows::{BATCH, Reading, Told};
use super::shape::Shape;
use super::{Error, Job};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use iris_azure::blob::RangedReader;
use iris_drops::refusal::about;
use iris_intake::{Format, Layout, Source, Survey};
use iris_model::{Issue, IssueCode, OutcomeKind};
use iris_rules::{Answer, Incoming, Refusal};
use iris_store::{DropFinish, DropLease, DropState, DropStatus, RowDetail};
use iris_telemetry::metrics;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::error;

/// How many batches are in progress at a time: while the database stores one, the next is decided. Batches that concern
/// the same patients or orders are processed in order of submission.
const IN_FLIGHT: usize = 2;

/// Number of the first batch of late parents.
const EXTRA: u32 = 1 << 30;

/// How a drop's loading ends.
pub(super) enum End {
    /// Every row has a line; if the file is defective, every row before the defect.
    Finished(DropFinish, Shape),
    /// No row could be read.
    Refused(Issue),
}

/// Which rows of a file to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    /// Every valid row.
    Each,
    /// None, because a row failed and the file is loaded completely or not at all.
    None,
}

type Submitted = (Incoming, RowDetail);

/// A row whose order is not known yet. It is kept in memory, and the number of places is limited.
struct Waiting {
    row: Submitted,
    _place: OwnedSemaphorePermit,
}

impl Job<'_> {
    /// The archived bytes in the form the reader takes, or why the file cannot be loaded.
    pub(super) async fn open_archive(&self) -> Result<Result<(Format, Source), Issue>, Error> {
        let mut archive = self.app.blobs.reader(&self.archived()?, None).await?;
        let head = archive.next().await?.unwrap_or_default();
        Ok(match iris_intake::detect(&self.drop.name, &head) {
            Ok(Format::Xlsx) => Ok((Format::Xlsx, spool(head, archive).await?)),
            Ok(format) => Ok((format, stream(head, archive))),
            Err(issue) => Err(issue),
        })
    }

    /// Loads the rest of the archived file.
    pub(super) async fn load_rows(&self, lease: DropLease, state: &DropState) -> Result<End, Error> {
        let (format, source) = match self.open_archive().await? {
            Ok(opened) => opened,
            Err(issue) => return Ok(End::Refused(issue)),
        };
        let survey = self.reading(format, source, Survey::default(), state).survey().await?;
        let admission = if survey.all_or_nothing {
            match self.open_archive().await? {
                Ok((format, source)) => {
                    self.preview(state, self.reading(format, source, survey.clone(), state).start()).await?
                }
                Err(issue) => return Ok(End::Refused(issue)),
            }
        } else {
            Admission::Each
        };
        match self.open_archive().await? {
            Ok((format, source)) => {
                let rows = self.reading(format, source, survey, state).start();
                self.commit(lease, state, format, rows, admission).await
            }
            Err(issue) => Ok(End::Refused(issue)),
        }
    }

    fn reading(&self, format: Format, source: Source, survey: Survey, state: &DropState) -> Reading {
        Reading {
            survey,
            source,
            format,
            file_name: self.drop.name.clone(),
            organization: Arc::clone(&self.organization),
            drop: self.drop.id,
            first_seen: state.first_seen,
            limits: self.app.limits.clone(),
        }
    }

    /// Checks a file that is loaded completely or not at all (decision 18), without storing any of it. A resumed drop
    /// keeps the decision that was made when its first batch was committed.
    async fn preview(&self, state: &DropState, mut read: mpsc::Receiver<Told>) -> Result<Admission, Error> {
        if !state.done.is_empty() {
            // If no row has a line yet, the rows of the committed batches wait for their orders, so the file was
            // admitted.
            let kinds = &state.totals.0;
            let refused = !kinds.is_empty() && kinds.keys().all(|kind| *kind == OutcomeKind::Failed);
            return Ok(if refused { Admission::None } else { Admission::Each });
        }
        while let Some(told) = read.recv().await {
            let batch = match told {
                Told::Layout(_) => continue,
                Told::End => return Ok(Admission::Each),
                Told::Failed(_) => return Ok(Admission::None),
                Told::Batch(batch) => batch,
            };
            let rows: Vec<Incoming> = batch.into_iter().map(|(incoming, _)| incoming).collect();
            if rows.iter().any(|incoming| incoming.request.is_err()) {
                return Ok(Admission::None);
            }
            let answers = self.app.orders.preview(rows).await?;
            let failed = |answer: &Answer| answer.outcome().is_some_and(|outcome| outcome.kind == OutcomeKind::Failed);
            if answers.iter().any(failed) {
                return Ok(Admission::None);
            }
        }
        Err(Error::Reader)
    }

    async fn commit(
        &self,
        mut lease: DropLease,
        state: &DropState,
        format: Format,
        mut read: mpsc::Receiver<Told>,
        admission: Admission,
    ) -> Result<End, Error> {
        let pending: BTreeSet<u32> = state.pending.iter().copied().collect();
        let (mut rows, mut waiting, mut layout, mut defect) = (0_u64, Vec::new(), None, None);
        let mut committing = FuturesOrdered::new();
        loop {
            let told = tokio::select! {
                told = read.recv(), if committing.len() < IN_FLIGHT => told,
                Some(left) = committing.next() => {
                    waiting.extend::<Vec<Waiting>>(left?);
                    continue;
                }
            };
            match told {
                Some(Told::Layout(found)) => {
                    lease = lease.with_columns(lookup(Arc::clone(&found)));
                    layout = Some(found);
                }
                Some(Told::Batch(mut batch)) => {
                    if admission == Admission::None {
                        batch.iter_mut().for_each(|(incoming, _)| not_loaded(incoming));
                    }
                    rows += batch.len() as u64;
                    committing.push_back(self.batch(lease.clone(), state, batch, &pending));
                }
                Some(Told::Failed(failure)) if failure.transient => return Err(Error::Reader),
                Some(Told::Failed(failure)) if rows == 0 => return Ok(End::Refused(failure.issue)),
                Some(Told::Failed(failure)) => {
                    defect = Some(failure.issue);
                    break;
                }
                Some(Told::End) => break,
                None => return Err(Error::Reader),
            }
        }
        while let Some(left) = committing.next().await {
            waiting.extend(left?);
        }
        let Some(layout) = layout else { return Ok(End::Refused(nothing(format))) };
        self.late_parents(&lease, state, waiting).await?;
        self.count_lines(rows).await?;
        let status = if defect.is_some() { DropStatus::Broken } else { DropStatus::Loaded };
        let mut issues: Vec<Issue> = defect.into_iter().chain(layout.warnings.iter().cloned()).collect();
        if rows == 0 {
            issues.push(nothing(format));
        }
        Ok(End::Finished(DropFinish { status, issues, at: Timestamp::now() }, Shape { format, layout }))
    }

    /// Commits the rows of a batch that are not done yet; returns those that wait for their orders.
    async fn batch(
        &self,
        lease: DropLease,
        state: &DropState,
        batch: Vec<Submitted>,
        pending: &BTreeSet<u32>,
    ) -> Result<Vec<Waiting>, Error> {
        let (done, new): (Vec<Submitted>, Vec<Submitted>) =
            batch.into_iter().partition(|(_, detail)| state.rows.contains(detail.row));
        let mut waiting = Vec::new();
        for row in done.into_iter().filter(|(_, detail)| pending.contains(&detail.row)) {
            waiting.push(Waiting { row, _place: self.place().await? });
        }
        if let Some(number) = new.first().map(|(_, detail)| detail.row) {
            waiting.extend(self.submit(lease, number, new).await?);
        }
        Ok(waiting)
    }

    /// Every row must have exactly one line, or the caller is told too little, or something twice.
    async fn count_lines(&self, rows: u64) -> Result<(), Error> {
        let lines = self.summary().await?.totals.rows();
        if lines != rows {
            error!(
                alert = "drop-lines",
                organization = %self.organization.slug,
                drop = %self.id(),
                rows,
                lines,
                "a drop has not one line for each row"
            );
        }
        Ok(())
    }

    /// Commits rows; returns those that wait for their orders. A row for which there is no free place is answered at
    /// once, as if its patience were over.
    async fn submit(&self, lease: DropLease, number: u32, mut batch: Vec<Submitted>) -> Result<Vec<Waiting>, Error> {
        let mut places = Vec::new();
        for (incoming, _) in batch.iter_mut().filter(|(incoming, _)| may_wait(incoming)) {
            match Arc::clone(&self.app.waiting_rows).try_acquire_owned() {
                Ok(place) => places.push(place),
                Err(_) => incoming.first_seen = Timestamp::MIN,
            }
        }
        let changes: Vec<Submitted> = batch.iter().filter(|(incoming, _)| may_wait(incoming)).cloned().collect();
        let rows: Vec<u32> = batch.iter().map(|(_, detail)| detail.row).collect();
        let answers = self.app.orders.submit_rows(&lease, number, batch).await?;
        self.measure(&answers);
        let not_yet: BTreeSet<u32> = rows
            .into_iter()
            .zip(&answers)
            .filter(|(_, answer)| **answer == Answer::NotYet)
            .map(|(row, _)| row)
            .collect();
        let changes = changes.into_iter().filter(|(_, detail)| not_yet.contains(&detail.row));
        Ok(changes.zip(places).map(|(row, place)| Waiting { row, _place: place }).collect())
    }

    /// A place for a row that was already waiting before a restart. One will become free, because no row waits longer
    /// than its organization's patience.
    async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.app.waiting_rows).acquire_owned().await.map_err(|_| Error::Reader)
    }

    /// Counts rows by outcome; rows that still wait are counted once they are answered.
    fn measure(&self, answers: &[Answer]) {
        let mut counts = BTreeMap::new();
        for outcome in answers.iter().filter_map(Answer::outcome) {
            *counts.entry(outcome.kind).or_default() += 1;
        }
        for (kind, rows) in counts {
            metrics::drop_rows(self.organization.slug.as_str(), kind.as_str(), rows);
        }
    }

    /// Retries rows whose orders are unknown until all are answered. Once their patience is over, the rules give a
    /// final answer.
    async fn late_parents(&self, lease: &DropLease, state: &DropState, mut waiting: Vec<Waiting>) -> Result<(), Error> {
        let mut number = state.done.iter().next_back().map_or(EXTRA, |last| last.saturating_add(1).max(EXTRA));
        let mut delay = Duration::from_millis(250);
        while !waiting.is_empty() {
            // In batches of the usual size, so that transactions do not grow with the number of waiting rows.
            let mut round = waiting.into_iter();
            waiting = Vec::new();
            loop {
                let mut batch: Vec<Submitted> = round.by_ref().take(BATCH).map(|waiting| waiting.row).collect();
                if batch.is_empty() {
                    break;
                }
                batch.iter_mut().for_each(|(incoming, _)| incoming.received_at = Timestamp::now());
                waiting.extend(self.submit(lease.clone(), number, batch).await?);
                number += 1;
            }
            if !waiting.is_empty() {
                tokio::time::sleep(delay).await;
                delay = (delay * 2).min(Duration::from_secs(15));
            }
        }
        Ok(())
    }
}

fn nothing(format: Format) -> Issue {
    let message = match format {
        Format::Csv | Format::Xlsx => "The file holds no row below its header.",
        Format::Json | Format::Ndjson => "The file holds no order and no record.",
    };
    Issue::warning(IssueCode::Empty, "", message)
}

/// Refuses a valid row because other rows of the file are invalid, and the file is loaded completely or not at all.
fn not_loaded(incoming: &mut Incoming) {
    if let Ok(submission) = &incoming.request {
        const MESSAGE: &str = "This row is good, but others of the file are not, and nothing of it is loaded before all are. Correct the \
                               rows with other errors and drop the whole file again.";
        let issue = Issue::error(IssueCode::NotLoaded, "", MESSAGE);
        incoming.request = Err(Refusal { issues: vec![issue], ..about(&submission.request) });
    }
}

/// Only these can refer to an order that is not known yet.
fn may_wait(incoming: &Incoming) -> bool {
    use iris_model::Action;
    matches!(
        incoming.request.as_ref().map(|submission| &submission.action),
        Ok(Action::Change { .. } | Action::Cancel { .. } | Action::ResendResult { .. })
    )
}

fn lookup(layout: Arc<Layout>) -> Arc<iris_store::drops::ColumnLookup> {
    Arc::new(move |path| layout.column_of(path).map(|(column, header)| (column, header.to_owned())))
}

/// Passes the download to the parser as it arrives.
fn stream(head: bytes::Bytes, mut rest: RangedReader) -> Source {
    let (sender, reader) = pieces();
    tokio::spawn(async move {
        if !sender.send(Ok(head)).await {
            return;
        }
        loop {
            let piece = match rest.next().await {
                Ok(Some(piece)) => Ok(piece),
                Ok(None) => return,
                Err(error) => Err(std::io::Error::other(error)),
            };
            let failed = piece.is_err();
            if !sender.send(piece).await || failed {
                return;
            }
        }
    });
    Source::Stream(Box::new(reader))
}

/// A workbook is read from its end, so it goes into an unnamed temporary file first.
async fn spool(head: bytes::Bytes, mut rest: RangedReader) -> Result<Source, Error> {
    let mut file = tempfile::tempfile().map_err(Error::Spool)?;
    let mut piece = Some(head);
    while let Some(bytes) = piece {
        file = write(file, bytes).await?;
        piece = rest.next().await?;
    }
    file.rewind().map_err(Error::Spool)?;
    Ok(Source::File(file))
}

async fn write(mut file: std::fs::File, bytes: bytes::Bytes) -> Result<std::fs::File, Error> {
    tokio::task::spawn_blocking(move || file.write_all(&bytes).map(|()| file))
        .await
        .map_err(|_| Error::Reader)?
        .map_err(Error::Spool)
}
