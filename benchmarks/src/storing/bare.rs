//! Loops that only insert rows.

use crate::clock::rate;
use crate::submissions::BATCH;
use anyhow::Result;
use iris_model::OrderRequest;
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use std::path::Path;
use std::time::Instant;
use uuid::Uuid;

/// The event of one order.
const EVENT: &str = r#"{"TransactionId":"6f0a51f7-93f4-4be5-9d5c-2b8e70c1a3d4","Timestamp":"2026-11-20T09:15:02.5314827+00:00","IrisOrderId":100001,"OrderLocalId":"B-O0000001","PatientLocalId":"B-P0000001","Success":true,"ErrorMessage":null,"ResultObjectType":"OrderCreationReceipt","Version":"2.3.1"}"#;
/// The receipt's line of one row.
const LINE: &str = r#"{"row":100002,"outcome":"created","irisOrderId":100001,"orderLocalId":"B-O0000001","patientLocalId":"B-P0000001"}"#;

const PATIENTS: &str = "INSERT INTO patients (id, version, created_at, organization, site, local_id, details)";
const ORDERS: &str = "INSERT INTO orders (id, patient, version, images, created_at, status, slot, current, \
                          organization, fingerprint, \
                      local_id, site, camera, state, evaluations, content)";
const OUTBOX: &str = "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload)";
const LINES: &str = "INSERT INTO drop_batches (drop_id, number, totals, lines)";

/// What is inserted for one row.
pub(super) struct Row {
    id: i32,
    organization: Uuid,
    fingerprint: Uuid,
    patient: String,
    order: String,
    details: String,
    content: String,
}

impl Row {
    pub(super) fn of(number: u32, request: &OrderRequest, organization: Uuid) -> Self {
        let local_id = |id: Option<&Option<String>>| id.cloned().flatten().unwrap_or_default();
        Self {
            id: 100_001 + i32::try_from(number).unwrap_or_default(),
            organization,
            fingerprint: Uuid::new_v4(),
            patient: local_id(request.patient.as_ref().map(|patient| &patient.local_id)),
            order: local_id(request.order.as_ref().map(|order| &order.local_id)),
            details: request.patient.as_ref().map(iris_rules::content::of_patient).unwrap_or_default(),
            content: iris_rules::content::of_order(request),
        }
    }
}

fn envelope(rows: usize) -> String {
    format!("[{}]", vec![EVENT; rows].join(","))
}

fn lines(rows: usize) -> String {
    format!("{LINE}\n").repeat(rows)
}

/// UNNEST, one transaction per batch, on this many connections.
pub(super) async fn unnest(url: &str, rows: &[Row], connections: usize) -> Result<f64> {
    let batches: Vec<&[Row]> = rows.chunks(BATCH as usize).collect();
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(PgConnection::connect(url).await?);
    }
    let started = Instant::now();
    let shares = open.into_iter().enumerate().map(|(share, mut connection)| {
        let batches = batches.iter().skip(share).step_by(connections);
        async move {
            for batch in batches {
                let mut transaction = connection.begin().await?;
                insert(&mut transaction, batch).await?;
                tail(&mut transaction, batch).await?;
                transaction.commit().await?;
            }
            connection.close().await
        }
    });
    futures::future::try_join_all(shares).await?;
    Ok(rate(u32::try_from(rows.len())?, started))
}

async fn insert(transaction: &mut Transaction<'_, Postgres>, rows: &[Row]) -> Result<(), sqlx::Error> {
    let organization = rows.first().map(|row| row.organization);
    let patients = format!(
        "{PATIENTS} SELECT k.id, 1, 1, $1, '', k.local_id, k.details \
             FROM UNNEST($2::integer[], $3::text[], $4::text[]) AS k (id, local_id, details)"
    );
    sqlx::query(sqlx::AssertSqlSafe(patients))
        .bind(organization)
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.patient.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.details.as_str()).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await?;
    let orders = format!(
        "{ORDERS} SELECT k.id, k.id, 1, 0, 1, 0, 1, true, $1, k.fingerprint, k.local_id, 'HV-SEA', NULL, 'WA', 'DR', \
             k.content \
         FROM UNNEST($2::integer[], $3::uuid[], $4::text[], $5::text[]) AS k (id, fingerprint, local_id, content)"
    );
    sqlx::query(sqlx::AssertSqlSafe(orders))
        .bind(organization)
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.fingerprint).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.order.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.content.as_str()).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// The envelope and the lines of the rows.
async fn tail(transaction: &mut Transaction<'_, Postgres>, rows: &[Row]) -> Result<(), sqlx::Error> {
    let Some(first) = rows.first() else { return Ok(()) };
    sqlx::query(sqlx::AssertSqlSafe(format!("{OUTBOX} VALUES (1, 1, 0, $1, 'queue:events-harborview', $2)")))
        .bind(i32::try_from(rows.len()).unwrap_or_default())
        .bind(envelope(rows.len()))
        .execute(&mut **transaction)
        .await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("{LINES} VALUES ($1, $2, '{{}}', $3)")))
        .bind(first.organization)
        .bind(first.id)
        .bind(lines(rows.len()))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Separate statements for each row, committed after this many rows.
pub(super) async fn single(url: &str, rows: &[Row], per_transaction: usize) -> Result<f64> {
    let mut connection = PgConnection::connect(url).await?;
    let started = Instant::now();
    for batch in rows.chunks(per_transaction) {
        let mut transaction = connection.begin().await?;
        for row in batch {
            insert(&mut transaction, std::slice::from_ref(row)).await?;
            tail(&mut transaction, std::slice::from_ref(row)).await?;
        }
        transaction.commit().await?;
    }
    Ok(rate(u32::try_from(rows.len())?, started))
}

/// Prepared SQLite statements row by row, committed after this many rows, as durably as the store.
pub(super) fn prepared(path: &Path, rows: &[Row], per_transaction: usize) -> Result<f64> {
    let mut connection = rusqlite::Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    let patients = format!("{PATIENTS} VALUES (?1, 1, 1, ?2, '', ?3, ?4)");
    let orders = format!("{ORDERS} VALUES (?1, ?1, 1, 0, 1, 0, 1, 1, ?2, ?3, ?4, 'HV-SEA', NULL, 'WA', 'DR', ?5)");
    let outbox = format!("{OUTBOX} VALUES (1, 1, 0, ?1, 'queue:events-harborview', ?2)");
    let receipt = format!("{LINES} VALUES (?1, ?2, '{{}}', ?3)");
    let started = Instant::now();
    for batch in rows.chunks(per_transaction) {
        let transaction = connection.transaction()?;
        for row in batch {
            let organization = row.organization.as_bytes();
            transaction.prepare_cached(&patients)?.execute((row.id, organization, &row.patient, &row.details))?;
            transaction.prepare_cached(&orders)?.execute((
                row.id,
                organization,
                row.fingerprint.as_bytes(),
                &row.order,
                &row.content,
            ))?;
        }
        if let Some(first) = batch.first() {
            transaction.prepare_cached(&outbox)?.execute((batch.len() as i64, envelope(batch.len())))?;
            transaction.prepare_cached(&receipt)?.execute((
                first.organization.as_bytes(),
                first.id,
                lines(batch.len()),
            ))?;
        }
        transaction.commit()?;
    }
    Ok(rate(u32::try_from(rows.len())?, started))
}
