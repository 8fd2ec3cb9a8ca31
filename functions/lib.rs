//! The function app: one custom-handler binary, one folder per function.
//!
//! | function | trigger | does |
//! |---|---|---|
//! | [`submit_order`] | queue `incoming-orders` | one message → patient, order, events |
//! | [`load_drop`] | queue `drops` (BlobCreated) | one file → many orders, receipts |
//! | [`receive_image`] | queue `images` (BlobCreated) | one image → linked to its order, receipt |
//! | [`apply_grading`] | queue `gradings` | one grading → graded order, result, events |
//! | [`deliver_result`] | queue `deliveries` | one result → one destination, with its report; receipt |
//! | [`sweep_outbox`] | timer | publishes what was left, finds drops without an event |
//! | [`prune`] | timer | removes what is past its retention period |
//! | [`write_batches`] | timer | results of a day or week → files |
//!
//! [`handler`] serves them and knows nothing of their business; [`app`] holds what they share.

mod announcement;
pub mod app;
pub mod apply_grading;
pub mod database;
pub mod deliver_result;
pub mod handler;
pub mod load_drop;
pub mod organizations;
mod piece;
mod postpone;
pub mod prune;
pub mod publisher;
pub mod receive_image;
mod refusal;
pub mod reports;
pub mod submit_order;
pub mod sweep_outbox;
pub mod write_batches;

/// `host.json` as deployed.
pub const HOST_JSON: &str = include_str!("../host.json");

/// Every function's name and `function.json`, as deployed.
pub const FUNCTIONS: &[(&str, &str)] = &[
    (submit_order::NAME, include_str!("submit_order/function.json")),
    (load_drop::NAME, include_str!("load_drop/function.json")),
    (receive_image::NAME, include_str!("receive_image/function.json")),
    (apply_grading::NAME, include_str!("apply_grading/function.json")),
    (deliver_result::NAME, include_str!("deliver_result/function.json")),
    (sweep_outbox::NAME, include_str!("sweep_outbox/function.json")),
    (prune::NAME, include_str!("prune/function.json")),
    (write_batches::NAME, include_str!("write_batches/function.json")),
];
