//! The local host as callers meet it: the Azure SDKs of other languages drive it, and what works is written into
//! docs/LOCAL-HOST.md.
//!
//! 1. `iris-local` is built; Python's and Node's packages are installed from their lock files ([`install`]), once.
//! 2. The suites of tests/clients run side by side, each with a local host of its own. They mostly wait (for locks to
//!    run out, for a client's own pauses), so side by side costs little. The Blob suites run a second time against
//!    Azurite ([`azurite`]), to record where it and the local host disagree; the handler's own blob client runs against
//!    it too.
//! 3. Each test says which operation it proved with which client. From that the table is made ([`table`]), and compared
//!    with the committed one or written.

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

/// The variable through which the suites learn the executable to start.
const HOST: &str = "IRIS_LOCAL";
/// The variable through which the suites learn where to record what worked.
const RESULTS: &str = "IRIS_CLIENTS_RESULTS";
/// The variable through which the Blob suites learn of another account than the local host's.
const STORAGE: &str = "IRIS_CLIENTS_STORAGE";
/// The variable through which the tests of the handler's blob client learn of Azurite.
const AZURITE: &str = "IRIS_TEST_AZURITE";

/// Where the suites are.
fn suites() -> PathBuf {
    root().join("tests/clients")
}

/// Where what is installed and recorded is kept.
fn kept() -> PathBuf {
    root().join("target/clients")
}

/// Runs all suites. Fails when one does, when a language is missing, or when the committed table is not what they
/// showed.
pub(crate) async fn run(update_docs: bool) -> Result<()> {
    // As the step before built it: asked for alone, it would get other features of its dependencies and be built anew
    // with all of them. A test of the host's package has the executable built; the other one runs below.
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
        // On a machine that has much else to do, Azurite now and then runs out of a test's time; the local host's
        // suites would have failed.
        console::note("The table is not as documented; what Azurite does is looked at once more.");
        azurite_suites(python.as_ref(), node).await?;
    }
    table::keep(&Results::read(&results)?, update_docs)
}

/// What was installed, or the clear word that its half is missing.
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

/// What fails on Azurite is a finding for the table, not a failure of ours; but the handler's blob client must get
/// along with it.
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

/// Runs a suite for its record alone.
async fn record(name: &str, command: &mut Command) -> Result<()> {
    perform(name, command).await.map(drop)
}

async fn perform(name: &str, command: &mut Command) -> Result<(bool, PathBuf)> {
    let log = kept().join(format!("{name}.log"));
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdout(file.try_clone().context("cannot share a log")?).stderr(file);
    let results = kept().join("results").join(format!("{name}.jsonl"));
    // Tests add to it; what is there is from an earlier run.
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
