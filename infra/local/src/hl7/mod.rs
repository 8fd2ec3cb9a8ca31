//! `iris-local hl7`: plays a hospital's system.

mod listen;
mod read;
mod send;

use crate::cli::{CommonArgs, Hl7Command};
use anyhow::Result;

/// Runs a command.
///
/// # Errors
/// When a file cannot be read, or a connection fails.
pub async fn run(command: &Hl7Command, common: &CommonArgs) -> Result<()> {
    match command {
        Hl7Command::Send { files, to } => send::run(files, to).await,
        Hl7Command::Listen { at, answer } => listen::run(at, *answer).await,
        Hl7Command::Read { file, organization } => read::run(file, organization, common),
    }
}
