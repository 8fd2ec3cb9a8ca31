//! The organization's current document, and storing a changed one.

use crate::Console;
use crate::failure::Error;
use iris_drops::mappings::Edited;
use iris_local_blob::store::{Conditions, Error as BlobError, PutOptions, Versions};
use iris_local_blob::{BlobName, ContainerName};
use iris_model::{Organization, Slug};
use iris_store::audit::AuditEntry;
use jiff::Timestamp;
use serde_json::json;

/// A document as stored.
pub(crate) struct Document {
    pub(crate) organization: Organization,
    pub(crate) content: Vec<u8>,
    pub(crate) version: String,
}

fn place(console: &Console, slug: &Slug) -> Result<(ContainerName, BlobName), Error> {
    let missing = || Error::Missing("such organization");
    let container = ContainerName::new(console.platform.documents.as_str()).map_err(|_| missing())?;
    Ok((container, BlobName::new(slug.document_name()).map_err(|_| missing())?))
}

/// Reads it.
pub(crate) async fn read(console: &Console, slug: &Slug) -> Result<Document, Error> {
    let (container, name) = place(console, slug)?;
    let found = console.platform.blobs.read(&container, &name, None, &Conditions::default()).await?;
    let version = found.blob.etag.to_string();
    let content = found.bytes().await?.to_vec();
    let organization = (console.platform.reader)(&content)
        .map_err(|error| Error::Unfit(format!("the organization's document is not usable: {error}")))?;
    Ok(Document { organization, content, version })
}

/// Replaces the version that a changed document was made from, and enters that into the audit first.
pub(crate) async fn put(
    console: &Console,
    edited: &Edited,
    version: &str,
    (pattern, reason): (&str, &str),
) -> Result<String, Error> {
    let organization = &edited.organization;
    let (container, name) = place(console, &organization.slug)?;
    let entry = AuditEntry {
        at: Timestamp::now(),
        organization: Some(organization.client_guid),
        actor: "console".to_owned(),
        action: "mappings.put".to_owned(),
        subject: organization.slug.to_string(),
        reason: reason.to_owned(),
        details: json!({ "before": version, "pattern": pattern, "replaced": edited.replaced }),
    };
    console.platform.orders.administration().audit(&entry).await?;
    let if_match = Some(Versions::These(vec![version.to_owned()]));
    let options = PutOptions {
        conditions: Conditions { if_match, ..Conditions::default() },
        ..PutOptions::content_type("application/json")
    };
    match console.platform.blobs.put(&container, &name, edited.content.clone(), options).await {
        Ok(blob) => Ok(blob.etag.to_string()),
        Err(BlobError::ConditionNotMet) => Err(Error::Unfit(
            "somebody else has changed the organization's document since this page was made. Open the workbench again"
                .to_owned(),
        )),
        Err(error) => Err(error.into()),
    }
}
