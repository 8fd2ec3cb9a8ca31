//! `cargo xtask chaos`: runs the platform while everything that can break does, and checks what is left
//! (docs/CHAOS.md).
//!
//! The runs are a separate program (`tests/chaos/`), built like tests, with all of the compiler's checks in it.

use crate::child::succeed;
use crate::console;
use crate::postgres::Server;
use crate::workspace::built;
use anyhow::Result;
use clap::Args;
use tokio::process::Command;

/// Options of `chaos`.
#[derive(Args)]
pub(crate) struct Options {
    /// Processes of the handler, all on one PostgreSQL.
    #[arg(long, default_value_t = 4)]
    handlers: u8,
    /// How many runs; each has the seed after the one before.
    #[arg(long, default_value_t = 10)]
    runs: u64,
    /// Seed of the first run: the same seed, the same plan.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many runs at the same time.
    #[arg(long, default_value_t = 1)]
    parallel: usize,
    /// Runs one handler on SQLite instead.
    #[arg(long)]
    sqlite: bool,
}

/// Builds and makes the runs.
pub(crate) async fn run(options: &Options) -> Result<()> {
    crate::app::build("runs").await?;
    let server = if options.sqlite { None } else { Some(Server::start().await?) };
    let mut runs = Command::new(built("iris-chaos"));
    for (name, value) in [
        ("--handlers", u64::from(options.handlers)),
        ("--runs", options.runs),
        ("--seed", options.seed),
        ("--parallel", u64::try_from(options.parallel)?),
    ] {
        runs.args([name, &value.to_string()]);
    }
    if let Some(server) = &server {
        console::note(&format!("{} of its own", server.version()));
        runs.args(["--postgres", &server.url()]);
    }
    succeed(&mut runs).await
}
