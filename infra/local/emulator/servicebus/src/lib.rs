//! A Service Bus on one machine: the broker, and its AMQP 1.0 endpoint on 127.0.0.1.
//!
//! Three layers, each knowing only the one below. [`broker`] has the entities, locks and timers, and no notion of AMQP
//! connections; programs in this process (a Functions host's trigger, a console, tests) use it directly. `wire` turns
//! bytes into frames and performatives and back. `engine` is one state machine per connection; `rest` accepts messages
//! over HTTP. [`message`] and the private `codec` are the message format and the AMQP type system that they share.

pub mod access;
pub mod broker;
mod codec;
mod engine;
pub mod message;
mod not_offered;
mod rest;
mod wire;

pub use engine::{Endpoint, serve, serve_tls};
pub use not_offered::NotOffered;
pub use rest::{HttpEndpoint, serve_http, serve_https};

/// Runs a script of the fuzz target `amqp`; see `fuzz/README.md`.
#[cfg(feature = "fuzzing")]
pub fn fuzz_amqp(script: &[u8]) {
    engine::fuzzing::run(script);
}
