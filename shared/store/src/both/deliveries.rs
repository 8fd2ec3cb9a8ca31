//! Statements about deliveries.

use super::dialect::{Connection, Database, FOR_UPDATE, Pool};
use crate::Error;
use crate::codec::{DeliveryRow, DeliverySummaryRow, HealthRow, corrupt, delivery_state, delivery_state_column, id};
use crate::deliveries::{Deliveries, FailedDelivery, SettledDelivery};
use crate::fault::fault;
use crate::outbox::{Destination, Envelope, NewEnvelope, OutboxMessage, seal};
use async_trait::async_trait;
use iris_model::{ClientGuid, Slug};
use iris_rules::deliveries::{
    Delivery, DeliveryMessage, DeliveryMove, DeliverySearch, DeliveryState, DeliverySummary, DestinationHealth,
    LOST_LIMIT, LostDeliveries,
};
use iris_rules::record::OrderChange;
use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

#[async_trait]
impl Deliveries for Database {
    async fn delivery(&self, transaction: Uuid, destination: &str) -> Result<Option<Delivery>, Error> {
        let sql = format!(
            "SELECT {} FROM deliveries d JOIN results r ON r.transaction_id = d.transaction_id \
             LEFT JOIN destinations s ON s.organization = d.organization AND s.destination = d.destination \
             WHERE d.transaction_id = $1 AND d.destination = $2",
            DeliveryRow::COLUMNS
        );
        let row: Option<DeliveryRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(transaction)
            .bind(destination)
            .fetch_optional(self.reading().await?)
            .await
            .map_err(fault)?;
        row.map(DeliveryRow::record).transpose()
    }

