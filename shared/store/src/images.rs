//! Images and the directives that name them.

use crate::Error;
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::images::{DirectiveRecord, ImageRecord};
use jiff::Timestamp;

/// Images, and the directives that wait for them.
#[async_trait]
pub trait Images: Send + Sync {
    /// Images that wait for their orders and are due for another look, longest due first.
    async fn images_due(&self, now: Timestamp, limit: u32) -> Result<Vec<ImageRecord>, Error>;
    /// Directives that wait for their images and are due for another look, longest due first, each with its order's
    /// organization.
    async fn directives_due(&self, now: Timestamp, limit: u32) -> Result<Vec<(ClientGuid, DirectiveRecord)>, Error>;
    /// The images linked to an order, in order of arrival.
    async fn images_of(&self, order: i64) -> Result<Vec<ImageRecord>, Error>;
    /// Images of an organization that are not linked, latest first.
    async fn unlinked_images(&self, organization: ClientGuid, limit: u32) -> Result<Vec<ImageRecord>, Error>;
}
