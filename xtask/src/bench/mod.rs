//! `cargo xtask bench`: the platform's throughput compared with its peers and limits, with a description of the
//! machine.
//!
//! The measurements are a separate program (`benchmarks/`), built with the release profile together with the programs
//! it measures.

mod machine;

use crate::child::{cargo, succeed};
use crate::console;
use crate::postgres::Server;
use crate::workspace::root;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// What is built: the measurements, the local host with the handler inside, and the handler as deployed.
const PACKAGES: [&str; 3] = ["iris-bench", "iris-local", "iris-functions"];

/// Options of `bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// Measures on SQLite alone.
    #[arg(long)]
    without_postgres: bool,
    /// Runs only these benchmarks (comma-separated): reading, storing, drops, messages, handler, servicebus, blobs,
    /// million, soak, reports, deliveries.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// A tenth of the amounts, once: to see that everything works.
    #[arg(long)]
    quick: bool,
    /// Measures the handler of this package, as it is deployed: see `package`.
    #[arg(long, value_name = "ZIP")]
    app: Option<PathBuf>,
}

/// Builds and runs the measurements; writes Markdown to standard output.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let packages = PACKAGES.iter().flat_map(|name| ["--package", name]);
    succeed(cargo().args(["build", "--release", "--quiet"]).args(packages)).await?;
    let server = if options.without_postgres { None } else { Some(Server::start().await?) };
    console::note(&machine::describe(server.as_ref().map(Server::version)).await);
    let mut measure = cargo();
    measure.args(["run", "--release", "--quiet", "--package", "iris-bench", "--"]);
    if let Some(server) = &server {
        measure.args(["--postgres", &server.url()]);
    }
    if let Some(app) = &options.app {
        measure.arg("--app").arg(root().join(app));
    }
    if options.quick {
        measure.arg("--quick");
    }
    if !options.only.is_empty() {
        measure.args(["--only", &options.only.join(",")]);
    }
    succeed(&mut measure).await
}
