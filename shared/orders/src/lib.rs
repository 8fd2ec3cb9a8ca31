//! The service that combines rules and store.
//!
//! # How a submission travels
//!
//! 1. The caller turns what arrived into an [`Incoming`](iris_rules::Incoming): a validated submission, or the reasons
//!    why it is refused, with an id that is the same every time the same input is delivered.
//! 2. [`Orders::submit`] (messages) and [`Orders::submit_rows`] (rows of a drop) hand it to the service, which collects
//!    concurrent calls into batches (*group commit*).
//! 3. For each batch the service loads a [`Snapshot`](iris_rules::Snapshot) of everything the batch touches, asks
//!    [`decide`](iris_rules::decide::decide) about each submission in turn (a pure function; each decision is applied
//!    to the snapshot, so that later ones see it), and saves all changes, the record of each submission, the drop's
//!    progress and the events to send in *one* transaction.
//! 4. If another process changed the same rows in the meantime, the save fails as a whole, and the batch is loaded and
//!    decided again.
//! 5. After the commit each caller gets its [`Answer`](iris_rules::Answer), and the events, stored as *envelopes* in
//!    the outbox, are published in the background. What could not be published is [swept](Orders::sweep) later.
//!
//! A crash at any point therefore loses nothing and creates nothing twice: before the commit nothing has happened, and
//! the input is delivered again; after it, the redelivered input finds its own record and gets the same answer.

mod batch;
mod collect;
mod draft;
mod ids;
mod lines;
pub mod outbox;
mod service;
mod wanted;

pub use batch::preview;
pub use outbox::{PublishError, Publisher, SweepReport};
pub use service::{Options, Orders};
