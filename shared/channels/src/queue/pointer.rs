//! A result that is too large for its queue.

use crate::{Away, Failure, Outside, Parcel, located};
use bytes::Bytes;
use iris_azure::blob::{BlobAddress, UploadOptions};
use iris_model::DateTimeOffset;
use iris_model::request::VERSION;
use iris_model::result::{DocumentLocation, POINTER_OBJECT_TYPE, ResultPointer};
use uuid::Uuid;

/// Puts it into the results container and returns the message sent in its place: the result without its report's
/// content (decision 287) or, if even that is too large, only the location of the whole (decision 129).
pub(super) async fn shortened(
    parcel: &Parcel<'_>,
    outside: &Outside,
    content: Bytes,
    limit: usize,
) -> Result<Bytes, Failure> {
    let place = put_aside(parcel, outside, content).await?;
    let without = located(parcel.result, parcel.embedded(), place.clone(), &parcel.destination.compatibility());
    match without.filter(|text| text.len() <= limit) {
        Some(text) => Ok(Bytes::from(text)),
        None => pointer(parcel, place),
    }
}

async fn put_aside(parcel: &Parcel<'_>, outside: &Outside, content: Bytes) -> Result<DocumentLocation, Failure> {
    let container = parcel.organization.results_container();
    // Each destination may have its own format, so each gets its own file.
    let place = Uuid::new_v5(&parcel.delivery.transaction_id, parcel.destination.id.as_bytes());
    let file_name = format!("results/{}.{place}.json", parcel.result.order_id());
    let address = BlobAddress::new(&container, &file_name).map_err(Away::Place)?;
    let options = UploadOptions { content_type: Some("application/json".to_owned()), ..UploadOptions::default() };
    let size = content.len() as u64;
    outside.blobs.upload(&address, content, options).await.map_err(Away::Storage)?;
    Ok(DocumentLocation { container, file_name, size })
}

/// A message that only says where the result is.
fn pointer(parcel: &Parcel<'_>, document: DocumentLocation) -> Result<Bytes, Failure> {
    let pointer = ResultPointer {
        version: VERSION.to_owned(),
        timestamp: DateTimeOffset::utc(parcel.delivery.at).to_string(),
        transaction_id: parcel.delivery.transaction_id,
        result_object_type: POINTER_OBJECT_TYPE.to_owned(),
        result_code: parcel.delivery.code.code().to_owned(),
        iris_order_id: Some(parcel.result.order_id()),
        order_local_id: Some(parcel.result.order_local_id().to_owned()),
        document,
    };
    Ok(Bytes::from(serde_json::to_vec(&pointer).map_err(Away::Location)?))
}
