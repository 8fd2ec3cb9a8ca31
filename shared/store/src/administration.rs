//! What operators and the retention timer do, the same in both databases. Every change is committed together with its audit entry.

use crate::Error;
use crate::audit::{AuditEntry, AuditRecord, AuditSearch};
use crate::codec::{corrupt, destination, time};
use crate::queries::{OutboxEnvelope, Resubmission, SubmissionRecord};
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::deliveries::{DeliveryMove, DeliverySearch, DeliverySummary};
use iris_rules::retention::{Kind, Prune};
use jiff::Timestamp;
use uuid::Uuid;

/// Operators' part of the database.
#[async_trait]
pub trait Administration: Send + Sync {
    /// Adds an entry for something that is done elsewhere. Returns its number.
    async fn audit(&self, entry: &AuditEntry) -> Result<i64, Error>;
    /// Entries, the latest first.
    async fn audit_entries(&self, search: &AuditSearch, limit: u32) -> Result<Vec<AuditRecord>, Error>;

    /// Envelopes that wait in the outbox, the oldest first.
    async fn outbox_envelopes(&self, limit: u32) -> Result<Vec<OutboxEnvelope>, Error>;
    /// Makes an envelope that waits for its next try due at once; false when it is not in the outbox.
    async fn hasten(&self, envelope: i64, entry: &AuditEntry) -> Result<bool, Error>;
    /// Puts a parked envelope back into the outbox; false when there is none with this id.
    async fn retry_parked(&self, parked: i64, entry: &AuditEntry) -> Result<bool, Error>;
    /// Takes an envelope out of the outbox and parks it; `None` when it is not in the outbox (any more).
    async fn park_envelope(&self, envelope: i64, entry: &AuditEntry) -> Result<Option<i64>, Error>;

    /// Deliveries that match, the latest first.
    async fn search_deliveries(&self, search: &DeliverySearch, limit: u32) -> Result<Vec<DeliverySummary>, Error>;
    /// Sends a delivery's message again with the next sweep; one that was impossible, dropped or parked waits again.
    async fn retry_delivery(&self, delivery: i64, entry: &AuditEntry) -> Result<DeliveryMove, Error>;
    /// Takes a delivery aside that is not made; whatever waited behind it goes on.
    async fn park_delivery(&self, delivery: i64, entry: &AuditEntry) -> Result<DeliveryMove, Error>;
    /// Enables a destination; what was held for it goes with the next sweeps, in order. How much that is; `None` when it was not disabled.
    async fn resume_disabled(
        &self,
        organization: ClientGuid,
        destination: &str,
        entry: &AuditEntry,
    ) -> Result<Option<u64>, Error>;

    /// One recorded message.
    async fn submission(&self, id: Uuid) -> Result<Option<SubmissionRecord>, Error>;
    /// The submissions that repeat this one, oldest first.
    async fn resubmissions_of(&self, original: Uuid) -> Result<Vec<Resubmission>, Error>;
    /// The submission this one repeats.
    async fn original_of(&self, submission: Uuid) -> Result<Option<Uuid>, Error>;
    /// Records that `submission` repeats `original`. Doing so again adds only to the audit.
    async fn link_resubmission(&self, original: Uuid, submission: Uuid, entry: &AuditEntry) -> Result<(), Error>;

    /// Removes one batch of what is past its time; returns how many rows it was. Fewer than the limit = no more are left.
    async fn prune(&self, prune: &Prune) -> Result<u64, Error>;
}

/// A pruned batch, for the audit: counts and nothing else.
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

