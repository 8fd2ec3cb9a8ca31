//! How the handler is started: program, arguments, folder, environment (functions-host-contract §3.1, §3.2).

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::config::{App, Settings};
use crate::options::Executable;

/// Everything a start needs except the port.
#[derive(Debug)]
pub(crate) struct Launch {
    program: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
    app_root: PathBuf,
    settings: Vec<(String, String)>,
}

impl Launch {
    /// `None` when the program `host.json` names is neither in the app's folder nor on `PATH`.
    pub(crate) fn new(app: &App, settings: &Settings, executable: Option<Executable>) -> Option<Self> {
        let handler = &app.host.custom_handler;
        let (program, arguments) = match executable {
            Some(executable) => (executable.path, executable.arguments),
            None => (find(&app.root, &handler.executable)?, handler.arguments.clone()),
        };
        // A relative root would be resolved in the child's working directory.
        let app_root = std::path::absolute(&app.root).unwrap_or_else(|_| app.root.clone());
        let settings = settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Some(Self {
            program: std::path::absolute(&program).unwrap_or(program),
            arguments,
            folder: app_root.join(&handler.working_directory),
            app_root,
            settings,
        })
    }

    pub(super) fn spawn(&self, port: u16) -> std::io::Result<Child> {
        let (port, id) = (port.to_string(), Uuid::new_v4().to_string());
        Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", &port)
            .env("FUNCTIONS_HTTPWORKER_PORT", &port)
            .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", &id)
            .env("FUNCTIONS_HTTPWORKER_ID", &id)
            .env("FUNCTIONS_APP_ROOT_PATH", &self.app_root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }
}

/// Relative to the app root when that file exists, else searched on `PATH`.
fn find(root: &Path, name: &str) -> Option<PathBuf> {
    let suffixes: &[&str] = if cfg!(windows) { &["", ".exe"] } else { &[""] };
    let existing = |folder: &Path| {
        suffixes.iter().map(|suffix| folder.join(format!("{name}{suffix}"))).find(|candidate| candidate.is_file())
    };
    existing(root).or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find_map(|folder| existing(&folder)))
}
