//! Batches of results.

use crate::Error;
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::batches::{Batch, BatchResult, NewBatch};
use jiff::Timestamp;

/// Batches of results.
#[async_trait]
pub trait Batches: Send + Sync {
    /// The organization's latest batch.
    async fn last_batch(&self, organization: ClientGuid) -> Result<Option<Batch>, Error>;
    /// Opens a batch and fixes its content, see [`iris_rules::batches`]. [`Error::Conflict`] if the number is taken.
    async fn open_batch(&self, batch: &NewBatch) -> Result<Batch, Error>;
    /// A page of a batch: results whose sequence numbers are above `after`, in order, one per order (its last).
    async fn batch_page(
        &self,
        organization: ClientGuid,
        number: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BatchResult>, Error>;
    /// Closes a batch whose files are all written. Idempotent.
    async fn close_batch(&self, organization: ClientGuid, number: u32, at: Timestamp) -> Result<(), Error>;
}