/// The statement of a kind: $1 = ended before, $2 = limit. `None` for drops, which are two tables.
///
/// Deliveries ended with state 1 (delivered), 4 (dropped) or 5 (failed); status 2 of an image = put aside. Orders are closed with status 4 (cancelled) or 7 (complete); `slot` is 0 when an order takes nobody's place.
pub(super) fn statement(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Bodies => Some(
            "UPDATE submissions SET body = NULL WHERE id IN \
             (SELECT id FROM submissions WHERE outcome = 'failed' AND at < $1 AND body IS NOT NULL LIMIT $2)",
        ),
        Kind::Lines => Some(
            "UPDATE drop_batches SET lines = '' WHERE (drop_id, number) IN \
             (SELECT b.drop_id, b.number FROM drops d JOIN drop_batches b ON b.drop_id = d.id \
              WHERE d.finished_at < $1 AND d.status <> 'loading' AND b.lines <> '' LIMIT $2)",
        ),
        Kind::OrderHistory => Some(
            "UPDATE order_history SET content = NULL WHERE (order_id, version) IN \
             (SELECT h.order_id, h.version FROM order_history h JOIN orders o ON o.id = h.order_id \
              WHERE h.at < $1 AND h.content IS NOT NULL AND o.status IN (4, 7) LIMIT $2)",
        ),
        Kind::PatientHistory => Some(
            "DELETE FROM patient_history WHERE (patient, version) IN \
             (SELECT h.patient, h.version FROM patient_history h WHERE h.at < $1 \
              AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.patient = h.patient AND o.slot = 1) \
              AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.patient = h.patient AND o.slot = 2) LIMIT $2)",
        ),
        Kind::Submissions => Some(
            "DELETE FROM submissions WHERE id IN \
             (SELECT s.id FROM submissions s WHERE s.at < $1 \
              AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = s.iris_order_id AND o.status NOT IN (4, 7)) LIMIT $2)",
        ),
        Kind::Images => Some(
            "DELETE FROM images WHERE id IN \
             (SELECT i.id FROM images i WHERE i.status = 2 AND i.received_at < $1 AND i.give_up_at < $1 LIMIT $2)",
        ),
        Kind::Links => Some(
            "DELETE FROM resubmissions WHERE submission IN \
             (SELECT r.submission FROM resubmissions r WHERE r.at < $1 \
              AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.id = r.submission) \
              AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.id = r.original) LIMIT $2)",
        ),
        Kind::Deliveries => Some(
            "DELETE FROM deliveries WHERE sequence IN \
             (SELECT d.sequence FROM deliveries d WHERE d.state IN (1, 4, 5) AND d.at < $1 \
              AND (d.delivered_at IS NULL OR d.delivered_at < $1) \
              AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.order_id = d.order_id AND e.destination = d.destination \
                  AND e.sequence < d.sequence AND e.state NOT IN (1, 4, 5)) LIMIT $2)",
        ),
        // Of an organization's batches the last stays: the next one's number and beginning follow from it.
        Kind::BatchEntries => Some(
            "DELETE FROM batch_results WHERE sequence IN \
             (SELECT e.sequence FROM batches b JOIN batch_results e ON e.organization = b.organization AND e.batch = b.number \
              WHERE b.closed_at < $1 AND b.ends_at < $1 \
              AND EXISTS (SELECT 1 FROM batches l WHERE l.organization = b.organization AND l.number > b.number) LIMIT $2)",
        ),
        Kind::Batches => Some(
            "DELETE FROM batches WHERE (organization, number) IN \
             (SELECT b.organization, b.number FROM batches b WHERE b.closed_at < $1 AND b.ends_at < $1 \
              AND EXISTS (SELECT 1 FROM batches l WHERE l.organization = b.organization AND l.number > b.number) \
              AND NOT EXISTS (SELECT 1 FROM batch_results e WHERE e.organization = b.organization AND e.batch = b.number) LIMIT $2)",
        ),
        Kind::Results => Some(
            "DELETE FROM results WHERE sequence IN \
             (SELECT r.sequence FROM results r JOIN orders o ON o.id = r.order_id WHERE r.at < $1 AND o.status IN (4, 7) \
              AND EXISTS (SELECT 1 FROM results l WHERE l.order_id = r.order_id AND l.sequence > r.sequence) \
              AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.transaction_id = r.transaction_id) \
              AND NOT EXISTS (SELECT 1 FROM batch_results b WHERE b.order_id = r.order_id AND b.transaction_id = r.transaction_id) \
              LIMIT $2)",
        ),
        Kind::Gradings => Some(
            "DELETE FROM gradings WHERE (order_id, number) IN \
             (SELECT g.order_id, g.number FROM gradings g JOIN orders o ON o.id = g.order_id WHERE g.at < $1 AND g.code <> 'A' \
              AND o.status IN (4, 7) AND EXISTS (SELECT 1 FROM gradings l WHERE l.order_id = g.order_id AND l.number > g.number \
                  AND l.code <> 'A') LIMIT $2)",
        ),
        Kind::Drops => None,
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct AuditRow {
    id: i64,
    at: i64,
    organization: Option<Uuid>,
    actor: String,
    login: String,
    action: String,
    subject: String,
    reason: String,
    details: String,
}

impl AuditRow {
    pub(super) fn record(self) -> Result<AuditRecord, Error> {
        Ok(AuditRecord {
            id: self.id,
            at: time(self.at)?,
            organization: self.organization.map(ClientGuid),
            actor: self.actor,
            login: self.login,
            action: self.action,
            subject: self.subject,
            reason: self.reason,
            details: serde_json::from_str(&self.details).map_err(|_| corrupt("an audit entry"))?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct WaitingRow {
    id: i64,
    created_at: i64,
    available_at: i64,
    attempts: i32,
    messages: i32,
    destination: String,
}

impl WaitingRow {
    pub(super) fn record(self) -> Result<OutboxEnvelope, Error> {
        Ok(OutboxEnvelope {
            id: self.id,
            destination: destination(&self.destination)?,
            messages: u32::try_from(self.messages).unwrap_or_default(),
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
            created_at: time(self.created_at)?,
            available_at: time(self.available_at)?,
        })
    }
}

pub(super) fn resubmission((submission, at, handled): (Uuid, i64, i64)) -> Result<Resubmission, Error> {
    Ok(Resubmission { submission, at: time(at)?, handled: handled > 0 })
}

/// For an entry that is stored.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Implements [`Administration`] for a store with the functions `reading` and `writing`, which give its pools.
macro_rules! administration {
    ($store:ty, $transaction:ty, $begin:literal) => {
        use crate::Error;
        use super::deliveries;
        use crate::audit::{AuditEntry, AuditRecord, AuditSearch};
        use iris_rules::deliveries::{DeliveryMove, DeliverySearch, DeliverySummary};
        use crate::queries::{OutboxEnvelope, Resubmission, SubmissionRecord};
        use iris_rules::retention::Prune;
        use crate::Administration;
        use crate::administration::{AuditRow, WaitingRow, micros, pruned, resubmission, statement};
        use crate::codec::{SubmissionRow, count};
        use crate::fault::fault;
        use async_trait::async_trait;
        use iris_model::ClientGuid;
        use sqlx::AssertSqlSafe;
        use uuid::Uuid;

        async fn enter(transaction: &mut $transaction, entry: &AuditEntry) -> Result<i64, Error> {
            sqlx::query_scalar(
                "INSERT INTO audit (at, organization, actor, action, subject, reason, details) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
            )
            .bind(micros(entry.at))
            .bind(entry.organization.map(|guid| guid.0))
            .bind(&entry.actor)
            .bind(&entry.action)
            .bind(&entry.subject)
            .bind(&entry.reason)
            .bind(entry.details.to_string())
            .fetch_one(&mut **transaction)
            .await
            .map_err(fault)
        }

        async fn drops(transaction: &mut $transaction, prune: &Prune) -> Result<u64, Error> {
            let over: Vec<Uuid> = sqlx::query_scalar(
                "SELECT id FROM drops WHERE finished_at < $1 AND status <> 'loading' ORDER BY received_at LIMIT $2",
            )
            .bind(micros(prune.before))
            .bind(i64::from(prune.limit))
            .fetch_all(&mut **transaction)
            .await
            .map_err(fault)?;
            for drop in &over {
                for sql in ["DELETE FROM drop_batches WHERE drop_id = $1", "DELETE FROM drops WHERE id = $1"] {
                    sqlx::query(sql).bind(drop).execute(&mut **transaction).await.map_err(fault)?;
                }
            }
            Ok(over.len() as u64)
        }

        #[async_trait]
        impl Administration for $store {
            async fn audit(&self, entry: &AuditEntry) -> Result<i64, Error> {
                let mut transaction = self.writing().await?.begin_with($begin).await.map_err(fault)?;
                let id = enter(&mut transaction, entry).await?;
                transaction.commit().await.map_err(fault)?;
                Ok(id)
            }

            async fn audit_entries(&self, search: &AuditSearch, limit: u32) -> Result<Vec<AuditRecord>, Error> {
                let rows: Vec<AuditRow> = sqlx::query_as(
                    "SELECT id, at, organization, actor, login, action, subject, reason, details FROM audit \
                     WHERE id < $1 AND (CAST($2 AS TEXT) IS NULL OR actor = $2) \
                     AND (CAST($3 AS TEXT) IS NULL OR subject = $3) ORDER BY id DESC LIMIT $4",
                )
                .bind(search.before.unwrap_or(i64::MAX))
                .bind(search.actor.as_deref())
                .bind(search.subject.as_deref())
                .bind(i64::from(limit))
                .fetch_all(self.reading().await?)
                .await
                .map_err(fault)?;
                rows.into_iter().map(AuditRow::record).collect()
            }

            async fn outbox_envelopes(&self, limit: u32) -> Result<Vec<OutboxEnvelope>, Error> {
                let rows: Vec<WaitingRow> = sqlx::query_as(
                    "SELECT id, created_at, available_at, attempts, messages, destination FROM outbox ORDER BY id LIMIT $1",
                )
                .bind(i64::from(limit))
                .fetch_all(self.reading().await?)
                .await
                .map_err(fault)?;
                rows.into_iter().map(WaitingRow::record).collect()
            }

            async fn hasten(&self, envelope: i64, entry: &AuditEntry) -> Result<bool, Error> {
                let mut transaction = self.writing().await?.begin_with($begin).await.map_err(fault)?;
                let due = sqlx::query("UPDATE outbox SET available_at = $2 WHERE id = $1 AND available_at > $2")
                    .bind(envelope)
                    .bind(micros(entry.at))
                    .execute(&mut *transaction)
                    .await
                    .map_err(fault)?;
                if due.rows_affected() == 0 {
                    let waiting: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM outbox WHERE id = $1")
                        .bind(envelope)
                        .fetch_one(&mut *transaction)
                        .await
                        .map_err(fault)?;
                    return Ok(waiting > 0);
                }
                enter(&mut transaction, entry).await?;
                transaction.commit().await.map_err(fault)?;
                Ok(true)
            }

            async fn retry_parked(&self, parked: i64, entry: &AuditEntry) -> Result<bool, Error> {
                let mut transaction = self.writing().await?.begin_with($begin).await.map_err(fault)?;
                let taken = sqlx::query(
                    "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload) \
                     SELECT created_at, $2, 0, messages, destination, payload FROM parked WHERE id = $1",
                )
                .bind(parked)
                .bind(micros(entry.at))
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
                let gone = sqlx::query("DELETE FROM parked WHERE id = $1")
                    .bind(parked)
                    .execute(&mut *transaction)
                    .await
                    .map_err(fault)?;
                if taken.rows_affected() == 0 {
                    return Ok(false);
                }
                if gone.rows_affected() == 0 {
                    return Err(Error::Conflict);
                }
                enter(&mut transaction, entry).await?;
                transaction.commit().await.map_err(fault)?;
                Ok(true)
            }

            async fn park_envelope(&self, envelope: i64, entry: &AuditEntry) -> Result<Option<i64>, Error> {
                let mut transaction = self.writing().await?.begin_with($begin).await.map_err(fault)?;
                let parked: Option<i64> = sqlx::query_scalar(
                    "INSERT INTO parked (created_at, parked_at, messages, destination, reason, payload) \
                     SELECT created_at, $2, messages, destination, 'parked by an operator', payload FROM outbox WHERE id = $1 \
                     RETURNING id",
                )
                .bind(envelope)
                .bind(micros(entry.at))
                .fetch_optional(&mut *transaction)
                .await
                .map_err(fault)?;
                let gone = sqlx::query("DELETE FROM outbox WHERE id = $1")
                    .bind(envelope)
                    .execute(&mut *transaction)
                    .await
                    .map_err(fault)?;
                // Published and confirmed between the two statements: there is nothing to park.
                let Some(parked) = parked.filter(|_| gone.rows_affected() == 1) else { return Ok(None) };
                enter(&mut transaction, entry).await?;
                transaction.commit().await.map_err(fault)?;
                Ok(Some(parked))
            }

            async fn search_deliveries(
                &self,
                search: &DeliverySearch,
                limit: u32,
            ) -> Result<Vec<DeliverySummary>, Error> {
                deliveries::search_deliveries(self.reading().await?, search, limit).await
            }

            async fn retry_delivery(&self, delivery: i64, entry: &AuditEntry) -> Result<DeliveryMove, Error> {
                let mut transaction = self.writing().await?.begin_with($begin).await.map_err(fault)?;
                let moved = deliveries::retry_delivery(&mut transaction, delivery, entry.at).await?;
                if moved == DeliveryMove::Done {
                    enter(&mut transaction, entry).await?;
                    transaction.commit().await.map_err(fault)?;
                }
                Ok(moved)
            }

            async fn park_delivery(&self, delivery: i64, entry: &AuditEntry) -> Result<DeliveryMove, Error> {
                let mut transaction = self.writing().await?.begin_with($begin).await.map_err(fault)?;
                let moved = deliveries::park_delivery(&mut transaction, delivery, entry.at).await?;
                if moved == DeliveryMove::Done {
                    enter(&mut transaction, entry).await?;
                    transaction.commit().await.map_err(fault)?;
                }
                Ok(moved)
            }

            async fn resume_disabled(
                &self,
                organization: ClientGuid,
                destination: &str,
                entry: &AuditEntry,
            ) -> Result<Option<u64>, Error> {
                let mut transaction = self.writing().await?.begin_with($begin).await.map_err(fault)?;
                let (disabled, resumed, _) =
                    deliveries::resume(&mut transaction, organization, destination, entry.at, entry.at).await?;
                if !disabled {
                    return Ok(None);
                }
                enter(&mut transaction, entry).await?;
                transaction.commit().await.map_err(fault)?;
                Ok(Some(resumed))
            }

            async fn submission(&self, id: Uuid) -> Result<Option<SubmissionRecord>, Error> {
                let sql = format!("SELECT {} FROM submissions s WHERE s.id = $1", SubmissionRow::COLUMNS);
                let row: Option<SubmissionRow> = sqlx::query_as(AssertSqlSafe(sql))
                    .bind(id)
                    .fetch_optional(self.reading().await?)
                    .await
                    .map_err(fault)?;
                row.map(SubmissionRow::record).transpose()
            }

            async fn resubmissions_of(&self, original: Uuid) -> Result<Vec<Resubmission>, Error> {
                let rows: Vec<(Uuid, i64, i64)> = sqlx::query_as(
                    "SELECT r.submission, r.at, (SELECT COUNT(*) FROM submissions s WHERE s.id = r.submission) \
                     FROM resubmissions r WHERE r.original = $1 ORDER BY r.at",
                )
                .bind(original)
                .fetch_all(self.reading().await?)
                .await
                .map_err(fault)?;
                rows.into_iter().map(resubmission).collect()
            }

            async fn original_of(&self, submission: Uuid) -> Result<Option<Uuid>, Error> {
                sqlx::query_scalar("SELECT original FROM resubmissions WHERE submission = $1")
                    .bind(submission)
                    .fetch_optional(self.reading().await?)
                    .await
                    .map_err(fault)
            }

            async fn link_resubmission(
                &self,
                original: Uuid,
                submission: Uuid,
                entry: &AuditEntry,
            ) -> Result<(), Error> {
                let mut transaction = self.writing().await?.begin_with($begin).await.map_err(fault)?;
                sqlx::query(
                    "INSERT INTO resubmissions (submission, original, at) VALUES ($1, $2, $3) \
                     ON CONFLICT (submission) DO NOTHING",
                )
                .bind(submission)
                .bind(original)
                .bind(micros(entry.at))
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
                enter(&mut transaction, entry).await?;
                transaction.commit().await.map_err(fault)
            }

            async fn prune(&self, prune: &Prune) -> Result<u64, Error> {
                let mut transaction = self.writing().await?.begin_with($begin).await.map_err(fault)?;
                let rows = match statement(prune.kind) {
                    Some(sql) => sqlx::query(sql)
                        .bind(micros(prune.before))
                        .bind(i64::from(prune.limit))
                        .execute(&mut *transaction)
                        .await
                        .map_err(fault)?
                        .rows_affected(),
                    None => drops(&mut transaction, prune).await?,
                };
                if rows == 0 {
                    return Ok(0);
                }
                enter(&mut transaction, &pruned(prune, rows)).await?;
                transaction.commit().await.map_err(fault)?;
                Ok(count(i64::try_from(rows).unwrap_or(i64::MAX)))
            }
        }
    };
}

pub(super) use administration;
