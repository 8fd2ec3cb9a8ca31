//! rclone, of the system: a program of Debian's, not a package of a language.

use crate::child::succeed;
use crate::console;
use anyhow::{Context, Result, bail};
use std::process::Stdio;
use tokio::process::Command;

/// What is run where it is missing.
const SCRIPT: &str = "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install --yes -qq --no-install-recommends rclone";

/// Sees to it that there is an rclone in PATH. Fails where there is none, and no apt-get or no right to use it.
pub(super) async fn available() -> Result<()> {
    if answers(Command::new("rclone").arg("version")).await {
        return Ok(());
    }
    let advice = "install rclone and try again";
    if !answers(Command::new("apt-get").arg("--version")).await {
        bail!("rclone was not found, and there is no apt-get to install it: {advice}");
    }
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("sh")
    } else {
        let mut command = Command::new("sudo");
        command.args(["-n", "sh"]);
        command
    };
    console::note("rclone is missing: installing it with apt-get.");
    succeed(command.args(["-c", SCRIPT])).await.with_context(|| format!("the installation failed; {advice}"))
}

async fn answers(command: &mut Command) -> bool {
    crate::child::run(command.stdout(Stdio::null()).stderr(Stdio::null())).await.is_ok_and(|status| status.success())
}
