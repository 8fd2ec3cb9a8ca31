//! The operators' tool: inspects a running platform and fixes problems.
//!
//! It reaches the database, the namespace and the storage account through the handler's own settings, so it works with
//! Azure and with a local host alike. Two rules apply to every command:
//!
//! - **Personal data is hidden** unless `--show-personal-data` asks for it: names, birth dates, submitters' ids of
//!   patients and orders, file names, free text, contents. Asking requires a `--reason`, and is entered into the audit
//!   before anything is shown.
//! - **Changes are audited**: in the transaction of the change if it changes the database, otherwise before it is made.
//!   They require a reason as well.
//!
//! A command returns a [`report::Report`], which is written as tables for people or as JSON for programs; both show the
//! same.

pub mod cli;
mod commands;
mod platform;
mod redact;
pub mod report;

use anyhow::Result;
use cli::{Cli, Command, OrganizationsCommand};
use platform::Platform;
use report::Report;
use std::io::Write;

/// Executes the command line and writes its output.
///
/// # Errors
/// What went wrong, in words for an operator, without personal data.
pub async fn run(cli: &Cli, out: &mut (impl Write + ?Sized)) -> Result<()> {
    let report = match &cli.command {
        // Needs no platform.
        Command::Organizations(OrganizationsCommand::Validate { files }) => commands::organizations::validate(files)?,
        command => {
            let platform = Platform::open(&cli.common).await?;
            let done = act(&platform, command).await;
            platform.store.close().await;
            done?
        }
    };
    if cli.common.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report.json())?)?;
    } else {
        write!(out, "{}", report.text())?;
    }
    report.failure.map_or(Ok(()), |text| Err(anyhow::anyhow!(text)))
}

async fn act(platform: &Platform, command: &Command) -> Result<Report> {
    match command {
        Command::Organizations(command) => Box::pin(commands::organizations::run(platform, command)).await,
        Command::Mappings(command) => Box::pin(commands::mappings::run(platform, command)).await,
        Command::Drops(command) => commands::drops::run(platform, command).await,
        Command::Orders(command) => commands::orders::run(platform, command).await,
        Command::DeadLetters(command) => Box::pin(commands::dead_letters::run(platform, command)).await,
        Command::Outbox(command) => commands::outbox::run(platform, command).await,
        Command::Deliveries(command) => commands::deliveries::run(platform, command).await,
        Command::Destinations(command) => commands::destinations::run(platform, command).await,
        Command::Submissions(command) => Box::pin(commands::submissions::run(platform, command)).await,
        Command::Audit(command) => commands::audit::run(platform, command).await,
    }
}
