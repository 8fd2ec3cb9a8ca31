//! The archived copy of a drop. Everything is read from it, whatever becomes of the caller's blob.

use super::{Error, Job};
use iris_azure::blob::{BlobAddress, Error as BlobError};
use iris_model::{Issue, IssueCode};

/// The result of archiving.
pub(super) enum Archived {
    /// The copy is complete.
    Kept,
    /// The file is refused.
    Refused(Issue),
}

impl Job<'_> {
    /// The address of the copy.
    pub(super) fn archived(&self) -> Result<BlobAddress, Error> {
        Ok(self.app.archived(&self.upload.archive_name("drops", &self.organization.slug))?)
    }

    /// Copies the caller's blob, unless the copy is there already. A copy appears whole or not at all.
    pub(super) async fn archive(&self) -> Result<Archived, Error> {
        let (app, drop) = (self.app, &self.drop);
        if drop.size > app.limits.file_bytes {
            return Ok(Archived::Refused(Issue::error(
                IssueCode::TooLarge,
                "",
                format!(
                    "The file has {} MB; at most {} MB are taken. Split it and drop the parts.",
                    drop.size.div_ceil(1 << 20),
                    app.limits.file_bytes >> 20
                ),
            )));
        }
        match app.blobs.properties(&self.archived()?, None).await {
            Ok(copy) if copy.content_length == drop.size => return Ok(Archived::Kept),
            Ok(_) | Err(BlobError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        match self.upload.copy(&self.archived()?, |_| {}).await {
            Ok(()) => Ok(Archived::Kept),
            Err(BlobError::NotFound | BlobError::Changed) => Ok(Archived::Refused(Issue::error(
                IssueCode::UnreadableFile,
                "",
                "The file was removed or overwritten before it could be read. If it was overwritten, the new version \
                 is loaded on its own.",
            ))),
            Err(error) => Err(error.into()),
        }
    }
}
