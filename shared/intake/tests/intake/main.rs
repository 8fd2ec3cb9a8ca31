//! Files as callers send them, through the one entry point of the library.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "shared parts of tests")]

mod archives;
mod cases;
mod csv_files;
mod flat_json;
mod hostile;
mod mappings;
mod properties;
mod receipts;
mod support;
mod templates;
mod workbooks;
