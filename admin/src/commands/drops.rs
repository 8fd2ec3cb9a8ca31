//! `drops`.

use super::instant;
use crate::cli::DropsCommand;
use crate::platform::Platform;
use crate::redact;
use crate::report::{Report, Row};
use anyhow::{Context, Result};
use iris_model::{OutcomeKind, RowLine};
use iris_store::queries::DropSummary;
use serde_json::Value;

pub(crate) async fn run(platform: &Platform, command: &DropsCommand) -> Result<Report> {
    match command {
        DropsCommand::List { organization, limit } => {
            let guid = platform.guid(organization.as_ref()).await?;
            let drops = platform.store.drops(guid, *limit).await?;
            platform.viewing("drops.view", "list", guid).await?;
            Ok(Report::list("drops", drops.iter().map(|drop| row(platform, drop)).collect()))
        }
        DropsCommand::Show { id, limit } => {
            let drop = platform.store.drop_summary(*id).await?.context("there is no drop with this id; see drops list. Finished ones are removed when their retention period is over")?;
            platform.viewing("drops.view", id.to_string(), Some(drop.organization)).await?;
            let mut fields = row(platform, &drop);
            fields.push(("finishedAt", drop.finished_at.map_or(Value::Null, instant)));
            fields.push(("issues", drop.issues.iter().map(|issue| told(platform, issue)).collect()));
            let (failed, kept) = failed_rows(platform, &drop, *limit).await?;
            if !kept {
                fields.push(("rows", "the lines are past their retention period".into()));
            }
            Ok(Report::of(fields).and("failedRows", failed))
        }
    }
}

fn told(platform: &Platform, issue: &iris_model::Issue) -> String {
    if platform.shows() { format!("{}: {}", redact::issue(issue), issue.message) } else { redact::issue(issue) }
}

fn row(platform: &Platform, drop: &DropSummary) -> Row {
    let count = |kind| drop.totals.0.get(&kind).copied().unwrap_or_default();
    vec![
        ("id", drop.id.to_string().into()),
        ("container", drop.container.clone().into()),
        ("name", platform.personal(Some(&drop.name))),
        ("status", drop.status.as_str().into()),
        ("receivedAt", instant(drop.received_at)),
        ("bytes", drop.size.into()),
        ("rows", drop.totals.rows().into()),
        ("failed", count(OutcomeKind::Failed).into()),
        ("created", count(OutcomeKind::Created).into()),
    ]
}

/// The failed rows; false if the lines were removed.
async fn failed_rows(platform: &Platform, drop: &DropSummary, limit: usize) -> Result<(Vec<Row>, bool)> {
    let (mut rows, mut after, mut lines) = (Vec::new(), None, 0);
    while let Some((number, text)) = platform.store.drop_lines(drop.id, after).await? {
        after = Some(number);
        for line in text.lines() {
            lines += 1;
            let line: RowLine = serde_json::from_str(line).context("a line of the drop cannot be read")?;
            if line.outcome == OutcomeKind::Failed && rows.len() < limit {
                rows.push(failed(platform, &line));
            }
        }
    }
    Ok((rows, lines > 0 || drop.totals.rows() == 0))
}

fn failed(platform: &Platform, line: &RowLine) -> Row {
    vec![
        ("row", line.row.into()),
        ("order", platform.personal(line.order_local_id.as_deref())),
        ("patient", platform.personal(line.patient_local_id.as_deref())),
        ("issues", line.issues.iter().map(|found| told(platform, &found.issue)).collect()),
    ]
}
