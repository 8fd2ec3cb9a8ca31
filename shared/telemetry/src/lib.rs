//! What the platform reports besides log lines: trace context, spans, metrics.
//!
//! | module | |
//! |---|---|
//! | [`context`] | the place of current work in a distributed trace; travels with messages even if nothing is exported |
//! | [`span`] | all exported spans |
//! | [`metrics`] | all exported measurements |
//!
//! Nothing here exports; that is up to the process (`iris_azure::telemetry`). Until an exporter is set up, spans are
//! disabled and measurements are dropped, at the cost of checking a flag.
//!
//! **No personal data.** Attributes are predefined names (functions, queues, outcomes, destination kinds), numbers, and
//! the slug of an organization; never an id of a patient, an order or a file, and never a caller's text. The functions
//! here therefore take no free text; what is exported is decided in this crate and nowhere else.

mod chain;
pub mod context;
pub mod metrics;
pub mod span;

pub use chain::Chain;
pub use context::TraceContext;
