//! The rules by example and by property, and one conformance suite for every store.
//!
//! SQLite always takes part; PostgreSQL takes part when `IRIS_TEST_POSTGRES` holds the URL of a server on which
//! databases may be created.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod administration;
mod backend;
mod batches;
mod concurrent;
mod crash;
mod deliveries;
mod drops;
mod faulty;
mod frozen;
mod gradings;
mod images;
mod inspect;
mod operators;
mod outbox;
mod properties;
mod requests;
mod retention;
mod rules;
mod service;
