//! Linking against an old glibc.
//!
//! A program linked on a current Linux requires that Linux's glibc, and does not start on an older one. There are three
//! ways out:
//!
//! - *musl, statically*: needs a Rust target that is not installed everywhere, and has a slower allocator.
//! - *glibc, statically*: needs nothing, but name resolution then loads parts of the image's glibc into a program that
//!   contains a different one.
//! - *glibc, dynamically, an old version*: runs with whatever newer glibc the image has, resolver included.
//!
//! We take the third. `cargo zigbuild` with the Zig compiler as linker knows the symbols of every glibc version. Both
//! come from PyPI in fixed versions, into a Python environment of their own below the target folder.

use super::tool;
use crate::child::succeed;
use crate::workspace::target;
use anyhow::{Context, Result};
use std::path::PathBuf;
use tokio::process::Command;

/// The oldest glibc that the handler runs with: that of Debian 10 and RHEL 8. Azure's images are newer.
pub(super) const GLIBC: &str = "2.28";
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
const PACKAGES: [&str; 2] = ["cargo-zigbuild==0.24.0", "ziglang==0.17.0"];

/// Builds the handler and returns its path.
pub(super) async fn build(profile: &str) -> Result<PathBuf> {
    let tools = tools().await?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(tools.join("bin")).chain(std::env::split_paths(&path));
    let mut zigbuild = tool(&tools.join("bin/cargo-zigbuild"));
    zigbuild
        .args(["zigbuild", "--profile", profile, "--package", "iris-functions", "--bin", "handler"])
        .arg(format!("--target={TRIPLE}.{GLIBC}"))
        .env("PATH", std::env::join_paths(paths).context("PATH cannot be extended")?);
    succeed(&mut zigbuild).await?;
    Ok(target().join(TRIPLE).join(profile).join("handler"))
}

/// The folder of the Python environment, created if it is missing.
async fn tools() -> Result<PathBuf> {
    let folder = target().join("tools").join(PACKAGES.join("+").replace("==", "-"));
    if !folder.join("bin/cargo-zigbuild").is_file() {
        let mut python = Command::new("python3");
        python.args(["-m", "venv", "--clear"]).arg(&folder);
        succeed(&mut python).await.context("packaging needs Python 3 with venv")?;
        let mut pip = tool(&folder.join("bin/pip"));
        succeed(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES)).await?;
    }
    Ok(folder)
}
