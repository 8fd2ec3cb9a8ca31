//! The function app: one custom-handler binary, one folder per function.
//!
//! | function | trigger | does |
//! |---|---|---|
//! | [`submit_order`] | queue `incoming-orders` | one message → patient, order, events |
//! | [`load_drop`] | queue `drops` (BlobCreated) | one file → many orders, receipts |
//! | [`receive_image`] | queue `images` (BlobCreated) | one image → linked to its order, receipt |
//! | [`apply_grading`] | queue `gradings` | one grading → graded order, result, events |
//! | [`receive_hl7`] | queue `hl7` | one HL7 message → one request per order; a hospital's answer → its delivery |
//! | [`deliver_result`] | queue `deliveries` | one result → one destination, with its report; receipt |
//! | [`sweep_outbox`] | timer | publishes what was left, finds drops without an event |
//! | [`prune`] | timer | removes what is past its retention period |
//! | [`write_batches`] | timer | results of a day or week → files |
//!
//! [`handler`] serves them and knows nothing of their business; [`app`] holds what they share.

mod announcement;
pub mod app;
pub mod apply_grading;
pub mod deliver_result;
mod function;
pub mod handler;
pub mod load_drop;
mod piece;
mod postpone;
pub mod prune;
pub mod publisher;
pub mod receive_hl7;
pub mod receive_image;
mod stamped;
pub mod submit_order;
pub mod sweep_outbox;
mod upload;
pub mod write_batches;

pub use function::Function;
use function::{message, timer};

/// `host.json` as deployed.
pub const HOST_JSON: &str = include_str!("../host.json");

/// Every function. A new one gets a folder and a line here.
pub const FUNCTIONS: &[Function] = &[
    message!(submit_order),
    message!(load_drop),
    message!(receive_image),
    message!(apply_grading),
    message!(receive_hl7),
    message!(deliver_result),
    timer!(sweep_outbox),
    timer!(prune),
    timer!(write_batches),
];
