//! Tests of complete reports.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod hostile;
mod images;
mod reading;
mod reports;
mod said;
mod templates;
