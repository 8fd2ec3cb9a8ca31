//! Headless Chromium as a printer, driven by puppeteer-core, which npm installs into a temporary folder for the time of the
//! measurement. The browser is the machine's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

const SCRIPT: &str = include_str!("print.mjs");

/// PDFs per second.
pub(super) fn prints(pages: &[String], count: u32, at_once: usize) -> Result<f64> {
    let browser = browser().context("there is no chromium on this machine")?;
    let folder = tempfile::tempdir()?;
    let installed = Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund", "puppeteer-core"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("there is no npm")?;
    ensure!(installed.success(), "npm could not install puppeteer-core");
    for (index, page) in pages.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{index}.html")), page)?;
    }
    let script = folder.path().join("print.mjs");
    std::fs::write(&script, SCRIPT)?;
    let output = Command::new("node")
        .arg(&script)
        .arg(&browser)
        .args([pages.len().to_string(), count.to_string(), at_once.to_string()])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .context("node cannot be started")?;
    ensure!(output.status.success(), "the browser could not print");
    let seconds: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().context("no time was told")?;
    Ok(f64::from(count) / seconds)
}

fn browser() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|path| Path::exists(path))
}
