//! The copy of an image in our own container, and the digest of its bytes.

use super::{Error, Job};
use iris_azure::blob::{BlobAddress, Error as BlobError, UploadOptions};
use sha2::{Digest, Sha256};

/// A copy that is complete.
pub(super) struct Kept {
    /// Its name in the archive; empty when there is none.
    pub(super) name: String,
    /// SHA-256 of the bytes, or what stands for it.
    pub(super) digest: Vec<u8>,
}

impl Job<'_> {
    /// Copies the caller's blob while its digest is taken. The name is that of the upload, `images/{slug}/{upload id}`: writing it again
    /// writes the same; a lifecycle rule removes what begins with `images/`. The caller's name is not part of it; names can hold personal data.
    pub(super) async fn archive(&self) -> Result<Kept, Error> {
        let name = format!("images/{}/{}", self.organization.slug, self.upload());
        let mut source = self.app.blobs.reader(&self.source, Some(&self.etag)).await?;
        let mut copy = self.app.blobs.writer(&self.archived(&name)?, UploadOptions::default());
        let mut digest = Sha256::new();
        while let Some(piece) = source.next().await? {
            digest.update(&piece);
            copy.write(&piece).await?;
        }
        copy.finish().await?;
        Ok(Kept { name, digest: digest.finalize().to_vec() })
    }

    /// What stands for the copy of a file that is too large: its upload.
    pub(super) fn not_kept(&self) -> Kept {
        Kept { name: String::new(), digest: self.upload().as_bytes().to_vec() }
    }

    /// Removes a copy that nobody refers to.
    pub(super) async fn discard(&self, name: &str) -> Result<(), Error> {
        if name.is_empty() {
            return Ok(());
        }
        match self.app.blobs.delete(&self.archived(name)?, None).await {
            Ok(()) | Err(BlobError::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn archived(&self, name: &str) -> Result<BlobAddress, Error> {
        Ok(BlobAddress::new(&self.app.containers.archive, name).map_err(BlobError::from)?)
    }
}
