//! A result whose report makes it too large for its queue: the same result with smaller images (decision 316). Files
//! get the full report.

use crate::{Failure, Outside, Parcel, Rendered};
use bytes::Bytes;

/// The content with the largest report that fits; unchanged if none does.
pub(super) async fn fitting(
    parcel: &Parcel<'_>,
    outside: &Outside,
    content: Bytes,
    limit: usize,
) -> Result<Bytes, Failure> {
    let around = Parcel { rendered: &Rendered::default(), ..*parcel }.content().len();
    // In Base64, four characters encode three bytes.
    let most = limit.saturating_sub(around) / 4 * 3;
    let smaller = outside.reports.render_within(parcel.result, parcel.organization, parcel.rendered, most).await?;
    Ok(smaller.map_or(content, |smaller| Parcel { rendered: &smaller, ..*parcel }.content()))
}
