//! Files for the organization's own file system: written below `files/` in the results container, where the proxy
//! fetches them.

use crate::{Channel, Failure, Outside, Parcel, file};
use async_trait::async_trait;
use iris_model::Organization;
use iris_model::organization::{DestinationDocument, FilesTarget, Problem};

/// The folder for files that a proxy fetches.
const FOLDER: &str = "files/";

#[async_trait]
impl Channel for FilesTarget {
    fn kind(&self) -> &'static str {
        "file-path"
    }

    fn delivery_type(&self) -> &'static str {
        "icproxy"
    }

    fn place(&self) -> String {
        "files of the proxy".to_owned()
    }

    /// Nothing to check: the name template was checked when the document was parsed.
    fn check(&self, _: &DestinationDocument, _: &Organization) -> Vec<Problem> {
        Vec::new()
    }

    async fn send(&self, parcel: &Parcel<'_>, outside: &Outside) -> Result<String, Failure> {
        let name = format!("{FOLDER}{}", parcel.file_name(&self.0)?);
        let written = file::write(parcel, &outside.blobs, &parcel.organization.results_container(), &name).await?;
        Ok(written.strip_prefix(FOLDER).unwrap_or(&written).to_owned())
    }
}
