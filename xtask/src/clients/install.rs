//! Installs the client libraries, into the checkout only, exactly as their lock files say.
//!
//! A folder with everything that the lock files ask for contains a copy of them, written last; it is not touched again
//! until they change.

use super::{kept, suites, text};
use crate::child::{output, succeed};
use crate::console;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The oldest Python the suites are written for.
const PYTHON: (u32, u32) = (3, 9);
/// The oldest Node.js the suites are written for.
const NODE: u32 = 20;

/// An interpreter with everything a language's suites need.
pub(super) struct Programs {
    interpreter: PathBuf,
}

impl Programs {
    /// pytest for a folder of the Python suites.
    pub(super) fn pytest(&self, folder: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.current_dir(suites().join("python")).env("PYTHONDONTWRITEBYTECODE", "1");
        command.args(["-m", "pytest", "--tb=short", folder]);
        command
    }

    /// Node's test runner for a file of the JavaScript suites.
    pub(super) fn test(&self, file: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.current_dir(javascript()).args(["--test", file]);
        command
    }

    /// A program of an installed package.
    pub(super) fn script(&self, path: &str) -> std::process::Command {
        let mut command = std::process::Command::new(&self.interpreter);
        command.current_dir(javascript()).arg(Path::new("node_modules").join(path));
        command
    }
}

fn javascript() -> PathBuf {
    suites().join("javascript")
}

/// The older release of the Service Bus client, which takes precedence over the current one.
pub(super) fn older_python_packages() -> PathBuf {
    kept().join("python-older")
}

/// A virtual environment with the packages of requirements.txt, and next to it those of older.txt.
pub(super) async fn python() -> Result<Programs> {
    let found = output(Command::new("python3").arg("--version")).await.context("there is no python3 in PATH")?;
    let version = numbers(&found);
    if version < vec![PYTHON.0, PYTHON.1] {
        bail!("Python {}.{} or later is needed, this is {}", PYTHON.0, PYTHON.1, found.trim());
    }
    let folder = kept().join("python");
    let (current, older) = (suites().join("python/requirements.txt"), suites().join("python/older.txt"));
    let interpreter = folder.join("bin/python");
    let wanted = format!("{}{}{}", found, text(&current)?, text(&older)?);
    if is_current(&folder, &wanted) {
        return Ok(Programs { interpreter });
    }
    console::note("installing the Python clients into target/clients");
    remove(&folder)?;
    remove(&older_python_packages())?;
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder)).await?;
    let pip = || {
        let mut command = Command::new(&interpreter);
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
        command
    };
    succeed(pip().arg("--requirement").arg(&current)).await?;
    let target = older_python_packages();
    succeed(pip().args(["--no-deps", "--target"]).arg(target).arg("--requirement").arg(&older)).await?;
    mark(&folder, &wanted)?;
    Ok(Programs { interpreter })
}

/// The packages of package-lock.json, in the suites' own `node_modules`.
pub(super) async fn node() -> Result<Programs> {
    let found = output(Command::new("node").arg("--version")).await.context("there is no node in PATH")?;
    if numbers(&found) < vec![NODE] {
        bail!("Node.js {NODE} or later is needed, this is {}", found.trim());
    }
    let interpreter = PathBuf::from("node");
    let folder = javascript().join("node_modules");
    let wanted = text(&javascript().join("package-lock.json"))?;
    if is_current(&folder, &wanted) {
        return Ok(Programs { interpreter });
    }
    console::note("installing the JavaScript clients into tests/clients/javascript/node_modules");
    let mut npm = Command::new("npm");
    npm.current_dir(javascript()).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
    succeed(&mut npm).await.context("npm could not install the packages")?;
    mark(&folder, &wanted)?;
    Ok(Programs { interpreter })
}

/// `v20.20.2` and `Python 3.11.7` as numbers.
fn numbers(version: &str) -> Vec<u32> {
    let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.trim().split('.').map_while(|part| part.parse().ok()).collect()
}

fn stamp(folder: &Path) -> PathBuf {
    folder.join(".installed")
}

fn is_current(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(stamp(folder)).is_ok_and(|installed| installed == wanted)
}

fn mark(folder: &Path, wanted: &str) -> Result<()> {
    fs::write(stamp(folder), wanted).with_context(|| format!("cannot write into {}", folder.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(numbers("Python 3.11.7\n"), [3, 11, 7]);
        assert_eq!(numbers("v20.20.2"), [20, 20, 2]);
        assert!(numbers("Python 3.9.1") < numbers("Python 3.11.0") && numbers("") < vec![NODE]);
    }

    #[test]
    fn what_is_installed_is_known_by_its_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_current(folder.path(), "a==1"));
        mark(folder.path(), "a==1").unwrap();
        assert!(is_current(folder.path(), "a==1") && !is_current(folder.path(), "a==2"));
    }
}