    async fn deliveries(&self, order: i64) -> Result<Vec<Delivery>, Error> {
        let Ok(key) = id(order) else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {} FROM deliveries d JOIN results r ON r.transaction_id = d.transaction_id \
             LEFT JOIN destinations s ON s.organization = d.organization AND s.destination = d.destination \
             WHERE d.order_id = $1 ORDER BY d.sequence",
            DeliveryRow::COLUMNS
        );
        let rows: Vec<DeliveryRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(key).fetch_all(self.reading().await?).await.map_err(fault)?;
        rows.into_iter().map(DeliveryRow::record).collect()
    }

    async fn settle_delivery(
        &self,
        settled: &SettledDelivery,
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Envelope>, Error> {
        let mut transaction = self.begin().await?;
        // First the order: of two deliveries that are done at the same time, the second must see that the first is.
        let locked: Option<i32> = sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT id FROM orders WHERE id = (SELECT order_id FROM deliveries WHERE sequence = $1){FOR_UPDATE}"
        )))
        .bind(settled.sequence)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(fault)?;
        let known: Option<(i16, Uuid, String)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT state, organization, destination FROM deliveries WHERE sequence = $1{FOR_UPDATE}"
        )))
        .bind(settled.sequence)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(fault)?;
        let (Some(order), Some((state, organization, destination))) = (locked, known) else {
            return Err(corrupt("a delivery"));
        };
        let column = delivery_state_column;
        // What ended otherwise, or was taken aside, may still turn out to have been made; nothing else.
        let is_open = delivery_state(state)?.is_open();
        let made = settled.state == DeliveryState::Delivered;
        if state == column(DeliveryState::Delivered) || state == column(settled.state) || !(is_open || made) {
            return Ok(Vec::new());
        }
        sqlx::query("UPDATE deliveries SET state = $2, delivered_at = $3 WHERE sequence = $1")
            .bind(settled.sequence)
            .bind(column(settled.state))
            .bind((settled.state == DeliveryState::Delivered).then(|| settled.at.as_microsecond()))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        match settled.state {
            DeliveryState::Delivered => {
                let sql =
                    "DELETE FROM destinations WHERE organization = $1 AND destination = $2 AND disabled_at IS NULL";
                let query = sqlx::query(sql).bind(organization).bind(&destination);
                query.execute(&mut *transaction).await.map_err(fault)?;
            }
            DeliveryState::Held => {
                // Those that waited for this one wait with it.
                let sql = "UPDATE deliveries SET state = 2 WHERE organization = $1 AND destination = $2 AND state = 3";
                let query = sqlx::query(sql).bind(organization).bind(&destination);
                query.execute(&mut *transaction).await.map_err(fault)?;
            }
            _ => {}
        }
        if matches!(settled.state, DeliveryState::Delivered | DeliveryState::Dropped) {
            complete(&mut transaction, order, settled.at).await?;
        }
        let mut envelopes = envelopes.to_vec();
        if state == column(DeliveryState::Resumed) && settled.state != DeliveryState::Held {
            envelopes.extend(next_resumed(&mut transaction, organization, &destination, settled.at).await?);
        }
        let stored = store(&mut transaction, envelopes, settled.at, settled.leased_until).await?;
        transaction.commit().await.map_err(fault)?;
        Ok(stored)
    }

    async fn delivery_failed(&self, failed: &FailedDelivery, disable_after: SignedDuration) -> Result<bool, Error> {
        let mut transaction = self.begin().await?;
        let (since, disabled): (i64, Option<i64>) = sqlx::query_as(
            "INSERT INTO destinations (organization, destination, failing_since, failed_at, reason) \
             VALUES ($1, $2, $3, $3, $4) \
             ON CONFLICT (organization, destination) DO UPDATE SET failed_at = excluded.failed_at, reason = excluded.reason \
             RETURNING failing_since, disabled_at",
        )
        .bind(failed.organization.0)
        .bind(&failed.destination)
        .bind(failed.at.as_microsecond())
        .bind(&failed.reason)
        .fetch_one(&mut *transaction)
        .await
        .map_err(fault)?;
        let over = i64::try_from(disable_after.as_micros()).unwrap_or(i64::MAX);
        let disable = disabled.is_none() && failed.at.as_microsecond().saturating_sub(since) >= over;
        if disable {
            sqlx::query("UPDATE destinations SET disabled_at = $3 WHERE organization = $1 AND destination = $2")
                .bind(failed.organization.0)
                .bind(&failed.destination)
                .bind(failed.at.as_microsecond())
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)?;
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
        transaction.commit().await.map_err(fault)?;
        Ok((held, stored))
    }

    async fn delivery_seen(&self, sequence: i64, at: Timestamp) -> Result<(), Error> {
        sqlx::query("UPDATE deliveries SET seen_at = $2, lost = 0 WHERE sequence = $1")
            .bind(sequence)
            .bind(at.as_microsecond())
            .execute(self.writing().await?)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn lost_deliveries(
        &self,
        before: Timestamp,
        at: Timestamp,
        leased_until: Timestamp,
        limit: u32,
    ) -> Result<(LostDeliveries, Vec<Envelope>), Error> {
        let mut transaction = self.begin().await?;
        // Of those that were held, the first alone has a message. What the outbox still has to send is not lost.
        let found: Vec<(i64, i32, i16, Uuid, String)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT d.sequence, d.lost, d.state, d.organization, d.destination FROM deliveries d \
             WHERE d.state IN (0, 3) AND COALESCE(d.seen_at, d.at) < $1 \
             AND (d.state = 0 OR NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.organization = d.organization \
                 AND e.destination = d.destination AND e.state = 3 AND e.sequence < d.sequence)) \
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.destination = 'deliveries' AND o.created_at < $1) \
             ORDER BY d.sequence LIMIT $2{FOR_UPDATE}"
        )))
        .bind(before.as_microsecond())
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await
        .map_err(fault)?;
        let mut lost = LostDeliveries::default();
        let (mut messages, mut next) = (Vec::new(), Vec::new());
        for (sequence, times, state, organization, destination) in found {
            if u32::try_from(times).unwrap_or_default() < LOST_LIMIT {
                let sql = "UPDATE deliveries SET lost = lost + 1 WHERE sequence = $1";
                sqlx::query(sql).bind(sequence).execute(&mut *transaction).await.map_err(fault)?;
                messages.push((Destination::Deliveries, announcement(&mut transaction, sequence, at).await?));
                lost.announced += 1;
                continue;
            }
            let parked = set_aside(&mut transaction, sequence).await?;
            lost.parked.push(parked);
            if delivery_state(state)? == DeliveryState::Resumed {
                next.extend(next_resumed(&mut transaction, organization, &destination, at).await?);
            }
        }
        let envelopes = seal(messages).into_iter().chain(next).collect();
        let stored = store(&mut transaction, envelopes, at, leased_until).await?;
        transaction.commit().await.map_err(fault)?;
        Ok((lost, stored))
    }

    async fn destination_health(&self, organization: Option<ClientGuid>) -> Result<Vec<DestinationHealth>, Error> {
        let sql = format!(
            "SELECT {} FROM destinations s WHERE $1 IS NULL OR s.organization = $1 ORDER BY s.organization, s.destination",
            HealthRow::COLUMNS
        );
        let rows: Vec<HealthRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(organization.map(|guid| guid.0))
            .fetch_all(self.reading().await?)
            .await
            .map_err(fault)?;
        rows.into_iter().map(HealthRow::record).collect()
    }
}

