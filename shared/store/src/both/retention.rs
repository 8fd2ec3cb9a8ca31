//! Removes rows that are past their retention period.

use super::dialect::Connection;
use crate::Error;
use crate::audit::AuditEntry;
use crate::codec::states;
use crate::fault::Answered;
use iris_model::enumeration::OrderStatus;
use iris_rules::deliveries::DeliveryState;
use iris_rules::images::ImageStatus;
use iris_rules::retention::{Kind, Prune};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// Removes one batch of a kind; returns how many rows were removed.
pub(super) async fn prune(connection: &mut Connection, prune: &Prune) -> Result<u64, Error> {
    let Some(sql) = statement(prune.kind) else { return drops(connection, prune).await };
    let query = sqlx::query(AssertSqlSafe(sql)).bind(prune.before.as_microsecond()).bind(i64::from(prune.limit));
    Ok(query.execute(connection).answered().await?.rows_affected())
}

/// The audit entry for a pruned batch: counts only.
pub(super) fn pruned(prune: &Prune, rows: u64) -> AuditEntry {
    AuditEntry {
        at: prune.at,
        organization: None,
        actor: "retention".to_owned(),
        action: "prune".to_owned(),
        subject: prune.kind.as_str().to_owned(),
        reason: "past its retention period".to_owned(),
        details: serde_json::json!({ "rows": rows, "before": prune.before }),
    }
}

/// The statement for a kind: $1 = ended before, $2 = limit. `None` for drops, which take two tables. `slot` is 0 for an
/// order that is not open.
fn statement(kind: Kind) -> Option<String> {
    let (over, ended) = (states::orders(OrderStatus::is_over), states::deliveries(DeliveryState::is_over));
    let quarantined = states::image(ImageStatus::Quarantined);
    let statement = match kind {
        Kind::Bodies => String::from(
            "UPDATE submissions SET body = NULL WHERE id IN \
             (SELECT id FROM submissions WHERE outcome = 'failed' AND at < $1 AND body IS NOT NULL LIMIT $2)",
        ),
        Kind::Lines => String::from(
            "UPDATE drop_batches SET lines = '' WHERE (drop_id, number) IN \
             (SELECT b.drop_id, b.number FROM drops d JOIN drop_batches b ON b.drop_id = d.id \
              WHERE d.finished_at < $1 AND d.status <> 'loading' AND b.lines <> '' LIMIT $2)",
        ),
        Kind::OrderHistory => format!(
            "UPDATE order_history SET content = NULL WHERE (order_id, version) IN \
             (SELECT h.order_id, h.version FROM order_history h JOIN orders o ON o.id = h.order_id \
              WHERE h.at < $1 AND h.content IS NOT NULL AND o.status IN ({over}) LIMIT $2)",
        ),
        Kind::PatientHistory => String::from(
            "DELETE FROM patient_history WHERE (patient, version) IN \
             (SELECT h.patient, h.version FROM patient_history h WHERE h.at < $1 \
              AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.patient = h.patient AND o.slot = 1) \
              AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.patient = h.patient AND o.slot = 2) LIMIT $2)",
        ),
        Kind::Submissions => format!(
            "DELETE FROM submissions WHERE id IN \
             (SELECT s.id FROM submissions s WHERE s.at < $1 \
              AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = s.iris_order_id \
                  AND o.status NOT IN ({over})) LIMIT $2)",
        ),
        Kind::Images => format!(
            "DELETE FROM images WHERE id IN \
             (SELECT i.id FROM images i WHERE i.status = {quarantined} AND i.received_at < $1 \
                 AND i.give_up_at < $1 LIMIT $2)",
        ),
        Kind::Links => String::from(
            "DELETE FROM resubmissions WHERE submission IN \
             (SELECT r.submission FROM resubmissions r WHERE r.at < $1 \
              AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.id = r.submission) \
              AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.id = r.original) LIMIT $2)",
        ),
        Kind::Deliveries => format!(
            "DELETE FROM deliveries WHERE sequence IN \
             (SELECT d.sequence FROM deliveries d WHERE d.state IN ({ended}) AND d.at < $1 \
              AND (d.delivered_at IS NULL OR d.delivered_at < $1) \
              AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.order_id = d.order_id \
                  AND e.destination = d.destination \
                  AND e.sequence < d.sequence AND e.state NOT IN ({ended})) LIMIT $2)",
        ),
        // An organization's last batch stays, because the next one's number and start follow from it.
        Kind::BatchEntries => String::from(
            "DELETE FROM batch_results WHERE sequence IN \
             (SELECT e.sequence FROM batches b JOIN batch_results e ON e.organization = b.organization \
                 AND e.batch = b.number \
              WHERE b.closed_at < $1 AND b.ends_at < $1 \
              AND EXISTS (SELECT 1 FROM batches l WHERE l.organization = b.organization \
                  AND l.number > b.number) LIMIT $2)",
        ),
        Kind::Batches => String::from(
            "DELETE FROM batches WHERE (organization, number) IN \
             (SELECT b.organization, b.number FROM batches b WHERE b.closed_at < $1 AND b.ends_at < $1 \
              AND EXISTS (SELECT 1 FROM batches l WHERE l.organization = b.organization AND l.number > b.number) \
              AND NOT EXISTS (SELECT 1 FROM batch_results e WHERE e.organization = b.organization \
                  AND e.batch = b.number) LIMIT $2)",
        ),
        Kind::Results => format!(
            "DELETE FROM results WHERE sequence IN \
             (SELECT r.sequence FROM results r JOIN orders o ON o.id = r.order_id WHERE r.at < $1 \
                 AND o.status IN ({over}) \
              AND EXISTS (SELECT 1 FROM results l WHERE l.order_id = r.order_id AND l.sequence > r.sequence) \
              AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.transaction_id = r.transaction_id) \
              AND NOT EXISTS (SELECT 1 FROM batch_results b WHERE b.order_id = r.order_id \
                  AND b.transaction_id = r.transaction_id) \
              LIMIT $2)",
        ),
        Kind::Gradings => format!(
            "DELETE FROM gradings WHERE (order_id, number) IN \
             (SELECT g.order_id, g.number FROM gradings g JOIN orders o ON o.id = g.order_id WHERE g.at < $1 \
                 AND g.code <> 'A' \
              AND o.status IN ({over}) AND EXISTS (SELECT 1 FROM gradings l WHERE l.order_id = g.order_id \
                  AND l.number > g.number \
                  AND l.code <> 'A') LIMIT $2)",
        ),
        Kind::Drops => return None,
    };
    Some(statement)
}

async fn drops(connection: &mut Connection, prune: &Prune) -> Result<u64, Error> {
    let over: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM drops WHERE finished_at < $1 AND status <> 'loading' ORDER BY received_at LIMIT $2",
    )
    .bind(prune.before.as_microsecond())
    .bind(i64::from(prune.limit))
    .fetch_all(&mut *connection)
    .answered()
    .await?;
    for drop in &over {
        for sql in ["DELETE FROM drop_batches WHERE drop_id = $1", "DELETE FROM drops WHERE id = $1"] {
            sqlx::query(sql).bind(drop).execute(&mut *connection).answered().await?;
        }
    }
    Ok(over.len() as u64)
}
