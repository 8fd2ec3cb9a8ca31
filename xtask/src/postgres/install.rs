//! Installs PostgreSQL on Debian and its derivatives, as root or with a `sudo` that asks nothing.

use crate::child::succeed;
use crate::console;
use anyhow::{Context, Result, bail};
use std::process::Stdio;
use tokio::process::Command;

/// The script: it installs the packages, without a cluster of the system's own.
const SCRIPT: &str = include_str!("install.sh");

/// Installs it. Fails where there is no apt-get or no right to use it.
pub(super) async fn with_apt() -> Result<()> {
    let advice = "install PostgreSQL (initdb and postgres in PATH) and try again";
    if !answers(Command::new("apt-get").arg("--version")).await {
        bail!("initdb and postgres were not found, and there is no apt-get to install them: {advice}");
    }
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("sh")
    } else if answers(Command::new("sudo").args(["-n", "true"])).await {
        let mut command = Command::new("sudo");
        command.args(["-n", "sh"]);
        command
    } else {
        bail!("initdb and postgres were not found, and installing them needs root: {advice}");
    };
    console::note("PostgreSQL is missing: installing it with apt-get.");
    succeed(command.args(["-c", SCRIPT])).await.with_context(|| format!("the installation failed; {advice}"))
}

async fn answers(command: &mut Command) -> bool {
    crate::child::run(command.stdout(Stdio::null()).stderr(Stdio::null())).await.is_ok_and(|status| status.success())
}
