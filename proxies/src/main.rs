//! `iris-proxy FILE`: runs until Ctrl-C or SIGTERM, with the configuration of this file.

use clap::Parser;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// The IRIS platform's program in a customer's network.
#[derive(Debug, Parser)]
#[command(name = "iris-proxy", version)]
struct Cli {
    /// The configuration, a JSON document.
    file: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    iris_proxy::run_file(&Cli::parse().file)
}
