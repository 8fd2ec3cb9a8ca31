//! Why a workbook is not read, or not any further.

use crate::failure::FileIssue;
use iris_model::{Issue, IssueCode};

pub(super) fn of_zip(error: &zip::result::ZipError) -> FileIssue {
    match error {
        zip::result::ZipError::UnsupportedArchive(zip::result::ZipError::PASSWORD_REQUIRED) => {
            let message = "The workbook is protected by a password. Save it without one and drop it again.";
            FileIssue::file(Issue::error(IssueCode::UnreadableFile, "", message))
        }
        _ => damaged(),
    }
}

pub(super) fn unsupported(message: &'static str) -> FileIssue {
    FileIssue::file(Issue::error(IssueCode::UnsupportedFormat, "", message))
}

pub(super) fn too_large(message: String) -> FileIssue {
    FileIssue::file(Issue::error(IssueCode::TooLarge, "", message))
}

pub(super) fn hostile(why: &str) -> FileIssue {
    let message = format!("The workbook is not read: {why}. Save it anew as .xlsx or as .csv and drop it again.");
    FileIssue::file(Issue::error(IssueCode::UnreadableFile, "", message))
}

pub(super) fn damaged() -> FileIssue {
    FileIssue::file(Issue::error(
        IssueCode::UnreadableFile,
        "",
        "The workbook is damaged or is none. Open it, save it anew as .xlsx or as .csv, and drop it again.",
    ))
}
