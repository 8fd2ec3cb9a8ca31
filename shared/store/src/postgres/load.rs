//! Loading a snapshot.

use crate::Error;
use crate::Wanted;
use crate::codec::{CameraRow, GradingRow, OrderRow, PatientRow, SiteRow, SubmissionRow, pending, scope_column};
use crate::fault::Answered;
use iris_model::{ClientGuid, LocalId};
use iris_rules::Snapshot;
use iris_rules::snapshot::DoneBatch;
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(super) async fn load(connection: &mut PgConnection, wanted: &Wanted) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot::default();
    if let Some((drop, number)) = wanted.drop_batch {
        snapshot.done_batch = done_batch(connection, drop, number).await?;
        if snapshot.done_batch.is_some() {
            return Ok(snapshot);
        }
    }
    submissions(connection, wanted, &mut snapshot).await?;
    let mut cameras = wanted.cameras.clone();
    orders(connection, wanted, &mut cameras, &mut snapshot).await?;
    gradings(connection, wanted, &mut snapshot).await?;
    patients(connection, wanted, &mut snapshot).await?;
    super::images::patients_of_created_sites(connection, &wanted.images, &mut snapshot).await?;
    open_orders(connection, &mut snapshot).await?;
    super::images::load(connection, &wanted.images, &mut snapshot).await?;
    sites(connection, &wanted.sites, &mut snapshot).await?;
    load_cameras(connection, &cameras, &mut snapshot).await?;
    Ok(snapshot)
}

async fn done_batch(connection: &mut PgConnection, drop: Uuid, number: u32) -> Result<Option<DoneBatch>, Error> {
    let row: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT lines, pending FROM drop_batches WHERE drop_id = $1 AND number = $2")
            .bind(drop)
            .bind(crate::codec::id(i64::from(number))?)
            .fetch_optional(connection)
            .answered()
            .await?;
    row.map(|(lines, rows)| Ok(DoneBatch { lines, pending: pending(rows.as_deref())? })).transpose()
}

async fn submissions(connection: &mut PgConnection, wanted: &Wanted, snapshot: &mut Snapshot) -> Result<(), Error> {
    if wanted.submissions.is_empty() {
        return Ok(());
    }
    let sql = format!("SELECT {} FROM submissions s WHERE s.id = ANY($1)", SubmissionRow::COLUMNS);
    let rows: Vec<SubmissionRow> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(&wanted.submissions).fetch_all(connection).answered().await?;
    for row in rows {
        let (id, outcome) = row.outcome()?;
        snapshot.put_submission(id, outcome);
    }
    Ok(())
}

/// Orders by LocalId. Those that may be changed are loaded with their content, and their cameras are added to what is
/// wanted.
async fn orders(
    connection: &mut PgConnection,
    wanted: &Wanted,
    cameras: &mut BTreeSet<(ClientGuid, LocalId)>,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    if wanted.orders.is_empty() {
        return Ok(());
    }
    let organizations: Vec<Uuid> = wanted.orders.keys().map(|key| key.organization.0).collect();
    let local_ids: Vec<&str> = wanted.orders.keys().map(|key| key.local_id.as_str()).collect();
    let contents: Vec<bool> = wanted.orders.values().copied().collect();
    let sql = format!(
        "SELECT {}, CASE WHEN k.content THEN o.content END AS content \
         FROM UNNEST($1::uuid[], $2::text[], $3::boolean[]) AS k (organization, local_id, content) \
         JOIN orders o ON o.organization = k.organization AND o.local_id = k.local_id AND o.current",
        OrderRow::COLUMNS
    );
    let rows: Vec<OrderRow> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(organizations)
        .bind(local_ids)
        .bind(contents)
        .fetch_all(connection)
        .answered()
        .await?;
    for row in rows {
        let order = row.record()?;
        if let (true, Some(camera)) = (order.content.is_some(), &order.camera) {
            cameras.insert((order.key.organization, camera.clone()));
        }
        snapshot.put_order(order);
    }
    Ok(())
}

/// The requested gradings, oldest first.
async fn gradings(connection: &mut PgConnection, wanted: &Wanted, snapshot: &mut Snapshot) -> Result<(), Error> {
    let graded = snapshot.orders().filter(|order| order.current && wanted.gradings.contains(&order.key));
    let orders: Vec<i32> = graded.map(|order| crate::codec::id(order.id)).collect::<Result<_, _>>()?;
    if orders.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT {} FROM gradings g WHERE g.order_id = ANY($1) ORDER BY g.order_id, g.number",
        GradingRow::COLUMNS
    );
    let rows: Vec<GradingRow> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(orders).fetch_all(connection).answered().await?;
    for row in rows {
        snapshot.put_grading(row.record()?);
    }
    Ok(())
}

