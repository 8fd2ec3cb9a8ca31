//! `audit`.

use super::instant;
use crate::cli::AuditCommand;
use crate::platform::Platform;
use crate::report::{Report, Row};
use anyhow::Result;
use iris_store::audit::{AuditRecord, AuditSearch};

pub(crate) async fn run(platform: &Platform, command: &AuditCommand) -> Result<Report> {
    let AuditCommand::List { by, subject, before, limit } = command;
    let search = AuditSearch { actor: by.clone(), subject: subject.clone(), before: *before };
    let entries = platform.administration().audit_entries(&search, *limit).await?;
    Ok(Report::list("entries", entries.into_iter().map(row).collect()))
}

fn row(entry: AuditRecord) -> Row {
    vec![
        ("id", entry.id.into()),
        ("at", instant(entry.at)),
        ("actor", entry.actor.into()),
        ("login", entry.login.into()),
        ("action", entry.action.into()),
        ("subject", entry.subject.into()),
        ("reason", entry.reason.into()),
        ("details", entry.details),
    ]
}
