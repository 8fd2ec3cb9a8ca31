//! `cargo xtask check-app`: the checks are a separate program (`infra/azure/check`), because they use the handler and
//! the local host as libraries, which this task should not have to be built with.

use crate::child::{cargo, succeed};
use crate::workspace::built;
use anyhow::Result;
use tokio::process::Command;

/// Builds and runs the checks; fails when something does not match.
pub(crate) async fn check() -> Result<()> {
    build("mistakes").await?;
    succeed(&mut Command::new(built("iris-check-app"))).await
}

/// Builds the programs of the package that has this test. Building a test also builds the programs of its package, with
/// the same features as all tests: built alone, they would have features of their own, and most dependencies would be
/// built twice.
pub(crate) async fn build(test: &str) -> Result<()> {
    succeed(cargo().args(["test", "--quiet", "--workspace", "--no-run", "--test", test])).await
}
