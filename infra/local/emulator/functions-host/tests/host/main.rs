//! The host against a real child process (`examples/echo_handler.rs`) and the in-process broker.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod faults;
mod harness;
mod lifecycle;
mod messages;
mod timers;
mod wire;
