//! The workbench: an unknown file becomes a mapping.
//!
//! A file is held in a temporary file while somebody works on it, and nowhere else. Everything a person chooses is in
//! the page's form, so that going back and reloading lose nothing, and two people do not interfere with each other. The
//! calls are those of `iris-local try` and `iris-admin mappings`.

mod bench;
mod columns;
mod document;
mod form;
mod held;
mod preview;
mod values;

pub(crate) use bench::{act, enter, from_drop, show, start};
pub(crate) use held::Bench;
