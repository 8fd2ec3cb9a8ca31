//! Statements about drops.

use super::dialect::{Database, Pool};
use crate::Error;
use crate::codec::{self, BatchRow, DropRow, id};
use crate::drops::{DropFinish, DropLease, DropState, DropStatus, DropTotals, Drops, NewDrop, parse_lines};
use crate::fault::fault;
use crate::queries::DropSummary;
use async_trait::async_trait;
use iris_model::{ClientGuid, Issue};
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use uuid::Uuid;

#[async_trait]
impl Drops for Database {
    async fn begin_drop(&self, drop: &NewDrop) -> Result<DropState, Error> {
        let mut transaction = self.begin().await?;
        let sql = format!(
            "INSERT INTO drops (id, organization, epoch, size, received_at, status, container, name, etag) \
             VALUES ($1, $2, 1, $3, $4, 'loading', $5, $6, $7) \
             ON CONFLICT (id) DO UPDATE SET epoch = drops.epoch + CASE WHEN drops.status = 'loading' THEN 1 ELSE 0 END \
             RETURNING {}",
            DropRow::COLUMNS
        );
        let row: DropRow = sqlx::query_as(AssertSqlSafe(sql))
            .bind(drop.id)
            .bind(drop.organization.0)
            .bind(size(drop))
            .bind(drop.received_at.as_microsecond())
            .bind(&drop.container)
            .bind(&drop.name)
            .bind(&drop.etag)
            .fetch_one(&mut *transaction)
            .await
            .map_err(fault)?;
        let sql = format!("SELECT {} FROM drop_batches WHERE drop_id = $1 ORDER BY number", BatchRow::COLUMNS);
        let batches: Vec<BatchRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(drop.id).fetch_all(&mut *transaction).await.map_err(fault)?;
        transaction.commit().await.map_err(fault)?;

        let status = row.status()?;
        let (mut totals, mut waiting, mut done) = (DropTotals::default(), BTreeSet::new(), BTreeSet::new());
        for batch in &batches {
            totals.add(&batch.totals()?);
            waiting.extend(batch.pending()?);
            done.insert(u32::try_from(batch.number).map_err(|_| codec::corrupt("a batch number"))?);
        }
        if !waiting.is_empty() {
            let mut after = None;
            while let Some((number, text)) = self.drop_lines(drop.id, after).await? {
                for line in parse_lines(&text)? {
                    waiting.remove(&line.row);
                }
                after = Some(number);
            }
        }
        Ok(DropState {
            lease: (status == DropStatus::Loading).then(|| DropLease::new(drop.id, row.epoch)),
            status,
            done,
            pending: waiting.into_iter().collect(),
            first_seen: row.first_seen()?,
            totals,
        })
    }

    async fn finish_drop(&self, lease: &DropLease, finish: &DropFinish) -> Result<(), Error> {
        let result = sqlx::query(
            "UPDATE drops SET status = $3, issues = $4, finished_at = COALESCE(finished_at, $5) \
             WHERE id = $1 AND epoch = $2 AND status IN ('loading', $3)",
        )
        .bind(lease.drop)
        .bind(lease.epoch)
        .bind(finish.status.as_str())
        .bind(codec::issues_column(&finish.issues))
        .bind(finish.at.as_microsecond())
        .execute(self.writing().await?)
        .await
        .map_err(fault)?;
        if result.rows_affected() == 1 { Ok(()) } else { Err(Error::LostDrop) }
    }

    async fn refuse_drop(&self, drop: &NewDrop, issues: &[Issue]) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO drops (id, organization, epoch, size, received_at, finished_at, status, container, name, etag, issues) \
             VALUES ($1, $2, 1, $3, $4, $4, 'refused', $5, $6, $7, $8) \
             ON CONFLICT (id) DO UPDATE SET status = 'refused', epoch = drops.epoch + 1, issues = excluded.issues, \
                 finished_at = excluded.finished_at \
             WHERE drops.status = 'loading'",
        )
        .bind(drop.id)
        .bind(drop.organization.0)
        .bind(size(drop))
        .bind(drop.received_at.as_microsecond())
        .bind(&drop.container)
        .bind(&drop.name)
        .bind(&drop.etag)
        .bind(codec::issues_column(issues))
        .execute(self.writing().await?)
        .await
        .map_err(fault)?;
        Ok(())
    }

    async fn drop_lines(&self, drop: Uuid, after: Option<u32>) -> Result<Option<(u32, String)>, Error> {
        let row: Option<(i32, String)> = sqlx::query_as(
            "SELECT number, lines FROM drop_batches WHERE drop_id = $1 AND number > $2 ORDER BY number LIMIT 1",
        )
        .bind(drop)
        .bind(after.map_or(Ok(-1), |number| id(i64::from(number)))?)
        .fetch_optional(self.reading().await?)
        .await
        .map_err(fault)?;
        let number = |number: i32| u32::try_from(number).map_err(|_| codec::corrupt("a batch number"));
        row.map(|(batch, lines)| Ok((number(batch)?, lines))).transpose()
    }

    async fn drops(&self, organization: Option<ClientGuid>, limit: u32) -> Result<Vec<DropSummary>, Error> {
        let pool = self.reading().await?;
        let sql = format!(
            "SELECT {} FROM drops WHERE $1 IS NULL OR organization = $1 ORDER BY received_at DESC LIMIT $2",
            DropRow::COLUMNS
        );
        let rows: Vec<DropRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(organization.map(|guid| guid.0))
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await
            .map_err(fault)?;
        let mut drops = Vec::with_capacity(rows.len());
        for row in rows {
            let totals = drop_totals(pool, row.id).await?;
            drops.push(row.summary(totals)?);
        }
        Ok(drops)
    }

    async fn drop_summary(&self, drop: Uuid) -> Result<Option<DropSummary>, Error> {
        let pool = self.reading().await?;
        let sql = format!("SELECT {} FROM drops WHERE id = $1", DropRow::COLUMNS);
        let row: Option<DropRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(drop).fetch_optional(pool).await.map_err(fault)?;
        match row {
            Some(row) => Ok(Some(row.summary(drop_totals(pool, drop).await?)?)),
            None => Ok(None),
        }
    }
}

async fn drop_totals(pool: &Pool, drop: Uuid) -> Result<DropTotals, Error> {
    let sql = format!("SELECT {} FROM drop_batches WHERE drop_id = $1", BatchRow::COLUMNS);
    let batches: Vec<BatchRow> = sqlx::query_as(AssertSqlSafe(sql)).bind(drop).fetch_all(pool).await.map_err(fault)?;
    let mut totals = DropTotals::default();
    for batch in batches {
        totals.add(&batch.totals()?);
    }
    Ok(totals)
}

fn size(drop: &NewDrop) -> i64 {
    i64::try_from(drop.size).unwrap_or(i64::MAX)
}
