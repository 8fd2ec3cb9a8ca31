//! The project's own tasks: `cargo xtask test | check-app | package | schemas | bench | chaos | postgres`.
//!
//! Everything a task starts (PostgreSQL, cargo and what it runs) ends with it: each is owned by a guard, and an
//! interruption drops the running task and thereby its guards. So Ctrl-C, a termination, an error and a panic all end
//! in the same way.

mod app;
mod bench;
mod browser;
mod chaos;
mod child;
mod clients;
mod console;
mod dependencies;
mod package;
mod postgres;
mod programs;
mod references;
mod schemas;
mod test;
mod workspace;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Tasks of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Checks everything: format, references, dependencies, lints, schemas, all tests on SQLite and PostgreSQL, clients
    /// of other languages.
    Test(test::Options),
    /// Checks host.json, function.json, Bicep, settings and roles against each other and against the code.
    CheckApp,
    /// Builds the package that is deployed: target/app.zip.
    Package(package::Options),
    /// Writes the JSON Schemas under schemas/.
    Schemas(schemas::Options),
    /// Measures the platform, and describes the machine it does so on.
    Bench(bench::Options),
    /// Runs the platform with several handlers while everything breaks that can, and checks what is left.
    Chaos(chaos::Options),
    /// Runs a throw-away PostgreSQL until Ctrl-C and prints its URL.
    Postgres,
}

fn main() -> ExitCode {
    match start(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        let interruption = interruption()?;
        tokio::select! {
            outcome = run(arguments.task) => outcome,
            name = interruption => bail!("interrupted by {name}"),
        }
    })
}

async fn run(task: Task) -> Result<()> {
    match task {
        Task::Test(options) => test::run(&options).await,
        Task::CheckApp => app::check().await,
        Task::Package(options) => package::run(&options).await,
        Task::Schemas(options) => schemas::run(&options),
        Task::Bench(options) => bench::run(&options).await,
        Task::Chaos(options) => chaos::run(&options).await,
        Task::Postgres => postgres::run().await,
    }
}

/// Resolves to the name of the first signal that asks to stop. Signals are caught from the moment this function
/// returns.
fn interruption() -> Result<impl Future<Output = &'static str>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot catch SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch SIGTERM")?;
    let mut hang_up = signal(SignalKind::hangup()).context("cannot catch SIGHUP")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
            _ = hang_up.recv() => "SIGHUP",
        }
    })
}
