//! `iris-chaos`: chaos runs as a program; `cargo xtask chaos` starts it with a PostgreSQL of its own.

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use futures::StreamExt;
use iris_chaos::history::Kind;
use iris_chaos::plan::Shape;
use iris_chaos::{Damage, Outcome, Place, Server};
use std::process::ExitCode;

/// As in the local host: what runs the handler uses its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the platform while everything breaks, and checks what is left.
#[derive(Parser)]
#[command(name = "iris-chaos")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Processes of the handler; with SQLite always one.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    handlers: u8,
    /// How many runs; each has the seed after the one before.
    #[arg(long, default_value_t = 10)]
    runs: u64,
    /// Seed of the first run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs at the same time.
    #[arg(long, default_value_t = 1)]
    parallel: usize,
    /// URL of a PostgreSQL server that is used for nothing else: it is made to crash. Without it, SQLite.
    #[arg(long)]
    postgres: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the deployed handler; started by the Functions host, not by people.
    #[command(hide = true)]
    Handler,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if matches!(arguments.command, Some(Command::Handler)) {
        return iris_local::handler::run();
    }
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        tokio::select! {
            outcome = runs(arguments) => outcome,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    })
}

async fn runs(arguments: &Arguments) -> Result<()> {
    let server = arguments.postgres.clone().map(|url| Server { url, may_crash: true });
    let shape = Shape {
        handlers: if server.is_some() { arguments.handlers } else { 1 },
        organizations: 3,
        orders: 12,
        rows: 60,
        server: server.is_some(),
        for_good: true,
    };
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let place = Place { program, server };
    let mut total = Total::default();
    let seeds = (0..arguments.runs).map(|number| arguments.seed.wrapping_add(number));
    let all = futures::stream::iter(seeds.map(|seed| {
        let (place, shape) = (&place, &shape);
        async move { (seed, iris_chaos::run(place, shape, seed).await) }
    }));
    let mut all = std::pin::pin!(all.buffer_unordered(arguments.parallel.max(1)));
    while let Some((seed, outcome)) = all.next().await {
        match outcome {
            Ok(outcome) => {
                say(&told(&outcome));
                total.add(&outcome);
            }
            Err(error) => {
                say(&format!("seed {seed}: could not be run: {error:#}"));
                total.failed += 1;
            }
        }
    }
    say(&total.table());
    if total.findings > 0 || total.failed > 0 {
        bail!("{} findings, {} runs that could not be made", total.findings, total.failed);
    }
    Ok(())
}

fn told(outcome: &Outcome) -> String {
    let Outcome { seed, report, damage, sent, took, kept } = outcome;
    let mut text = format!(
        "seed {seed}: {sent} sent, {} changes acknowledged, {} orders, {} events; {} kills, {} blows to {} \
         connections, {} restarts; {} findings; {:.1} s",
        report.changes,
        report.orders,
        report.events,
        damage.kills,
        damage.blows,
        damage.connections,
        damage.restarts,
        report.findings.len(),
        took.as_secs_f64(),
    );
    for finding in &report.findings {
        text.push_str(&format!("\n    {:?}: {}", finding.kind, finding.what));
    }
    if let Some(folder) = kept {
        text.push_str(&format!("\n    kept: {}", folder.display()));
    }
    text
}

/// All runs together.
#[derive(Default)]
struct Total {
    runs: usize,
    failed: usize,
    sent: usize,
    changes: usize,
    orders: usize,
    events: usize,
    damage: Damage,
    findings: usize,
    lost: usize,
    doubled: usize,
    crossed: usize,
}

impl Total {
    fn add(&mut self, outcome: &Outcome) {
        let report = &outcome.report;
        self.runs += 1;
        self.sent += outcome.sent;
        self.changes += report.changes;
        self.orders += report.orders;
        self.events += report.events;
        self.damage = self.damage.and(outcome.damage);
        self.findings += report.findings.len();
        self.lost += report.count(Kind::Lost);
        self.doubled += report.count(Kind::Doubled);
        self.crossed += report.count(Kind::Crossed);
    }

    fn table(&self) -> String {
        let Self { runs, sent, changes, orders, events, damage, lost, doubled, crossed, .. } = self;
        let Damage { kills, blows, connections, restarts } = damage;
        let other = self.findings - lost - doubled - crossed;
        format!(
            "| runs | sent | changes acknowledged | orders | events | kills | blows | connections hit | restarts | \
             lost | doubled | crossed | other findings |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n| \
             {runs} | {sent} | {changes} | {orders} | {events} | {kills} | {blows} | {connections} | {restarts} | \
             {lost} | {doubled} | {crossed} | {other} |"
        )
    }
}

#[allow(clippy::print_stdout, reason = "this is what the program has to say to the person who started it")]
fn say(text: &str) {
    println!("{text}");
}
