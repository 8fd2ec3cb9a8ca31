//! Saves a commit inside a transaction that the caller opened and commits.
//!
//! Changes are written before new rows: an order that is superseded must have left the unique index before the new one
//! enters it. Changes are rare and written one by one; new rows are written with multi-row statements.

use crate::Error;
use crate::codec::{self, evaluations_column, scope_column, slot_column, status_column};
use crate::fault::Answered;
use crate::fault::fault;
use crate::{Commit, DropBatchEntry};
use iris_model::LocalId;
use iris_model::organization::OpenOrderScope;
use iris_rules::deliveries::life::Purpose;
use iris_rules::deliveries::{DeliveryRecord, DeliveryState};
use iris_rules::record::{OrderRecord, PatientRecord};
use jiff::Timestamp;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe};
use std::sync::Arc;

/// The most rows per statement: 16 columns stay well below SQLite's limit of 32,766 variables.
const ROWS_PER_STATEMENT: usize = 256;

pub(super) async fn save(connection: &mut SqliteConnection, commit: &Commit) -> Result<Vec<i64>, Error> {
    let at = commit.at.map_or(0, Timestamp::as_microsecond);
    if let Some(batch) = &commit.drop_batch {
        hold_epoch(connection, batch).await?;
    }
    for (patient, expected) in &commit.changed_patients {
        changed_patient(connection, patient, *expected).await?;
    }
    for (order, expected) in &commit.changed_orders {
        changed_order(connection, order, *expected).await?;
    }
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

/// Inserts rows. The number per statement is a power of two, so that few different statements have to be prepared.
async fn insert<T>(
    connection: &mut SqliteConnection,
    head: &str,
    columns: usize,
    rows: &[T],
    bind: impl Fn(&mut SqliteArguments, &T) -> Result<(), BoxDynError>,
) -> Result<(), Error> {
    let tuple = format!("(?{})", ", ?".repeat(columns - 1));
    let mut rest = rows;
    while !rest.is_empty() {
        let mut size = ROWS_PER_STATEMENT;
        while size > rest.len() {
            size /= 2;
        }
        let (part, after) = rest.split_at(size);
        let mut sql = String::with_capacity(head.len() + size * (tuple.len() + 1) + 8);
        sql.push_str(head);
        sql.push_str(" VALUES ");
        sql.push_str(&tuple);
        for _ in 1..size {
            sql.push(',');
            sql.push_str(&tuple);
        }
        let mut arguments = SqliteArguments::default();
        arguments.reserve(size * columns, 0);
        for row in part {
            bind(&mut arguments, row).map_err(|_| codec::corrupt("a value that cannot be bound"))?;
        }
        sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut *connection).await.map_err(fault)?;
        rest = after;
    }
    Ok(())
}

async fn hold_epoch(connection: &mut SqliteConnection, batch: &DropBatchEntry) -> Result<(), Error> {
    let held: Option<i32> =
        sqlx::query_scalar("SELECT 1 FROM drops WHERE id = $1 AND epoch = $2 AND status = 'loading'")
            .bind(batch.drop)
            .bind(batch.epoch)
            .fetch_optional(connection)
            .await
            .map_err(fault)?;
    held.map(|_| ()).ok_or(Error::LostDrop)
}

fn changed_one(affected: u64) -> Result<(), Error> {
    if affected == 1 { Ok(()) } else { Err(Error::Conflict) }
}

async fn changed_patient(
    connection: &mut SqliteConnection,
    patient: &PatientRecord,
    expected: i32,
) -> Result<(), Error> {
    let result = sqlx::query("UPDATE patients SET version = $3, details = $4 WHERE id = $1 AND version = $2")
        .bind(patient.id)
        .bind(expected)
        .bind(patient.version)
        .bind(patient.details.as_str())
        .execute(connection)
        .await
        .map_err(fault)?;
    changed_one(result.rows_affected())
}

