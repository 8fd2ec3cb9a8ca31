//! `cargo xtask package`: the function app as it is deployed, `target/app.zip`.
//!
//! It holds `host.json`, one folder per function with its `function.json`, and the handler. The same files give the
//! same bytes, so that a package can be compared with the one that was deployed.
//!
//! What runs in Azure must not depend on the machine that built it, nor on the Linux image that the platform currently
//! uses. The handler is therefore linked against an old glibc ([`portable`]), stripped, and checked once more before it
//! is packed ([`requirements`]).

mod archive;
mod portable;
mod requirements;

use crate::app;
use crate::console;
use crate::workspace::{built, root};
use anyhow::{Context, Result, bail};
use archive::{Entry, write};
use clap::Args;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The profile of deployed programs; see the workspace's Cargo.toml.
const PROFILE: &str = "deploy";
/// Most bytes of the handler: the package is mounted at every cold start.
const LARGEST_HANDLER: u64 = 25_000_000;

/// Options of `package`.
#[derive(Args)]
pub(crate) struct Options {
    /// Builds with the profile of development and this machine's own linker: quick, and not for deployment.
    #[arg(long)]
    quick: bool,
    /// Packs this program instead of building one.
    #[arg(long, value_name = "FILE", conflicts_with = "quick")]
    handler: Option<PathBuf>,
    /// Where the package is written.
    #[arg(long, value_name = "FILE", default_value = "target/app.zip")]
    out: PathBuf,
}

/// Builds, checks and packs.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let handler = match &options.handler {
        Some(handler) => handler.clone(),
        None if options.quick => quick().await?,
        None => portable::build(PROFILE).await?,
    };
    if !options.quick {
        requirements::check(&handler)?;
        let size = std::fs::metadata(&handler)?.len();
        if size > LARGEST_HANDLER {
            bail!("the handler has {size} bytes, more than the {LARGEST_HANDLER} that a cold start is to mount");
        }
    }
    pack(&handler, &root().join(&options.out))
}

/// Packs a quick build, runs the package under the local host exactly as packed, and checks what became of a file.
pub(crate) async fn test() -> Result<()> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let package = folder.path().join("app.zip");
    pack(&quick().await?, &package)?;
    let sample = root().join("samples/harborview-clean.csv");
    app::build("messages").await?;
    let mut process = Command::new(built("iris-local"));
    process.arg("process").arg(sample);
    process.arg("--app").arg(&package).arg("--out").arg(folder.path().join("out")).arg("--json");
    let said = crate::child::output(&mut process).await?;
    let last = said.lines().last().context("the local host said nothing")?;
    let totals: serde_json::Value = serde_json::from_str(last).context("the totals are not JSON")?;
    match (totals["rows"].as_u64(), totals["created"].as_u64()) {
        (Some(rows), Some(created)) if rows > 0 && created == rows => {
            console::note(&format!("the package loaded a file of {rows} rows"));
            Ok(())
        }
        _ => bail!("the package did not load the file: {last}"),
    }
}

/// The handler as the tests use it.
async fn quick() -> Result<PathBuf> {
    app::build("token").await?;
    Ok(built("handler"))
}

fn pack(handler: &Path, out: &Path) -> Result<()> {
    let mut entries = vec![Entry::file("host.json", &root().join("host.json"))?];
    let functions = root().join("functions");
    for folder in std::fs::read_dir(&functions).context("there is no folder functions")? {
        let name = folder?.file_name().to_string_lossy().into_owned();
        let document = functions.join(&name).join("function.json");
        if document.is_file() {
            entries.push(Entry::file(&format!("{name}/function.json"), &document)?);
        }
    }
    entries.push(Entry::program("handler", handler)?);
    let size = write(out, entries)?;
    let handler = std::fs::metadata(handler)?.len();
    console::note(&format!("{}: {size} bytes, its handler {handler}", out.display()));
    Ok(())
}

/// A tool that was installed for packaging.
fn tool(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}
