//! The platform's throughput, compared with its peers and limits: `cargo xtask bench`.
//!
//! Each module measures one part and returns a [`report::Section`]. Missing a target never fails the run, because
//! figures depend on the machine. Ratios are taken within one run. The handler is a separate process, as in production;
//! the local host runs in this one.

mod blobs;
mod clock;
mod databases;
mod deliveries;
mod drops;
mod files;
#[path = "../../tests/support/generate.rs"]
#[allow(dead_code, unreachable_pub, reason = "test material, of which a part is used here")]
mod generate;
mod handler;
mod local;
mod memory;
mod messages;
mod million;
mod reading;
mod report;
mod reports;
mod servicebus;
mod soak;
mod storing;
mod submissions;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use databases::Databases;
use files::Files;
use iris_local::app_folder::AppFolder;
use report::Section;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Faster than the system's allocator for rows of many small texts, and returns memory after a burst.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the platform and writes Markdown to standard output.
#[derive(Debug, Parser)]
struct Arguments {
    /// URL of a PostgreSQL server on which databases may be created; without it SQLite alone is measured.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Runs only these benchmarks (comma-separated).
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME")]
    only: Vec<Benchmark>,
    /// A tenth of the amounts, once, without the files of a million rows and without Azurite: to see that everything
    /// works.
    #[arg(long)]
    quick: bool,
    /// Measures the handler of this package, as it is deployed, instead of one that was built with this program.
    #[arg(long, value_name = "ZIP")]
    app: Option<PathBuf>,
}

/// A part that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Benchmark {
    Reading,
    Storing,
    Drops,
    Messages,
    Handler,
    Servicebus,
    Blobs,
    Million,
    /// Ten minutes of mixed load; only when asked for by name.
    Soak,
    Reports,
    Deliveries,
}

/// What the benchmarks share.
struct Bench {
    databases: Databases,
    /// The folder of the programs that were built with this one.
    programs: PathBuf,
    /// The package whose handler is measured; `None`: the one in `programs`.
    app: Option<PathBuf>,
    files: Files,
    quick: bool,
}

impl Bench {
    /// An amount, or a tenth of it in a quick run.
    fn amount(&self, full: u32) -> u32 {
        if self.quick { full / 10 } else { full }
    }

    /// The function app that is measured, laid out below `folder`.
    fn app(&self, folder: &Path) -> Result<AppFolder> {
        match &self.app {
            Some(package) => AppFolder::packaged(package, folder),
            None => AppFolder::built_in(folder, self.programs.join("iris-local")),
        }
    }

    /// How often a measurement is repeated; the best counts.
    fn repeats(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let programs = std::env::current_exe()?.parent().context("a program has a folder")?.to_owned();
    let bench = Bench {
        databases: Databases::new(arguments.postgres)?,
        programs,
        app: arguments.app,
        files: Files::new(if arguments.quick { 10_000 } else { 100_000 })?,
        quick: arguments.quick,
    };
    for benchmark in Benchmark::value_variants() {
        let asked = arguments.only.is_empty() || arguments.only.contains(benchmark);
        let long = match benchmark {
            Benchmark::Million => arguments.quick,
            Benchmark::Soak => true,
            _ => false,
        };
        if asked && !(long && arguments.only.is_empty()) {
            for section in Box::pin(run(*benchmark, &bench)).await? {
                // A reader that closed the pipe wants no more.
                let _ = writeln!(std::io::stdout(), "\n{section}");
            }
        }
    }
    Ok(())
}

async fn run(benchmark: Benchmark, bench: &Bench) -> Result<Vec<Section>> {
    match benchmark {
        Benchmark::Reading => reading::run(bench),
        Benchmark::Storing => storing::run(bench).await,
        Benchmark::Drops => drops::run(bench).await,
        Benchmark::Messages => messages::run(bench).await,
        Benchmark::Handler => handler::run(bench).await,
        Benchmark::Servicebus => servicebus::run(bench).await,
        Benchmark::Blobs => blobs::run(bench).await,
        Benchmark::Million => million::run(bench).await,
        Benchmark::Soak => soak::run(bench).await,
        Benchmark::Reports => reports::run(bench),
        Benchmark::Deliveries => deliveries::run(bench).await,
    }
}
