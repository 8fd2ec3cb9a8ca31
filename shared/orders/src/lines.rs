//! The lines of a drop's batch: the outcome of each row.

use super::batch::{Reply, RowsWork};
use iris_model::{Issue, OutcomeKind, RowIssue, RowLine};
use iris_rules::decide::superseded_order;
use iris_rules::incoming::{Answer, Outcome};
use iris_rules::snapshot::DoneBatch;
use iris_store::DropBatchEntry;
use iris_store::Error;
use iris_store::drops::{DropLease, DropTotals, RowDetail, parse_lines};
use std::collections::HashMap;

/// The record of a batch: a line for each row that is done, and the numbers of the rows that have to wait.
pub(super) fn batch_entry(batch: &RowsWork, replies: &[Reply]) -> DropBatchEntry {
    let RowsWork { lease, number, rows, .. } = batch;
    let (mut lines, mut pending, mut totals) = (String::new(), Vec::new(), DropTotals::default());
    for ((_, row), reply) in rows.iter().zip(replies) {
        match reply {
            Reply::Submission(Answer::Done(outcome)) => {
                totals.count(outcome.kind);
                lines.push_str(&iris_rules::content::json(&line(lease, row, outcome)));
                lines.push('\n');
            }
            Reply::Submission(Answer::NotYet) => pending.push(row.row),
            Reply::Image(_) => {}
        }
    }
    let range = rows.first().zip(rows.last()).map(|((_, first), (_, last))| (first.row, last.row));
    DropBatchEntry { drop: lease.drop, epoch: lease.epoch, number: *number, rows: range, lines, pending, totals }
}

fn line(lease: &DropLease, row: &RowDetail, outcome: &Outcome) -> RowLine {
    let mut issues = row.issues.clone();
    for issue in &outcome.issues {
        if !row.issues.iter().any(|known| known.issue == *issue) {
            issues.push(lease.locate(told(row, issue)));
        }
    }
    RowLine {
        row: row.row,
        outcome: outcome.kind,
        iris_order_id: outcome.iris_order_id,
        order_local_id: outcome.order_local_id.clone(),
        patient_local_id: outcome.patient_local_id.clone(),
        issues,
        cells: (outcome.kind == OutcomeKind::Failed).then(|| row.cells.to_vec()),
    }
}

/// An issue of the outcome. If a row supersedes an order from the same file, the message names both rows, since usually
/// one of them is a mistake.
fn told(row: &RowDetail, issue: &Issue) -> Issue {
    let mut issue = issue.clone();
    if let Some(order) = superseded_order(&issue)
        && let Some(earlier) = row.earlier.filter(|earlier| earlier.is_of(order))
    {
        let message = format!(
            "Row {} takes the place of row {} of this file, whose order {order} was cancelled: both are for the same \
             patient.",
            row.row, earlier.row
        );
        issue.message = message.into();
    }
    issue
}

/// Answers a batch that was committed before from its record. A row missing from the record (because the caller formed
/// its batches differently this time) must be submitted again.
pub(super) fn recorded_answers(done: &DoneBatch, batch: &RowsWork) -> Result<Vec<Answer>, Error> {
    let mut lines: HashMap<u32, RowLine> = parse_lines(&done.lines)?.into_iter().map(|line| (line.row, line)).collect();
    let mut answer =
        |row: &RowDetail| lines.remove(&row.row).map_or(Answer::NotYet, |line| Answer::Done(outcome(line)));
    Ok(batch.rows.iter().map(|(_, row)| answer(row)).collect())
}

fn outcome(line: RowLine) -> Outcome {
    let issue = |located: RowIssue| -> Issue { located.issue };
    Outcome {
        kind: line.outcome,
        iris_order_id: line.iris_order_id,
        order_local_id: line.order_local_id,
        patient_local_id: line.patient_local_id,
        issues: line.issues.into_iter().map(issue).collect(),
    }
}
