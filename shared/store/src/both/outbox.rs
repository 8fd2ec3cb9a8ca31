//! Statements about the outbox.

use super::dialect::{Database, FOR_UPDATE};
use crate::Error;
use crate::codec::{self, EnvelopeRow, ParkedRow, count, time};
use crate::fault::Answered;
use crate::outbox::{Claim, Destination, Envelope, Outbox, payload};
use crate::queries::{OutboxDepth, ParkedEnvelope};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

#[async_trait]
impl Outbox for Database {
    async fn confirm(&self, envelopes: &[i64]) -> Result<(), Error> {
        if envelopes.is_empty() {
            return Ok(());
        }
        let sql = format!("DELETE FROM outbox WHERE id IN ({})", in_list(envelopes));
        sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(self.writing().await?).answered().await?;
        Ok(())
    }

    async fn destinations_due(&self, now: Timestamp) -> Result<Vec<Destination>, Error> {
        let rows: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT destination FROM outbox WHERE available_at <= $1 ORDER BY destination")
                .bind(now.as_microsecond())
                .fetch_all(self.reading().await?)
                .answered()
                .await?;
        rows.iter().map(|text| codec::destination(text)).collect()
    }

    async fn claim(
        &self,
        destination: &Destination,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Claim, Error> {
        let mut transaction = self.begin().await?;
        let sql = format!(
            "SELECT {} FROM outbox WHERE destination = $1 ORDER BY id LIMIT $2{FOR_UPDATE}",
            EnvelopeRow::COLUMNS
        );
        let mut rows: Vec<EnvelopeRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(destination.to_text())
            .bind(i64::from(limit))
            .fetch_all(&mut *transaction)
            .answered()
            .await?;
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
            .answered()
            .await?;
        transaction.commit().answered().await?;
        rows.into_iter().map(EnvelopeRow::envelope).collect::<Result<_, _>>().map(Claim::Envelopes)
    }

    async fn postpone(&self, envelope: &Envelope, at: Timestamp) -> Result<(), Error> {
        sqlx::query(KEEP)
            .bind(envelope.id)
            .bind(i32::try_from(envelope.attempts).unwrap_or(i32::MAX))
            .bind(at.as_microsecond())
            .bind(messages(envelope))
            .bind(payload(&envelope.messages))
            .execute(self.writing().await?)
            .answered()
            .await?;
        Ok(())
    }

    async fn release(&self, envelopes: &[i64], at: Timestamp) -> Result<(), Error> {
        if envelopes.is_empty() {
            return Ok(());
        }
        let sql = format!("UPDATE outbox SET available_at = $1 WHERE id IN ({})", in_list(envelopes));
        sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .bind(at.as_microsecond())
            .execute(self.writing().await?)
            .answered()
            .await?;
        Ok(())
    }

    async fn park(&self, parked: &Envelope, rest: Option<&Envelope>, reason: &str, at: Timestamp) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
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
        .answered()
        .await?;
        match rest {
            Some(rest) => {
                sqlx::query(KEEP)
                    .bind(rest.id)
                    .bind(i32::try_from(rest.attempts).unwrap_or(i32::MAX))
                    .bind(at.as_microsecond())
                    .bind(messages(rest))
                    .bind(payload(&rest.messages))
                    .execute(&mut *transaction)
                    .answered()
                    .await?;
            }
            None => {
                sqlx::query("DELETE FROM outbox WHERE id = $1")
                    .bind(parked.id)
                    .execute(&mut *transaction)
                    .answered()
                    .await?;
            }
        }
        transaction.commit().answered().await
    }

    async fn parked(&self, limit: u32) -> Result<Vec<ParkedEnvelope>, Error> {
        let sql = format!("SELECT {} FROM parked ORDER BY id DESC LIMIT $1", ParkedRow::COLUMNS);
        let rows: Vec<ParkedRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(i64::from(limit))
            .fetch_all(self.reading().await?)
            .answered()
            .await?;
        rows.into_iter().map(ParkedRow::record).collect()
    }

    async fn outbox_depth(&self) -> Result<OutboxDepth, Error> {
        let pool = self.reading().await?;
        let (envelopes, messages, oldest): (i64, i64, Option<i64>) =
            sqlx::query_as("SELECT COUNT(*), COALESCE(SUM(messages), 0), MIN(created_at) FROM outbox")
                .fetch_one(pool)
                .answered()
                .await?;
        let parked: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM parked").fetch_one(pool).answered().await?;
        Ok(OutboxDepth {
            envelopes: count(envelopes),
            messages: count(messages),
            oldest: oldest.map(time).transpose()?,
            parked: count(parked),
        })
    }
}

const KEEP: &str = "UPDATE outbox SET attempts = $2, available_at = $3, messages = $4, payload = $5 WHERE id = $1";

fn messages(envelope: &Envelope) -> i32 {
    i32::try_from(envelope.messages.len()).unwrap_or(i32::MAX)
}

/// `id IN (…)` with the numbers inline; not worth caching as a prepared statement.
fn in_list(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}
