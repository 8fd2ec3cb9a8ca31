//! `cargo xtask check-app`: the checks are a program of their own (`infra/azure/check`), because they look at the
//! handler and the local host from inside, which this task must not have to be built with.

use crate::child::{cargo, succeed};
use crate::workspace::built;
use anyhow::Result;
use tokio::process::Command;

/// Builds and runs the checks; fails when something does not fit.
pub(crate) async fn check() -> Result<()> {
    build("mistakes").await?;
    succeed(&mut Command::new(built("iris-check-app"))).await
}

/// Builds the programs of the package that has this test. A test has the programs of its package built, with the
/// features that all tests are built with: built alone, with features of their own, they would have most dependencies
/// built a second time.
pub(crate) async fn build(test: &str) -> Result<()> {
    succeed(cargo().args(["test", "--quiet", "--workspace", "--no-run", "--test", test])).await
}