/// Completes an order (status 7) that is graded (3), when nothing of its last result is to be delivered any more.
async fn complete(connection: &mut Connection, order: i32, at: Timestamp) -> Result<(), Error> {
    let completed: Option<(i32, Uuid)> = sqlx::query_as(
        "UPDATE orders SET status = 7, version = version + 1 WHERE id = $1 AND status = 3 \
             AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.order_id = $1 AND d.state NOT IN (1, 4) \
                 AND d.transaction_id = (SELECT l.transaction_id FROM deliveries l WHERE l.order_id = $1 \
                     ORDER BY l.sequence DESC LIMIT 1)) \
         RETURNING version, (SELECT l.transaction_id FROM deliveries l WHERE l.order_id = $1 \
             ORDER BY l.sequence DESC LIMIT 1)",
    )
    .bind(order)
    .fetch_optional(&mut *connection)
    .await
    .map_err(fault)?;
    let Some((version, result)) = completed else { return Ok(()) };
    sqlx::query(
        "INSERT INTO order_history (order_id, version, at, submission, status, change, content) \
         VALUES ($1, $2, $3, $4, 3, $5, NULL)",
    )
    .bind(order)
    .bind(version - 1)
    .bind(at.as_microsecond())
    .bind(result)
    .bind(OrderChange::Completed.as_str())
    .execute(&mut *connection)
    .await
    .map_err(fault)?;
    Ok(())
}

/// The message for the first delivery that was held and is to be made again.
async fn next_resumed(
    connection: &mut Connection,
    organization: Uuid,
    destination: &str,
    at: Timestamp,
) -> Result<Vec<NewEnvelope>, Error> {
    let next: Option<i64> = sqlx::query_scalar(
        "SELECT sequence FROM deliveries WHERE organization = $1 AND destination = $2 AND state = 3 ORDER BY sequence LIMIT 1",
    )
    .bind(organization)
    .bind(destination)
    .fetch_optional(&mut *connection)
    .await
    .map_err(fault)?;
    let Some(next) = next else { return Ok(Vec::new()) };
    Ok(seal(vec![(Destination::Deliveries, announcement(connection, next, at).await?)]))
}

/// The next message of a delivery.
async fn announcement(connection: &mut Connection, sequence: i64, at: Timestamp) -> Result<OutboxMessage, Error> {
    let (transaction_id, organization, destination, slug, order, announced): (Uuid, Uuid, String, String, i32, i32) =
        sqlx::query_as(
            "UPDATE deliveries SET announced = announced + 1, seen_at = $2 WHERE sequence = $1 \
             RETURNING transaction_id, organization, destination, slug, order_id, announced",
        )
        .bind(sequence)
        .bind(at.as_microsecond())
        .fetch_one(connection)
        .await
        .map_err(fault)?;
    let message = DeliveryMessage {
        organization: Slug::new(&slug).ok_or_else(|| corrupt("a slug"))?,
        transaction_id,
        destination,
        announcement: u32::try_from(announced).unwrap_or_default(),
    };
    let key = format!("{organization}/{order}");
    Ok(OutboxMessage { id: message.id(), key, body: iris_rules::content::json(&message), trace: None })
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
        .await
        .map_err(fault)?;
        let (destination, messages) = (envelope.destination, envelope.messages);
        stored.push(Envelope { id, destination, messages, attempts: 0 });
    }
    Ok(stored)
}

