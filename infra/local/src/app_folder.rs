//! The function app as a folder, laid out as it is packaged: `host.json` and one folder per function.
//!
//! The documents are built into the executable, so that the local host runs from anywhere. The handler is this executable itself with the
//! argument `handler`; with `--app` a packaged folder is run as it is.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A function app to run.
#[derive(Debug, Clone)]
pub struct AppFolder {
    /// The folder with `host.json`.
    pub root: PathBuf,
    /// Program and arguments that replace what `host.json` names; `None` runs that.
    pub handler: Option<(PathBuf, Vec<String>)>,
}

impl AppFolder {
    /// A packaged folder, run as it is.
    #[must_use]
    pub fn packaged(root: PathBuf) -> Self {
        Self { root, handler: None }
    }

    /// Writes the built-in app below `data`, with `executable handler` as its handler.
    pub fn built_in(data: &Path, executable: PathBuf) -> Result<Self> {
        let root = data.join("app");
        write(&root.join("host.json"), iris_functions::HOST_JSON)?;
        for (name, document) in iris_functions::FUNCTIONS {
            write(&root.join(name).join("function.json"), document)?;
        }
        Ok(Self { root, handler: Some((executable, vec!["handler".to_owned()])) })
    }
}

fn write(path: &Path, content: &str) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
