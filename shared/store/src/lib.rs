//! Storage: loads what a batch touches and saves what it decided, in one transaction. Contains no rules.
//!
//! Each topic has a trait and a module; [`Store`] combines all of them. There are two implementations with set-based
//! statements, and both pass the conformance suite of the crate `orders`. Statements that read the same in both
//! databases are in `both`, which is compiled once for each, with its `dialect`.
//!
//! # Conflicts
//!
//! Saving is optimistic. Every decision is based on the snapshot, so a save fails as a whole with [`Error::Conflict`]
//! if the snapshot is outdated: a row to be updated has another version, a row to be inserted already exists, another
//! open order has taken the place (unique indexes), or the batch of the drop is already done. The caller loads and
//! decides again.

#![expect(clippy::duplicate_mod, reason = "what both databases share is compiled once for each")]

pub mod administration;
pub mod audit;
pub mod batches;

mod codec;
pub mod deliveries;
pub mod drops;
mod error;
mod fault;
pub mod images;
pub mod inspection;
pub mod orders;
pub mod outbox;
pub mod postgres;
pub mod queries;
pub mod sqlite;

pub use administration::Administration;
pub use deliveries::{BegunDelivery, FailedDelivery, PostponedDelivery, RungDeliveries, SettledDelivery};
pub use drops::{DropFinish, DropLease, DropState, DropStatus, NewDrop, RowDetail};
pub use error::Error;
pub use orders::{
    Commit, DropBatchEntry, IdKind, OrderHistoryEntry, PatientHistoryEntry, SubmissionEntry, Wanted, WantedImages,
};
pub use outbox::{Claim, Destination, OutboxMessage};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

use async_trait::async_trait;

/// The database, with all topics.
#[async_trait]
pub trait Store:
    orders::Orders
    + drops::Drops
    + outbox::Outbox
    + images::Images
    + deliveries::Deliveries
    + batches::Batches
    + inspection::Inspection
    + 'static
{
    /// The operations of operators and the retention timer.
    fn administration(&self) -> &dyn Administration;

    /// Closes the connections.
    async fn close(&self);
}

fn migration(error: &sqlx::migrate::MigrateError) -> String {
    match error {
        sqlx::migrate::MigrateError::VersionMismatch(version) => {
            format!("migration {version} was applied with other content")
        }
        sqlx::migrate::MigrateError::VersionMissing(version) => {
            format!("the database is newer than this program: it has migration {version}")
        }
        _ => String::from("a migration failed"),
    }
}