async fn changed_order(connection: &mut SqliteConnection, order: &OrderRecord, expected: i32) -> Result<(), Error> {
    if !order.is_open() && order.scope == OpenOrderScope::PatientAndEvaluation {
        sqlx::query("DELETE FROM open_evaluations WHERE patient = $1 AND order_id = $2")
            .bind(order.patient)
            .bind(order.id)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    let result = sqlx::query(
        "UPDATE orders SET version = $3, status = $4, slot = $5, current = $6, site = $7, state = $8, camera = $9, \
             fingerprint = $10, content = COALESCE($11, content), images = $12 \
         WHERE id = $1 AND version = $2",
    )
    .bind(order.id)
    .bind(expected)
    .bind(order.version)
    .bind(status_column(order.status))
    .bind(slot_column(order))
    .bind(order.current)
    .bind(order.site.as_str())
    .bind(order.state.as_str())
    .bind(order.camera.as_ref().map(LocalId::as_str))
    .bind(order.fingerprint)
    .bind(order.content.as_deref())
    .bind(order.images)
    .execute(connection)
    .await
    .map_err(fault)?;
    changed_one(result.rows_affected())
}

async fn places(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let head = "INSERT INTO sites (organization, local_id, name, state, address, created_at)";
    insert(connection, head, 6, &commit.sites, |arguments, site| {
        arguments.add(site.organization.0)?;
        arguments.add(site.local_id.as_str())?;
        arguments.add(site.name.as_str())?;
        arguments.add(site.state.as_str())?;
        arguments.add(site.address.as_str())?;
        arguments.add(site.created_at.as_microsecond())
    })
    .await?;
    let head = "INSERT INTO cameras (organization, local_id, site, details, created_at)";
    insert(connection, head, 5, &commit.cameras, |arguments, camera| {
        arguments.add(camera.organization.0)?;
        arguments.add(camera.local_id.as_str())?;
        arguments.add(camera.site.as_str())?;
        arguments.add(camera.details.as_str())?;
        arguments.add(camera.created_at.as_microsecond())
    })
    .await
}

async fn new_patients(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let head = "INSERT INTO patients (id, version, created_at, organization, site, local_id, details)";
    insert(connection, head, 7, &commit.new_patients, |arguments, patient| {
        arguments.add(patient.id)?;
        arguments.add(patient.version)?;
        arguments.add(patient.created_at.as_microsecond())?;
        arguments.add(patient.key.organization.0)?;
        arguments.add(scope_column(&patient.key))?;
        arguments.add(patient.key.local_id.as_str())?;
        arguments.add(patient.details.as_str())
    })
    .await
}

async fn new_orders(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let head = "INSERT INTO orders (id, patient, version, images, created_at, status, slot, current, organization, \
                    fingerprint, \
                local_id, site, camera, state, evaluations, content)";
    insert(connection, head, 16, &commit.new_orders, |arguments, order| {
        arguments.add(order.id)?;
        arguments.add(order.patient)?;
        arguments.add(order.version)?;
        arguments.add(order.images)?;
        arguments.add(order.created_at.as_microsecond())?;
        arguments.add(status_column(order.status))?;
        arguments.add(slot_column(order))?;
        arguments.add(order.current)?;
        arguments.add(order.key.organization.0)?;
        arguments.add(order.fingerprint)?;
        arguments.add(order.key.local_id.as_str())?;
        arguments.add(order.site.as_str())?;
        arguments.add(order.camera.as_ref().map(LocalId::as_str))?;
        arguments.add(order.state.as_str())?;
        arguments.add(evaluations_column(&order.evaluation_types))?;
        arguments.add(order.content.as_deref().unwrap_or("{}"))
    })
    .await
}

async fn open_evaluations(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let takes_place =
        |order: &&Arc<OrderRecord>| order.is_open() && order.scope == OpenOrderScope::PatientAndEvaluation;
    let rows: Vec<(i64, &str, i64)> = commit
        .new_orders
        .iter()
        .filter(takes_place)
        .flat_map(|order| order.evaluation_types.iter().map(|kind| (order.patient, kind.code(), order.id)))
        .collect();
    let head = "INSERT INTO open_evaluations (patient, evaluation, order_id)";
    insert(connection, head, 3, &rows, |arguments, (patient, evaluation, order)| {
        arguments.add(*patient)?;
        arguments.add(*evaluation)?;
        arguments.add(*order)
    })
    .await
}

async fn history(connection: &mut SqliteConnection, commit: &Commit, at: i64) -> Result<(), Error> {
    let head = "INSERT INTO patient_history (patient, version, at, submission, details)";
    insert(connection, head, 5, &commit.patient_history, |arguments, entry| {
        arguments.add(entry.patient)?;
        arguments.add(entry.version)?;
        arguments.add(at)?;
        arguments.add(entry.submission)?;
        arguments.add(entry.details.as_str())
    })
    .await?;
    let head = "INSERT INTO order_history (order_id, version, at, submission, status, change, content)";
    insert(connection, head, 7, &commit.order_history, |arguments, entry| {
        arguments.add(entry.order)?;
        arguments.add(entry.version)?;
        arguments.add(at)?;
        arguments.add(entry.submission)?;
        arguments.add(status_column(entry.status))?;
        arguments.add(entry.change.as_str())?;
        arguments.add(entry.content.as_deref())
    })
    .await
}

async fn directives(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    for order in &commit.replaced_directives {
        let delete = sqlx::query("DELETE FROM image_directives WHERE order_id = $1").bind(order);
        delete.execute(&mut *connection).await.map_err(fault)?;
    }
    let head = "INSERT INTO image_directives (order_id, ordinal, container, file_name, details, version, state, tries, \
                    next_try_at, give_up_at)";
    insert(connection, head, 10, &commit.directives, |arguments, directive| {
        arguments.add(directive.order)?;
        arguments.add(directive.ordinal)?;
        arguments.add(directive.container.as_str())?;
        arguments.add(directive.file_name.as_str())?;
        arguments.add(directive.details.as_str())?;
        arguments.add(directive.version)?;
        arguments.add(codec::directive_state_column(directive.state))?;
        arguments.add(directive.wait.tries)?;
        arguments.add(directive.wait.next_try_at.map(Timestamp::as_microsecond))?;
        arguments.add(directive.wait.give_up_at.as_microsecond())
    })
    .await
}

async fn gradings(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let head = "INSERT INTO gradings (order_id, number, at, code, submission, fingerprint, details)";
    insert(connection, head, 7, &commit.gradings, |arguments, grading| {
        arguments.add(grading.order)?;
        arguments.add(grading.number)?;
        arguments.add(grading.at.as_microsecond())?;
        arguments.add(grading.code.code())?;
        arguments.add(grading.submission)?;
        arguments.add(grading.fingerprint)?;
        arguments.add(grading.details.as_str())
    })
    .await
}

async fn results(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let head = "INSERT INTO results (transaction_id, order_id, at, code, document, report)";
    insert(connection, head, 6, &commit.results, |arguments, result| {
        arguments.add(result.transaction_id)?;
        arguments.add(result.order)?;
        arguments.add(result.at.as_microsecond())?;
        arguments.add(result.code.code())?;
        arguments.add(result.document.as_str())?;
        arguments.add(result.report.as_str())
    })
    .await
}

async fn deliveries(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let mut wanted = Vec::with_capacity(commit.deliveries.len());
    for delivery in &commit.deliveries {
        if delivery.purpose == Purpose::AtLeastOnce || charged(connection, delivery).await? {
            wanted.push(delivery);
        }
    }
    let head = "INSERT INTO deliveries (transaction_id, organization, order_id, at, state, destination, slug, purpose)";
    insert(connection, head, 8, &wanted, |arguments, delivery| {
        arguments.add(delivery.transaction_id)?;
        arguments.add(delivery.organization.0)?;
        arguments.add(delivery.order)?;
        arguments.add(delivery.at.as_microsecond())?;
        arguments.add(codec::delivery_state_column(DeliveryState::Waiting))?;
        arguments.add(delivery.destination.as_str())?;
        arguments.add(delivery.slug.as_str())?;
        arguments.add(codec::purpose_column(delivery.purpose))
    })
    .await
}

/// Records that an order is charged; false if it already was.
async fn charged(connection: &mut SqliteConnection, delivery: &DeliveryRecord) -> Result<bool, Error> {
    let sql = "INSERT INTO charges (order_id, transaction_id, destination, at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT DO NOTHING";
    let query = sqlx::query(sql).bind(delivery.order).bind(delivery.transaction_id).bind(&delivery.destination);
    let noted = query.bind(delivery.at.as_microsecond()).execute(connection).answered().await?;
    Ok(noted.rows_affected() > 0)
}

async fn batch_entries(connection: &mut SqliteConnection, commit: &Commit) -> Result<(), Error> {
    let head = "INSERT INTO batch_results (organization, transaction_id, at, order_id, code)";
    insert(connection, head, 5, &commit.batch_entries, |arguments, entry| {
        arguments.add(entry.organization.0)?;
        arguments.add(entry.transaction_id)?;
        arguments.add(entry.at.as_microsecond())?;
        arguments.add(entry.order)?;
        arguments.add(entry.code.code())
    })
    .await
}

async fn submissions(connection: &mut SqliteConnection, commit: &Commit, at: i64) -> Result<(), Error> {
    let head = "INSERT INTO submissions (id, organization, at, iris_order_id, outcome, order_local_id, \
                    patient_local_id, issues, body)";
    insert(connection, head, 9, &commit.submissions, |arguments, entry| {
        arguments.add(entry.id)?;
        arguments.add(entry.organization.0)?;
        arguments.add(at)?;
        arguments.add(entry.outcome.iris_order_id)?;
        arguments.add(entry.outcome.kind.as_str())?;
        arguments.add(entry.outcome.order_local_id.as_deref())?;
        arguments.add(entry.outcome.patient_local_id.as_deref())?;
        arguments.add(codec::issues_column(&entry.outcome.issues))?;
        arguments.add(entry.body.as_deref())
    })
    .await
}

async fn drop_batch(connection: &mut SqliteConnection, batch: &DropBatchEntry, at: i64) -> Result<(), Error> {
    let sql = "INSERT INTO drop_batches (drop_id, number, totals, pending, lines, at, first_row, last_row) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(sql)
        .bind(batch.drop)
        .bind(batch.number)
        .bind(codec::to_json(&batch.totals))
        .bind(codec::pending_column(&batch.pending))
        .bind(batch.lines.as_str())
        .bind(at)
        .bind(batch.rows.map(|(first, _)| first))
        .bind(batch.rows.map(|(_, last)| last))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

async fn envelopes(connection: &mut SqliteConnection, commit: &Commit, at: i64) -> Result<Vec<i64>, Error> {
    let leased = commit.leased_until.map_or(at, Timestamp::as_microsecond);
    let mut ids = Vec::with_capacity(commit.envelopes.len());
    for envelope in &commit.envelopes {
        let inserted = sqlx::query(
            "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload) \
                 VALUES ($1, $2, 0, $3, $4, $5)",
        )
        .bind(at)
        .bind(leased)
        .bind(i64::try_from(envelope.messages.len()).unwrap_or(i64::MAX))
        .bind(envelope.destination.to_text())
        .bind(envelope.payload.as_str())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
        ids.push(inserted.last_insert_rowid());
    }
    Ok(ids)
}
