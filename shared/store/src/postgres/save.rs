//! Saving a commit: inside a transaction the caller opened and commits.
//!
//! Changes come before new rows: an order that makes way must have left the unique index when the new one enters it.

use crate::Error;
use crate::codec::{self, evaluations_column, id, scope_column, slot_column, status_column};
use crate::fault::fault;
use crate::{Commit, DropBatchEntry};
use iris_model::LocalId;
use iris_model::organization::OpenOrderScope;
use iris_rules::deliveries::DeliveryState;
use iris_rules::record::{OrderRecord, PatientRecord};
use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) async fn save(connection: &mut PgConnection, commit: &Commit) -> Result<Vec<i64>, Error> {
    let at = commit.at.map_or(0, Timestamp::as_microsecond);
    if let Some(batch) = &commit.drop_batch {
        hold_epoch(connection, batch).await?;
    }
    changed_patients(connection, commit).await?;
    changed_orders(connection, commit).await?;
    places(connection, commit).await?;
    new_patients(connection, commit).await?;
    new_orders(connection, commit).await?;
    open_evaluations(connection, commit).await?;
    history(connection, commit, at).await?;
    directives(connection, commit).await?;
    super::images::save(connection, commit).await?;
    gradings(connection, commit).await?;
    results(connection, commit).await?;
    deliveries(connection, commit).await?;
    batch_entries(connection, commit).await?;
    submissions(connection, commit, at).await?;
    if let Some(batch) = &commit.drop_batch {
        drop_batch(connection, batch).await?;
    }
    envelopes(connection, commit, at).await
}

/// Whoever wants to raise the epoch now waits until this transaction is over.
async fn hold_epoch(connection: &mut PgConnection, batch: &DropBatchEntry) -> Result<(), Error> {
    let held: Option<i32> =
        sqlx::query_scalar("SELECT 1 FROM drops WHERE id = $1 AND epoch = $2 AND status = 'loading' FOR SHARE")
            .bind(batch.drop)
            .bind(batch.epoch)
            .fetch_optional(connection)
            .await
            .map_err(fault)?;
    held.map(|_| ()).ok_or(Error::LostDrop)
}

fn all_of(rows: usize, affected: u64) -> Result<(), Error> {
    if affected == rows as u64 { Ok(()) } else { Err(Error::Conflict) }
}

