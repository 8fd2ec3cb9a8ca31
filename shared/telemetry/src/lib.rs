//! What the platform tells about itself besides log lines: trace context, spans, metrics.
//!
//! | module | |
//! |---|---|
//! | [`context`] | where the work at hand belongs in a distributed trace; travels with messages whether or not anything is exported |
//! | [`span`] | the spans that are exported, all of them |
//! | [`metrics`] | the measurements that are exported, all of them |
//!
//! Nothing here exports: that is the business of whoever starts the process (`iris_azure::telemetry`). Until it does,
//! spans are disabled and measurements go nowhere, at the price of one look at a flag.
//!
//! **No personal data.** Attributes are names of ours (functions, queues, outcomes, destination kinds), numbers, and
//! the slug of an organization; never an id of a patient, an order or a file, never a text of a caller. The functions
//! here therefore take no free texts; what is exported is decided in this crate and nowhere else.

mod chain;
pub mod context;
pub mod metrics;
pub mod span;

pub use chain::Chain;
pub use context::TraceContext;
