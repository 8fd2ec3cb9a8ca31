//! `iris-proxy`: the platform's program in a customer's network. Its part `emr` speaks HL7 with a hospital's systems.
//!
//! ```text
//! hospital ── MLLP ──► listener ──► entry hl7-{organization}          AA once the bus has it
//! hospital ◄── MLLP ── client   ◄── queue hl7out-{organization}       its answer goes back through the entry
//! ```
//!
//! It only makes outgoing connections to the platform, keeps nothing on disk, and logs sizes, counts and codes, never
//! content. It decides nothing about an order: it reads only as much of a message as it needs to answer it.
//!
//! While the bus cannot be reached, nobody is told "no": a hospital's message is not answered, its connection is
//! closed, and the proxy does not listen until the bus is back. Hospitals keep unanswered messages and send them again,
//! but many discard refused ones.

mod config;
pub mod emr;

pub use config::{Configuration, Interface};

use anyhow::{Context, Result};
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

/// Runs with the configuration of a file until Ctrl-C or SIGTERM.
///
/// # Errors
/// When the configuration cannot be used.
pub fn run_file(file: &Path) -> Result<()> {
    let configuration = Configuration::read(file)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let emr = emr::run(configuration)?;
        tokio::select! {
            () = emr => {}
            () = stopped() => tracing::info!("proxy stopped"),
        }
        Ok(())
    })
}

async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()).context("SIGTERM") {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupt.await;
        }
    }
}
