//! `cargo xtask test`: everything that must hold before a change is taken, as CI runs it.
//!
//! All steps run even when one fails, so that one run shows everything; the closing summary names what failed.

use crate::child::{cargo, polite, succeed};
use crate::console;
use crate::postgres::Server;
use crate::programs;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::time::{Duration, Instant};

/// Options of `test`.
#[derive(Args)]
pub(crate) struct Options {
    /// For the inner loop: what needs no build, the unit tests, and one story from end to end, on SQLite.
    #[arg(long, conflicts_with = "only")]
    quick: bool,
    /// Runs the tests on SQLite alone.
    #[arg(long)]
    without_postgres: bool,
    /// Leaves out the suites that drive the local host with the clients of other languages.
    #[arg(long)]
    without_clients: bool,
    /// Writes what those suites showed into docs/LOCAL-HOST.md instead of comparing.
    #[arg(long)]
    update_docs: bool,
    /// Leaves out the console's test in a browser.
    #[arg(long)]
    without_browser: bool,
    /// Runs only these steps (comma-separated).
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STEP")]
    only: Vec<Step>,
}

/// A step of the test run, in the order they are taken: quick ones first, then those that need the whole workspace
/// built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Source is formatted.
    Format,
    /// What comments and documents refer to exists.
    References,
    /// Dependencies keep deny.toml.
    Dependencies,
    /// No warning of the compiler or clippy in any target.
    Lints,
    /// The committed JSON Schemas are those of the code.
    Schemas,
    /// What is deployed fits together.
    App,
    /// The unit tests, and one story from end to end; instead of all tests where it has to be quick.
    #[value(skip)]
    Quick,
    /// All tests of the workspace, on both stores.
    Tests,
    /// The Azure clients of other languages against the local host.
    Clients,
    /// The console in a real browser.
    Console,
    /// The package runs as it is packed.
    Package,
}

impl Step {
    fn title(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::References => "references",
            Self::Dependencies => "dependencies",
            Self::Lints => "lints",
            Self::Schemas => "schemas",
            Self::App => "app",
            Self::Quick => "quick tests",
            Self::Tests => "tests",
            Self::Clients => "clients",
            Self::Console => "console",
            Self::Package => "package",
        }
    }
}

/// Runs the steps. Fails when any of them failed.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let asked = |step: &Step| match options.quick {
        true => QUICK.contains(step),
        false => *step != Step::Quick && (options.only.is_empty() || options.only.contains(step)),
    };
    let together = TOGETHER.iter().all(asked);
    let mut outcomes = Vec::new();
    for step in STEPS.iter().copied().filter(asked) {
        match step {
            // Tests and suites mostly wait, so they run side by side, together with the lints, which use all the
            // processor time they can get. What both tests and suites need is built first.
            Step::Tests if together => {
                console::heading("build of the tests");
                let built = timed("build", programs::build()).await;
                let may_run = built.passed;
                outcomes.push(built);
                if may_run {
                    console::heading("lints, tests and clients");
                    let [lints, tests, clients] =
                        TOGETHER.map(|step| Box::pin(timed(step.title(), perform(step, options))));
                    outcomes.extend(<[Outcome; 3]>::from(tokio::join!(lints, tests, clients)));
                }
            }
            step if together && TOGETHER.contains(&step) => {}
            step => {
                console::heading(step.title());
                outcomes.push(Box::pin(timed(step.title(), perform(step, options))).await);
            }
        }
    }
    console::heading("summary");
    for outcome in &outcomes {
        console::outcome(outcome.title, outcome.passed, outcome.took);
    }
    if options.without_postgres {
        console::note("PostgreSQL was left out, as asked: only half of the store's tests ran.");
    }
    if options.without_clients {
        console::note("The clients of other languages were left out, as asked: nothing of tests/clients ran.");
    }
    if options.without_browser {
        console::note("The browser was left out, as asked: the console's test did NOT run.");
    }
    let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.passed).map(|outcome| outcome.title).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Every step, in the order they are taken.
const STEPS: [Step; 11] = [
    Step::Format,
    Step::References,
    Step::Dependencies,
    Step::Lints,
    Step::Schemas,
    Step::App,
    Step::Quick,
    Step::Tests,
    Step::Clients,
    Step::Console,
    Step::Package,
];

/// What `--quick` runs.
const QUICK: [Step; 5] = [Step::Format, Step::References, Step::Dependencies, Step::Schemas, Step::Quick];

/// Steps that run side by side when all of them are asked for.
const TOGETHER: [Step; 3] = [Step::Lints, Step::Tests, Step::Clients];

/// How a step ended.
struct Outcome {
    title: &'static str,
    passed: bool,
    took: Duration,
}

async fn timed(title: &'static str, step: impl Future<Output = Result<()>>) -> Outcome {
    let started = Instant::now();
    let result = step.await;
    if let Err(error) = &result {
        console::note(&format!("{title} failed: {error:#}"));
    }
    Outcome { title, passed: result.is_ok(), took: started.elapsed() }
}

async fn perform(step: Step, options: &Options) -> Result<()> {
    match step {
        Step::Format => {
            // rustfmt colors its differences even into a file unless told not to.
            let color = if console::is_colored() { "auto" } else { "never" };
            succeed(cargo().args(["fmt", "--all", "--check", "--", "--color", color])).await
        }
        Step::References => crate::references::run().await,
        Step::Dependencies => crate::dependencies::run().await,
        Step::Lints => {
            let mut lints = polite(&cargo());
            succeed(lints.args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"])).await
        }
        Step::Schemas => crate::schemas::check(),
        Step::App => crate::app::check().await,
        Step::Quick => programs::quick().await,
        Step::Tests => tests(options.without_postgres).await,
        Step::Clients if options.without_clients => Ok(()),
        Step::Clients => crate::clients::run(options.update_docs).await,
        Step::Console if options.without_browser => {
            console::note("Left out, as asked.");
            Ok(())
        }
        Step::Console => crate::browser::test().await,
        Step::Package => crate::package::test().await,
    }
}

/// Runs the tests, with a PostgreSQL of their own. If none can be started, they run on SQLite, and the step still
/// fails: a half that did not run must not look like one that passed.
async fn tests(without_postgres: bool) -> Result<()> {
    if without_postgres {
        return programs::test(None).await;
    }
    match Server::start().await {
        Ok(server) => {
            console::note(&format!("{} at {}", server.version(), server.url()));
            programs::test(Some(&server.url())).await
        }
        Err(error) => {
            console::note(&format!("PostgreSQL is not available: {error:#}"));
            let on_sqlite = programs::test(None).await;
            console::note("The PostgreSQL half of the tests did NOT run; `--without-postgres` accepts that.");
            on_sqlite?;
            Err(error).context("the PostgreSQL half of the tests did not run")
        }
    }
}
