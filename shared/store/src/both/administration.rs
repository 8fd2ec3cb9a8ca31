//! The operations of operators and the retention timer. Every change is committed together with its audit entry.

use super::dialect::{Connection, Database};
use super::{deliveries, retention};
use crate::Error;
use crate::administration::Administration;
use crate::audit::{AuditEntry, AuditRecord, AuditSearch};
use crate::codec::{AuditRow, SubmissionRow, WaitingRow, count, resubmission};
use crate::fault::Answered;
use crate::queries::{OutboxEnvelope, Resubmission, SubmissionRecord};
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::deliveries::{DeliveryMove, DeliverySearch, DeliverySummary};
use iris_rules::retention::Prune;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

#[async_trait]
impl Administration for Database {
    async fn audit(&self, entry: &AuditEntry) -> Result<i64, Error> {
        let mut transaction = self.begin().await?;
        let id = enter(&mut transaction, entry).await?;
        transaction.commit().answered().await?;
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
        .answered()
        .await?;
        rows.into_iter().map(AuditRow::record).collect()
    }

    async fn outbox_envelopes(&self, limit: u32) -> Result<Vec<OutboxEnvelope>, Error> {
        let rows: Vec<WaitingRow> = sqlx::query_as(
            "SELECT id, created_at, available_at, attempts, messages, destination FROM outbox ORDER BY id LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.reading().await?)
        .answered()
        .await?;
        rows.into_iter().map(WaitingRow::record).collect()
    }

    async fn hasten(&self, envelope: i64, entry: &AuditEntry) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let due = sqlx::query("UPDATE outbox SET available_at = $2 WHERE id = $1 AND available_at > $2")
            .bind(envelope)
            .bind(entry.at.as_microsecond())
            .execute(&mut *transaction)
            .answered()
            .await?;
        if due.rows_affected() == 0 {
            let waiting: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM outbox WHERE id = $1")
                .bind(envelope)
                .fetch_one(&mut *transaction)
                .answered()
                .await?;
            return Ok(waiting > 0);
        }
        enter(&mut transaction, entry).await?;
        transaction.commit().answered().await?;
        Ok(true)
    }

