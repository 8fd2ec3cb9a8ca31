//! Statements that read the same in both databases: drops, outbox, queries.
//!
//! Written once as a macro because the driver's types differ per database; each store expands it in its module `statements`.

/// Defines the functions for a pool type, the statement that begins a writing transaction, and the suffix that locks selected rows.
macro_rules! shared_statements {
    ($pool:ty, $begin:literal, $lock:literal) => {
        use crate::drops::{DropFinish, DropLease, DropState, DropStatus, DropTotals, NewDrop};
        use crate::outbox::{Destination, Envelope, payload};
        use crate::queries::{
            Counts, DropSummary, OrderDetail, OrderHistory, OrderSummary, OutboxDepth, Page, ParkedEnvelope, SubmissionRecord,
        };
        use iris_rules::record::{GradingRecord, ResultRecord};
        use crate::Claim;
        use crate::codec::{
            self, BatchRow, DropRow, EnvelopeRow, GradingRow, HistoryRow, ParkedRow, ResultRow, SubmissionRow, SummaryRow, count, id, time,
        };
        use crate::fault::fault;
        use crate::Error;
        use iris_model::{ClientGuid, Issue, OutcomeKind};
        use jiff::Timestamp;
        use sqlx::AssertSqlSafe;
        use std::collections::BTreeSet;
        use uuid::Uuid;

        fn size(drop: &NewDrop) -> i64 {
            i64::try_from(drop.size).unwrap_or(i64::MAX)
        }

        pub(super) async fn begin_drop(pool: &$pool, drop: &NewDrop) -> Result<DropState, Error> {
            let mut transaction = pool.begin_with($begin).await.map_err(fault)?;
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
            let batches: Vec<BatchRow> = sqlx::query_as(AssertSqlSafe(sql))
                .bind(drop.id)
                .fetch_all(&mut *transaction)
                .await
                .map_err(fault)?;
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
                while let Some((number, text)) = drop_lines(pool, drop.id, after).await? {
                    for line in crate::drops::parse_lines(&text)? {
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

        pub(super) async fn finish_drop(pool: &$pool, lease: &DropLease, finish: &DropFinish) -> Result<(), Error> {
            let result = sqlx::query(
                "UPDATE drops SET status = $3, issues = $4, finished_at = COALESCE(finished_at, $5) \
                 WHERE id = $1 AND epoch = $2 AND status IN ('loading', $3)",
            )
            .bind(lease.drop)
            .bind(lease.epoch)
            .bind(finish.status.as_str())
            .bind(codec::issues_column(&finish.issues))
            .bind(finish.at.as_microsecond())
            .execute(pool)
            .await
            .map_err(fault)?;
            if result.rows_affected() == 1 { Ok(()) } else { Err(Error::LostDrop) }
        }

        pub(super) async fn refuse_drop(pool: &$pool, drop: &NewDrop, issues: &[Issue]) -> Result<(), Error> {
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
            .execute(pool)
            .await
            .map_err(fault)?;
            Ok(())
        }

        pub(super) async fn drop_lines(pool: &$pool, drop: Uuid, after: Option<u32>) -> Result<Option<(u32, String)>, Error> {
            let row: Option<(i32, String)> = sqlx::query_as(
                "SELECT number, lines FROM drop_batches WHERE drop_id = $1 AND number > $2 ORDER BY number LIMIT 1",
            )
            .bind(drop)
            .bind(after.map_or(Ok(-1), |number| id(i64::from(number)))?)
            .fetch_optional(pool)
            .await
            .map_err(fault)?;
            let number = |number: i32| u32::try_from(number).map_err(|_| codec::corrupt("a batch number"));
            row.map(|(batch, lines)| Ok((number(batch)?, lines))).transpose()
        }

        pub(super) async fn drops(
            pool: &$pool,
            organization: Option<ClientGuid>,
            limit: u32,
        ) -> Result<Vec<DropSummary>, Error> {
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

        pub(super) async fn drop_summary(pool: &$pool, drop: Uuid) -> Result<Option<DropSummary>, Error> {
            let sql = format!("SELECT {} FROM drops WHERE id = $1", DropRow::COLUMNS);
            let row: Option<DropRow> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(drop).fetch_optional(pool).await.map_err(fault)?;
            match row {
                Some(row) => Ok(Some(row.summary(drop_totals(pool, drop).await?)?)),
                None => Ok(None),
            }
        }

        async fn drop_totals(pool: &$pool, drop: Uuid) -> Result<DropTotals, Error> {
            let sql = format!("SELECT {} FROM drop_batches WHERE drop_id = $1", BatchRow::COLUMNS);
            let batches: Vec<BatchRow> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(drop).fetch_all(pool).await.map_err(fault)?;
            let mut totals = DropTotals::default();
            for batch in batches {
                totals.add(&batch.totals()?);
            }
            Ok(totals)
        }

        /// `id IN (…)` of numbers; not worth keeping as a prepared statement.
        fn in_list(ids: &[i64]) -> String {
            ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
        }

        pub(super) async fn confirm(pool: &$pool, envelopes: &[i64]) -> Result<(), Error> {
            if envelopes.is_empty() {
                return Ok(());
            }
            let sql = format!("DELETE FROM outbox WHERE id IN ({})", in_list(envelopes));
            sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(pool).await.map_err(fault)?;
            Ok(())
        }

        pub(super) async fn release(pool: &$pool, envelopes: &[i64], at: Timestamp) -> Result<(), Error> {
            if envelopes.is_empty() {
                return Ok(());
            }
            let sql = format!("UPDATE outbox SET available_at = $1 WHERE id IN ({})", in_list(envelopes));
            sqlx::query(AssertSqlSafe(sql))
                .persistent(false)
                .bind(at.as_microsecond())
                .execute(pool)
                .await
                .map_err(fault)?;
            Ok(())
        }

        pub(super) async fn destinations_due(pool: &$pool, now: Timestamp) -> Result<Vec<Destination>, Error> {
            let rows: Vec<String> =
                sqlx::query_scalar("SELECT DISTINCT destination FROM outbox WHERE available_at <= $1 ORDER BY destination")
                    .bind(now.as_microsecond())
                    .fetch_all(pool)
                    .await
                    .map_err(fault)?;
            rows.iter().map(|text| codec::destination(text)).collect()
        }

        pub(super) async fn claim(
            pool: &$pool,
            destination: &Destination,
            now: Timestamp,
            until: Timestamp,
            limit: u32,
        ) -> Result<Claim, Error> {
            let mut transaction = pool.begin_with($begin).await.map_err(fault)?;
            let sql = format!(
                concat!("SELECT {} FROM outbox WHERE destination = $1 ORDER BY id LIMIT $2", $lock),
                EnvelopeRow::COLUMNS
            );
            let mut rows: Vec<EnvelopeRow> = sqlx::query_as(AssertSqlSafe(sql))
                .bind(destination.to_text())
                .bind(i64::from(limit))
                .fetch_all(&mut *transaction)
                .await
                .map_err(fault)?;
            let Some(first) = rows.first() else { return Ok(Claim::Empty) };
            let blocked = time(first.available_at)?;
            let available = rows.iter().take_while(|row| row.available_at <= now.as_microsecond()).count();
            if available == 0 {
                return Ok(Claim::Blocked(blocked));
            }
            rows.truncate(available);
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let sql = format!("UPDATE outbox SET available_at = $1 WHERE id IN ({})", in_list(&ids));
            sqlx::query(AssertSqlSafe(sql))
                .persistent(false)
                .bind(until.as_microsecond())
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
            transaction.commit().await.map_err(fault)?;
            rows.into_iter().map(EnvelopeRow::envelope).collect::<Result<_, _>>().map(Claim::Envelopes)
        }

        fn messages(envelope: &Envelope) -> i32 {
            i32::try_from(envelope.messages.len()).unwrap_or(i32::MAX)
        }

        const KEEP: &str = "UPDATE outbox SET attempts = $2, available_at = $3, messages = $4, payload = $5 WHERE id = $1";

        pub(super) async fn postpone(pool: &$pool, envelope: &Envelope, at: Timestamp) -> Result<(), Error> {
            sqlx::query(KEEP)
                .bind(envelope.id)
                .bind(i32::try_from(envelope.attempts).unwrap_or(i32::MAX))
                .bind(at.as_microsecond())
                .bind(messages(envelope))
                .bind(payload(&envelope.messages))
                .execute(pool)
                .await
                .map_err(fault)?;
            Ok(())
        }

        pub(super) async fn park(
            pool: &$pool,
            parked: &Envelope,
            rest: Option<&Envelope>,
            reason: &str,
            at: Timestamp,
        ) -> Result<(), Error> {
            let mut transaction = pool.begin_with($begin).await.map_err(fault)?;
            sqlx::query(
                "INSERT INTO parked (created_at, parked_at, messages, destination, reason, payload) \
                 SELECT created_at, $2, $3, destination, $4, $5 FROM outbox WHERE id = $1",
            )
            .bind(parked.id)
            .bind(at.as_microsecond())
            .bind(messages(parked))
            .bind(reason)
            .bind(payload(&parked.messages))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
            match rest {
                Some(rest) => {
                    sqlx::query(KEEP)
                        .bind(rest.id)
                        .bind(i32::try_from(rest.attempts).unwrap_or(i32::MAX))
                        .bind(at.as_microsecond())
                        .bind(messages(rest))
                        .bind(payload(&rest.messages))
                        .execute(&mut *transaction)
                        .await
                        .map_err(fault)?;
                }
                None => {
                    sqlx::query("DELETE FROM outbox WHERE id = $1")
                        .bind(parked.id)
                        .execute(&mut *transaction)
                        .await
                        .map_err(fault)?;
                }
            }
            transaction.commit().await.map_err(fault)
        }

        pub(super) async fn parked(pool: &$pool, limit: u32) -> Result<Vec<ParkedEnvelope>, Error> {
            let sql = format!("SELECT {} FROM parked ORDER BY id DESC LIMIT $1", ParkedRow::COLUMNS);
            let rows: Vec<ParkedRow> = sqlx::query_as(AssertSqlSafe(sql))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
                .map_err(fault)?;
            rows.into_iter().map(ParkedRow::record).collect()
        }

        pub(super) async fn unpark(pool: &$pool, parked: i64, at: Timestamp) -> Result<bool, Error> {
            let mut transaction = pool.begin_with($begin).await.map_err(fault)?;
            let moved = sqlx::query(
                "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload) \
                 SELECT created_at, $2, 0, messages, destination, payload FROM parked WHERE id = $1",
            )
            .bind(parked)
            .bind(at.as_microsecond())
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
            sqlx::query("DELETE FROM parked WHERE id = $1")
                .bind(parked)
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
            transaction.commit().await.map_err(fault)?;
            Ok(moved.rows_affected() == 1)
        }

        pub(super) async fn outbox_depth(pool: &$pool) -> Result<OutboxDepth, Error> {
            let (envelopes, messages, oldest): (i64, i64, Option<i64>) =
                sqlx::query_as("SELECT COUNT(*), COALESCE(SUM(messages), 0), MIN(created_at) FROM outbox")
                    .fetch_one(pool)
                    .await
                    .map_err(fault)?;
            let parked: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM parked").fetch_one(pool).await.map_err(fault)?;
            Ok(OutboxDepth {
                envelopes: count(envelopes),
                messages: count(messages),
                oldest: oldest.map(time).transpose()?,
                parked: count(parked),
            })
        }

        pub(super) async fn counts(pool: &$pool, organization: Option<ClientGuid>) -> Result<Counts, Error> {
            let guid = organization.map(|guid| guid.0);
            let total = async |sql: &'static str| -> Result<u64, Error> {
                let rows: i64 = sqlx::query_scalar(sql).bind(guid).fetch_one(pool).await.map_err(fault)?;
                Ok(count(rows))
            };
            let orders: Vec<(i16, i64)> = sqlx::query_as(
                "SELECT status, COUNT(*) FROM orders WHERE $1 IS NULL OR organization = $1 GROUP BY status ORDER BY status",
            )
            .bind(guid)
            .fetch_all(pool)
            .await
            .map_err(fault)?;
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
                outbox: outbox_depth(pool).await?,
            })
        }

        pub(super) async fn orders(
            pool: &$pool,
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
                .fetch_all(pool)
                .await
                .map_err(fault)?;
            let mut items: Vec<OrderSummary> = rows.into_iter().map(SummaryRow::record).collect::<Result<_, _>>()?;
            let more = items.len() > limit as usize;
            items.truncate(limit as usize);
            let next = items.last().filter(|_| more).map(|last| last.id);
            Ok(Page { items, next })
        }

        pub(super) async fn order(pool: &$pool, order: i64) -> Result<Option<OrderDetail>, Error> {
            let Ok(key) = id(order) else { return Ok(None) };
            let sql = format!(
                "SELECT {} FROM orders o JOIN patients p ON p.id = o.patient WHERE o.id = $1",
                SummaryRow::COLUMNS
            );
            let row: Option<SummaryRow> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(key).fetch_optional(pool).await.map_err(fault)?;
            let Some(row) = row else { return Ok(None) };
            let (content, patient): (String, String) = sqlx::query_as(
                "SELECT o.content, p.details FROM orders o JOIN patients p ON p.id = o.patient WHERE o.id = $1",
            )
            .bind(key)
            .fetch_one(pool)
            .await
            .map_err(fault)?;
            let history: Vec<HistoryRow> = sqlx::query_as(
                "SELECT version, at, submission, status, change, content FROM order_history WHERE order_id = $1 ORDER BY version",
            )
            .bind(key)
            .fetch_all(pool)
            .await
            .map_err(fault)?;
            let images: Vec<String> =
                sqlx::query_scalar("SELECT details FROM image_directives WHERE order_id = $1 ORDER BY ordinal")
                    .bind(key)
                    .fetch_all(pool)
                    .await
                    .map_err(fault)?;
            let history: Vec<OrderHistory> = history.into_iter().map(HistoryRow::record).collect::<Result<_, _>>()?;
            Ok(Some(OrderDetail { summary: row.record()?, content, patient, history, images }))
        }

        pub(super) async fn submissions(
            pool: &$pool,
            organization: Option<ClientGuid>,
            only: Option<OutcomeKind>,
            limit: u32,
        ) -> Result<Vec<SubmissionRecord>, Error> {
            let outcome = only.map(|kind| format!("AND s.outcome = '{}'", kind.as_str())).unwrap_or_default();
            let sql = format!(
                "SELECT {} FROM submissions s WHERE ($1 IS NULL OR s.organization = $1) {outcome} ORDER BY s.at DESC LIMIT $2",
                SubmissionRow::COLUMNS
            );
            let rows: Vec<SubmissionRow> = sqlx::query_as(AssertSqlSafe(sql))
                .bind(organization.map(|guid| guid.0))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
                .map_err(fault)?;
            rows.into_iter().map(SubmissionRow::record).collect()
        }

        pub(super) async fn results(pool: &$pool, order: i64) -> Result<Vec<ResultRecord>, Error> {
            let Ok(key) = id(order) else { return Ok(Vec::new()) };
            let sql = format!("SELECT {} FROM results r WHERE r.order_id = $1 ORDER BY r.sequence", ResultRow::COLUMNS);
            let rows: Vec<ResultRow> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(key).fetch_all(pool).await.map_err(fault)?;
            rows.into_iter().map(ResultRow::record).collect()
        }

        pub(super) async fn gradings(pool: &$pool, order: i64) -> Result<Vec<GradingRecord>, Error> {
            let Ok(key) = id(order) else { return Ok(Vec::new()) };
            let sql = format!("SELECT {} FROM gradings g WHERE g.order_id = $1 ORDER BY g.number", GradingRow::COLUMNS);
            let rows: Vec<GradingRow> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(key).fetch_all(pool).await.map_err(fault)?;
            rows.into_iter().map(GradingRow::record).collect()
        }

        pub(super) async fn refused_body(pool: &$pool, submission: Uuid) -> Result<Option<Vec<u8>>, Error> {
            let body: Option<Option<Vec<u8>>> = sqlx::query_scalar("SELECT body FROM submissions WHERE id = $1")
                .bind(submission)
                .fetch_optional(pool)
                .await
                .map_err(fault)?;
            Ok(body.flatten())
        }
    };
}

pub(super) use shared_statements;