/// Enables a destination: whether it was disabled, how many deliveries were held for it, and what was put into the outbox.
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
    .await
    .map_err(fault)?;
    let sql = "UPDATE deliveries SET state = 3 WHERE organization = $1 AND destination = $2 AND state = 2";
    let query = sqlx::query(sql).bind(organization.0).bind(destination);
    let resumed = query.execute(&mut *connection).await.map_err(fault)?.rows_affected();
    let envelopes = next_resumed(connection, organization.0, destination, at).await?;
    let stored = store(connection, envelopes, at, leased_until).await?;
    Ok((disabled.flatten().is_some(), resumed, stored))
}

/// Parks a delivery.
async fn set_aside(connection: &mut Connection, sequence: i64) -> Result<DeliverySummary, Error> {
    sqlx::query("UPDATE deliveries SET state = $2 WHERE sequence = $1")
        .bind(sequence)
        .bind(delivery_state_column(DeliveryState::Parked))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let sql = format!("SELECT {} FROM deliveries d WHERE d.sequence = $1", DeliverySummaryRow::COLUMNS);
    let row: DeliverySummaryRow =
        sqlx::query_as(AssertSqlSafe(sql)).bind(sequence).fetch_one(connection).await.map_err(fault)?;
    row.record()
}

/// Sends a delivery's message again at an operator's wish.
pub(super) async fn retry_delivery(
    connection: &mut Connection,
    sequence: i64,
    at: Timestamp,
) -> Result<DeliveryMove, Error> {
    let known: Option<(i16, bool)> = sqlx::query_as(AssertSqlSafe(format!(
"SELECT d.state, EXISTS (SELECT 1 FROM deliveries l WHERE l.order_id = d.order_id AND l.destination = d.destination \
             AND l.sequence > d.sequence AND l.state = 1) FROM deliveries d WHERE d.sequence = $1{FOR_UPDATE}"
)))
    .bind(sequence)
    .fetch_optional(&mut *connection)
    .await
    .map_err(fault)?;
    let Some((state, overtaken)) = known else { return Ok(DeliveryMove::Unknown) };
    let state = match delivery_state(state)? {
        state @ (DeliveryState::Held | DeliveryState::Delivered) => return Ok(DeliveryMove::Refused(state)),
        _ if overtaken => return Ok(DeliveryMove::Overtaken),
        // In its place in the row of those that were held.
        DeliveryState::Resumed => DeliveryState::Resumed,
        _ => DeliveryState::Waiting,
    };
    sqlx::query("UPDATE deliveries SET state = $2, lost = 0 WHERE sequence = $1")
        .bind(sequence)
        .bind(delivery_state_column(state))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let message = announcement(connection, sequence, at).await?;
    store(connection, seal(vec![(Destination::Deliveries, message)]), at, at).await?;
    Ok(DeliveryMove::Done)
}

/// Takes a delivery aside at an operator's wish; whatever waited behind it goes on.
pub(super) async fn park_delivery(
    connection: &mut Connection,
    sequence: i64,
    at: Timestamp,
) -> Result<DeliveryMove, Error> {
    let known: Option<(i16,)> =
        sqlx::query_as(AssertSqlSafe(format!("SELECT state FROM deliveries WHERE sequence = $1{FOR_UPDATE}")))
            .bind(sequence)
            .fetch_optional(&mut *connection)
            .await
            .map_err(fault)?;
    let Some((state,)) = known else { return Ok(DeliveryMove::Unknown) };
    let state = delivery_state(state)?;
    if !state.is_open() {
        return Ok(DeliveryMove::Refused(state));
    }
    let parked = set_aside(connection, sequence).await?;
    if state == DeliveryState::Resumed {
        let next = next_resumed(connection, parked.organization.0, &parked.destination, at).await?;
        store(connection, next, at, at).await?;
    }
    Ok(DeliveryMove::Done)
}

pub(super) async fn search_deliveries(
    pool: &Pool,
    search: &DeliverySearch,
    limit: u32,
) -> Result<Vec<DeliverySummary>, Error> {
    // A number that no order has.
    let Ok(order) = search.order.map(id).transpose() else { return Ok(Vec::new()) };
    let states: Vec<String> = search.states.iter().map(|state| delivery_state_column(*state).to_string()).collect();
    // Numbers of ours: as literals they let the database choose the index of open deliveries.
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
        .await
        .map_err(fault)?;
    rows.into_iter().map(DeliverySummaryRow::record).collect()
}
