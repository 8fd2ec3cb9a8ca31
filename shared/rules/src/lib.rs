//! The rules: what becomes of a submission, an image, a grading and a delivery. Pure: no clock, no I/O, no randomness
//! but what is passed in.
//!
//! [`decide::decide`] says what a submission does to the state of things, [`images`] what an image does. Both read a
//! [`Snapshot`] of what is stored and answer with the rows to write and the events to send; somebody else stores and
//! sends them. The same arguments always give the same decision.

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
