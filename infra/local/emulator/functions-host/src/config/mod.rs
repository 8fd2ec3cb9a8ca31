//! The app that the host runs: `host.json` and every `<Function>/function.json`, read and checked once at start.
//!
//! The real host tolerates much and fails late: a missing app setting stops one listener minutes after the deployment,
//! a wrong name in `host.json` is silently ignored, `autoCompleteMessages: false` leaves every message unsettled. Here,
//! anything that would not work in Azure is an [`Error`] that names the file, the property and the remedy; anything
//! that works but is probably unintended is a warning in [`App::warnings`]. Rules:
//! functions-host-contract §3.2, §4, §5.

mod bindings;
mod function_json;
mod host_json;
mod settings;
mod time_span;

use std::path::{Path, PathBuf};

pub use bindings::{BlobTrigger, DataType, QueueTrigger, ServiceBusOutput, ServiceBusTrigger, TimerTrigger, Trigger};
pub use function_json::{Function, Retry};
pub use host_json::{CustomHandler, HostJson, ServiceBusOptions};
pub use settings::Settings;

/// Why an app cannot be run. Every variant names the file or setting and says what is expected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder of the app could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file is not the JSON document it should be.
    #[error("{} is not valid: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's error, with line and column.
        source: serde_json::Error,
    },
    /// `%NAME%` or `connection` refers to an app setting that does not exist.
    #[error("{}: {property} needs the app setting {setting}, which is not set", path.display())]
    MissingSetting {
        /// The file that refers to the setting.
        path: PathBuf,
        /// The property that refers to it.
        property: String,
        /// The setting's name.
        setting: String,
    },
    /// A property's value would not work in Azure, or is not emulated here.
    #[error("{}: {property}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The property, as a path inside the document.
        property: String,
        /// What is wrong and what to write instead.
        reason: String,
    },
}

/// A function app, ready to be run.
#[derive(Debug, Clone)]
pub struct App {
    /// The folder the handler runs in (its working directory unless `host.json` names another).
    pub root: PathBuf,
    /// The settings of the host.
    pub host: HostJson,
    /// The functions, by name. Disabled ones are included and marked.
    pub functions: Vec<Function>,
    /// What works but is probably unintended.
    pub warnings: Vec<String>,
}

impl App {
    /// Reads the app in `root`: `root/host.json` and `functions_root/*/function.json`.
    ///
    /// A deployed package has both in one folder; a source checkout may keep its functions in a folder of their own.
    ///
    /// # Errors
    /// Anything that would not work in Azure; see [`Error`].
    pub fn load(root: &Path, functions_root: &Path, settings: &Settings) -> Result<Self, Error> {
        let mut warnings = Vec::new();
        let host = HostJson::load(&root.join("host.json"), settings, &mut warnings)?;
        let mut functions = Vec::new();
        for (name, path) in function_files(functions_root)? {
            functions.push(Function::load(name, &path, &host, settings, &mut warnings)?);
        }
        let host_path = root.join("host.json");
        if let Some(runtime) = settings.get("FUNCTIONS_WORKER_RUNTIME")
            && !runtime.eq_ignore_ascii_case("custom")
        {
            return Err(invalid(&host_path, "FUNCTIONS_WORKER_RUNTIME", "must be custom for a custom handler"));
        }
        if functions.is_empty() {
            return Err(invalid(functions_root, "functions", "no folder with a function.json was found"));
        }
        if host.bundle.is_none()
            && let Some(needy) =
                functions.iter().find(|function| function.trigger.needs_bundle() || !function.outputs.is_empty())
        {
            return Err(invalid(
                &host_path,
                "extensionBundle",
                &format!(
                    "is missing, so Azure knows no binding of function {}; add \
                     Microsoft.Azure.Functions.ExtensionBundle, [4.0.0, 5.0.0)",
                    needy.name
                ),
            ));
        }
        if functions.iter().any(|function| matches!(function.trigger, Trigger::Timer(_)))
            && !settings.has_connection("AzureWebJobsStorage", STORAGE_SUFFIXES)
        {
            warnings.push("timer triggers keep their lease in AzureWebJobsStorage, which is not set; Azure refuses to start them without".to_owned());
        }
        Ok(Self { root: root.to_owned(), host, functions, warnings })
    }

    /// The function of that name.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

/// Identity-based forms of a storage connection (functions-host-contract §5).
const STORAGE_SUFFIXES: &[&str] = &["accountName", "blobServiceUri", "queueServiceUri"];

fn function_files(root: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let unreadable = |source| Error::Read { path: root.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).map_err(unreadable)? {
        let folder = entry.map_err(unreadable)?;
        let path = folder.path().join("function.json");
        if path.is_file() {
            found.push((folder.file_name().to_string_lossy().into_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    serde_json::from_slice(bytes).map_err(|source| Error::Json { path: path.to_owned(), source })
}

fn invalid(path: &Path, property: &str, reason: &str) -> Error {
    Error::Invalid { path: path.to_owned(), property: property.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
