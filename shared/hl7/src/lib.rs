//! HL7 v2: bytes and messages, without I/O and without knowledge of orders or results.
//!
//! - [`Message`] reads: one pass over the bytes makes an index of spans; values are unescaped and decoded when asked
//!   for.
//! - [`Writer`] writes: its methods produce the separators and escape the values; nothing else can get into a message.
//! - [`Address`] names a place in a message (`PID-3[5=MRN].1`), for reading, for writing, and for mapping instructions.
//! - [`batch`] splits files of many messages, [`mllp`] frames a connection's bytes.
//! - [`ack`] answers messages and says what an answer means.
//! - [`mapping`] turns instructions, which are data, into messages.
//!
//! Any bytes may come: nothing here panics, and everything takes time proportional to what was read. Nothing that an
//! error or a notice displays is taken from a message, because it may be a patient's data.

pub mod ack;
pub mod address;
pub mod batch;
mod charset;
mod control;
mod escape;
pub mod mapping;
pub mod message;
pub mod mllp;
mod names;
mod time;
mod tree;
mod version;
pub mod write;

pub use address::Address;
pub use charset::Charset;
pub use control::control_id;
pub use message::{Message, ReadError, SegmentId};
pub use names::field_name;
pub use time::{Precision, Time, TimeError, fourteen_digits};
pub use tree::{Draft, DraftError};
pub use version::Version;
pub use write::Writer;
