//! The console's test in a real browser: Debian's Chromium, driven by playwright-core from the npm registry.
//!
//! The package comes from the lock file in `tests/console`, into a folder next to it; the browser is the system's. If
//! it is missing, it is installed with apt-get, as PostgreSQL is.

use crate::child::{cargo, output, run, succeed};
use crate::console;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

/// Where Chromium may be installed.
const PLACES: [&str; 2] = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

/// What is run to install it.
const INSTALL: &str = "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install --yes -qq --no-install-recommends chromium";

/// Builds the local host and runs the test. If there is no browser and none can be installed, that is a failure, not a
/// test that passed.
pub(crate) async fn test() -> Result<()> {
    let browser = browser().await?;
    let program = program().await?;
    let folder = crate::workspace::root().join("tests/console");
    let mut install = Command::new("npm");
    install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
    succeed(&mut install).await.context("npm could not install what tests/console/package-lock.json lists")?;
    let mut test = Command::new("node");
    test.args(["--test", "--test-concurrency=1", "--test-reporter=spec"]).current_dir(&folder);
    succeed(test.env("IRIS_LOCAL", program).env("CHROMIUM", browser)).await
}

/// The local host's program, built as the workspace's tests build it, so that nothing has to be rebuilt after them.
async fn program() -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["test", "--quiet", "--workspace", "--no-run", "--test", "console"]);
    succeed(&mut build).await.context("the local host cannot be built")?;
    let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"])).await?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo's metadata cannot be read")?;
    let target = metadata["target_directory"].as_str().context("cargo's metadata names no target folder")?;
    Ok(PathBuf::from(target).join("debug/iris-local"))
}

async fn browser() -> Result<&'static str> {
    if let Some(found) = found() {
        return Ok(found);
    }
    let advice = "install Chromium and try again; `--without-browser` leaves its test out";
    let root = rustix::process::geteuid().is_root();
    let mut install = Command::new(if root { "sh" } else { "sudo" });
    install.args(if root { vec!["-c", INSTALL] } else { vec!["-n", "sh", "-c", INSTALL] });
    if !answers(Command::new("apt-get").arg("--version")).await {
        bail!("there is no Chromium, and no apt-get to install it: {advice}");
    }
    console::note("Chromium is missing: installing it with apt-get.");
    succeed(&mut install).await.with_context(|| format!("Chromium could not be installed: {advice}"))?;
    found().with_context(|| format!("Chromium is not where it should be after the installation: {advice}"))
}

fn found() -> Option<&'static str> {
    PLACES.into_iter().find(|place| std::path::Path::new(place).exists())
}

async fn answers(command: &mut Command) -> bool {
    run(command.stdout(Stdio::null()).stderr(Stdio::null())).await.is_ok_and(|status| status.success())
}
