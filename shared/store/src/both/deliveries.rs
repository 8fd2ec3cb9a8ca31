//! Statements about deliveries.

use super::dialect::{Connection, Database, FOR_UPDATE, FOR_UPDATE_SKIP_LOCKED, Pool};
use crate::Error;
use crate::codec::{
    AttemptRow, DeliveryRow, DeliverySummaryRow, HealthRow, corrupt, count, delivery_state, delivery_state_column, id,
    purpose_column, states, status_column,
};
use crate::deliveries::{
    BegunDelivery, Deliveries, FailedDelivery, PostponedDelivery, RungDeliveries, SettledDelivery,
};
use crate::fault::Answered;
use crate::outbox::{Destination, Envelope, NewEnvelope, OutboxMessage, seal};
use async_trait::async_trait;
use iris_model::enumeration::OrderStatus;
use iris_model::{ClientGuid, Slug};
use iris_rules::deliveries::DeliveryState::{Held, Resumed, Waiting};
use iris_rules::deliveries::life::{Begin, Life, Purpose};
use iris_rules::deliveries::{
    Attempt, Delivery, DeliveryMessage, DeliveryMove, DeliverySearch, DeliveryState, DeliverySummary, DestinationHealth,
};
use iris_rules::record::OrderChange;
use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// How many doorbells one sweep rings per destination; more would only wait for their turn there.
const AT_ONCE: i64 = 64;

#[async_trait]
impl Deliveries for Database {
    async fn delivery(&self, transaction: Uuid, destination: &str) -> Result<Option<Delivery>, Error> {
        let mut connection = self.reading().await?.acquire().answered().await?;
        read(&mut connection, transaction, destination).await
    }

