//! Saves a commit inside a transaction that the caller opened and commits.
//!
//! Changes are written before new rows: an order that is superseded must have left the unique index before the new one
//! enters it.

use crate::Error;
use crate::codec::{self, evaluations_column, id, scope_column, slot_column, status_column};
use crate::fault::Answered;
use crate::{Commit, DropBatchEntry};
use iris_model::LocalId;
use iris_model::organization::OpenOrderScope;
use iris_rules::deliveries::life::Purpose;
use iris_rules::deliveries::{DeliveryRecord, DeliveryState};
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
        drop_batch(connection, batch, at).await?;
    }
    envelopes(connection, commit, at).await
}

/// Locks the drop's row, so that nobody can raise the epoch until this transaction ends.
async fn hold_epoch(connection: &mut PgConnection, batch: &DropBatchEntry) -> Result<(), Error> {
    let held: Option<i32> =
        sqlx::query_scalar("SELECT 1 FROM drops WHERE id = $1 AND epoch = $2 AND status = 'loading' FOR SHARE")
            .bind(batch.drop)
            .bind(batch.epoch)
            .fetch_optional(connection)
            .answered()
            .await?;
    held.map(|_| ()).ok_or(Error::LostDrop)
}

fn all_of(rows: usize, affected: u64) -> Result<(), Error> {
    if affected == rows as u64 { Ok(()) } else { Err(Error::Conflict) }
}

