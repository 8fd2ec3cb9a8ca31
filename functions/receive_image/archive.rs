//! The archived copy of an image, and the digest of its bytes.

use super::{Error, Job};
use iris_azure::blob::Error as BlobError;
use sha2::{Digest, Sha256};

/// A finished copy.
pub(super) struct Kept {
    /// Its name in the archive; empty if there is none.
    pub(super) name: String,
    /// SHA-256 of the bytes, or a substitute.
    pub(super) digest: Vec<u8>,
}

impl Job<'_> {
    /// Copies the caller's blob and computes its digest.
    pub(super) async fn archive(&self) -> Result<Kept, Error> {
        let name = self.upload.archive_name("images", &self.organization.slug);
        let mut digest = Sha256::new();
        self.upload.copy(&self.app.archived(&name)?, |piece| digest.update(piece)).await?;
        Ok(Kept { name, digest: digest.finalize().to_vec() })
    }

    /// For a file that is too large to copy: the identity of its upload replaces the digest.
    pub(super) fn not_kept(&self) -> Kept {
        Kept { name: String::new(), digest: self.upload.id().as_bytes().to_vec() }
    }

    /// Removes a copy that nothing refers to.
    pub(super) async fn discard(&self, name: &str) -> Result<(), Error> {
        if name.is_empty() {
            return Ok(());
        }
        match self.app.blobs.delete(&self.app.archived(name)?, None).await {
            Ok(()) | Err(BlobError::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