    async fn deliveries(&self, order: i64) -> Result<Vec<Delivery>, Error> {
        let Ok(key) = id(order) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {} FROM deliveries d JOIN results r ON r.transaction_id = d.transaction_id \
             LEFT JOIN destinations s ON s.organization = d.organization AND s.destination = d.destination \
             WHERE d.order_id = $1 ORDER BY d.sequence",
            DeliveryRow::columns()
        );
        let rows: Vec<DeliveryRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(key).fetch_all(self.reading().await?).answered().await?;
        rows.into_iter().map(DeliveryRow::record).collect()
    }

    async fn settle_delivery(
        &self,
        settled: &SettledDelivery,
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Envelope>, Error> {
        let mut transaction = self.begin().await?;
        // Lock the order first: of two deliveries that end at the same time, the second must see that the first has
        // ended.
        let locked: Option<i32> = sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT id FROM orders WHERE id = (SELECT order_id FROM deliveries WHERE sequence = $1){FOR_UPDATE}"
        )))
        .bind(settled.sequence)
        .fetch_optional(&mut *transaction)
        .answered()
        .await?;
        let known: Option<(i16, Uuid, String)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT state, organization, destination FROM deliveries WHERE sequence = $1{FOR_UPDATE}"
        )))
        .bind(settled.sequence)
        .fetch_optional(&mut *transaction)
        .answered()
        .await?;
        let (Some(order), Some((state, organization, destination))) = (locked, known) else {
            return Err(corrupt("a delivery"));
        };
        let column = delivery_state_column;
        // A delivery that ended otherwise or was set aside may still turn out to have been made; any other change is
        // ignored.
        let is_open = delivery_state(state)?.is_open();
        let made = settled.state == DeliveryState::Delivered;
        if state == column(DeliveryState::Delivered) || state == column(settled.state) || !(is_open || made) {
            return Ok(Vec::new());
        }
        if settled.state == DeliveryState::Held && !is_disabled(&mut transaction, organization, &destination).await? {
            // Resumed in the meantime: it is due at once, and the next sweep rings for it.
            let sql = "UPDATE deliveries SET next_at = $2, leased_until = NULL, leased_by = NULL WHERE sequence = $1";
            let query = sqlx::query(sql).bind(settled.sequence).bind(settled.at.as_microsecond());
            query.execute(&mut *transaction).answered().await?;
            transaction.commit().answered().await?;
            return Ok(Vec::new());
        }
        sqlx::query(
            "UPDATE deliveries SET state = $2, delivered_at = $3, leased_until = NULL, leased_by = NULL, lost = 0 \
             WHERE sequence = $1",
        )
        .bind(settled.sequence)
        .bind(column(settled.state))
        .bind((settled.state == DeliveryState::Delivered).then(|| settled.at.as_microsecond()))
        .execute(&mut *transaction)
        .answered()
        .await?;
        if let Some(attempt) = &settled.attempt {
            note(&mut transaction, settled.sequence, attempt).await?;
        }
        match settled.state {
            DeliveryState::Delivered => {
                let sql =
                    "DELETE FROM destinations WHERE organization = $1 AND destination = $2 AND disabled_at IS NULL";
                let query = sqlx::query(sql).bind(organization).bind(&destination);
                query.execute(&mut *transaction).answered().await?;
            }
            DeliveryState::Held => {
                hold_resumed(&mut transaction, organization, &destination).await?;
            }
            _ => forgive(&mut transaction, organization, &destination).await?,
        }
        if matches!(settled.state, DeliveryState::Delivered | DeliveryState::Dropped) {
            complete(&mut transaction, order, settled.at).await?;
        }
        let mut envelopes = envelopes.to_vec();
        if settled.state != DeliveryState::Held {
            let ended = Ended { sequence: settled.sequence, was: delivery_state(state)?, organization, destination };
            envelopes.extend(next_in_line(&mut transaction, &ended, settled.at).await?);
            if made {
                envelopes.extend(wake(&mut transaction, &ended, settled.at).await?);
            }
        }
        let stored = store(&mut transaction, envelopes, settled.at, settled.leased_until).await?;
        transaction.commit().answered().await?;
        Ok(stored)
    }

    async fn delivery_failed(&self, failed: &FailedDelivery, disable_after: SignedDuration) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let (since, disabled): (i64, Option<i64>) = sqlx::query_as(
            "INSERT INTO destinations (organization, destination, failing_since, failed_at, reason) \
             VALUES ($1, $2, $3, $3, $4) \
             ON CONFLICT (organization, destination) DO UPDATE \
                 SET failed_at = excluded.failed_at, reason = excluded.reason \
             RETURNING failing_since, disabled_at",
        )
        .bind(failed.organization.0)
        .bind(&failed.destination)
        .bind(failed.at.as_microsecond())
        .bind(&failed.reason)
        .fetch_one(&mut *transaction)
        .answered()
        .await?;
        let over = i64::try_from(disable_after.as_micros()).unwrap_or(i64::MAX);
        let disable = disabled.is_none() && failed.at.as_microsecond().saturating_sub(since) >= over;
        if disable {
            sqlx::query("UPDATE destinations SET disabled_at = $3 WHERE organization = $1 AND destination = $2")
                .bind(failed.organization.0)
                .bind(&failed.destination)
                .bind(failed.at.as_microsecond())
                .execute(&mut *transaction)
                .answered()
                .await?;
        }
        transaction.commit().answered().await?;
        Ok(disable)
    }

    async fn resume_destination(
        &self,
        organization: ClientGuid,
        destination: &str,
        at: Timestamp,
        leased_until: Timestamp,
    ) -> Result<(u64, Vec<Envelope>), Error> {
        let mut transaction = self.begin().await?;
        let (_, held, stored) = resume(&mut transaction, organization, destination, at, leased_until).await?;
        transaction.commit().answered().await?;
        Ok((held, stored))
    }

    async fn begin_delivery(
        &self,
        transaction_id: Uuid,
        destination: &str,
        message: u32,
        at: Timestamp,
    ) -> Result<BegunDelivery, Error> {
        let mut transaction = self.begin().await?;
        // Wait for whoever holds the lock. If this message were dropped because of them and they died, it would be
        // missing.
        let locked: Option<i64> = sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT sequence FROM deliveries WHERE transaction_id = $1 AND destination = $2{FOR_UPDATE}"
        )))
        .bind(transaction_id)
        .bind(destination)
        .fetch_optional(&mut *transaction)
        .answered()
        .await?;
        let Some(delivery) = read(&mut transaction, transaction_id, destination).await? else {
            return Ok(BegunDelivery::Unknown);
        };
        if locked.is_none() || !delivery.state.is_open() || delivery.is_behind {
            return Ok(BegunDelivery::Nothing);
        }
        let (sequence, organization) = (delivery.sequence, delivery.organization.0);
        if delivery.disabled_at.is_some() && is_disabled(&mut transaction, organization, destination).await? {
            let (held, waits) = (states::delivery(Held), states::deliveries(DeliveryState::waits));
            let sql = format!("UPDATE deliveries SET state = {held} WHERE sequence = $1 AND state IN ({waits})");
            sqlx::query(AssertSqlSafe(sql)).bind(sequence).execute(&mut *transaction).answered().await?;
            hold_resumed(&mut transaction, organization, destination).await?;
            transaction.commit().answered().await?;
            return Ok(BegunDelivery::Nothing);
        }
        match delivery.life.begin(delivery.state, message, at) {
            Begin::Nothing => Ok(BegunDelivery::Nothing),
            Begin::Later(life) => {
                store_life(&mut transaction, sequence, &life).await?;
                transaction.commit().answered().await?;
                Ok(BegunDelivery::Nothing)
            }
            Begin::Now(life) => {
                store_life(&mut transaction, sequence, &life).await?;
                transaction.commit().answered().await?;
                Ok(BegunDelivery::Begun(Box::new(Delivery { life, ..delivery })))
            }
            Begin::End(state) => {
                let summary = set_aside(&mut transaction, sequence, state).await?;
                let destination = destination.to_owned();
                let ended = Ended { sequence, was: delivery.state, organization, destination };
                let next = next_in_line(&mut transaction, &ended, at).await?;
                store(&mut transaction, next, at, at).await?;
                transaction.commit().answered().await?;
                Ok(BegunDelivery::Ended(summary))
            }
        }
    }

    async fn postpone_delivery(&self, postponed: &PostponedDelivery) -> Result<Vec<Envelope>, Error> {
        let mut transaction = self.begin().await?;
        let known: Option<(i16, Uuid, String)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT state, organization, destination FROM deliveries WHERE sequence = $1{FOR_UPDATE}"
        )))
        .bind(postponed.sequence)
        .fetch_optional(&mut *transaction)
        .answered()
        .await?;
        let Some((state, organization, destination)) = known else { return Err(corrupt("a delivery")) };
        if let Some(attempt) = &postponed.attempt {
            note(&mut transaction, postponed.sequence, attempt).await?;
        }
        let was = delivery_state(state)?;
        let mut next = Vec::new();
        if was.is_open() {
            store_life(&mut transaction, postponed.sequence, &postponed.life).await?;
            if postponed.state.is_open() && postponed.state != was {
                let query = sqlx::query("UPDATE deliveries SET state = $2 WHERE sequence = $1");
                let query = query.bind(postponed.sequence).bind(delivery_state_column(postponed.state));
                query.execute(&mut *transaction).answered().await?;
            }
            if !postponed.state.is_open() {
                set_aside(&mut transaction, postponed.sequence, postponed.state).await?;
                let ended = Ended { sequence: postponed.sequence, was, organization, destination };
                forgive(&mut transaction, organization, &ended.destination).await?;
                next = next_in_line(&mut transaction, &ended, postponed.at).await?;
            }
        }
        let stored = store(&mut transaction, next, postponed.at, postponed.leased_until).await?;
        transaction.commit().answered().await?;
        Ok(stored)
    }

    async fn ring_due_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(RungDeliveries, Vec<Envelope>), Error> {
        let mut transaction = self.begin().await?;
        // Of the resumed deliveries only the first may go, and an order's later results wait until the earlier ones
        // have ended. A doorbell that is still in the outbox does not count as lost. `seen_at` is when it last rang;
        // `leased_until` or `next_at`, if later, is when the delivery became due after that.
        let (begin, open) = (states::deliveries(DeliveryState::may_begin), states::deliveries(DeliveryState::is_open));
        let resumed = states::delivery(Resumed);
        let found: Vec<(i64, bool)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT q.sequence, COALESCE(q.seen_at, q.at) < COALESCE(q.leased_until, q.next_at) FROM deliveries q \
             WHERE q.sequence IN (SELECT x.sequence FROM \
                 (SELECT d.sequence, ROW_NUMBER() OVER (PARTITION BY d.organization, d.destination \
                     ORDER BY d.sequence) AS turn \
                  FROM deliveries d WHERE d.state IN ({begin}) AND d.next_at <= $2 \
                  AND (d.leased_until IS NULL OR d.leased_until <= $2) \
                  AND (COALESCE(d.seen_at, d.at) < COALESCE(d.leased_until, d.next_at) \
                      OR (COALESCE(d.seen_at, d.at) < $1 AND NOT EXISTS \
                          (SELECT 1 FROM outbox o WHERE o.destination = 'deliveries' AND o.created_at < $1))) \
                  AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.order_id = d.order_id \
                      AND e.destination = d.destination \
                      AND e.sequence < d.sequence AND e.state IN ({open})) \
                  AND (d.state <> {resumed} OR NOT EXISTS (SELECT 1 FROM deliveries e \
                      WHERE e.organization = d.organization \
                      AND e.destination = d.destination AND e.state = {resumed} AND e.sequence < d.sequence))) x \
                 WHERE x.turn <= $4 ORDER BY x.turn, x.sequence LIMIT $3) \
             ORDER BY q.sequence{FOR_UPDATE_SKIP_LOCKED}"
        )))
        .bind(before.as_microsecond())
        .bind(at.as_microsecond())
        .bind(i64::from(limit))
        .bind(AT_ONCE)
        .fetch_all(&mut *transaction)
        .answered()
        .await?;
        let (mut rung, mut messages) = (RungDeliveries::default(), Vec::new());
        for (sequence, due) in found {
            messages.push((Destination::Deliveries, announcement(&mut transaction, sequence, at).await?));
            if due {
                rung.due += 1;
            } else {
                rung.lost += 1;
            }
        }
        let stored = store(&mut transaction, seal(messages), at, leased_until).await?;
        transaction.commit().answered().await?;
        Ok((rung, stored))
    }

    async fn postponed_deliveries(&self) -> Result<u64, Error> {
        let waits = states::deliveries(DeliveryState::waits);
        let sql = format!("SELECT COUNT(*) FROM deliveries WHERE state IN ({waits}) AND next_at > 0");
        let waiting: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(self.reading().await?).answered().await?;
        Ok(count(waiting))
    }

    async fn delivery_attempts(&self, sequence: i64, limit: u32) -> Result<Vec<Attempt>, Error> {
        attempts(self.reading().await?, sequence, limit).await
    }

    async fn destination_health(&self, organization: Option<ClientGuid>) -> Result<Vec<DestinationHealth>, Error> {
        let sql = format!(
            "SELECT {} FROM destinations s WHERE $1 IS NULL OR s.organization = $1 \
                 ORDER BY s.organization, s.destination",
            HealthRow::columns()
        );
        let rows: Vec<HealthRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(organization.map(|guid| guid.0))
            .fetch_all(self.reading().await?)
            .answered()
            .await?;
        rows.into_iter().map(HealthRow::record).collect()
    }
}