/// Rows in key order. Every transaction locks them in this order, so that two that touch the same rows wait in line
/// instead of deadlocking.
fn sorted<'a, T, K: Ord>(rows: &'a [T], key: impl FnMut(&&'a T) -> K) -> Vec<&'a T> {
    let mut rows: Vec<&T> = rows.iter().collect();
    rows.sort_by_key(key);
    rows
}

async fn changed_patients(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let changed = sorted(&commit.changed_patients, |(patient, _)| patient.id);
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
    .answered()
    .await?;
    all_of(changed.len(), result.rows_affected())
}

async fn changed_orders(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let changed = sorted(&commit.changed_orders, |(order, _)| order.id);
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
        .answered()
        .await?;
    }
    let result = sqlx::query(
        "UPDATE orders o SET version = k.version, status = k.status, slot = k.slot, current = k.current, \
             site = k.site, \
             state = k.state, camera = k.camera, fingerprint = k.fingerprint, content = COALESCE(k.content, \
                 o.content), \
             images = k.images \
         FROM UNNEST($1::integer[], $2::integer[], $3::integer[], $4::smallint[], $5::smallint[], $6::boolean[], \
             $7::text[], \
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
    .answered()
    .await?;
    all_of(changed.len(), result.rows_affected())
}

async fn places(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let sites = sorted(&commit.sites, |site| (site.organization, site.local_id.clone()));
    if !sites.is_empty() {
        sqlx::query(
            "INSERT INTO sites (organization, local_id, name, state, address, created_at) \
             SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])",
        )
        .bind(sites.iter().map(|site| site.organization.0).collect::<Vec<_>>())
        .bind(sites.iter().map(|site| site.local_id.as_str()).collect::<Vec<_>>())
        .bind(sites.iter().map(|site| site.name.as_str()).collect::<Vec<_>>())
        .bind(sites.iter().map(|site| site.state.as_str()).collect::<Vec<_>>())
        .bind(sites.iter().map(|site| site.address.as_str()).collect::<Vec<_>>())
        .bind(sites.iter().map(|site| site.created_at.as_microsecond()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .answered()
        .await?;
    }
    let cameras = sorted(&commit.cameras, |camera| (camera.organization, camera.local_id.clone()));
    if !cameras.is_empty() {
        sqlx::query(
            "INSERT INTO cameras (organization, local_id, site, details, created_at) \
             SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[])",
        )
        .bind(cameras.iter().map(|camera| camera.organization.0).collect::<Vec<_>>())
        .bind(cameras.iter().map(|camera| camera.local_id.as_str()).collect::<Vec<_>>())
        .bind(cameras.iter().map(|camera| camera.site.as_str()).collect::<Vec<_>>())
        .bind(cameras.iter().map(|camera| camera.details.as_str()).collect::<Vec<_>>())
        .bind(cameras.iter().map(|camera| camera.created_at.as_microsecond()).collect::<Vec<_>>())
        .execute(connection)
        .answered()
        .await?;
    }
    Ok(())
}

/// Groups rows that share the values that rarely differ. Each group is one statement, which carries those values once
/// instead of once per row.
fn alike<T, K: Ord>(rows: Vec<&Arc<T>>, kind: impl Fn(&T) -> K) -> BTreeMap<K, Vec<&T>> {
    let mut groups: BTreeMap<K, Vec<&T>> = BTreeMap::new();
    for row in rows {
        groups.entry(kind(row)).or_default().push(row);
    }
    groups
}

async fn new_patients(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let kind = |patient: &PatientRecord| (patient.version, patient.created_at);
    let new = sorted(&commit.new_patients, |patient| patient.key.clone());
    for ((version, created_at), patients) in alike(new, kind) {
        sqlx::query(
            "INSERT INTO patients (id, version, created_at, organization, site, local_id, details) \
             SELECT k.id, $1, $2, k.organization, k.site, k.local_id, k.details \
             FROM UNNEST($3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[]) \
                 AS k (organization, id, site, local_id, details)",
        )
        .bind(version)
        .bind(created_at.as_microsecond())
        .bind(patients.iter().map(|patient| patient.key.organization.0).collect::<Vec<_>>())
        .bind(patients.iter().map(|patient| id(patient.id)).collect::<Result<Vec<_>, _>>()?)
        .bind(patients.iter().map(|patient| scope_column(&patient.key)).collect::<Vec<_>>())
        .bind(patients.iter().map(|patient| patient.key.local_id.as_str()).collect::<Vec<_>>())
        .bind(patients.iter().map(|patient| patient.details.as_str()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .answered()
        .await?;
    }
    Ok(())
}

async fn new_orders(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let kind = |order: &OrderRecord| {
        let state = (order.version, status_column(order.status), slot_column(order), order.current, order.images);
        (order.created_at, state)
    };
    let new = sorted(&commit.new_orders, |order| order.key.clone());
    for ((created_at, (version, status, slot, current, images)), orders) in alike(new, kind) {
        sqlx::query(
            "INSERT INTO orders (id, patient, version, images, created_at, status, slot, current, organization, \
                 fingerprint, \
                 local_id, site, camera, state, evaluations, content) \
             SELECT k.id, k.patient, $1, $2, $3, $4, $5, $6, k.organization, k.fingerprint, k.local_id, k.site, \
                 k.camera, k.state, \
                 k.evaluations, k.content \
             FROM UNNEST($7::uuid[], $8::integer[], $9::integer[], $10::uuid[], $11::text[], $12::text[], $13::text[], \
                 $14::text[], \
                 $15::text[], $16::text[]) AS k (organization, id, patient, fingerprint, local_id, site, camera, \
                     state, evaluations, content)",
        )
        .bind(version)
        .bind(images)
        .bind(created_at.as_microsecond())
        .bind(status)
        .bind(slot)
        .bind(current)
        .bind(orders.iter().map(|order| order.key.organization.0).collect::<Vec<_>>())
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
        .answered()
        .await?;
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
    .answered()
    .await?;
    Ok(())
}

async fn history(connection: &mut PgConnection, commit: &Commit, at: i64) -> Result<(), Error> {
    let patients = &commit.patient_history;
    if !patients.is_empty() {
        sqlx::query(
            "INSERT INTO patient_history (patient, version, at, submission, details) \
             SELECT k.patient, k.version, $1, k.submission, k.details \
             FROM UNNEST($2::integer[], $3::integer[], $4::uuid[], $5::text[]) AS k (patient, version, submission, \
                 details)",
        )
        .bind(at)
        .bind(patients.iter().map(|entry| id(entry.patient)).collect::<Result<Vec<_>, _>>()?)
        .bind(patients.iter().map(|entry| entry.version).collect::<Vec<_>>())
        .bind(patients.iter().map(|entry| entry.submission).collect::<Vec<_>>())
        .bind(patients.iter().map(|entry| entry.details.as_str()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .answered()
        .await?;
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
    .answered()
    .await?;
    Ok(())
}

async fn directives(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    if !commit.replaced_directives.is_empty() {
        let orders: Vec<i32> = commit.replaced_directives.iter().map(|order| id(*order)).collect::<Result<_, _>>()?;
        sqlx::query("DELETE FROM image_directives WHERE order_id = ANY($1)")
            .bind(orders)
            .execute(&mut *connection)
            .answered()
            .await?;
    }
    let directives = &commit.directives;
    if directives.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO image_directives (order_id, ordinal, container, file_name, details, version, state, tries, \
             next_try_at, give_up_at) \
         SELECT * FROM UNNEST($1::integer[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::integer[], \
             $7::smallint[], \
             $8::integer[], $9::bigint[], $10::bigint[])",
    )
    .bind(directives.iter().map(|directive| id(directive.order)).collect::<Result<Vec<_>, _>>()?)
    .bind(directives.iter().map(|directive| directive.ordinal).collect::<Vec<_>>())
    .bind(directives.iter().map(|directive| directive.container.as_str()).collect::<Vec<_>>())
    .bind(directives.iter().map(|directive| directive.file_name.as_str()).collect::<Vec<_>>())
    .bind(directives.iter().map(|directive| directive.details.as_str()).collect::<Vec<_>>())
    .bind(directives.iter().map(|directive| directive.version).collect::<Vec<_>>())
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
    .answered()
    .await?;
    Ok(())
}

async fn gradings(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let gradings = &commit.gradings;
    if gradings.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO gradings (order_id, number, at, code, submission, fingerprint, details) \
         SELECT * FROM UNNEST($1::integer[], $2::integer[], $3::bigint[], $4::text[], $5::uuid[], $6::uuid[], \
             $7::text[])",
    )
    .bind(gradings.iter().map(|grading| id(grading.order)).collect::<Result<Vec<_>, _>>()?)
    .bind(gradings.iter().map(|grading| grading.number).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.at.as_microsecond()).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.code.code()).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.submission).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.fingerprint).collect::<Vec<_>>())
    .bind(gradings.iter().map(|grading| grading.details.as_str()).collect::<Vec<_>>())
    .execute(connection)
    .answered()
    .await?;
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
    .answered()
    .await?;
    Ok(())
}

async fn deliveries(connection: &mut PgConnection, commit: &Commit) -> Result<(), Error> {
    let mut deliveries = Vec::with_capacity(commit.deliveries.len());
    for delivery in &commit.deliveries {
        if delivery.purpose == Purpose::AtLeastOnce || charged(connection, delivery).await? {
            deliveries.push(delivery);
        }
    }
    if deliveries.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO deliveries (transaction_id, organization, order_id, at, state, destination, slug, purpose) \
         SELECT k.transaction_id, k.organization, k.order_id, k.at, $1, k.destination, k.slug, k.purpose \
         FROM UNNEST($2::uuid[], $3::uuid[], $4::integer[], $5::bigint[], $6::text[], $7::text[], $8::smallint[]) \
             WITH ORDINALITY AS k (transaction_id, organization, order_id, at, destination, slug, purpose, \
                 place) ORDER BY k.place",
    )
    .bind(codec::delivery_state_column(DeliveryState::Waiting))
    .bind(deliveries.iter().map(|delivery| delivery.transaction_id).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|delivery| delivery.organization.0).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|delivery| id(delivery.order)).collect::<Result<Vec<_>, _>>()?)
    .bind(deliveries.iter().map(|delivery| delivery.at.as_microsecond()).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|delivery| delivery.destination.as_str()).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|delivery| delivery.slug.as_str()).collect::<Vec<_>>())
    .bind(deliveries.iter().map(|delivery| codec::purpose_column(delivery.purpose)).collect::<Vec<_>>())
    .execute(connection)
    .answered()
    .await?;
    Ok(())
}

