//! A blob that a caller put into one of its containers: copied to the archive, then removed from the container.

use crate::app::App;
use iris_azure::blob::{BlobAddress, Error, Etag, UploadOptions};
use iris_azure::eventgrid::BlobCreated;
use iris_model::Slug;
use iris_store::drops::drop_id;
use uuid::Uuid;

/// The version of a blob that was announced. Another version under the same name is another upload.
pub(crate) struct Upload<'a> {
    app: &'a App,
    pub(crate) source: BlobAddress,
    pub(crate) etag: Etag,
}

impl<'a> Upload<'a> {
    pub(crate) fn announced(app: &'a App, event: &BlobCreated) -> Self {
        Self { app, source: event.address.clone(), etag: event.etag.clone() }
    }

    /// The same for every announcement of this version: derived from container, name and ETag (decision 19).
    pub(crate) fn id(&self) -> Uuid {
        drop_id(self.source.container(), self.source.name(), self.etag.bare())
    }

    /// The name of its copy: `{folder}/{slug}/{id}`. Lifecycle rules are defined per folder. The caller's name is not
    /// part of it, because names may contain personal data.
    pub(crate) fn archive_name(&self, folder: &str, slug: &Slug) -> String {
        format!("{folder}/{slug}/{}", self.id())
    }

    /// Copies it and passes each piece to `seen`. The copy appears whole or not at all; copying again writes the same.
    pub(crate) async fn copy(&self, to: &BlobAddress, mut seen: impl FnMut(&[u8])) -> Result<(), Error> {
        let mut source = self.app.blobs.reader(&self.source, Some(&self.etag)).await?;
        let mut copy = self.app.blobs.writer(to, UploadOptions::default());
        while let Some(piece) = source.next().await? {
            seen(&piece);
            copy.write(&piece).await?;
        }
        copy.finish().await.map(|_| ())
    }

    /// Removes it from the caller's container if it is still this version (decision 20).
    pub(crate) async fn remove(&self) -> Result<(), Error> {
        match self.app.blobs.delete(&self.source, Some(&self.etag)).await {
            Ok(()) | Err(Error::NotFound | Error::Changed) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl App {
    /// A blob in the archive.
    pub(crate) fn archived(&self, name: &str) -> Result<BlobAddress, Error> {
        Ok(BlobAddress::new(&self.containers.archive, name)?)
    }
}