async fn changed_patients(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let changed = &commit.changed_patients;
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<i32> = changed.iter().map(|(patient, _)| id(patient.id)).collect::<Result<_, _>>()?;
    let result = sqlx::query(
        "UPDATE patients p SET version = k.version, details = k.details \
         FROM UNNEST($1::integer[], $2::integer[], $3::integer[], $4::text[]) AS k (id, expected, version, details) \
         WHERE p.id = k.id AND p.version = k.expected",
    )
    .bind(ids)
    .bind(changed.iter().map(|(_, expected)| *expected).collect::<Vec<_>>())
    .bind(changed.iter().map(|(patient, _)| patient.version).collect::<Vec<_>>())
    .bind(changed.iter().map(|(patient, _)| patient.details.as_str()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    all_of(changed.len(), result.rows_affected())
}

async fn changed_orders(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let changed = &commit.changed_orders;
    if changed.is_empty() {
        return Ok(());
    }
    let orders = || changed.iter().map(|(order, _)| order);
    let closed: Vec<i32> = orders()
        .filter(|order| !order.is_open() && order.scope == OpenOrderScope::PatientAndEvaluation)
        .map(|order| id(order.id))
        .collect::<Result<_, _>>()?;
    if !closed.is_empty() {
        sqlx::query(
            "DELETE FROM open_evaluations WHERE (patient, order_id) IN \
             (SELECT o.patient, o.id FROM orders o WHERE o.id = ANY($1))",
        )
        .bind(closed)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    let result = sqlx::query(
        "UPDATE orders o SET version = k.version, status = k.status, slot = k.slot, current = k.current, site = k.site, \
             state = k.state, camera = k.camera, fingerprint = k.fingerprint, content = COALESCE(k.content, o.content), \
             images = k.images \
         FROM UNNEST($1::integer[], $2::integer[], $3::integer[], $4::smallint[], $5::smallint[], $6::boolean[], $7::text[], \
             $8::text[], $9::text[], $10::uuid[], $11::text[], $12::integer[]) \
             AS k (id, expected, version, status, slot, current, site, state, camera, fingerprint, content, images) \
         WHERE o.id = k.id AND o.version = k.expected",
    )
    .bind(orders().map(|order| id(order.id)).collect::<Result<Vec<_>, _>>()?)
    .bind(changed.iter().map(|(_, expected)| *expected).collect::<Vec<_>>())
    .bind(orders().map(|order| order.version).collect::<Vec<_>>())
    .bind(orders().map(|order| status_column(order.status)).collect::<Vec<_>>())
    .bind(orders().map(|order| slot_column(order)).collect::<Vec<_>>())
    .bind(orders().map(|order| order.current).collect::<Vec<_>>())
    .bind(orders().map(|order| order.site.as_str()).collect::<Vec<_>>())
    .bind(orders().map(|order| order.state.as_str()).collect::<Vec<_>>())
    .bind(orders().map(|order| order.camera.as_ref().map(LocalId::as_str)).collect::<Vec<_>>())
    .bind(orders().map(|order| order.fingerprint).collect::<Vec<_>>())
    .bind(orders().map(|order| order.content.as_deref()).collect::<Vec<_>>())
    .bind(orders().map(|order| order.images).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    all_of(changed.len(), result.rows_affected())
}

async fn places(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    for site in &commit.sites {
        sqlx::query(
            "INSERT INTO sites (organization, local_id, name, state, address, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(site.organization.0)
        .bind(site.local_id.as_str())
        .bind(&site.name)
        .bind(&site.state)
        .bind(&site.address)
        .bind(site.created_at.as_microsecond())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    for camera in &commit.cameras {
        sqlx::query(
            "INSERT INTO cameras (organization, local_id, site, details, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(camera.organization.0)
        .bind(camera.local_id.as_str())
        .bind(camera.site.as_str())
        .bind(&camera.details)
        .bind(camera.created_at.as_microsecond())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

/// Rows alike in what rarely differs share a statement, which then carries those values once instead of once per row.
fn alike<T, K: Ord>(rows: &[Arc<T>], kind: impl Fn(&T) -> K) -> BTreeMap<K, Vec<&T>> {
    let mut groups: BTreeMap<K, Vec<&T>> = BTreeMap::new();
    for row in rows {
        groups.entry(kind(row)).or_default().push(row);
    }
    groups
}

async fn new_patients(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let kind = |patient: &PatientRecord| (patient.key.organization, patient.version, patient.created_at);
    for ((organization, version, created_at), patients) in alike(&commit.new_patients, kind) {
        sqlx::query(
            "INSERT INTO patients (id, version, created_at, organization, site, local_id, details) \
             SELECT k.id, $1, $2, $3, k.site, k.local_id, k.details \
             FROM UNNEST($4::integer[], $5::text[], $6::text[], $7::text[]) AS k (id, site, local_id, details)",
        )
        .bind(version)
        .bind(created_at.as_microsecond())
        .bind(organization.0)
        .bind(patients.iter().map(|patient| id(patient.id)).collect::<Result<Vec<_>, _>>()?)
        .bind(patients.iter().map(|patient| scope_column(&patient.key)).collect::<Vec<_>>())
        .bind(patients.iter().map(|patient| patient.key.local_id.as_str()).collect::<Vec<_>>())
        .bind(patients.iter().map(|patient| patient.details.as_str()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

async fn new_orders(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let kind = |order: &OrderRecord| {
        let state = (order.version, status_column(order.status), slot_column(order), order.current, order.images);
        (order.key.organization, order.created_at, state)
    };
    for ((organization, created_at, (version, status, slot, current, images)), orders) in
        alike(&commit.new_orders, kind)
    {
        sqlx::query(
            "INSERT INTO orders (id, patient, version, images, created_at, status, slot, current, organization, fingerprint, \
                 local_id, site, camera, state, evaluations, content) \
             SELECT k.id, k.patient, $1, $2, $3, $4, $5, $6, $7, k.fingerprint, k.local_id, k.site, k.camera, k.state, \
                 k.evaluations, k.content \
             FROM UNNEST($8::integer[], $9::integer[], $10::uuid[], $11::text[], $12::text[], $13::text[], $14::text[], \
                 $15::text[], $16::text[]) AS k (id, patient, fingerprint, local_id, site, camera, state, evaluations, content)",
        )
        .bind(version)
        .bind(images)
        .bind(created_at.as_microsecond())
        .bind(status)
        .bind(slot)
        .bind(current)
        .bind(organization.0)
        .bind(orders.iter().map(|order| id(order.id)).collect::<Result<Vec<_>, _>>()?)
        .bind(orders.iter().map(|order| id(order.patient)).collect::<Result<Vec<_>, _>>()?)
        .bind(orders.iter().map(|order| order.fingerprint).collect::<Vec<_>>())
        .bind(orders.iter().map(|order| order.key.local_id.as_str()).collect::<Vec<_>>())
        .bind(orders.iter().map(|order| order.site.as_str()).collect::<Vec<_>>())
        .bind(orders.iter().map(|order| order.camera.as_ref().map(LocalId::as_str)).collect::<Vec<_>>())
        .bind(orders.iter().map(|order| order.state.as_str()).collect::<Vec<_>>())
        .bind(orders.iter().map(|order| evaluations_column(&order.evaluation_types)).collect::<Vec<_>>())
        .bind(orders.iter().map(|order| order.content.as_deref().unwrap_or("{}")).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

async fn open_evaluations(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let takes_place =
        |order: &&Arc<OrderRecord>| order.is_open() && order.scope == OpenOrderScope::PatientAndEvaluation;
    let (mut patients, mut evaluations, mut orders) = (Vec::new(), Vec::new(), Vec::new());
    for order in commit.new_orders.iter().filter(takes_place) {
        for evaluation in &order.evaluation_types {
            patients.push(id(order.patient)?);
            evaluations.push(evaluation.code());
            orders.push(id(order.id)?);
        }
    }
    if patients.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO open_evaluations (patient, evaluation, order_id) \
         SELECT * FROM UNNEST($1::integer[], $2::text[], $3::integer[])",
    )
    .bind(patients)
    .bind(evaluations)
    .bind(orders)
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn history(connection: &mut PgConnection, commit: &Commit, at: i64) -> Result<(), Error> {
    let patients = &commit.patient_history;
    if !patients.is_empty() {
        sqlx::query(
            "INSERT INTO patient_history (patient, version, at, submission, details) \
             SELECT k.patient, k.version, $1, k.submission, k.details \
             FROM UNNEST($2::integer[], $3::integer[], $4::uuid[], $5::text[]) AS k (patient, version, submission, details)",
        )
        .bind(at)
        .bind(patients.iter().map(|entry| id(entry.patient)).collect::<Result<Vec<_>, _>>()?)
        .bind(patients.iter().map(|entry| entry.version).collect::<Vec<_>>())
        .bind(patients.iter().map(|entry| entry.submission).collect::<Vec<_>>())
        .bind(patients.iter().map(|entry| entry.details.as_str()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    let orders = &commit.order_history;
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO order_history (order_id, version, at, submission, status, change, content) \
         SELECT k.order_id, k.version, $1, k.submission, k.status, k.change, k.content \
         FROM UNNEST($2::integer[], $3::integer[], $4::uuid[], $5::smallint[], $6::text[], $7::text[]) \
             AS k (order_id, version, submission, status, change, content)",
    )
    .bind(at)
    .bind(orders.iter().map(|entry| id(entry.order)).collect::<Result<Vec<_>, _>>()?)
    .bind(orders.iter().map(|entry| entry.version).collect::<Vec<_>>())
    .bind(orders.iter().map(|entry| entry.submission).collect::<Vec<_>>())
    .bind(orders.iter().map(|entry| status_column(entry.status)).collect::<Vec<_>>())
    .bind(orders.iter().map(|entry| entry.change.as_str()).collect::<Vec<_>>())
    .bind(orders.iter().map(|entry| entry.content.as_deref()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn directives(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    if !commit.replaced_directives.is_empty() {
        let orders: Vec<i32> = commit.replaced_directives.iter().map(|order| id(*order)).collect::<Result<_, _>>()?;
        sqlx::query("DELETE FROM image_directives WHERE order_id = ANY($1)")
            .bind(orders)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    let directives = &commit.directives;
    if directives.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO image_directives (order_id, ordinal, container, file_name, details, state, tries, next_try_at, give_up_at) \
         SELECT * FROM UNNEST($1::integer[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::integer[], \
             $8::bigint[], $9::bigint[])",
    )
    .bind(directives.iter().map(|directive| id(directive.order)).collect::<Result<Vec<_>, _>>()?)
    .bind(directives.iter().map(|directive| directive.ordinal).collect::<Vec<_>>())
    .bind(directives.iter().map(|directive| directive.container.as_str()).collect::<Vec<_>>())
    .bind(directives.iter().map(|directive| directive.file_name.as_str()).collect::<Vec<_>>())
    .bind(directives.iter().map(|directive| directive.details.as_str()).collect::<Vec<_>>())
    .bind(directives.iter().map(|directive| codec::directive_state_column(directive.state)).collect::<Vec<_>>())
    .bind(directives.iter().map(|directive| directive.wait.tries).collect::<Vec<_>>())
    .bind(
        directives
            .iter()
            .map(|directive| directive.wait.next_try_at.map(Timestamp::as_microsecond))
            .collect::<Vec<Option<i64>>>(),
    )
    .bind(directives.iter().map(|directive| directive.wait.give_up_at.as_microsecond()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn gradings(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let gradings = &commit.gradings;
    if gradings.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO gradings (order_id, number, at, code, submission, fingerprint, details) \
         SELECT * FROM UNNEST($1::integer[], $2::integer[], $3::bigint[], $4::text[], $5::uuid[], $6::uuid[], $7::text[])",
    )
    .bind(gradings.iter().map(|grading| id(grading.order)).collect::<Result<Vec<_>, _>>()?)
    .bind(gradings.iter().map(|grading| grading.number).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.at.as_microsecond()).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.code.code()).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.submission).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.fingerprint).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.details.as_str()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn results(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let results = &commit.results;
    if results.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO results (transaction_id, order_id, at, code, document, report) \
         SELECT * FROM UNNEST($1::uuid[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::text[])",
    )
    .bind(results.iter().map(|result| result.transaction_id).collect::<Vec<_>>())
    .bind(results.iter().map(|result| id(result.order)).collect::<Result<Vec<_>, _>>()?)
    .bind(results.iter().map(|result| result.at.as_microsecond()).collect::<Vec<_>>())
    .bind(results.iter().map(|result| result.code.code()).collect::<Vec<_>>())
    .bind(results.iter().map(|result| result.document.as_str()).collect::<Vec<_>>())
    .bind(results.iter().map(|result| result.report.as_str()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn deliveries(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let deliveries = &commit.deliveries;
    if deliveries.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO deliveries (transaction_id, organization, order_id, at, state, destination, slug) \
         SELECT k.transaction_id, k.organization, k.order_id, k.at, $1, k.destination, k.slug \
         FROM UNNEST($2::uuid[], $3::uuid[], $4::integer[], $5::bigint[], $6::text[], $7::text[]) \
             WITH ORDINALITY AS k (transaction_id, organization, order_id, at, destination, slug, place) ORDER BY k.place",
    )
    .bind(codec::delivery_state_column(DeliveryState::Waiting))
    .bind(deliveries.iter().map(|delivery| delivery.transaction_id).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|delivery| delivery.organization.0).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|delivery| id(delivery.order)).collect::<Result<Vec<_>, _>>()?)
    .bind(deliveries.iter().map(|delivery| delivery.at.as_microsecond()).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|delivery| delivery.destination.as_str()).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|delivery| delivery.slug.as_str()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn batch_entries(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let entries = &commit.batch_entries;
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO batch_results (organization, transaction_id, at, order_id, code) \
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::integer[], $5::text[])",
    )
    .bind(entries.iter().map(|entry| entry.organization.0).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.transaction_id).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.at.as_microsecond()).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| id(entry.order)).collect::<Result<Vec<_>, _>>()?)
    .bind(entries.iter().map(|entry| entry.code.code()).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn submissions(connection: &mut PgConnection, commit: &Commit, at: i64) -> Result<(), Error> {
    let entries = &commit.submissions;
    if entries.is_empty() {
        return Ok(());
    }
    let orders: Vec<Option<i32>> =
        entries.iter().map(|entry| entry.outcome.iris_order_id.map(id).transpose()).collect::<Result<_, _>>()?;
    sqlx::query(
        "INSERT INTO submissions (id, organization, at, iris_order_id, outcome, order_local_id, patient_local_id, issues, body) \
         SELECT k.id, k.organization, $1, k.iris_order_id, k.outcome, k.order_local_id, k.patient_local_id, k.issues, k.body \
         FROM UNNEST($2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[]) \
             AS k (id, organization, iris_order_id, outcome, order_local_id, patient_local_id, issues, body)",
    )
    .bind(at)
    .bind(entries.iter().map(|entry| entry.id).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.organization.0).collect::<Vec<_>>())
    .bind(orders)
    .bind(entries.iter().map(|entry| entry.outcome.kind.as_str()).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.outcome.order_local_id.as_deref()).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.outcome.patient_local_id.as_deref()).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| codec::issues_column(&entry.outcome.issues)).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.body.as_deref()).collect::<Vec<Option<&[u8]>>>())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn drop_batch(connection: &mut PgConnection, batch: &DropBatchEntry) -> Result<(), Error> {
    sqlx::query("INSERT INTO drop_batches (drop_id, number, totals, pending, lines) VALUES ($1, $2, $3, $4, $5)")
        .bind(batch.drop)
        .bind(id(i64::from(batch.number))?)
        .bind(codec::to_json(&batch.totals))
        .bind(codec::pending_column(&batch.pending))
        .bind(&batch.lines)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

async fn envelopes(connection: &mut PgConnection, commit: &Commit, at: i64) -> Result<Vec<i64>, Error> {
    let leased = commit.leased_until.map_or(at, Timestamp::as_microsecond);
    let mut ids = Vec::with_capacity(commit.envelopes.len());
    for envelope in &commit.envelopes {
        let envelope: i64 = sqlx::query_scalar(
            "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload) \
             VALUES ($1, $2, 0, $3, $4, $5) RETURNING id",
        )
        .bind(at)
        .bind(leased)
        .bind(i32::try_from(envelope.messages.len()).unwrap_or(i32::MAX))
        .bind(envelope.destination.to_text())
        .bind(&envelope.payload)
        .fetch_one(&mut *connection)
        .await
        .map_err(fault)?;
        ids.push(envelope);
    }
    Ok(ids)
}
