//! Statements about batches of results.

use super::dialect::Database;
use crate::Error;
use crate::batches::Batches;
use crate::codec::{BatchResultRow, ResultBatchRow, id, states};
use crate::fault::Answered;
use async_trait::async_trait;
use iris_model::ClientGuid;
use iris_rules::batches::{Batch, BatchResult, NewBatch};
use iris_rules::deliveries::DeliveryState;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

#[async_trait]
impl Batches for Database {
    async fn last_batch(&self, organization: ClientGuid) -> Result<Option<Batch>, Error> {
        let sql = format!(
            "SELECT {} FROM batches b WHERE b.organization = $1 ORDER BY b.number DESC LIMIT 1",
            ResultBatchRow::COLUMNS
        );
        let row: Option<ResultBatchRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(organization.0)
            .fetch_optional(self.reading().await?)
            .answered()
            .await?;
        row.map(ResultBatchRow::record).transpose()
    }

    async fn open_batch(&self, batch: &NewBatch) -> Result<Batch, Error> {
        let number = id(i64::from(batch.number))?;
        let mut transaction = self.begin().await?;
        // The number goes first: whoever else opens the same batch fails here, before anything is claimed.
        sqlx::query(
            "INSERT INTO batches (organization, number, starts_at, ends_at, day, opened_at, has_more) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(batch.organization.0)
        .bind(number)
        .bind(batch.starts_at.map(Timestamp::as_microsecond))
        .bind(batch.ends_at.as_microsecond())
        .bind(batch.day.to_string())
        .bind(batch.opened_at.as_microsecond())
        .bind(false)
        .execute(&mut *transaction)
        .answered()
        .await?;
        let settled = states::deliveries(DeliveryState::is_settled);
        let claimed = sqlx::query(AssertSqlSafe(format!(
            // Also fixes when its deliveries were made.
            "UPDATE batch_results SET batch = $1, sent_at = CASE \
                 WHEN NOT EXISTS (SELECT 1 FROM deliveries d \
                     WHERE d.transaction_id = batch_results.transaction_id) THEN $5 \
                 WHEN EXISTS (SELECT 1 FROM deliveries d WHERE d.transaction_id = batch_results.transaction_id \
                     AND d.state NOT IN ({settled})) THEN NULL \
                 ELSE (SELECT MAX(d.delivered_at) FROM deliveries d \
                     WHERE d.transaction_id = batch_results.transaction_id) END \
             WHERE sequence IN ( \
                 SELECT sequence FROM batch_results WHERE organization = $2 AND batch IS NULL AND at < $3 \
                 ORDER BY sequence LIMIT $4)",
        )))
        .bind(number)
        .bind(batch.organization.0)
        .bind(batch.ends_at.as_microsecond())
        .bind(i64::from(batch.limit))
        .bind(batch.opened_at.as_microsecond())
        .execute(&mut *transaction)
        .answered()
        .await?;
        let mut has_more = false;
        if claimed.rows_affected() == u64::from(batch.limit) {
            let left: Option<i64> = sqlx::query_scalar(
                "SELECT sequence FROM batch_results WHERE organization = $1 AND batch IS NULL AND at < $2 LIMIT 1",
            )
            .bind(batch.organization.0)
            .bind(batch.ends_at.as_microsecond())
            .fetch_optional(&mut *transaction)
            .answered()
            .await?;
            has_more = left.is_some();
        }
        if has_more {
            sqlx::query("UPDATE batches SET has_more = $3 WHERE organization = $1 AND number = $2")
                .bind(batch.organization.0)
                .bind(number)
                .bind(true)
                .execute(&mut *transaction)
                .answered()
                .await?;
        }
        transaction.commit().answered().await?;
        Ok(Batch {
            organization: batch.organization,
            number: batch.number,
            starts_at: batch.starts_at,
            ends_at: batch.ends_at,
            day: batch.day,
            opened_at: batch.opened_at,
            closed_at: None,
            has_more,
        })
    }

    async fn batch_page(
        &self,
        organization: ClientGuid,
        number: u32,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BatchResult>, Error> {
        let rows: Vec<BatchResultRow> = sqlx::query_as(
            "SELECT b.sequence, b.transaction_id, b.order_id, b.at, \
                 COALESCE((SELECT c.code FROM batch_results c WHERE c.order_id = b.order_id AND c.batch = b.batch \
                     AND c.code <> 'R' ORDER BY c.sequence DESC LIMIT 1), b.code) AS code, \
                 (SELECT MAX(e.batch) FROM batch_results e WHERE e.order_id = b.order_id \
                     AND e.batch < b.batch) AS earlier, \
                 r.code AS own_code, b.sent_at, r.document, r.report \
             FROM batch_results b JOIN results r ON r.transaction_id = b.transaction_id \
             WHERE b.organization = $1 AND b.batch = $2 AND b.sequence > $3 \
                 AND NOT EXISTS (SELECT 1 FROM batch_results l WHERE l.order_id = b.order_id AND l.batch = b.batch \
                     AND l.sequence > b.sequence) \
             ORDER BY b.sequence LIMIT $4",
        )
        .bind(organization.0)
        .bind(id(i64::from(number))?)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.reading().await?)
        .answered()
        .await?;
        rows.into_iter().map(BatchResultRow::record).collect()
    }

    async fn close_batch(&self, organization: ClientGuid, number: u32, at: Timestamp) -> Result<(), Error> {
        sqlx::query("UPDATE batches SET closed_at = $3 WHERE organization = $1 AND number = $2 AND closed_at IS NULL")
            .bind(organization.0)
            .bind(id(i64::from(number))?)
            .bind(at.as_microsecond())
            .execute(self.writing().await?)
            .answered()
            .await?;
        Ok(())
    }
}
