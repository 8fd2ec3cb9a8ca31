//! Instructions: the published layout, an interface's overrides, and what is refused when a document is saved.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod content;
mod overrides;
mod published;
mod refused;

use iris_hl7::mapping::{Content, Kind, Overrides, Problem, Program, compile, defaults};
use iris_hl7::write::Output;

/// The platform's program with these overrides.
fn program(kind: Kind, overrides: &str) -> Result<Program, Vec<Problem>> {
    let overrides: Overrides = serde_json::from_str(overrides).unwrap();
    compile(kind, &defaults(kind).unwrap(), &overrides)
}

/// A message, one segment per line.
fn message(kind: Kind, overrides: &str, content: &Content) -> String {
    let bytes = program(kind, overrides).unwrap().build(content, Output::Utf8);
    String::from_utf8(bytes).unwrap().replace('\r', "\n")
}

/// The only segment of a message that begins like this.
fn segment(message: &str, start: &str) -> String {
    let mut found = message.lines().filter(|line| line.starts_with(start));
    let line = found.next().unwrap_or_else(|| panic!("no {start} in {message}"));
    assert_eq!(found.next(), None, "only one {start}");
    line.to_owned()
}