async fn read(connection: &mut Connection, transaction: Uuid, destination: &str) -> Result<Option<Delivery>, Error> {
    let sql = format!(
        "SELECT {} FROM deliveries d JOIN results r ON r.transaction_id = d.transaction_id \
         LEFT JOIN destinations s ON s.organization = d.organization AND s.destination = d.destination \
         WHERE d.transaction_id = $1 AND d.destination = $2",
        DeliveryRow::columns()
    );
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(transaction).bind(destination);
    let row: Option<DeliveryRow> = query.fetch_optional(connection).answered().await?;
    row.map(DeliveryRow::record).transpose()
}

/// Whether a destination is disabled; the lock keeps it so until the transaction ends.
async fn is_disabled(connection: &mut Connection, organization: Uuid, destination: &str) -> Result<bool, Error> {
    let disabled: Option<Option<i64>> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT disabled_at FROM destinations WHERE organization = $1 AND destination = $2{FOR_UPDATE}"
    )))
    .bind(organization)
    .bind(destination)
    .fetch_optional(connection)
    .answered()
    .await?;
    Ok(disabled.flatten().is_some())
}

/// When a destination is held again, its resumed deliveries that still wait for one another are held as well.
async fn hold_resumed(connection: &mut Connection, organization: Uuid, destination: &str) -> Result<(), Error> {
    let (held, resumed) = (states::delivery(Held), states::delivery(Resumed));
    let sql = format!(
        "UPDATE deliveries SET state = {held} WHERE organization = $1 AND destination = $2 AND state = {resumed}"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(organization).bind(destination);
    query.execute(connection).answered().await?;
    Ok(())
}

/// Forgets that a destination was failing, once none of its open deliveries has failed.
async fn forgive(connection: &mut Connection, organization: Uuid, destination: &str) -> Result<(), Error> {
    let waits = states::deliveries(DeliveryState::waits);
    let sql = format!(
        "DELETE FROM destinations WHERE organization = $1 AND destination = $2 AND disabled_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.organization = $1 AND d.destination = $2 \
             AND d.state IN ({waits}) AND d.failures > 0)"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(organization).bind(destination).execute(connection).answered().await?;
    Ok(())
}

async fn store_life(connection: &mut Connection, sequence: i64, life: &Life) -> Result<(), Error> {
    sqlx::query(
        "UPDATE deliveries SET failures = $2, failing_since = $3, lost = $4, next_at = $5, leased_until = $6, \
             leased_by = $7 \
         WHERE sequence = $1",
    )
    .bind(sequence)
    .bind(i32::try_from(life.failures).unwrap_or(i32::MAX))
    .bind(life.failing_since.map(Timestamp::as_microsecond))
    .bind(i32::try_from(life.broken_off).unwrap_or(i32::MAX))
    .bind(life.next_at.as_microsecond())
    .bind(life.lease.map(|lease| lease.until.as_microsecond()))
    .bind(life.lease.map(|lease| i32::try_from(lease.by).unwrap_or(i32::MAX)))
    .execute(connection)
    .answered()
    .await?;
    Ok(())
}

async fn note(connection: &mut Connection, sequence: i64, attempt: &Attempt) -> Result<(), Error> {
    sqlx::query("INSERT INTO delivery_attempts (sequence, at, took_ms, outcome, said) VALUES ($1, $2, $3, $4, $5)")
        .bind(sequence)
        .bind(attempt.at.as_microsecond())
        .bind(i64::try_from(attempt.took_ms).unwrap_or(i64::MAX))
        .bind(&attempt.outcome)
        .bind(&attempt.said)
        .execute(connection)
        .answered()
        .await?;
    Ok(())
}

pub(super) async fn attempts(pool: &Pool, sequence: i64, limit: u32) -> Result<Vec<Attempt>, Error> {
    let sql = "SELECT at, took_ms, outcome, said FROM delivery_attempts WHERE sequence = $1 ORDER BY id DESC LIMIT $2";
    let query = sqlx::query_as(sql).bind(sequence).bind(i64::from(limit));
    let rows: Vec<AttemptRow> = query.fetch_all(pool).answered().await?;
    rows.into_iter().map(AttemptRow::record).collect()
}

/// A delivery that has ended or was set aside.
struct Ended {
    sequence: i64,
    was: DeliveryState,
    organization: Uuid,
    destination: String,
}

/// Rings for what waited for it: the next resumed delivery, and the next result of its order.
async fn next_in_line(connection: &mut Connection, ended: &Ended, at: Timestamp) -> Result<Vec<NewEnvelope>, Error> {
    let mut next = Vec::new();
    if ended.was == DeliveryState::Resumed {
        next.extend(next_resumed(connection, ended.organization, &ended.destination, at).await?);
    }
    let (waiting, open) = (states::delivery(Waiting), states::deliveries(DeliveryState::is_open));
    let behind: Option<i64> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT d.sequence FROM deliveries d JOIN deliveries e ON e.order_id = d.order_id \
             AND e.destination = d.destination \
         WHERE e.sequence = $1 AND d.sequence > e.sequence AND d.state = {waiting} \
         AND NOT EXISTS (SELECT 1 FROM deliveries f WHERE f.order_id = d.order_id AND f.destination = d.destination \
             AND f.sequence < d.sequence AND f.state IN ({open})) \
         ORDER BY d.sequence LIMIT 1",
    )))
    .bind(ended.sequence)
    .fetch_optional(&mut *connection)
    .answered()
    .await?;
    if let Some(behind) = behind {
        let message = announcement(connection, behind, at).await?;
        next.extend(seal(vec![(Destination::Deliveries, message)]));
    }
    Ok(next)
}

