//! Why a file cannot be read, or not any further.

use crate::delimited::RecordTooLong;
use iris_model::{Issue, IssueCode};

/// What ends the reading of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileIssue {
    /// What is wrong and what to do.
    pub issue: Issue,
    /// Line or row where it showed, when it was not at the beginning.
    pub row: Option<u32>,
    /// The source failed, not the file: trying again may help.
    pub transient: bool,
}

impl FileIssue {
    pub(crate) fn file(issue: Issue) -> Self {
        Self { issue, row: None, transient: false }
    }

    pub(crate) fn at(row: u32, issue: Issue) -> Self {
        Self { issue, row: Some(row), transient: false }
    }

    /// The source failed.
    pub(crate) fn io(_: std::io::Error) -> Self {
        let issue =
            Issue::error(IssueCode::UnreadableFile, "", "The file could not be read to its end. Drop it again.");
        Self { issue, row: None, transient: true }
    }

    pub(crate) fn of_csv(error: &csv::Error, line: Option<u64>) -> Self {
        let row = line.map(|line| u32::try_from(line).unwrap_or(u32::MAX));
        match error.kind() {
            csv::ErrorKind::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<RecordTooLong>()) => {
                let at = row.map_or_else(String::new, |row| format!(" that begins in line {row}"));
                let message =
                    format!("The record{at} has no end. Close its quotation mark, or put one record on a line.");
                Self { issue: Issue::error(IssueCode::LimitExceeded, "", message), row, transient: false }
            }
            csv::ErrorKind::Io(_) => {
                let issue = Issue::error(
                    IssueCode::UnreadableFile,
                    "",
                    "The file could not be read to its end. Drop it again.",
                );
                Self { issue, row, transient: true }
            }
            _ => {
                let issue =
                    Issue::error(IssueCode::UnreadableFile, "", "The file is not delimited text. Save it as CSV anew.");
                Self { issue, row, transient: false }
            }
        }
    }
}
