//! A result whose report makes it larger than its queue takes: the same with smaller images (decision 316). The report
//! in files is the full one.

use crate::{Failure, Outside, Parcel, Rendered};
use bytes::Bytes;

/// The content with as large a report as fits; as it was where none does.
pub(super) async fn fitting(
    parcel: &Parcel<'_>,
    outside: &Outside,
    content: Bytes,
    limit: usize,
) -> Result<Bytes, Failure> {
    let around = Parcel { rendered: &Rendered::default(), ..*parcel }.content().len();
    // In Base64, four characters for three bytes.
    let most = limit.saturating_sub(around) / 4 * 3;
    let smaller = outside.reports.render_within(parcel.result, parcel.organization, parcel.rendered, most).await?;
    Ok(smaller.map_or(content, |smaller| Parcel { rendered: &smaller, ..*parcel }.content()))
}
