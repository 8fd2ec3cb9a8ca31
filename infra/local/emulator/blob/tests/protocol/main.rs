//! The REST protocol, as clients see it: the Rust SDK, and plain requests.

#![allow(clippy::unwrap_used, reason = "what a test needs and does not get fails the test")]

mod auth;
mod batch;
mod blobs;
mod blocks;
mod conditions;
mod containers;
mod faults;
mod harness;
mod hostile;
mod leases;
mod listing;
mod rust_sdk;
mod strictness;
