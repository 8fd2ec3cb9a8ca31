//! Batches of results.

use crate::Error;
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::batches::{Batch, BatchResult, NewBatch};
use jiff::Timestamp;

/// Batches of results.
#[async_trait]
pub trait Batches: Send + Sync {
    /// The last batch of an organization.
    async fn last_batch(&self, organization: ClientGuid) -> Result<Option<Batch>, Error>;
    /// Opens a batch and fixes what it has, see [`iris_rules::batches`]. [`Error::Conflict`] when another has that
    /// number.
    async fn open_batch(&self, batch: &NewBatch) -> Result<Batch, Error>;
    /// The results of a batch with places above `after`, in order, each order's last.
    async fn batch_page(
        &self,
        organization: ClientGuid,
        number: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BatchResult>, Error>;
    /// Closes a batch whose files are all written. Closing it once more changes nothing.
    async fn close_batch(&self, organization: ClientGuid, number: u32, at: Timestamp) -> Result<(), Error>;
}
