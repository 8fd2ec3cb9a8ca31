//! Writes a result as a file; shared by containers and the files for a proxy.

use crate::{Failure, Obstacle, Parcel, Refusal};
use iris_azure::blob::{BlobAddress, BlobStore, Error as BlobError, UploadOptions};
use std::collections::BTreeMap;

/// Metadata with the delivery that wrote a file.
const DELIVERY: &str = "irisdelivery";

/// Writes a file under its name or, if that name is taken by another file, with a suffix unique to this delivery
/// (decision 203). Returns the name used.
pub(crate) async fn write(
    parcel: &Parcel<'_>,
    store: &BlobStore,
    container: &str,
    name: &str,
) -> Result<String, Failure> {
    let own = parcel.delivery.transaction_id.simple().to_string();
    let options = || UploadOptions {
        content_type: Some(parcel.content_type().to_owned()),
        metadata: BTreeMap::from([(DELIVERY.to_owned(), own.clone())]),
        ..UploadOptions::default()
    };
    let failed = |error: BlobError| Failure::from(Refusal::Storage(error));
    let address = |name: &str| BlobAddress::new(container, name).map_err(Obstacle::Address);
    let (first, content) = (address(name)?, parcel.content());
    match store.upload(&first, content.clone(), UploadOptions { if_absent: true, ..options() }).await {
        Ok(_) => return Ok(name.to_owned()),
        Err(BlobError::AlreadyExists) => {}
        Err(error) => return Err(failed(error)),
    }
    // A credential that may only write cannot look; the file then counts as somebody else's.
    let properties = store.properties(&first, None).await;
    if properties.is_ok_and(|properties| properties.metadata.get(DELIVERY) == Some(&own)) {
        return Ok(name.to_owned());
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let second = format!("{stem}.{}.{extension}", own.get(..12).unwrap_or_default());
    store.upload(&address(&second)?, content, options()).await.map_err(failed)?;
    Ok(second)
}
