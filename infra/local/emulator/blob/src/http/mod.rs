//! The service's REST protocol over the store, on 127.0.0.1.
//!
//! A request goes through four steps: it is parsed (`call`: path-style resource, decoded query, ids), its operation is
//! found (`operation`: method, `restype`, `comp` and a few headers decide, and each operation knows the permission
//! letters it needs), it is authorized, and the handler of its operation carries it out. Every failure ends as a
//! `Failure`: the service's status, error code and XML. Bodies are streamed both ways; only block lists, tags, policies
//! and batches are read as a whole, up to a limit.

mod answer;
mod batch;
mod blobs;
mod blocks;
mod body;
mod call;
mod containers;
mod copies;
pub(crate) mod date;
mod failure;
mod faults;
mod header_case;
mod headers;
mod leases;
mod listing;
mod operation;
#[cfg(test)]
mod parsers_survive;
mod ranges;
mod server;
mod xml;

pub use faults::Faults;
pub use server::{Options, serve, serve_stream};
