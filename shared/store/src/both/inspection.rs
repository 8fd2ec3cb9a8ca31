//! Statements for people who inspect the platform.

use super::dialect::Database;
use crate::Error;
use crate::codec::{self, GradingRow, HistoryRow, ResultRow, SubmissionRow, SummaryRow, count, id};
use crate::fault::Answered;
use crate::inspection::{Inspection, Terms};
use crate::outbox::Outbox;
use crate::queries::{Counts, OrderDetail, OrderHistory, OrderSearch, OrderSummary, Page, SubmissionRecord};
use async_trait::async_trait;
use iris_model::{ClientGuid, OutcomeKind};
use iris_rules::record::{GradingRecord, ResultRecord};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

#[async_trait]
impl Inspection for Database {
    async fn counts(&self, organization: Option<ClientGuid>) -> Result<Counts, Error> {
        let pool = self.reading().await?;
        let guid = organization.map(|guid| guid.0);
        let total = async |sql: &'static str| -> Result<u64, Error> {
            let rows: i64 = sqlx::query_scalar(sql).bind(guid).fetch_one(pool).answered().await?;
            Ok(count(rows))
        };
        let orders: Vec<(i16, i64)> = sqlx::query_as(
            "SELECT status, COUNT(*) FROM orders WHERE $1 IS NULL OR organization = $1 GROUP BY status ORDER BY status",
        )
        .bind(guid)
        .fetch_all(pool)
        .answered()
        .await?;
        Ok(Counts {
            patients: total("SELECT COUNT(*) FROM patients WHERE $1 IS NULL OR organization = $1").await?,
            orders: orders
                .into_iter()
                .map(|(status, rows)| Ok((codec::status(status)?, count(rows))))
                .collect::<Result<_, Error>>()?,
            drops: total("SELECT COUNT(*) FROM drops WHERE $1 IS NULL OR organization = $1").await?,
            refused_messages: total(
                "SELECT COUNT(*) FROM submissions WHERE outcome = 'failed' AND ($1 IS NULL OR organization = $1)",
            )
            .await?,
            outbox: self.outbox_depth().await?,
        })
    }

    async fn orders(
        &self,
        organization: ClientGuid,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page<OrderSummary>, Error> {
        let sql = format!(
            "SELECT {} FROM orders o JOIN patients p ON p.id = o.patient \
             WHERE o.organization = $1 AND o.id < $2 ORDER BY o.id DESC LIMIT $3",
            SummaryRow::COLUMNS
        );
        let rows: Vec<SummaryRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(organization.0)
            .bind(before.map_or(Ok(i32::MAX), id)?)
            .bind(i64::from(limit) + 1)
            .fetch_all(self.reading().await?)
            .answered()
            .await?;
        let items = rows.into_iter().map(SummaryRow::record).collect::<Result<_, _>>()?;
        Ok(Page::of(items, limit, |order: &OrderSummary| order.id))
    }

    async fn search_orders(&self, search: &OrderSearch, limit: u32) -> Result<Page<OrderSummary>, Error> {
        let terms = Terms::of(search)?;
        let sql = format!(
            "SELECT {} FROM orders o JOIN patients p ON p.id = o.patient \
             WHERE o.id < $1 AND (CAST($2 AS TEXT) IS NULL OR o.id = $3 OR lower(o.local_id) LIKE $2 ESCAPE '!' \
                 OR lower(p.local_id) LIKE $2 ESCAPE '!' OR lower(o.site) LIKE $2 ESCAPE '!') \
             AND ($4 IS NULL OR o.organization = $4) AND ($5 IS NULL OR o.status = $5) AND ($6 IS NULL \
                 OR o.patient = $6) \
             ORDER BY o.id DESC LIMIT $7",
            SummaryRow::COLUMNS
        );
        let rows: Vec<SummaryRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(terms.before)
            .bind(terms.pattern)
            .bind(terms.number)
            .bind(search.organization.map(|guid| guid.0))
            .bind(terms.status)
            .bind(terms.patient)
            .bind(i64::from(limit) + 1)
            .fetch_all(self.reading().await?)
            .answered()
            .await?;
        let items = rows.into_iter().map(SummaryRow::record).collect::<Result<_, _>>()?;
        Ok(Page::of(items, limit, |order: &OrderSummary| order.id))
    }

    async fn order(&self, order: i64) -> Result<Option<OrderDetail>, Error> {
        let pool = self.reading().await?;
        let Ok(key) = id(order) else { return Ok(None) };
        let sql =
            format!("SELECT {} FROM orders o JOIN patients p ON p.id = o.patient WHERE o.id = $1", SummaryRow::COLUMNS);
        let row: Option<SummaryRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(key).fetch_optional(pool).answered().await?;
        let Some(row) = row else { return Ok(None) };
        let (content, patient): (String, String) = sqlx::query_as(
            "SELECT o.content, p.details FROM orders o JOIN patients p ON p.id = o.patient WHERE o.id = $1",
        )
        .bind(key)
        .fetch_one(pool)
        .answered()
        .await?;
        let history: Vec<HistoryRow> = sqlx::query_as(
            "SELECT version, at, submission, status, change, content FROM order_history WHERE order_id = $1 \
                 ORDER BY version",
        )
        .bind(key)
        .fetch_all(pool)
        .answered()
        .await?;
        let images: Vec<String> =
            sqlx::query_scalar("SELECT details FROM image_directives WHERE order_id = $1 ORDER BY ordinal")
                .bind(key)
                .fetch_all(pool)
                .answered()
                .await?;
        let history: Vec<OrderHistory> = history.into_iter().map(HistoryRow::record).collect::<Result<_, _>>()?;
        Ok(Some(OrderDetail { summary: row.record()?, content, patient, history, images }))
    }

    async fn submissions(
        &self,
        organization: Option<ClientGuid>,
        only: Option<OutcomeKind>,
        limit: u32,
    ) -> Result<Vec<SubmissionRecord>, Error> {
        let outcome = only.map(|kind| format!("AND s.outcome = '{}'", kind.as_str())).unwrap_or_default();
        let sql = format!(
            "SELECT {} FROM submissions s WHERE ($1 IS NULL OR s.organization = $1) {outcome} \
                 ORDER BY s.at DESC LIMIT $2",
            SubmissionRow::COLUMNS
        );
        let rows: Vec<SubmissionRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(organization.map(|guid| guid.0))
            .bind(i64::from(limit))
            .fetch_all(self.reading().await?)
            .answered()
            .await?;
        rows.into_iter().map(SubmissionRow::record).collect()
    }

    async fn refused_body(&self, submission: Uuid) -> Result<Option<Vec<u8>>, Error> {
        let body: Option<Option<Vec<u8>>> = sqlx::query_scalar("SELECT body FROM submissions WHERE id = $1")
            .bind(submission)
            .fetch_optional(self.reading().await?)
            .answered()
            .await?;
        Ok(body.flatten())
    }

    async fn results(&self, order: i64) -> Result<Vec<ResultRecord>, Error> {
        let Ok(key) = id(order) else { return Ok(Vec::new()) };
        let sql = format!("SELECT {} FROM results r WHERE r.order_id = $1 ORDER BY r.sequence", ResultRow::COLUMNS);
        let rows: Vec<ResultRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(key).fetch_all(self.reading().await?).answered().await?;
        rows.into_iter().map(ResultRow::record).collect()
    }

    async fn gradings(&self, order: i64) -> Result<Vec<GradingRecord>, Error> {
        let Ok(key) = id(order) else { return Ok(Vec::new()) };
        let sql = format!("SELECT {} FROM gradings g WHERE g.order_id = $1 ORDER BY g.number", GradingRow::COLUMNS);
        let rows: Vec<GradingRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(key).fetch_all(self.reading().await?).answered().await?;
        rows.into_iter().map(GradingRow::record).collect()
    }
}
