//! What is compared with: loops that insert the same rows with nothing around them.

use crate::{BATCH, Outcome, full, requests};
use sqlx::PgPool;
use std::path::Path;
use std::time::Instant;
use uuid::Uuid;

/// The texts of a row.
struct Row {
    id: i32,
    patient: String,
    order: String,
    details: String,
    content: String,
}

const EVENT: &str = r#"{"TransactionId":"6f0a51f7-93f4-4be5-9d5c-2b8e70c1a3d4","Timestamp":"2026-11-20T09:15:02.5314827+00:00","IrisOrderId":100001,"OrderLocalId":"ORD-00000001","PatientLocalId":"MRN00000001","Success":true,"ErrorMessage":null,"ResultObjectType":"OrderCreationReceipt","Version":"2.3.1"}"#;

fn batch(number: u32) -> Vec<Row> {
    let row = |number: u32| {
        let request = full(number).request;
        Row {
            id: 100_001 + i32::try_from(number).unwrap_or_default(),
            patient: format!("MRN{number:08}"),
            order: format!("ORD-{number:08}"),
            details: request.patient.as_ref().map(iris_orders::content::of_patient).unwrap_or_default(),
            content: iris_orders::content::of_order(&request),
        }
    };
    (number * BATCH..(number + 1) * BATCH).map(row).collect()
}

fn envelope() -> String {
    format!("[{}]", vec![EVENT; BATCH as usize].join(","))
}

fn lines() -> String {
    let line = r#"{"row":100002,"outcome":"created","irisOrderId":100001,"orderLocalId":"ORD-00000001","patientLocalId":"MRN00000001"}"#;
    format!("{line}\n").repeat(BATCH as usize)
}

/// UNNEST into patients and orders plus one row of outbox and lines, a transaction per batch, on as many connections.
pub(crate) async fn unnest(url: &str, rows: u32, connections: usize) -> Outcome<f64> {
    let pool = PgPool::connect(url).await?;
    let mut shares: Vec<Vec<Vec<Row>>> = (0..connections).map(|_| Vec::new()).collect();
    for number in 0..rows / BATCH {
        if let Some(share) = shares.get_mut(number as usize % connections) {
            share.push(batch(number));
        }
    }
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for share in shares {
        let pool = pool.clone();
        tasks.spawn(async move {
            for batch in &share {
                insert(&pool, batch).await?;
            }
            Ok::<(), sqlx::Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let rate = f64::from(rows) / started.elapsed().as_secs_f64();
    pool.close().await;
    Ok(rate)
}

async fn insert(pool: &PgPool, rows: &[Row]) -> Result<(), sqlx::Error> {
    let organization = requests::organization().client_guid.0;
    let mut transaction = pool.begin().await?;
    sqlx::query(
        "INSERT INTO patients (id, version, created_at, organization, site, local_id, details) \
         SELECT k.id, 1, 1, $1, 'S1', k.local_id, k.details FROM UNNEST($2::integer[], $3::text[], $4::text[]) AS k (id, local_id, details)",
    )
    .bind(organization)
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.patient.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.details.as_str()).collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "INSERT INTO orders (id, patient, version, images, created_at, status, slot, current, organization, fingerprint, local_id, site, \
             camera, state, evaluations, content) \
         SELECT k.id, k.id, 1, 0, 1, 0, 1, true, $1, k.fingerprint, k.local_id, 'S1', 'C1', 'TX', 'DR', k.content \
         FROM UNNEST($2::integer[], $3::uuid[], $4::text[], $5::text[]) AS k (id, fingerprint, local_id, content)",
    )
    .bind(organization)
    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|_| Uuid::new_v4()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.order.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.content.as_str()).collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload) VALUES (1, 1, 0, 1000, 'queue:events-acme', $1)",
    )
    .bind(envelope())
    .execute(&mut *transaction)
    .await?;
    sqlx::query("INSERT INTO drop_batches (drop_id, number, totals, lines) VALUES ($1, $2, '{}', $3)")
        .bind(organization)
        .bind(rows[0].id)
        .bind(lines())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// Prepared statements, row by row, a transaction per batch.
pub(crate) fn prepared(path: &Path, rows: u32, durable: bool) -> Result<f64, rusqlite::Error> {
    let organization = *requests::organization().client_guid.0.as_bytes();
    let batches: Vec<Vec<Row>> = (0..rows / BATCH).map(batch).collect();
    let mut connection = rusqlite::Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", if durable { "full" } else { "normal" })?;
    let started = Instant::now();
    for batch in &batches {
        let transaction = connection.transaction()?;
        {
            let mut patients = transaction.prepare_cached(
                "INSERT INTO patients (id, version, created_at, organization, site, local_id, details) VALUES (?1, 1, 1, ?2, 'S1', ?3, ?4)",
            )?;
            let mut orders = transaction.prepare_cached(
                "INSERT INTO orders (id, patient, version, images, created_at, status, slot, current, organization, fingerprint, local_id, \
                     site, camera, state, evaluations, content) \
                 VALUES (?1, ?1, 1, 0, 1, 0, 1, 1, ?2, ?3, ?4, 'S1', 'C1', 'TX', 'DR', ?5)",
            )?;
            for row in batch {
                patients.execute((row.id, organization, &row.patient, &row.details))?;
                orders.execute((row.id, organization, Uuid::new_v4().into_bytes(), &row.order, &row.content))?;
            }
            transaction.execute(
                "INSERT INTO outbox (created_at, available_at, attempts, messages, destination, payload) \
                 VALUES (1, 1, 0, 1000, 'queue:events-acme', ?1)",
                [envelope()],
            )?;
            transaction.execute(
                "INSERT INTO drop_batches (drop_id, number, totals, lines) VALUES (?1, ?2, '{}', ?3)",
                (organization, batch[0].id, lines()),
            )?;
        }
        transaction.commit()?;
    }
    Ok(f64::from(rows) / started.elapsed().as_secs_f64())
}
