//! The parts of a chaos run, each on its own: its plan, its proxy, and above all its checker.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod history;
mod plan;
mod proxy;
