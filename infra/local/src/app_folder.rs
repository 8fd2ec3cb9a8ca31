//! The function app as a folder, laid out as in its package: `host.json` and one folder per function.
//!
//! The documents are built into the executable, so that the local host runs from anywhere. The handler is this
//! executable itself with the argument `handler`; with `--app`, a package is run unchanged, as a zip file or unpacked.

use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// A function app to run.
#[derive(Debug, Clone)]
pub struct AppFolder {
    /// The folder with `host.json`.
    pub root: PathBuf,
    /// Program and arguments that replace what `host.json` names; `None` runs the program in `host.json`.
    pub handler: Option<(PathBuf, Vec<String>)>,
}

impl AppFolder {
    /// A package, run unchanged: a folder, or a zip file, which is unpacked below `data`.
    ///
    /// # Errors
    /// The zip file cannot be read, or not be unpacked.
    pub fn packaged(package: &Path, data: &Path) -> Result<Self> {
        if !package.is_file() {
            return Ok(Self { root: package.to_owned(), handler: None });
        }
        let root = data.join("package");
        if root.exists() {
            std::fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))?;
        }
        let file = File::open(package).with_context(|| format!("cannot read {}", package.display()))?;
        let mut archive = ZipArchive::new(file).with_context(|| format!("{} is not a zip file", package.display()))?;
        // File modes are those of the package, which must make the handler executable itself.
        archive.extract(&root).with_context(|| format!("cannot unpack {}", package.display()))?;
        Ok(Self { root, handler: None })
    }

    /// Writes the built-in app below `data`, with `executable handler` as its handler.
    pub fn built_in(data: &Path, executable: PathBuf) -> Result<Self> {
        let root = data.join("app");
        write(&root.join("host.json"), iris_functions::HOST_JSON)?;
        for function in iris_functions::FUNCTIONS {
            write(&root.join(function.name).join("function.json"), function.definition)?;
        }
        Ok(Self { root, handler: Some((executable, vec!["handler".to_owned()])) })
    }
}

fn write(path: &Path, content: &str) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
