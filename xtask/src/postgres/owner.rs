//! Who runs the server. PostgreSQL refuses root, so root runs it as `postgres` or, where there is no such user, as
//! `nobody`.

use anyhow::{Context, Result};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The user a server runs as: ourselves, or another when we are root.
pub(super) struct Owner(Option<Account>);

#[derive(Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl Owner {
    /// Decides who runs the server.
    pub(super) async fn of_server() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let account = match account("postgres").await {
            Ok(account) => account,
            Err(_) => {
                account("nobody").await.context("PostgreSQL does not run as root, and there is no user for it")?
            }
        };
        Ok(Self(Some(account)))
    }

    /// Hands the folder to the owner.
    pub(super) fn take(&self, folder: &Path) -> Result<()> {
        match self.0 {
            Some(Account { user, group }) => {
                chown(folder, Some(user), Some(group)).context("cannot hand over the temporary folder")
            }
            None => Ok(()),
        }
    }

    /// Makes the command run as the owner, in a folder that belongs to the owner.
    pub(super) fn run_as(&self, command: &mut Command, folder: &Path) {
        command.current_dir(folder);
        if let Some(Account { user, group }) = self.0 {
            command.uid(user).gid(group);
        }
    }
}

async fn account(name: &str) -> Result<Account> {
    let number = async |option: &str| -> Result<u32> {
        let text = crate::child::output(tokio::process::Command::new("id").args([option, name])).await?;
        text.trim().parse().with_context(|| format!("`id {option} {name}` gave no number"))
    };
    Ok(Account { user: number("-u").await?, group: number("-g").await? })
}

/// A command that runs the program and, if `setpriv` is available (Linux), interrupts it when this process ends without
/// running its guards.
pub(super) fn ending_with_us(program: &Path) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    match std::env::split_paths(&path).map(|folder| folder.join("setpriv")).find(|setpriv| setpriv.is_file()) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "INT", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}
