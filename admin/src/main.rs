//! `iris-admin`: the operators' tool for a running platform. See `--help`, and docs/ADMIN.md.

use clap::Parser;
use iris_admin::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(iris_admin::run(&cli, &mut std::io::stdout().lock())));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "the one place where a failure is told to the person who started the program")]
fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
