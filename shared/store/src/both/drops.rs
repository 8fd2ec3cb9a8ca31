//! Statements about drops.

use super::dialect::{Connection, Database, FOR_UPDATE, Pool};
use crate::Error;
use crate::codec::{self, BatchRow, DropRow, id, time};
use crate::drops::{
    DropFinish, DropLease, DropState, DropStatus, DropTotals, Drops, NewDrop, RowRanges, Takeover, parse_lines,
};
use crate::fault::Answered;
use crate::queries::DropSummary;
use async_trait::async_trait;
use iris_model::ClientGuid;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use uuid::Uuid;

#[async_trait]
impl Drops for Database {
    async fn begin_drop(&self, drop: &NewDrop, takeover: Takeover) -> Result<DropState, Error> {
        let mut transaction = self.begin().await?;
        let is_new = insert(&mut transaction, drop).await?;
        let sql = format!("SELECT {} FROM drops WHERE id = $1{FOR_UPDATE}", DropRow::COLUMNS);
        let row: DropRow =
            sqlx::query_as(AssertSqlSafe(sql)).bind(drop.id).fetch_one(&mut *transaction).answered().await?;
        let sql = format!("SELECT {} FROM drop_batches WHERE drop_id = $1 ORDER BY number", BatchRow::COLUMNS);
        let batches: Vec<BatchRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(drop.id).fetch_all(&mut *transaction).answered().await?;
        let status = row.status()?;
        let worked_on = time(batches.iter().map(BatchRow::at).fold(row.begun_at(), i64::max))?;
        let mut lease = None;
        if status == DropStatus::Loading && (is_new || takeover.takes(worked_on)) {
            let epoch = if is_new { row.epoch } else { raise_epoch(&mut transaction, drop).await? };
            lease = Some(DropLease::new(drop.id, epoch));
        }
        transaction.commit().answered().await?;

        let mut state = DropState {
            lease,
            status,
            done: BTreeSet::new(),
            rows: RowRanges::default(),
            pending: Vec::new(),
            first_seen: row.first_seen()?,
            totals: DropTotals::default(),
        };
        let (mut waiting, mut unknown, mut ranges) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for batch in &batches {
            let number = u32::try_from(batch.number).map_err(|_| codec::corrupt("a batch number"))?;
            state.done.insert(number);
            state.totals.add(&batch.totals()?);
            let pending = batch.pending()?;
            match batch.rows()? {
                Some(rows) => ranges.push(rows),
                None => {
                    ranges.extend(pending.iter().map(|row| (*row, *row)));
                    unknown.insert(number);
                }
            }
            waiting.extend(pending);
        }
        if !waiting.is_empty() || !unknown.is_empty() {
            let mut after = None;
            while let Some((number, text)) = self.drop_lines(drop.id, after).await? {
                for line in parse_lines(&text)? {
                    waiting.remove(&line.row);
                    if unknown.contains(&number) {
                        ranges.push((line.row, line.row));
                    }
                }
                after = Some(number);
            }
        }
        state.pending = waiting.into_iter().collect();
        state.rows = ranges.into_iter().collect();
        Ok(state)
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
        .answered()
        .await?;
        if result.rows_affected() == 1 { Ok(()) } else { Err(Error::LostDrop) }
    }

    async fn drop_lines(&self, drop: Uuid, after: Option<u32>) -> Result<Option<(u32, String)>, Error> {
        let row: Option<(i32, String)> = sqlx::query_as(
            "SELECT number, lines FROM drop_batches WHERE drop_id = $1 AND number > $2 ORDER BY number LIMIT 1",
        )
        .bind(drop)
        .bind(after.map_or(Ok(-1), |number| id(i64::from(number)))?)
        .fetch_optional(self.reading().await?)
        .answered()
        .await?;
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
            .answered()
            .await?;
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
            sqlx::query_as(AssertSqlSafe(sql)).bind(drop).fetch_optional(pool).answered().await?;
        match row {
            Some(row) => Ok(Some(row.summary(drop_totals(pool, drop).await?)?)),
            None => Ok(None),
        }
    }
}

/// Records a drop; false if it is already known.
async fn insert(connection: &mut Connection, drop: &NewDrop) -> Result<bool, Error> {
    let inserted = sqlx::query(
        "INSERT INTO drops (id, organization, epoch, size, received_at, begun_at, status, container, name, etag) \
         VALUES ($1, $2, 1, $3, $4, $4, 'loading', $5, $6, $7) ON CONFLICT (id) DO NOTHING",
    )
    .bind(drop.id)
    .bind(drop.organization.0)
    .bind(i64::try_from(drop.size).unwrap_or(i64::MAX))
    .bind(drop.received_at.as_microsecond())
    .bind(&drop.container)
    .bind(&drop.name)
    .bind(&drop.etag)
    .execute(connection)
    .answered()
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Takes a drop over from whoever holds it; returns its new epoch.
async fn raise_epoch(connection: &mut Connection, drop: &NewDrop) -> Result<i64, Error> {
    sqlx::query_scalar("UPDATE drops SET epoch = epoch + 1, begun_at = $2 WHERE id = $1 RETURNING epoch")
        .bind(drop.id)
        .bind(drop.received_at.as_microsecond())
        .fetch_one(connection)
        .answered()
        .await
}

async fn drop_totals(pool: &Pool, drop: Uuid) -> Result<DropTotals, Error> {
    let sql = format!("SELECT {} FROM drop_batches WHERE drop_id = $1", BatchRow::COLUMNS);
    let batches: Vec<BatchRow> = sqlx::query_as(AssertSqlSafe(sql)).bind(drop).fetch_all(pool).answered().await?;
    let mut totals = DropTotals::default();
    for batch in batches {
        totals.add(&batch.totals()?);
    }
    Ok(totals)
}