/// Rings early for waiting deliveries to a destination that just took one: each success wakes up to two more. Those
/// that rest because their attempts broke off (`lost`) are left alone, since that was not the destination's fault.
async fn wake(connection: &mut Connection, ended: &Ended, at: Timestamp) -> Result<Vec<NewEnvelope>, Error> {
    let (waiting, open) = (states::delivery(Waiting), states::deliveries(DeliveryState::is_open));
    let asleep: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT d.sequence FROM deliveries d WHERE d.organization = $1 AND d.destination = $2 AND d.state = {waiting} \
         AND d.lost = 0 AND d.next_at > $3 AND (d.leased_until IS NULL OR d.leased_until <= $3) \
         AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.order_id = d.order_id AND e.destination = d.destination \
             AND e.sequence < d.sequence AND e.state IN ({open})) \
         ORDER BY d.sequence LIMIT 2",
    )))
    .bind(ended.organization)
    .bind(&ended.destination)
    .bind(at.as_microsecond())
    .fetch_all(&mut *connection)
    .answered()
    .await?;
    let mut messages = Vec::new();
    for sequence in asleep {
        let sql = "UPDATE deliveries SET next_at = $2 WHERE sequence = $1";
        let query = sqlx::query(sql).bind(sequence).bind(at.as_microsecond());
        query.execute(&mut *connection).answered().await?;
        messages.push((Destination::Deliveries, announcement(connection, sequence, at).await?));
    }
    Ok(seal(messages))
}

