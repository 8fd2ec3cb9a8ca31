//! Why a file cannot be read, or not any further.

use iris_model::{Issue, IssueCode};
use std::io::Read;

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

    /// The source failed, or the file is larger than allowed.
    #[allow(clippy::needless_pass_by_value, reason = "a target of map_err")]
    pub(crate) fn io(error: std::io::Error) -> Self {
        if let Some(limit) = error.get_ref().and_then(|inner| inner.downcast_ref::<Oversize>()) {
            let message = format!("The file is larger than {} MB. Split it and drop the parts.", limit.0 >> 20);
            return Self::file(Issue::error(IssueCode::TooLarge, "", message));
        }
        let issue =
            Issue::error(IssueCode::UnreadableFile, "", "The file could not be read to its end. Drop it again.");
        Self { issue, row: None, transient: true }
    }
}

/// The file has more bytes than this.
#[derive(Debug, thiserror::Error)]
#[error("the file is larger than {0} bytes")]
struct Oversize(u64);

/// Reads a source up to the largest size of a file; beyond that it fails.
pub(crate) struct Capped<R> {
    source: R,
    most: u64,
    read: u64,
}

impl<R: Read> Capped<R> {
    pub(crate) fn new(source: R, most: u64) -> Self {
        Self { source, most, read: 0 }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.read += length as u64;
        if self.read > self.most {
            return Err(std::io::Error::other(Oversize(self.most)));
        }
        Ok(length)
    }
}
