//! The rules: what becomes of a submission, an image, a grading and a delivery. Pure: no clock, no I/O, and only the
//! randomness that is passed in.
//!
//! [`decide::decide`] says what a submission changes, [`images`] what an image changes. Both read a [`Snapshot`] of
//! what is stored and return the rows to write and the events to send; the caller stores and sends them. The same
//! arguments always give the same decision.

pub mod batches;
pub mod content;
pub mod decide;
pub mod deliveries;
pub mod images;
pub mod incoming;
pub mod pause;
pub mod record;
pub mod retention;
pub mod snapshot;

pub use incoming::{Answer, Incoming, Outcome, Refusal, Requested, Source};
pub use snapshot::Snapshot;