/// Completes a graded order once nothing of its last result is left to deliver.
async fn complete(connection: &mut Connection, order: i32, at: Timestamp) -> Result<(), Error> {
    let (graded, complete) = (status_column(OrderStatus::Graded), status_column(OrderStatus::Complete));
    let settled = states::deliveries(DeliveryState::is_settled);
    let results = purpose_column(Purpose::AtLeastOnce);
    let completed: Option<(i32, Uuid)> = sqlx::query_as(AssertSqlSafe(format!(
        "UPDATE orders SET status = {complete}, version = version + 1 WHERE id = $1 AND status = {graded} \
             AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.order_id = $1 AND d.state NOT IN ({settled}) \
                 AND d.purpose = {results} \
                 AND d.transaction_id = (SELECT l.transaction_id FROM deliveries l WHERE l.order_id = $1 \
                     ORDER BY l.sequence DESC LIMIT 1)) \
         RETURNING version, (SELECT l.transaction_id FROM deliveries l WHERE l.order_id = $1 \
             ORDER BY l.sequence DESC LIMIT 1)",
    )))
    .bind(order)
    .fetch_optional(&mut *connection)
    .answered()
    .await?;
    let Some((version, result)) = completed else { return Ok(()) };
    sqlx::query(
        "INSERT INTO order_history (order_id, version, at, submission, status, change, content) \
         VALUES ($1, $2, $3, $4, $6, $5, NULL)",
    )
    .bind(order)
    .bind(version - 1)
    .bind(at.as_microsecond())
    .bind(result)
    .bind(OrderChange::Completed.as_str())
    .bind(graded)
    .execute(&mut *connection)
    .answered()
    .await?;
    Ok(())
}

