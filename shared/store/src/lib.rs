//! Storage: load what a batch touches, save what it decided, in one transaction. No rules here.
//!
//! A trait and a module per topic, and [`Store`], which is all of them. Two implementations with set-based statements;
//! both pass the conformance suite of the crate `orders`. What reads the same in both databases stands in `both` and is
//! compiled once for each, with what its `dialect` says.
//!
//! # Conflicts
//!
//! Saving is optimistic. Everything decided rests on the snapshot, so a save fails as a whole with [`Error::Conflict`]
//! when the snapshot is outdated: a row to be updated has another version, a row to be inserted exists, or another open
//! order has taken the place (unique indexes), or the batch of the drop is already done. The caller loads and decides
//! again.

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

/// The database: everything it is asked, topic by topic.
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
    /// What operators and the retention timer do.
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
