//! Statements about deliveries; they read the same in both databases. A macro for the same reason as in [`super::shared`].

/// Defines the functions for a pool type, the statement that begins a writing transaction, and the suffix that locks selected rows.
macro_rules! delivery_statements {
    ($pool:ty, $connection:ty, $begin:literal, $lock:literal) => {
        use crate::Error;
        use crate::deliveries::{Delivery, DeliveryMessage, DeliveryState, DestinationHealth};
        use crate::outbox::{Destination, Envelope, NewEnvelope, OutboxMessage, seal};
        use crate::store::codec::{DeliveryRow, HealthRow, corrupt, delivery_state_column, id};
        use crate::store::fault::fault;
        use crate::store::{FailedDelivery, SettledDelivery};
        use iris_model::{ClientGuid, Slug};
        use jiff::{SignedDuration, Timestamp};
        use sqlx::AssertSqlSafe;
        use uuid::Uuid;

        pub(super) async fn delivery(
            pool: &$pool,
            transaction: Uuid,
            destination: &str,
        ) -> Result<Option<Delivery>, Error> {
            let sql = format!(
                "SELECT {} FROM deliveries d JOIN results r ON r.transaction_id = d.transaction_id \
                 LEFT JOIN destinations s ON s.organization = d.organization AND s.destination = d.destination \
                 WHERE d.transaction_id = $1 AND d.destination = $2",
                DeliveryRow::COLUMNS
            );
            let row: Option<DeliveryRow> = sqlx::query_as(AssertSqlSafe(sql))
                .bind(transaction)
                .bind(destination)
                .fetch_optional(pool)
                .await
                .map_err(fault)?;
            row.map(DeliveryRow::record).transpose()
        }

        pub(super) async fn deliveries(pool: &$pool, order: i64) -> Result<Vec<Delivery>, Error> {
            let Ok(key) = id(order) else { return Ok(Vec::new()) };
            let sql = format!(
                "SELECT {} FROM deliveries d JOIN results r ON r.transaction_id = d.transaction_id \
                 LEFT JOIN destinations s ON s.organization = d.organization AND s.destination = d.destination \
                 WHERE d.order_id = $1 ORDER BY d.sequence",
                DeliveryRow::COLUMNS
            );
            let rows: Vec<DeliveryRow> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(key).fetch_all(pool).await.map_err(fault)?;
            rows.into_iter().map(DeliveryRow::record).collect()
        }

        pub(super) async fn settle_delivery(
            pool: &$pool,
            settled: &SettledDelivery,
            envelopes: &[NewEnvelope],
        ) -> Result<Vec<Envelope>, Error> {
            let mut transaction = pool.begin_with($begin).await.map_err(fault)?;
            let known: Option<(i16, Uuid, String)> = sqlx::query_as(concat!(
                "SELECT state, organization, destination FROM deliveries WHERE sequence = $1",
                $lock
            ))
            .bind(settled.sequence)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(fault)?;
            let Some((state, organization, destination)) = known else { return Err(corrupt("a delivery")) };
            let column = delivery_state_column;
            if state == column(DeliveryState::Delivered) || state == column(settled.state) {
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
                    let sql = "DELETE FROM destinations WHERE organization = $1 AND destination = $2 AND disabled_at IS NULL";
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
            let mut envelopes = envelopes.to_vec();
            if state == column(DeliveryState::Resumed) && settled.state != DeliveryState::Held {
                envelopes.extend(next_resumed(&mut transaction, organization, &destination).await?);
            }
            let stored = store(&mut transaction, envelopes, settled.at, settled.leased_until).await?;
            transaction.commit().await.map_err(fault)?;
            Ok(stored)
        }

        /// The message for the first delivery that was held and is to be made again.
        async fn next_resumed(
            connection: &mut $connection,
            organization: Uuid,
            destination: &str,
        ) -> Result<Vec<NewEnvelope>, Error> {
            let next: Option<(Uuid, String, i32)> = sqlx::query_as(
                "SELECT transaction_id, slug, order_id FROM deliveries \
                 WHERE organization = $1 AND destination = $2 AND state = 3 ORDER BY sequence LIMIT 1",
            )
            .bind(organization)
            .bind(destination)
            .fetch_optional(connection)
            .await
            .map_err(fault)?;
            let Some((transaction_id, slug, order)) = next else { return Ok(Vec::new()) };
            let message = DeliveryMessage {
                organization: Slug::new(&slug).ok_or_else(|| corrupt("a slug"))?,
                transaction_id,
                destination: destination.to_owned(),
            };
            let message = OutboxMessage {
                id: message.id(),
                key: format!("{organization}/{order}"),
                body: crate::content::json(&message),
                trace: None,
            };
            Ok(seal(vec![(Destination::Deliveries, message)]))
        }

        async fn store(
            connection: &mut $connection,
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

        pub(super) async fn delivery_failed(
            pool: &$pool,
            failed: &FailedDelivery,
            disable_after: SignedDuration,
        ) -> Result<bool, Error> {
            let mut transaction = pool.begin_with($begin).await.map_err(fault)?;
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

        pub(super) async fn resume_destination(
            pool: &$pool,
            organization: ClientGuid,
            destination: &str,
            at: Timestamp,
            leased_until: Timestamp,
        ) -> Result<(u64, Vec<Envelope>), Error> {
            let mut transaction = pool.begin_with($begin).await.map_err(fault)?;
            sqlx::query("DELETE FROM destinations WHERE organization = $1 AND destination = $2")
                .bind(organization.0)
                .bind(destination)
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
            let sql = "UPDATE deliveries SET state = 3 WHERE organization = $1 AND destination = $2 AND state = 2";
            let query = sqlx::query(sql).bind(organization.0).bind(destination);
            let resumed = query.execute(&mut *transaction).await.map_err(fault)?.rows_affected();
            let envelopes = next_resumed(&mut transaction, organization.0, destination).await?;
            let stored = store(&mut transaction, envelopes, at, leased_until).await?;
            transaction.commit().await.map_err(fault)?;
            Ok((resumed, stored))
        }

        pub(super) async fn destination_health(
            pool: &$pool,
            organization: Option<ClientGuid>,
        ) -> Result<Vec<DestinationHealth>, Error> {
            let sql = format!(
                "SELECT {} FROM destinations s WHERE $1 IS NULL OR s.organization = $1 ORDER BY s.organization, s.destination",
                HealthRow::COLUMNS
            );
            let rows: Vec<HealthRow> = sqlx::query_as(AssertSqlSafe(sql))
                .bind(organization.map(|guid| guid.0))
                .fetch_all(pool)
                .await
                .map_err(fault)?;
            rows.into_iter().map(HealthRow::record).collect()
        }
    };
}

pub(super) use delivery_statements;
