//! Headless Chromium as a printer, driven by playwright-core, which npm installs into `benchmarks/chromium` at the
//! version in its lock file. The browser is the one installed on the machine.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The output of a run.
#[derive(Deserialize)]
struct Told {
    seconds: f64,
    version: String,
}

/// PDFs per second, and the browser's version. The pages are printed in turn.
pub(super) fn prints(pages: &[String], count: u32, at_once: usize) -> Result<(f64, String)> {
    let browser =
        browser().context("there is no Chromium; on Debian: apt-get install --no-install-recommends chromium")?;
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("chromium");
    if !project.join("node_modules/playwright-core").exists() {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&project);
        let installed = npm.stdin(Stdio::null()).stdout(Stdio::null()).status();
        let installed = installed.context("there is no npm; install Node.js 20 or later")?;
        ensure!(installed.success(), "npm could not install what benchmarks/chromium/package-lock.json lists");
    }
    let folder = tempfile::tempdir()?;
    for (index, page) in pages.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{index}.html")), page)?;
    }
    let output = Command::new("node")
        .arg("print.mjs")
        .arg(&browser)
        .arg(folder.path())
        .args([pages.len().to_string(), count.to_string(), at_once.to_string()])
        .current_dir(&project)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("node cannot be started")?;
    ensure!(output.status.success(), "the browser could not print");
    let told: Told = serde_json::from_slice(&output.stdout).context("no time was told")?;
    Ok((f64::from(count) / told.seconds, told.version))
}

fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|path| Path::exists(path))
}
