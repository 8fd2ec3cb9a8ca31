//! The local host from a caller's point of view: Azure SDKs of other languages drive it, and what works is written into
//! docs/LOCAL-HOST.md.
//!
//! 1. `iris-local` is built; Python's and Node's packages are installed from their lock files ([`install`]), once.
//! 2. The suites of tests/clients run side by side, each with a local host of its own. They mostly wait (for locks to
//!    expire, for a client's own pauses), so running them side by side costs little. The Blob suites run a second time
//!    against Azurite ([`azurite`]), to record where it differs from the local host; the handler's own blob client runs
//!    against it, too.
//! 3. Each test records which operation it proved with which client. From these records the table is made ([`table`]),
//!    and compared with the committed one or written.

mod azurite;
mod install;
mod results;
mod table;

use crate::child::{cargo, succeed};
use crate::console;
use crate::workspace::root;
use anyhow::{Context, Result, bail};
use azurite::Azurite;
use install::Programs;
use results::Results;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::process::Command;

/// The variable that tells the suites which executable to start.
const HOST: &str = "IRIS_LOCAL";
/// The variable that tells the suites where to record what worked.
const RESULTS: &str = "IRIS_CLIENTS_RESULTS";
/// The variable that tells the Blob suites to use another account than the local host's.
const STORAGE: &str = "IRIS_CLIENTS_STORAGE";
/// The variable that tells the tests of the handler's blob client where Azurite is.
const AZURITE: &str = "IRIS_TEST_AZURITE";

/// Where the suites are.
fn suites() -> PathBuf {
    root().join("tests/clients")
}

/// Where what is installed and recorded is kept.
fn kept() -> PathBuf {
    root().join("target/clients")
}

/// Runs all suites. Fails when one fails, when a language is missing, or when the committed table differs from their
/// results.
pub(crate) async fn run(update_docs: bool) -> Result<()> {
    // Built like the step before: built alone, it would get its dependencies with other features, and all of them would
    // be rebuilt. A test of the host's package builds the executable; the other one runs below.
    succeed(cargo().args(["test", "--workspace", "--no-run", "--test", "messages", "--test", "azurite"])).await?;
    let results = kept().join("results");
    if results.exists() {
        fs::remove_dir_all(&results).with_context(|| format!("cannot empty {}", results.display()))?;
    }
    fs::create_dir_all(&results).with_context(|| format!("cannot create {}", results.display()))?;

    let python = available("Python", install::python().await);
    let node = available("JavaScript", install::node().await);
    let (with_python, with_node) = tokio::join!(python_suites(python.as_ref()), node_suites(node.as_ref()));
    let on_azurite = match &node {
        Some(node) => azurite_suites(python.as_ref(), node).await,
        None => Ok(()),
    };
    with_python?;
    with_node?;
    on_azurite?;
    if python.is_none() || node.is_none() {
        bail!("a half of the client suites did NOT run; `--without-clients` accepts that");
    }
    if let Some(node) = &node
        && !update_docs
        && !table::is_current(&Results::read(&results)?)?
    {
        // On a busy machine Azurite occasionally exceeds a test's time limit; a failure of the local host's suites
        // would have been reported already.
        console::note("The table is not as documented; what Azurite does is looked at once more.");
        azurite_suites(python.as_ref(), node).await?;
    }
    table::keep(&Results::read(&results)?, update_docs)
}

/// What was installed; otherwise says clearly that its half is missing.
fn available(language: &str, installed: Result<Programs>) -> Option<Programs> {
    installed.inspect_err(|error| console::note(&format!("The {language} suites did NOT run: {error:#}"))).ok()
}

async fn python_suites(python: Option<&Programs>) -> Result<()> {
    let Some(python) = python else { return Ok(()) };
    let current = async { suite("python-servicebus", python.pytest("servicebus")).await };
    let older = async {
        let mut command = python.pytest("servicebus");
        command.env("PYTHONPATH", install::older_python_packages());
        suite("python-servicebus-older", command).await
    };
    let others = async {
        let blob = suite("python-blob", python.pytest("blob")).await;
        let stories = suite("python-stories", python.pytest("stories")).await;
        suite("others", python.pytest("others")).await.and(stories).and(blob)
    };
    let (current, older, others) = tokio::join!(current, older, others);
    current.and(older).and(others)
}

async fn node_suites(node: Option<&Programs>) -> Result<()> {
    let Some(node) = node else { return Ok(()) };
    let bus = async { suite("javascript-servicebus", node.test("servicebus.test.js")).await };
    let others = async {
        let blob = suite("javascript-blob", node.test("blob.test.js")).await;
        let stories = suite("javascript-stories", node.test("stories.test.js")).await;
        let tls = suite("javascript-tls", node.test("tls.test.js")).await;
        suite("rhea", node.test("rhea.test.js")).await.and(tls).and(stories).and(blob)
    };
    let (bus, others) = tokio::join!(bus, others);
    bus.and(others)
}

/// A failure on Azurite is a finding for the table, not a failure of ours; but the handler's blob client must work with
/// it.
async fn azurite_suites(python: Option<&Programs>, node: &Programs) -> Result<()> {
    let azurite = Azurite::start(node)?;
    azurite.ready().await?;
    if let Some(python) = python {
        let mut command = python.pytest("blob");
        command.args(["-m", "not ours"]).env(STORAGE, azurite.connection_string());
        record("azurite-python", &mut command).await?;
    }
    let mut command = node.test("blob.test.js");
    record("azurite-javascript", command.env(STORAGE, azurite.connection_string())).await?;
    let handlers = ["test", "--workspace", "--test", "azurite"];
    succeed(cargo().args(handlers).env(AZURITE, azurite.connection_string())).await
}

/// Runs a suite, with its output in a file that is shown when it fails.
async fn suite(name: &str, mut command: Command) -> Result<()> {
    let started = Instant::now();
    let (passed, log) = perform(name, &mut command).await?;
    let took = started.elapsed().as_secs_f64();
    if !passed {
        console::note(&fs::read_to_string(&log).unwrap_or_default());
        console::note(&format!("{name} FAILED ({took:.1} s)"));
        bail!("the suite {name} failed");
    }
    console::note(&format!("{name} passed ({took:.1} s)"));
    Ok(())
}

/// Runs a suite only for its record.
async fn record(name: &str, command: &mut Command) -> Result<()> {
    perform(name, command).await.map(drop)
}

async fn perform(name: &str, command: &mut Command) -> Result<(bool, PathBuf)> {
    let log = kept().join(format!("{name}.log"));
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdout(file.try_clone().context("cannot share a log")?).stderr(file);
    let results = kept().join("results").join(format!("{name}.jsonl"));
    // Tests append to it, so it must not contain results of an earlier run.
    File::create(&results).with_context(|| format!("cannot write {}", results.display()))?;
    command.env(HOST, executable()).env(RESULTS, results);
    let status = crate::child::run(command).await?;
    Ok((status.success(), log))
}

fn executable() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("debug/iris-local")
}

/// The text of a file of the checkout.
fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
