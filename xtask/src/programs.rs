//! Test programs, several at a time.
//!
//! `cargo test` runs one program after the other. Many of ours mostly wait: for kills, leases, timers. Side by side
//! they take a fraction of the time. The output of each is shown as a whole when it has ended, as `cargo test` would
//! show it.

use crate::child::{cargo, output, run, succeed};
use crate::console;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::cell::RefCell;
use std::io::{Read, Seek};
use std::path::PathBuf;
use tokio::process::Command;

/// The variable that tells tests the URL of the PostgreSQL they may use.
const POSTGRES_VARIABLE: &str = "IRIS_TEST_POSTGRES";

/// A test program, as cargo describes what it built.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    profile: Profile,
    executable: Option<PathBuf>,
    target: Target,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds all test programs of the workspace.
pub(crate) async fn build() -> Result<()> {
    succeed(cargo().args(["test", "--workspace", "--no-run"])).await
}

/// Runs all test programs of the workspace, and the examples in its documentation. `postgres` is the URL of the
/// database they may use.
pub(crate) async fn test(postgres: Option<&str>) -> Result<()> {
    let queue = RefCell::new(built().await?);
    let failed = RefCell::new(Vec::new());
    let lane = async || {
        loop {
            let Some(program) = queue.borrow_mut().pop() else { return Ok::<_, anyhow::Error>(()) };
            if !program.run(postgres).await? {
                failed.borrow_mut().push(program.target.name);
            }
        }
    };
    tokio::try_join!(lane(), lane(), lane())?;
    let mut examples = cargo();
    tell(examples.args(["test", "--quiet", "--workspace", "--doc"]), postgres);
    if !run(&mut examples).await?.success() {
        failed.borrow_mut().push("examples in the documentation".to_owned());
    }
    let failed = failed.into_inner();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Runs the unit tests of the workspace, and the samples from a dropped file to its receipt, on SQLite.
pub(crate) async fn quick() -> Result<()> {
    // The story, too, as part of the workspace: alone, its dependencies would have other features and be built again.
    for arguments in [["--workspace", "--lib"].as_slice(), &["--workspace", "--test", "samples"]] {
        let mut tests = cargo();
        tell(tests.args(["test", "--quiet"]).args(arguments), None);
        succeed(&mut tests).await?;
    }
    Ok(())
}

fn tell(program: &mut Command, postgres: Option<&str>) {
    match postgres {
        Some(url) => program.env(POSTGRES_VARIABLE, url),
        None => program.env_remove(POSTGRES_VARIABLE),
    };
}

/// All test programs; the largest, which take the longest, come last, because they are taken from the end.
async fn built() -> Result<Vec<Artifact>> {
    build().await?;
    let said = output(cargo().args(["test", "--workspace", "--no-run", "--message-format", "json"])).await?;
    let mut programs: Vec<Artifact> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    programs.retain(|program: &Artifact| program.profile.test && program.executable.is_some());
    if programs.is_empty() {
        bail!("cargo names no test program");
    }
    programs.sort_by_cached_key(Artifact::size);
    Ok(programs)
}

impl Artifact {
    fn size(&self) -> u64 {
        self.executable.as_ref().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |data| data.len())
    }

    /// Runs it in the same folder and way as `cargo test`; returns whether it passed.
    async fn run(&self, postgres: Option<&str>) -> Result<bool> {
        let folder = self.manifest_path.parent().context("a manifest lies in a folder")?;
        let mut said = tempfile::tempfile().context("no temporary file")?;
        let mut program = Command::new(self.executable.as_ref().context("not a program")?);
        program
            .current_dir(folder)
            .env("CARGO_MANIFEST_DIR", folder)
            .stdout(said.try_clone()?)
            .stderr(said.try_clone()?);
        tell(&mut program, postgres);
        let status = run(&mut program).await?;
        let mut text = Vec::new();
        said.rewind()?;
        said.read_to_end(&mut text)?;
        console::note(&format!("\n{}: {status}\n{}", self.target.name, String::from_utf8_lossy(&text)));
        Ok(status.success())
    }
}