    async fn retry_parked(&self, parked: i64, entry: &AuditEntry) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let taken = sqlx::query(
            "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload) \
             SELECT created_at, $2, 0, messages, destination, payload FROM parked WHERE id = $1",
        )
        .bind(parked)
        .bind(entry.at.as_microsecond())
        .execute(&mut *transaction)
        .answered()
        .await?;
        let gone =
            sqlx::query("DELETE FROM parked WHERE id = $1").bind(parked).execute(&mut *transaction).answered().await?;
        if taken.rows_affected() == 0 {
            return Ok(false);
        }
        if gone.rows_affected() == 0 {
            return Err(Error::Conflict);
        }
        enter(&mut transaction, entry).await?;
        transaction.commit().answered().await?;
        Ok(true)
    }

    async fn park_envelope(&self, envelope: i64, entry: &AuditEntry) -> Result<Option<i64>, Error> {
        let mut transaction = self.begin().await?;
        let parked: Option<i64> = sqlx::query_scalar(
            "INSERT INTO parked (created_at, parked_at, messages, destination, reason, payload) \
             SELECT created_at, $2, messages, destination, 'parked by an operator', payload FROM outbox WHERE id = $1 \
             RETURNING id",
        )
        .bind(envelope)
        .bind(entry.at.as_microsecond())
        .fetch_optional(&mut *transaction)
        .answered()
        .await?;
        let gone = sqlx::query("DELETE FROM outbox WHERE id = $1")
            .bind(envelope)
            .execute(&mut *transaction)
            .answered()
            .await?;
        // It was published and confirmed between the two statements, so there is nothing to park.
        let Some(parked) = parked.filter(|_| gone.rows_affected() == 1) else { return Ok(None) };
        enter(&mut transaction, entry).await?;
        transaction.commit().answered().await?;
        Ok(Some(parked))
    }

    async fn search_deliveries(&self, search: &DeliverySearch, limit: u32) -> Result<Vec<DeliverySummary>, Error> {
        deliveries::search_deliveries(self.reading().await?, search, limit).await
    }

    async fn retry_delivery(&self, delivery: i64, entry: &AuditEntry) -> Result<DeliveryMove, Error> {
        let mut transaction = self.begin().await?;
        let moved = deliveries::retry_delivery(&mut transaction, delivery, entry.at).await?;
        if moved == DeliveryMove::Done {
            enter(&mut transaction, entry).await?;
            transaction.commit().answered().await?;
        }
        Ok(moved)
    }

    async fn park_delivery(&self, delivery: i64, entry: &AuditEntry) -> Result<DeliveryMove, Error> {
        let mut transaction = self.begin().await?;
        let moved = deliveries::park_delivery(&mut transaction, delivery, entry.at).await?;
        if moved == DeliveryMove::Done {
            enter(&mut transaction, entry).await?;
            transaction.commit().answered().await?;
        }
        Ok(moved)
    }

    async fn resume_disabled(
        &self,
        organization: ClientGuid,
        destination: &str,
        entry: &AuditEntry,
    ) -> Result<Option<u64>, Error> {
        let mut transaction = self.begin().await?;
        let (disabled, resumed, _) =
            deliveries::resume(&mut transaction, organization, destination, entry.at, entry.at).await?;
        if !disabled {
            return Ok(None);
        }
        enter(&mut transaction, entry).await?;
        transaction.commit().answered().await?;
        Ok(Some(resumed))
    }

    async fn submission(&self, id: Uuid) -> Result<Option<SubmissionRecord>, Error> {
        let sql = format!("SELECT {} FROM submissions s WHERE s.id = $1", SubmissionRow::COLUMNS);
        let row: Option<SubmissionRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(self.reading().await?).answered().await?;
        row.map(SubmissionRow::record).transpose()
    }

    async fn resubmissions_of(&self, original: Uuid) -> Result<Vec<Resubmission>, Error> {
        let rows: Vec<(Uuid, i64, i64)> = sqlx::query_as(
            "SELECT r.submission, r.at, (SELECT COUNT(*) FROM submissions s WHERE s.id = r.submission) \
             FROM resubmissions r WHERE r.original = $1 ORDER BY r.at",
        )
        .bind(original)
        .fetch_all(self.reading().await?)
        .answered()
        .await?;
        rows.into_iter().map(resubmission).collect()
    }

    async fn original_of(&self, submission: Uuid) -> Result<Option<Uuid>, Error> {
        sqlx::query_scalar("SELECT original FROM resubmissions WHERE submission = $1")
            .bind(submission)
            .fetch_optional(self.reading().await?)
            .answered()
            .await
    }

    async fn link_resubmission(&self, original: Uuid, submission: Uuid, entry: &AuditEntry) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO resubmissions (submission, original, at) VALUES ($1, $2, $3) \
             ON CONFLICT (submission) DO NOTHING",
        )
        .bind(submission)
        .bind(original)
        .bind(entry.at.as_microsecond())
        .execute(&mut *transaction)
        .answered()
        .await?;
        enter(&mut transaction, entry).await?;
        transaction.commit().answered().await
    }

    async fn prune(&self, prune: &Prune) -> Result<u64, Error> {
        let mut transaction = self.begin().await?;
        let rows = retention::prune(&mut transaction, prune).await?;
        if rows == 0 {
            return Ok(0);
        }
        enter(&mut transaction, &retention::pruned(prune, rows)).await?;
        transaction.commit().answered().await?;
        Ok(count(i64::try_from(rows).unwrap_or(i64::MAX)))
    }
}

async fn enter(connection: &mut Connection, entry: &AuditEntry) -> Result<i64, Error> {
    sqlx::query_scalar(
        "INSERT INTO audit (at, organization, actor, action, subject, reason, details) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
    )
    .bind(entry.at.as_microsecond())
    .bind(entry.organization.map(|guid| guid.0))
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(&entry.reason)
    .bind(entry.details.to_string())
    .fetch_one(&mut *connection)
    .answered()
    .await
}