/// The message for the first of the resumed deliveries.
async fn next_resumed(
    connection: &mut Connection,
    organization: Uuid,
    destination: &str,
    at: Timestamp,
) -> Result<Vec<NewEnvelope>, Error> {
    let resumed = states::delivery(Resumed);
    let next: Option<i64> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT sequence FROM deliveries WHERE organization = $1 AND destination = $2 AND state = {resumed} \
         ORDER BY sequence LIMIT 1",
    )))
    .bind(organization)
    .bind(destination)
    .fetch_optional(&mut *connection)
    .answered()
    .await?;
    let Some(next) = next else { return Ok(Vec::new()) };
    let sql = "UPDATE deliveries SET next_at = $2 WHERE sequence = $1";
    sqlx::query(sql).bind(next).bind(at.as_microsecond()).execute(&mut *connection).answered().await?;
    Ok(seal(vec![(Destination::Deliveries, announcement(connection, next, at).await?)]))
}

/// The next message of a delivery, which it also counts.
async fn announcement(connection: &mut Connection, sequence: i64, at: Timestamp) -> Result<OutboxMessage, Error> {
    let (transaction_id, organization, destination, slug, order, announced): (Uuid, Uuid, String, String, i32, i32) =
        sqlx::query_as(
            "UPDATE deliveries SET announced = announced + 1, seen_at = $2 WHERE sequence = $1 \
             RETURNING transaction_id, organization, destination, slug, order_id, announced",
        )
        .bind(sequence)
        .bind(at.as_microsecond())
        .fetch_one(connection)
        .answered()
        .await?;
    let message = DeliveryMessage {
        organization: Slug::new(&slug).ok_or_else(|| corrupt("a slug"))?,
        transaction_id,
        destination,
        announcement: u32::try_from(announced).unwrap_or_default(),
    };
    let key = format!("{organization}/{order}");
    Ok(OutboxMessage { id: message.id(), key, body: iris_rules::content::json(&message), answers: None, trace: None })
}

