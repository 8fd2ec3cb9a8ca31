//! `cargo xtask bench`: what the platform does per second, beside its peers and limits, on a machine that is described.

mod machine;

use crate::console;
use crate::postgres::Server;
use anyhow::Result;
use clap::Args;

/// Options of `bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// Measures on SQLite alone.
    #[arg(long)]
    without_postgres: bool,
}

/// Starts what is measured on and describes the machine, as Markdown.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let server = if options.without_postgres {
        None
    } else {
        Some(Server::start().await?)
    };
    console::note(&machine::describe(server.as_ref().map(Server::version)).await);
    Ok(())
}