/// Records that an order is charged; false if it already was.
async fn charged(connection: &mut PgConnection, delivery: &DeliveryRecord) -> Result<bool, Error> {
    let sql = "INSERT INTO charges (order_id, transaction_id, destination, at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT DO NOTHING";
    let query = sqlx::query(sql).bind(id(delivery.order)?).bind(delivery.transaction_id).bind(&delivery.destination);
    let noted = query.bind(delivery.at.as_microsecond()).execute(connection).answered().await?;
    Ok(noted.rows_affected() > 0)
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
    .answered()
    .await?;
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
        "INSERT INTO submissions (id, organization, at, iris_order_id, outcome, order_local_id, patient_local_id, \
             issues, body) \
         SELECT k.id, k.organization, $1, k.iris_order_id, k.outcome, k.order_local_id, k.patient_local_id, k.issues, \
             k.body \
         FROM UNNEST($2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], \
             $9::bytea[]) \
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
    .answered()
    .await?;
    Ok(())
}

async fn drop_batch(connection: &mut PgConnection, batch: &DropBatchEntry, at: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO drop_batches (drop_id, number, totals, pending, lines, at, first_row, last_row) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(batch.drop)
    .bind(id(i64::from(batch.number))?)
    .bind(codec::to_json(&batch.totals))
    .bind(codec::pending_column(&batch.pending))
    .bind(&batch.lines)
    .bind(at)
    .bind(batch.rows.map(|(first, _)| id(i64::from(first))).transpose()?)
    .bind(batch.rows.map(|(_, last)| id(i64::from(last))).transpose()?)
    .execute(connection)
    .answered()
    .await?;
    Ok(())
}

async fn envelopes(connection: &mut PgConnection, commit: &Commit, at: i64) -> Result<Vec<i64>, Error> {
    let envelopes = &commit.envelopes;
    if envelopes.is_empty() {
        return Ok(Vec::new());
    }
    let messages = envelopes.iter().map(|envelope| i32::try_from(envelope.messages.len()).unwrap_or(i32::MAX));
    sqlx::query_scalar(
        "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload) \
         SELECT $1, $2, 0, k.messages, k.destination, k.payload \
         FROM UNNEST($3::integer[], $4::text[], $5::text[]) WITH ORDINALITY AS k (messages, destination, payload, \
             place) \
         ORDER BY k.place RETURNING id",
    )
    .bind(at)
    .bind(commit.leased_until.map_or(at, Timestamp::as_microsecond))
    .bind(messages.collect::<Vec<_>>())
    .bind(envelopes.iter().map(|envelope| envelope.destination.to_text()).collect::<Vec<_>>())
    .bind(envelopes.iter().map(|envelope| envelope.payload.as_str()).collect::<Vec<_>>())
    .fetch_all(connection)
    .answered()
    .await
}