async fn patients(connection: &mut PgConnection, wanted: &Wanted, snapshot: &mut Snapshot) -> Result<(), Error> {
    if !wanted.patients.is_empty() {
        let organizations: Vec<Uuid> = wanted.patients.iter().map(|key| key.organization.0).collect();
        let sites: Vec<&str> = wanted.patients.iter().map(scope_column).collect();
        let local_ids: Vec<&str> = wanted.patients.iter().map(|key| key.local_id.as_str()).collect();
        let sql = format!(
            "SELECT {} FROM UNNEST($1::uuid[], $2::text[], $3::text[]) AS k (organization, site, local_id) \
             JOIN patients p ON p.organization = k.organization AND p.site = k.site AND p.local_id = k.local_id",
            PatientRow::COLUMNS
        );
        let query = sqlx::query_as(AssertSqlSafe(sql)).bind(organizations).bind(sites).bind(local_ids);
        let rows: Vec<PatientRow> = query.fetch_all(&mut *connection).answered().await?;
        for row in rows {
            snapshot.put_patient(row.record()?);
        }
    }
    let missing: BTreeMap<i32, ()> = snapshot
        .orders()
        .filter(|order| snapshot.patient_by_id(order.patient).is_none())
        .map(|order| Ok((crate::codec::id(order.patient)?, ())))
        .collect::<Result<_, Error>>()?;
    if !missing.is_empty() {
        let sql = format!("SELECT {} FROM patients p WHERE p.id = ANY($1)", PatientRow::COLUMNS);
        let ids: Vec<i32> = missing.into_keys().collect();
        let rows: Vec<PatientRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).answered().await?;
        for row in rows {
            snapshot.put_patient(row.record()?);
        }
    }
    Ok(())
}

/// The open orders of every patient of the snapshot.
async fn open_orders(connection: &mut PgConnection, snapshot: &mut Snapshot) -> Result<(), Error> {
    let patients: Vec<i32> =
        snapshot.patients().map(|patient| crate::codec::id(patient.id)).collect::<Result<_, Error>>()?;
    if patients.is_empty() {
        return Ok(());
    }
    let columns = OrderRow::COLUMNS;
    let sql = format!(
        "SELECT {columns}, NULL AS content FROM orders o WHERE o.patient = ANY($1) AND o.slot = 1 \
         UNION ALL SELECT {columns}, NULL AS content FROM orders o WHERE o.patient = ANY($1) AND o.slot = 2"
    );
    let rows: Vec<OrderRow> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(patients).fetch_all(connection).answered().await?;
    for row in rows {
        snapshot.put_order(row.record()?);
    }
    Ok(())
}

async fn sites(
    connection: &mut PgConnection,
    wanted: &BTreeSet<(ClientGuid, LocalId)>,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let (organizations, local_ids) = keys(wanted);
    let rows: Vec<SiteRow> = sqlx::query_as(
        "SELECT s.* FROM UNNEST($1::uuid[], $2::text[]) AS k (organization, local_id) \
         JOIN sites s ON s.organization = k.organization AND s.local_id = k.local_id",
    )
    .bind(organizations)
    .bind(local_ids)
    .fetch_all(connection)
    .answered()
    .await?;
    for row in rows {
        snapshot.put_site(row.record()?);
    }
    Ok(())
}

async fn load_cameras(
    connection: &mut PgConnection,
    wanted: &BTreeSet<(ClientGuid, LocalId)>,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let (organizations, local_ids) = keys(wanted);
    let rows: Vec<CameraRow> = sqlx::query_as(
        "SELECT c.* FROM UNNEST($1::uuid[], $2::text[]) AS k (organization, local_id) \
         JOIN cameras c ON c.organization = k.organization AND c.local_id = k.local_id",
    )
    .bind(organizations)
    .bind(local_ids)
    .fetch_all(connection)
    .answered()
    .await?;
    for row in rows {
        snapshot.put_camera(row.record()?);
    }
    Ok(())
}

fn keys(wanted: &BTreeSet<(ClientGuid, LocalId)>) -> (Vec<Uuid>, Vec<&str>) {
    wanted.iter().map(|(organization, local_id)| (organization.0, local_id.as_str())).unzip()
}
