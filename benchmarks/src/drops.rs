//! Whole files: from a caller's upload to all orders stored, receipts written and events sent, through local host and
//! handler process.

use crate::databases::Kind;
use crate::files::megabytes;
use crate::local::Local;
use crate::report::Target::{AtLeast, AtMost};
use crate::report::{Section, number};
use crate::{Bench, clock, storing};
use anyhow::{Result, ensure};
use iris_intake::receipt::Totals;
use std::path::Path;
use std::time::Instant;

/// Events that the caller leaves in its queue before it takes them all.
const LEFT: u64 = 250_000;

/// The figures of one file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Load {
    /// From the start of the upload until everything is done, in rows per second.
    pub(crate) rate: f64,
    /// Of the tenth from 5 % to 15 %, and of that from 85 % to 95 %, measured by the events, in rows per second.
    pub(crate) first: f64,
    pub(crate) last: f64,
    /// The handler's peak memory above its idle memory, in MB.
    pub(crate) memory: f64,
    /// Time until the file was uploaded, in seconds.
    pub(crate) upload: f64,
    /// Processor time of the handler and of this process, which is the local host, in seconds.
    pub(crate) processor: [f64; 2],
    pub(crate) totals: Totals,
}

/// Drops a file of this many rows and waits until nothing is left to do.
pub(crate) async fn load(local: &Local, name: &str, file: &Path, rows: u32, idle: u64) -> Result<Load> {
    let before = local.waiting_events()?;
    let mut taken = 0;
    let mut marks = [0.05, 0.15, 0.85, 0.95, 1.0].map(|part| (f64::from(rows) * part, None::<f64>));
    let idle_processor = used(local);
    let started = Instant::now();
    local.upload(name, file).await?;
    let upload = started.elapsed().as_secs_f64();
    clock::until("the events of all rows", async || {
        let waiting = local.waiting_events()?;
        let seen = (taken + waiting).saturating_sub(before);
        for (mark, time) in &mut marks {
            if time.is_none() && seen as f64 >= *mark {
                *time = Some(started.elapsed().as_secs_f64());
            }
        }
        if waiting > LEFT {
            taken += local.host.broker.purge(&local.events).await? as u64;
        }
        Ok(seen >= u64::from(rows))
    })
    .await?;
    let mut receipt = None;
    clock::until("the receipt", async || {
        receipt = local.receipt(name).await?;
        Ok(receipt.is_some())
    })
    .await?;
    local.published().await?;
    let rate = clock::rate(rows, started);
    let [handler, host] = used(local);
    let at = |index: usize| marks.get(index).and_then(|(_, time)| *time).unwrap_or(f64::NAN);
    Ok(Load {
        rate,
        first: f64::from(rows) / 10.0 / (at(1) - at(0)),
        last: f64::from(rows) / 10.0 / (at(3) - at(2)),
        memory: local.host.functions.peak_rss().unwrap_or_default().saturating_sub(idle) as f64 / 1_048_576.0,
        upload,
        processor: [handler - idle_processor[0], host - idle_processor[1]],
        totals: receipt.map(|receipt| receipt.totals).unwrap_or_default(),
    })
}

/// Processor time of the handler and of this process so far, in seconds.
fn used(local: &Local) -> [f64; 2] {
    let handler = local.host.functions.handler_pid().map(clock::processor_time);
    [handler.unwrap_or_default(), clock::processor_time(std::process::id())]
}

/// The memory of a handler that has loaded one small file.
pub(crate) async fn idle(bench: &Bench, local: &Local) -> Result<u64> {
    let small = bench.files.small()?;
    load(local, "small.csv", &small, 10, 0).await?;
    Ok(local.host.functions.rss().unwrap_or_default())
}

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Section>> {
    let mut sections = Vec::new();
    for kind in bench.databases.kinds() {
        let (mut peer, mut csv, mut again, mut xlsx) = (0.0, Load::default(), Load::default(), Load::default());
        for _ in 0..bench.repeats().min(2) {
            peer = f64::max(peer, storing::bare(bench, *kind).await?);
            let (first, second) = twice(bench, *kind, &bench.files.csv).await?;
            let (book, _) = twice(bench, *kind, &bench.files.xlsx).await?;
            csv = better(csv, first);
            again = better(again, second);
            xlsx = better(xlsx, book);
        }
        sections.push(section(bench, *kind, peer, csv, again, xlsx).await?);
    }
    Ok(sections)
}

fn better(one: Load, other: Load) -> Load {
    if other.rate > one.rate { other } else { one }
}

/// Drops a file, then the same content again under another name.
async fn twice(bench: &Bench, kind: Kind, file: &Path) -> Result<(Load, Load)> {
    let rows = bench.files.rows;
    let database = bench.databases.create(kind).await?;
    let local = Local::start(bench, &database).await?;
    let idle = idle(bench, &local).await?;
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let first = load(&local, &format!("first.{ending}"), file, rows, idle).await?;
    ensure!(first.totals.created == u64::from(rows), "not every row became an order: {:?}", first.totals);
    let second = load(&local, &format!("second.{ending}"), file, rows, idle).await?;
    ensure!(second.totals.replayed == u64::from(rows), "not every row was a replay: {:?}", second.totals);
    local.stop().await;
    bench.databases.remove(database).await?;
    Ok((first, second))
}

async fn section(bench: &Bench, kind: Kind, peer: f64, csv: Load, again: Load, xlsx: Load) -> Result<Section> {
    let about = format!(
        "{} rows × 50 columns (CSV {:.0} MB, XLSX {:.0} MB) from the start of the upload until all orders are stored, \
         receipts written and events sent. Local host and handler share the machine{}.",
        number(f64::from(bench.files.rows)),
        megabytes(&bench.files.csv)?,
        megabytes(&bench.files.xlsx)?,
        if kind == Kind::Postgres { " with PostgreSQL" } else { "" },
    );
    let mut section = Section::new(format!("Whole files on {}", kind.name()), about);
    match kind {
        Kind::Sqlite => {
            section.figure("CSV", csv.rate, "rows/s");
            section.ratio("… of the prepared `rusqlite` loop", csv.rate, peer, AtLeast(0.6));
        }
        Kind::Postgres => {
            section.aim("CSV", csv.rate, "rows/s", AtLeast(20_000.0));
            section.ratio("… of the bare UNNEST loop on 2 connections", csv.rate, peer, AtLeast(0.8));
            let single = storing::single(bench, kind, 1).await?;
            section.ratio("… of one statement per row, each committed", csv.rate, single, AtLeast(15.0));
        }
    }
    section.figure("… of which the upload took", csv.upload, "s");
    section.figure("… from 5 % to 15 % of the rows", csv.first, "rows/s");
    section.figure("… from 85 % to 95 % of the rows", csv.last, "rows/s");
    section.figure("… processor time of the handler", csv.processor[0], "s");
    section.figure("… processor time of the local host", csv.processor[1], "s");
    section.aim("… handler's peak memory above idle", csv.memory, "MB", AtMost(128.0));
    section.figure("the same CSV again: all replays", again.rate, "rows/s");
    section.figure("XLSX", xlsx.rate, "rows/s");
    section.ratio("… of CSV", xlsx.rate, csv.rate, AtLeast(0.8));
    section.aim("… handler's peak memory above idle", xlsx.memory, "MB", AtMost(400.0));
    Ok(section)
}
