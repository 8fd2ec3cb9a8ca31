//! `cargo xtask check-app`: the checks are a program of their own (`infra/azure/check`), because they look at the handler and the local host
//! from inside, which this task must not have to be built with.

use crate::child::{cargo, succeed};
use crate::workspace::built;
use anyhow::Result;
use tokio::process::Command;

/// Builds and runs the checks; fails when something does not fit.
pub(crate) async fn check() -> Result<()> {
    build(&["iris-check-app"]).await?;
    succeed(&mut Command::new(built("iris-check-app"))).await
}

/// Builds programs with the profile of development, and with the features the whole workspace is built with: so nothing is built twice.
pub(crate) async fn build(programs: &[&str]) -> Result<()> {
    let programs = programs.iter().flat_map(|name| ["--bin", name]);
    succeed(cargo().args(["build", "--quiet", "--workspace"]).args(programs)).await
}
