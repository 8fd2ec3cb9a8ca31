//! Writing a result as a file: what containers and the files for a proxy have in common.

use crate::{Failure, Obstacle, Parcel, Refusal};
use iris_azure::blob::{BlobAddress, BlobStore, Error as BlobError, UploadOptions};
use std::collections::BTreeMap;

/// Metadata that tells by which delivery a file was written.
const DELIVERY: &str = "irisdelivery";

/// Writes a file under its name, or, where another one has that name, under one with a suffix that is this delivery's
/// own (decision 203). Returns the name it has now.
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
    // Somebody who may only write cannot look; then it counts as another's.
    let properties = store.properties(&first, None).await;
    if properties.is_ok_and(|properties| properties.metadata.get(DELIVERY) == Some(&own)) {
        return Ok(name.to_owned());
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let second = format!("{stem}.{}.{extension}", own.get(..12).unwrap_or_default());
    store.upload(&address(&second)?, content, options()).await.map_err(failed)?;
    Ok(second)
}
