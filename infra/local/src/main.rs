//! `iris-local`: the local host as a program. See [`iris_local::cli`] for what it can do.

use clap::Parser;
use iris_local::cli::{Cli, Command};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Faster than the system's allocator for rows of many small texts, and returns memory after a burst.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        // Its logging and runtime are the deployed handler's own.
        Some(Command::Handler) => return iris_local::handler::run(),
        Some(Command::Proxy { file }) => {
            let filter = EnvFilter::try_from_env("LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new("info"));
            tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
            iris_proxy::run_file(file)
        }
        Some(Command::Hl7(command)) => run(iris_local::hl7::run(command, &cli.serve.common)),
        Some(Command::Template(arguments)) => iris_local::template::run(arguments, &cli.serve.common),
        Some(Command::Completions { shell }) => {
            iris_local::cli::completions(*shell, &mut std::io::stdout());
            Ok(())
        }
        Some(Command::Try(arguments)) => run(interruptible(iris_local::attempt::run(arguments, &cli.serve.common))),
        Some(Command::Process(arguments)) => run(iris_local::process::run(arguments, &cli.serve.common)),
        None => run(iris_local::serve::run(&cli.serve)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Treats Ctrl-C like a failure, so that temporary files are removed.
async fn interruptible(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::select! {
        done = work => done,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            anyhow::bail!("interrupted; nothing was stored")
        }
    }
}

fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error,iris_local=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

#[allow(clippy::print_stderr, reason = "the one place where a failure is told to the person who started the program")]
fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
