//! A result that is larger than its queue takes.

use crate::{Away, Failure, Outside, Parcel};
use bytes::Bytes;
use iris_azure::blob::{BlobAddress, UploadOptions};
use iris_model::DateTimeOffset;
use iris_model::request::VERSION;
use iris_model::result::{DocumentLocation, POINTER_OBJECT_TYPE, ResultPointer};
use uuid::Uuid;

/// Puts it into the results container; returns the message that says where (decision 129).
pub(super) async fn put_aside(parcel: &Parcel<'_>, outside: &Outside, content: Bytes) -> Result<Bytes, Failure> {
    let container = parcel.organization.results_container();
    let transaction = parcel.delivery.transaction_id;
    // Each destination may have its results written otherwise.
    let place = Uuid::new_v5(&transaction, parcel.destination.id.as_bytes());
    let file_name = format!("results/{}.{place}.json", parcel.result.order_id());
    let address = BlobAddress::new(&container, &file_name).map_err(Away::Place)?;
    let options = UploadOptions { content_type: Some("application/json".to_owned()), ..UploadOptions::default() };
    let size = content.len() as u64;
    outside.blobs.upload(&address, content, options).await.map_err(Away::Storage)?;
    let pointer = ResultPointer {
        version: VERSION.to_owned(),
        timestamp: DateTimeOffset::utc(parcel.delivery.at).to_string(),
        transaction_id: transaction,
        result_object_type: POINTER_OBJECT_TYPE.to_owned(),
        result_code: parcel.delivery.code.code().to_owned(),
        iris_order_id: Some(parcel.result.order_id()),
        order_local_id: Some(parcel.result.order_local_id().to_owned()),
        document: DocumentLocation { container, file_name, size },
    };
    Ok(Bytes::from(serde_json::to_vec(&pointer).map_err(Away::Location)?))
}
