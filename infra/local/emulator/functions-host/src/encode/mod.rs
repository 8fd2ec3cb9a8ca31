//! Invocation requests: the bodies the host POSTs to the handler (functions-host-contract §1).
//!
//! A body is `{"Data":{binding:value},"Metadata":{…}}`. The unusual part is that values are encoded by their .NET type:
//! text is JSON-encoded a second time, numbers, booleans and arrays become JSON text inside a JSON string, objects stay
//! objects, bytes become plain base64, and `DateTime`s lose their fraction. `value` has these encodings, `metadata` the
//! ordered list of entries and the way a JSON body overwrites them; every trigger has a file of its own.
//!
//! Bodies are written straight into one growing string: a message's bytes are base64-encoded once, in place.

mod batch;
mod blob;
mod dotnet_date;
mod event_grid;
mod metadata;
mod queue;
mod service_bus;
mod timer;
mod value;

use jiff::Timestamp;
use uuid::Uuid;

pub use batch::service_bus_batch;
pub use blob::{Blob, blob};
pub use event_grid::event_grid;
pub use queue::{QueueMessage, queue};
pub use service_bus::service_bus;
pub use timer::{ScheduleStatus, timer};

use metadata::Metadata;
use value::push_quoted;

/// Why a trigger value cannot be passed to the handler. In Azure, too, this fails the invocation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Batches without `dataType` are parsed as JSON objects, all or none.
    #[error(
        "message {index} of the batch is not a JSON object, which fails the whole batch; set \"dataType\": \"binary\""
    )]
    NotAnObject {
        /// The message's index in the batch, from 0.
        index: usize,
    },
    /// A blob's name does not match the trigger's path.
    #[error("the blob does not match the trigger's path {0}")]
    PathMismatch(String),
}

/// What every invocation request contains besides its trigger's value.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The function, for `sys.MethodName`.
    pub function: &'a str,
    /// The trigger binding's name, the key inside `Data`.
    pub binding: &'a str,
    /// `sys.UtcNow`.
    pub now: Timestamp,
    /// `sys.RandGuid`.
    pub guid: Uuid,
    /// `RetryContext`, when the function has a retry policy.
    pub retry: Option<RetryContext<'a>>,
}

/// How often a run was retried by the host itself.
#[derive(Debug, Clone, Copy)]
pub struct RetryContext<'a> {
    /// 0 for the first attempt.
    pub count: u32,
    /// The policy's limit; `None` is without limit.
    pub max: Option<u32>,
    /// Why the previous attempt failed.
    pub failure: Option<&'a str>,
}

/// Combines value and metadata. `data` is the JSON of the value.
fn envelope(context: &Context<'_>, data: &str, metadata: Metadata) -> String {
    let mut out = String::with_capacity(data.len() + metadata.size() + 256);
    open(&mut out, context);
    out.push_str(data);
    close(&mut out, context, metadata);
    out
}

/// Writes everything before the value.
fn open(out: &mut String, context: &Context<'_>) {
    out.push_str("{\"Data\":{");
    push_quoted(out, context.binding);
    out.push(':');
}

/// Writes everything after the value.
fn close(out: &mut String, context: &Context<'_>, mut metadata: Metadata) {
    metadata.system(context);
    out.push_str("},\"Metadata\":");
    metadata.write(out);
    out.push('}');
}

#[cfg(test)]
mod tests;
