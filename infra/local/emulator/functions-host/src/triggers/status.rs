//! A timer's schedule status, kept in a file so that a host that was down at an occurrence knows that it is past due.
//! Azure keeps the same in a blob.

use std::path::PathBuf;

use crate::encode::ScheduleStatus;

/// The file of one timer's status; `None` without a folder.
#[derive(Debug)]
pub(super) struct StatusFile(Option<PathBuf>);

impl StatusFile {
    pub(super) fn new(folder: Option<&PathBuf>, function: &str) -> Self {
        Self(folder.map(|folder| folder.join(format!("{function}.json"))))
    }

    /// A missing or unreadable status counts as none, as in Azure.
    pub(super) fn read(&self) -> Option<ScheduleStatus> {
        let bytes = std::fs::read(self.0.as_ref()?).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Replaces the status atomically.
    pub(super) fn write(&self, status: &ScheduleStatus) -> std::io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, serde_json::to_vec(status)?)?;
        std::fs::rename(fresh, path)
    }
}
