//! A drop's documents as downloads: its receipt, the line of every row, the rejected rows.

use crate::failure::Error;
use crate::{Console, Shared};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use iris_intake::receipt::{Receipt, document_name};
use iris_local_blob::store::{Conditions, Error as BlobError};
use iris_local_blob::{BlobName, ContainerName};
use iris_store::queries::DropSummary;
use uuid::Uuid;

/// The receipt of a drop, once it is written.
pub(crate) async fn receipt(console: &Console, drop: &DropSummary) -> Result<Option<Receipt>, Error> {
    let (Some(container), Ok(name)) = (container(console, drop), BlobName::new(receipt_name(drop))) else {
        return Ok(None);
    };
    match console.platform.blobs.get(&container, &name).await {
        Ok(content) => Ok(Some(serde_json::from_slice(&content)?)),
        Err(BlobError::BlobNotFound | BlobError::ContainerNotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn receipt_name(drop: &DropSummary) -> String {
    document_name(&drop.name, drop.id, ".json")
}

fn container(console: &Console, drop: &DropSummary) -> Option<ContainerName> {
    let organization = console.organization(drop.organization)?;
    ContainerName::new(organization.results_container()).ok()
}

/// `GET /drops/{id}/{receipt | rows | rejected}`.
pub(crate) async fn download(
    State(console): State<Shared>,
    Path((id, document)): Path<(Uuid, String)>,
) -> Result<Response, Error> {
    let drop = console.platform.orders.drop_summary(id).await?.ok_or(Error::Missing("such drop"))?;
    let receipt = receipt(&console, &drop).await?.ok_or(Error::Missing("receipt of this drop yet"))?;
    let name = match document.as_str() {
        "receipt" => Some(receipt_name(&drop)),
        "rows" => receipt.files.rows,
        "rejected" => receipt.files.rejected,
        _ => None,
    };
    let name = name.ok_or(Error::Missing("such document of this drop"))?;
    let missing = || Error::Missing("such document of this drop");
    let container = container(&console, &drop).ok_or_else(missing)?;
    let blob = BlobName::new(name.as_str()).map_err(|_| missing())?;
    let content = console.platform.blobs.read(&container, &blob, None, &Conditions::default()).await?;
    let kind = content.blob.headers().content_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, attachment(&name, id))];
    Ok((headers, Body::from_stream(content.into_stream())).into_response())
}

/// `attachment` under the file's own name: `receipts/a/b.csv.{drop}.rejected.csv` → `b.csv.rejected.csv`.
fn attachment(name: &str, drop: Uuid) -> String {
    let own = name.rsplit('/').next().unwrap_or_default().replacen(&format!(".{drop}."), ".", 1);
    let ascii: String =
        own.chars().map(|c| if c.is_ascii_alphanumeric() || "._- ".contains(c) { c } else { '_' }).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", crate::format::encoded(&own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_have_the_files_own_name_whatever_it_is() {
        let drop = Uuid::nil();
        let named = attachment(&format!("receipts/a/b \"ü\r\n.csv.{drop}.rejected.csv"), drop);
        let plain = "attachment; filename=\"b ____.csv.rejected.csv\"";
        assert_eq!(named, format!("{plain}; filename*=UTF-8''b%20%22%C3%BC%0D%0A.csv.rejected.csv"));
    }
}
