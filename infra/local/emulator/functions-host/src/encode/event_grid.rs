//! eventGridTrigger (functions-host-contract §1.11).

use serde_json::Value;

use super::{Context, Metadata, envelope};

/// The request body for one event of either schema, which arrives as a real object.
#[must_use]
pub fn event_grid(context: &Context<'_>, event: &Value) -> String {
    let mut metadata = Metadata::default();
    if let Some(data) = event.get("data").filter(|data| !data.is_null()) {
        metadata.json("data", data.to_string());
    }
    envelope(context, &event.to_string(), metadata)
}