async fn store(
    connection: &mut Connection,
    envelopes: Vec<NewEnvelope>,
    at: Timestamp,
    leased_until: Timestamp,
) -> Result<Vec<Envelope>, Error> {
    let mut stored = Vec::with_capacity(envelopes.len());
    for envelope in envelopes {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload) \
             VALUES ($1, $2, 0, $3, $4, $5) RETURNING id",
        )
        .bind(at.as_microsecond())
        .bind(leased_until.as_microsecond())
        .bind(i32::try_from(envelope.messages.len()).unwrap_or(i32::MAX))
        .bind(envelope.destination.to_text())
        .bind(envelope.payload.as_str())
        .fetch_one(&mut *connection)
        .answered()
        .await?;
        let (destination, messages) = (envelope.destination, envelope.messages);
        stored.push(Envelope { id, destination, messages, attempts: 0 });
    }
    Ok(stored)
}

/// Enables a destination. Returns whether it was disabled, how many deliveries were held for it, and what was put into
/// the outbox.
pub(super) async fn resume(
    connection: &mut Connection,
    organization: ClientGuid,
    destination: &str,
    at: Timestamp,
    leased_until: Timestamp,
) -> Result<(bool, u64, Vec<Envelope>), Error> {
    let disabled: Option<Option<i64>> = sqlx::query_scalar(
        "DELETE FROM destinations WHERE organization = $1 AND destination = $2 RETURNING disabled_at",
    )
    .bind(organization.0)
    .bind(destination)
    .fetch_optional(&mut *connection)
    .answered()
    .await?;
    let (held, resumed) = (states::delivery(Held), states::delivery(Resumed));
    let sql = format!(
        "UPDATE deliveries SET state = {resumed}, failures = 0, failing_since = NULL, lost = 0, leased_until = NULL, \
         leased_by = NULL WHERE organization = $1 AND destination = $2 AND state = {held}"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(organization.0).bind(destination);
    let resumed = query.execute(&mut *connection).answered().await?.rows_affected();
    let envelopes = next_resumed(connection, organization.0, destination, at).await?;
    let stored = store(connection, envelopes, at, leased_until).await?;
    Ok((disabled.flatten().is_some(), resumed, stored))
}

/// Sets a delivery aside.
async fn set_aside(connection: &mut Connection, sequence: i64, state: DeliveryState) -> Result<DeliverySummary, Error> {
    sqlx::query("UPDATE deliveries SET state = $2, leased_until = NULL, leased_by = NULL WHERE sequence = $1")
        .bind(sequence)
        .bind(delivery_state_column(state))
        .execute(&mut *connection)
        .answered()
        .await?;
    let sql = format!("SELECT {} FROM deliveries d WHERE d.sequence = $1", DeliverySummaryRow::COLUMNS);
    let row: DeliverySummaryRow =
        sqlx::query_as(AssertSqlSafe(sql)).bind(sequence).fetch_one(connection).answered().await?;
    row.record()
}

/// Sends a delivery's message again at an operator's request.
pub(super) async fn retry_delivery(
    connection: &mut Connection,
    sequence: i64,
    at: Timestamp,
) -> Result<DeliveryMove, Error> {
    let delivered = states::delivery(DeliveryState::Delivered);
    let known: Option<(i16, i16, bool)> = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT d.state, d.purpose, EXISTS (SELECT 1 FROM deliveries l WHERE l.order_id = d.order_id \
             AND l.destination = d.destination \
             AND l.sequence > d.sequence AND l.state = {delivered}) FROM deliveries d WHERE d.sequence = $1{FOR_UPDATE}"
    )))
    .bind(sequence)
    .fetch_optional(&mut *connection)
    .answered()
    .await?;
    let Some((state, purpose, overtaken)) = known else { return Ok(DeliveryMove::Unknown) };
    let state = match delivery_state(state)? {
        // Once a charge may have been sent, it is never sent again.
        state
            if purpose != purpose_column(Purpose::AtLeastOnce)
                && !matches!(state, DeliveryState::Waiting | DeliveryState::Resumed) =>
        {
            return Ok(DeliveryMove::Refused(state));
        }
        state @ (DeliveryState::Held | DeliveryState::Delivered | DeliveryState::HandedOver) => {
            return Ok(DeliveryMove::Refused(state));
        }
        _ if overtaken => return Ok(DeliveryMove::Overtaken),
        // It keeps its place among the resumed deliveries.
        DeliveryState::Resumed => DeliveryState::Resumed,
        _ => DeliveryState::Waiting,
    };
    sqlx::query(
        "UPDATE deliveries SET state = $2, lost = 0, failures = 0, failing_since = NULL, next_at = $3, \
             leased_until = NULL, \
         leased_by = NULL WHERE sequence = $1",
    )
    .bind(sequence)
    .bind(delivery_state_column(state))
    .bind(at.as_microsecond())
    .execute(&mut *connection)
    .answered()
    .await?;
    let message = announcement(connection, sequence, at).await?;
    store(connection, seal(vec![(Destination::Deliveries, message)]), at, at).await?;
    Ok(DeliveryMove::Done)
}

