//! One module per subcommand.

pub(crate) mod audit;
pub(crate) mod dead_letters;
pub(crate) mod deliveries;
pub(crate) mod destinations;
pub(crate) mod drops;
pub(crate) mod mappings;
pub(crate) mod orders;
pub(crate) mod organizations;
pub(crate) mod outbox;
pub(crate) mod submissions;

use jiff::Timestamp;
use serde_json::Value;

/// A displayed instant, to the second.
fn instant(at: Timestamp) -> Value {
    at.round(jiff::Unit::Second).unwrap_or(at).to_string().into()
}

/// An instant that may be absent.
fn some_instant(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, instant)
}

/// The closing message of a command that found fewer items than it was asked for.
fn missing(done: usize, wanted: usize, what: &str) -> Option<String> {
    (done < wanted).then(|| format!("{} of {wanted} were not found among the {what}", wanted - done))
}
