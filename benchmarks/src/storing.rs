//! Storing rows of a drop: the service compared with bare loops on the same schema.
//!
//! A bare loop inserts the same patients, orders, outbox envelopes and receipt lines, prepared before the clock starts:
//! no rules, and no lookups of existing rows.

mod bare;

use crate::databases::Kind;
use crate::report::{Section, Target::AtLeast, number};
use crate::submissions::{BATCH, each, organization};
use crate::{Bench, clock};
use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use bare::Row;
use iris_orders::{Options, Orders, PublishError, Publisher};
use iris_rules::incoming::row_id;
use iris_rules::{Answer, Incoming, Source};
use iris_store::drops::{NewDrop, RowDetail};
use iris_store::{Destination, DropLease, OutboxMessage};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Rows stored one statement at a time; more would take minutes.
const SINGLE: u32 = 2_000;
/// Connections that write; PostgreSQL only.
const WRITERS: usize = 2;

/// Confirms everything at once.
pub(crate) struct Sink;

#[async_trait]
impl Publisher for Sink {
    async fn publish(&self, _: &Destination, _: &[OutboxMessage]) -> Result<(), PublishError> {
        Ok(())
    }
}

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    for kind in bench.databases.kinds() {
        let about = format!(
            "{} validated rows to patients, orders, receipt lines and events in the outbox, {BATCH} per transaction.",
            number(f64::from(bench.files.rows))
        );
        let mut section = Section::new(format!("Storing on {}", kind.name()), about);
        let (loop_name, target) = match kind {
            Kind::Sqlite => ("prepared `rusqlite` loop", 0.6),
            Kind::Postgres => ("bare UNNEST loop on 2 connections", 0.8),
        };
        // Alternating, so that other activity on the machine affects both.
        let (mut peer, mut ours): (f64, f64) = (0.0, 0.0);
        for _ in 0..bench.repeats() {
            peer = peer.max(bare(bench, *kind).await?);
            ours = ours.max(service(bench, *kind).await?);
        }
        section.figure(loop_name, peer, "rows/s");
        // For SQLite this is the prepared loop itself.
        if *kind == Kind::Postgres {
            let single = single(bench, *kind, BATCH as usize).await?;
            section.figure("one statement per row, 1,000 per transaction", single, "rows/s");
        }
        section.figure("one statement per row, each committed", single(bench, *kind, 1).await?, "rows/s");
        section.figure("ours: `submit_rows`, with all rules", ours, "rows/s");
        section.ratio(format!("… of the {loop_name}"), ours, peer, AtLeast(target));
        sections.push(section);
    }
    Ok(sections)
}

/// Rows per second of the bare loop.
pub(crate) async fn bare(bench: &Bench, kind: Kind) -> Result<f64> {
    let rows = rows(bench, bench.files.rows)?;
    let database = bench.databases.create(kind).await?;
    database.open().await?.close().await;
    let path = database.path();
    let rate = match kind {
        Kind::Sqlite => tokio::task::spawn_blocking(move || bare::prepared(&path, &rows, BATCH as usize)).await??,
        Kind::Postgres => bare::unnest(&database.url, &rows, WRITERS).await?,
    };
    bench.databases.remove(database).await?;
    Ok(rate)
}

/// Rows per second with a statement per row.
pub(crate) async fn single(bench: &Bench, kind: Kind, per_transaction: usize) -> Result<f64> {
    let rows = rows(bench, SINGLE.min(bench.files.rows))?;
    let database = bench.databases.create(kind).await?;
    database.open().await?.close().await;
    let path = database.path();
    let rate = match kind {
        Kind::Sqlite => tokio::task::spawn_blocking(move || bare::prepared(&path, &rows, per_transaction)).await??,
        Kind::Postgres => bare::single(&database.url, &rows, per_transaction).await?,
    };
    bench.databases.remove(database).await?;
    Ok(rate)
}

fn rows(bench: &Bench, count: u32) -> Result<Vec<Row>> {
    let organization = organization()?;
    let mut rows = Vec::new();
    each(&bench.files.csv, &organization, |number, submission| {
        if number <= count + 1 {
            rows.push(Row::of(number, &submission.request, organization.client_guid.0));
        }
    })?;
    Ok(rows)
}

/// Rows per second of the service.
async fn service(bench: &Bench, kind: Kind) -> Result<f64> {
    let database = bench.databases.create(kind).await?;
    let orders = Orders::open(database.open().await?, Arc::new(Sink), Options::default());
    let organization = organization()?;
    let drop = NewDrop {
        id: Uuid::new_v4(),
        organization: organization.client_guid,
        container: "harborview-drops".into(),
        name: "wide.csv".into(),
        etag: "1".into(),
        size: 0,
        received_at: Timestamp::now(),
    };
    let lease = orders.begin_drop(&drop).await?.lease.context("a new drop can be worked on")?;
    let mut batches: Vec<Vec<(Incoming, RowDetail)>> = vec![Vec::new()];
    let now = Timestamp::now();
    each(&bench.files.csv, &organization, |number, submission| {
        let incoming = Incoming {
            message_id: None,
            id: row_id(drop.id, number),
            organization: Arc::clone(&organization),
            received_at: now,
            first_seen: now,
            source: Source::Row,
            request: Ok(submission),
            body: None,
        };
        if batches.last().is_some_and(|batch| batch.len() == BATCH as usize) {
            batches.push(Vec::new());
        }
        if let Some(batch) = batches.last_mut() {
            batch.push((incoming, RowDetail { row: number, ..RowDetail::default() }));
        }
    })?;
    let started = Instant::now();
    submit(&orders, &lease, batches).await?;
    let rate = clock::rate(bench.files.rows, started);
    orders.close().await;
    bench.databases.remove(database).await?;
    Ok(rate)
}

/// Keeps enough batches under way to occupy all writers.
async fn submit(orders: &Orders, lease: &DropLease, batches: Vec<Vec<(Incoming, RowDetail)>>) -> Result<()> {
    let limit = Arc::new(Semaphore::new(WRITERS + 1));
    let mut tasks = JoinSet::new();
    for (number, batch) in (0u32..).zip(batches) {
        let permit = Arc::clone(&limit).acquire_owned().await?;
        let (orders, lease) = (orders.clone(), lease.clone());
        tasks.spawn(async move {
            let answers = orders.submit_rows(&lease, number, batch).await;
            drop(permit);
            answers
        });
    }
    while let Some(answers) = tasks.join_next().await {
        ensure!(answers??.iter().all(|answer| matches!(answer, Answer::Done(_))), "a row was not dealt with");
    }
    Ok(())
}
