//! Orders: the rules about patients and orders, and their storage.
//!
//! # How a submission travels
//!
//! 1. The caller turns what arrived into an [`Incoming`]: a validated submission, or the reasons why it is refused, with an id that is
//!    the same every time the same input is delivered.
//! 2. [`Orders::submit`] (messages) and [`Orders::submit_rows`] (rows of a drop) hand it to the service, which collects concurrent
//!    calls into batches (*group commit*).
//! 3. For each batch the service loads a [`Snapshot`] of everything the batch touches, asks [`decide`](decide::decide) about each
//!    submission in turn (a pure function; each decision is applied to the snapshot, so that later ones see it), and saves all changes,
//!    the record of each submission, the drop's progress and the events to send in *one* transaction.
//! 4. Where another process changed the same rows meanwhile, the save fails as a whole, and the batch is loaded and decided again.
//! 5. After the commit each caller gets its [`Answer`], and the events, stored as *envelopes* in the outbox, are published in the
//!    background; what could not be published is [swept](Orders::sweep) later.
//!
//! A crash at any point therefore loses nothing and creates nothing twice: before the commit nothing happened and the input is delivered
//! again; after it, the redelivered input finds its own record and gets the same answer.

pub mod audit;
pub mod batches;
pub mod content;
pub mod decide;
pub mod deliveries;
pub mod drops;
mod error;
pub mod images;
pub mod incoming;
pub mod outbox;
pub mod queries;
pub mod record;
pub mod retention;
pub mod service;
pub mod snapshot;
pub mod store;

pub use drops::{DropFinish, DropLease, DropState, DropStatus, NewDrop, RowDetail};
pub use error::Error;
pub use incoming::{Answer, Incoming, Outcome, Refusal, Requested, Source};
pub use outbox::{Destination, OutboxMessage, PublishError, Publisher, SweepReport};
pub use service::{Options, Orders};
pub use snapshot::Snapshot;
pub use store::Store;