/// Sets a delivery aside at an operator's request; whatever waited behind it goes on.
pub(super) async fn park_delivery(
    connection: &mut Connection,
    sequence: i64,
    at: Timestamp,
) -> Result<DeliveryMove, Error> {
    let known: Option<(i16,)> =
        sqlx::query_as(AssertSqlSafe(format!("SELECT state FROM deliveries WHERE sequence = $1{FOR_UPDATE}")))
            .bind(sequence)
            .fetch_optional(&mut *connection)
            .answered()
            .await?;
    let Some((state,)) = known else { return Ok(DeliveryMove::Unknown) };
    let state = delivery_state(state)?;
    if !state.is_open() {
        return Ok(DeliveryMove::Refused(state));
    }
    let parked = set_aside(connection, sequence, DeliveryState::Parked).await?;
    let ended = Ended { sequence, was: state, organization: parked.organization.0, destination: parked.destination };
    let next = next_in_line(connection, &ended, at).await?;
    store(connection, next, at, at).await?;
    Ok(DeliveryMove::Done)
}

pub(super) async fn search_deliveries(
    pool: &Pool,
    search: &DeliverySearch,
    limit: u32,
) -> Result<Vec<DeliverySummary>, Error> {
    // No order can have such a number.
    let Ok(order) = search.order.map(id).transpose() else { return Ok(Vec::new()) };
    let states: Vec<String> = search.states.iter().map(|state| delivery_state_column(*state).to_string()).collect();
    // These are our own numbers, not input. As literals they let the database choose the index of open deliveries.
    let states = if states.is_empty() { String::new() } else { format!("AND d.state IN ({})", states.join(", ")) };
    let sql = format!(
        "SELECT {} FROM deliveries d WHERE d.sequence < $1 AND ($2 IS NULL OR d.organization = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR d.destination = $3) AND ($4 IS NULL OR d.order_id = $4) {states} \
         ORDER BY d.sequence DESC LIMIT $5",
        DeliverySummaryRow::COLUMNS
    );
    let rows: Vec<DeliverySummaryRow> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(search.before.unwrap_or(i64::MAX))
        .bind(search.organization.map(|guid| guid.0))
        .bind(search.destination.as_deref())
        .bind(order)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .answered()
        .await?;
    rows.into_iter().map(DeliverySummaryRow::record).collect()
}
