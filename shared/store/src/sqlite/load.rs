//! Loads a snapshot. Keys are passed as one JSON text per organization, unfolded by `json_each`.

use crate::Error;
use crate::Wanted;
use crate::codec::{self, CameraRow, GradingRow, OrderRow, PatientRow, SiteRow, SubmissionRow, scope_column};
use crate::fault::fault;
use iris_model::{ClientGuid, LocalId};
use iris_rules::Snapshot;
use iris_rules::snapshot::DoneBatch;
use sqlx::{AssertSqlSafe, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(super) async fn load(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Snapshot, Error> {
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
    patients_of_orders(connection, &mut snapshot).await?;
    super::images::patients_of_created_sites(connection, &wanted.images, &mut snapshot).await?;
    open_orders(connection, &mut snapshot).await?;
    super::images::load(connection, &wanted.images, &mut snapshot).await?;
    for (organization, local_ids) in grouped(&wanted.sites) {
        let rows: Vec<SiteRow> = sqlx::query_as(
            "SELECT s.* FROM json_each($2) k CROSS JOIN sites s ON s.organization = $1 AND s.local_id = k.value",
        )
        .bind(organization)
        .bind(codec::to_json(&local_ids))
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
        for row in rows {
            snapshot.put_site(row.record()?);
        }
    }
    for (organization, local_ids) in grouped(&cameras) {
        let rows: Vec<CameraRow> = sqlx::query_as(
            "SELECT c.* FROM json_each($2) k CROSS JOIN cameras c ON c.organization = $1 AND c.local_id = k.value",
        )
        .bind(organization)
        .bind(codec::to_json(&local_ids))
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
        for row in rows {
            snapshot.put_camera(row.record()?);
        }
    }
    Ok(snapshot)
}

fn grouped(wanted: &BTreeSet<(ClientGuid, LocalId)>) -> BTreeMap<Uuid, Vec<&LocalId>> {
    let mut groups: BTreeMap<Uuid, Vec<&LocalId>> = BTreeMap::new();
    for (organization, local_id) in wanted {
        groups.entry(organization.0).or_default().push(local_id);
    }
    groups
}

async fn done_batch(connection: &mut SqliteConnection, drop: Uuid, number: u32) -> Result<Option<DoneBatch>, Error> {
    let row: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT lines, pending FROM drop_batches WHERE drop_id = $1 AND number = $2")
            .bind(drop)
            .bind(number)
            .fetch_optional(connection)
            .await
            .map_err(fault)?;
    row.map(|(lines, rows)| Ok(DoneBatch { lines, pending: codec::pending(rows.as_deref())? })).transpose()
}

async fn submissions(connection: &mut SqliteConnection, wanted: &Wanted, snapshot: &mut Snapshot) -> Result<(), Error> {
    if wanted.submissions.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = wanted.submissions.iter().map(|id| id.simple().to_string()).collect();
    let sql = format!(
        "SELECT {} FROM json_each($1) k CROSS JOIN submissions s ON s.id = unhex(k.value)",
        SubmissionRow::COLUMNS
    );
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(codec::to_json(&ids));
    let rows: Vec<SubmissionRow> = query.fetch_all(connection).await.map_err(fault)?;
    for row in rows {
        let (id, outcome) = row.outcome()?;
        snapshot.put_submission(id, outcome);
    }
    Ok(())
}

/// Orders by LocalId. Those that may be changed are loaded with their content, and their cameras are added to what is
/// wanted.
async fn orders(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    cameras: &mut BTreeSet<(ClientGuid, LocalId)>,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    let mut groups: BTreeMap<(Uuid, bool), Vec<&LocalId>> = BTreeMap::new();
    for (key, content) in &wanted.orders {
        groups.entry((key.organization.0, *content)).or_default().push(&key.local_id);
    }
    for ((organization, content), local_ids) in groups {
        let content = if content { "o.content" } else { "NULL AS content" };
        let sql = format!(
            "SELECT {}, {content} FROM json_each($2) k \
             CROSS JOIN orders o ON o.organization = $1 AND o.local_id = k.value AND o.current",
            OrderRow::COLUMNS
        );
        let query = sqlx::query_as(AssertSqlSafe(sql)).bind(organization).bind(codec::to_json(&local_ids));
        let rows: Vec<OrderRow> = query.fetch_all(&mut *connection).await.map_err(fault)?;
        for row in rows {
            let order = row.record()?;
            if let (true, Some(camera)) = (order.content.is_some(), &order.camera) {
                cameras.insert((order.key.organization, camera.clone()));
            }
            snapshot.put_order(order);
        }
    }
    Ok(())
}

/// The requested gradings, oldest first.
async fn gradings(connection: &mut SqliteConnection, wanted: &Wanted, snapshot: &mut Snapshot) -> Result<(), Error> {
    let graded = snapshot.orders().filter(|order| order.current && wanted.gradings.contains(&order.key));
    let orders: Vec<i64> = graded.map(|order| order.id).collect();
    if orders.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT {} FROM json_each($1) k CROSS JOIN gradings g ON g.order_id = k.value ORDER BY g.order_id, g.number",
        GradingRow::COLUMNS
    );
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(codec::to_json(&orders));
    let rows: Vec<GradingRow> = query.fetch_all(connection).await.map_err(fault)?;
    for row in rows {
        snapshot.put_grading(row.record()?);
    }
    Ok(())
}

async fn patients(connection: &mut SqliteConnection, wanted: &Wanted, snapshot: &mut Snapshot) -> Result<(), Error> {
    let mut groups: BTreeMap<Uuid, Vec<[&str; 2]>> = BTreeMap::new();
    for key in &wanted.patients {
        groups.entry(key.organization.0).or_default().push([scope_column(key), key.local_id.as_str()]);
    }
    let sql = format!(
        "SELECT {} FROM json_each($2) k \
         CROSS JOIN patients p ON p.organization = $1 AND p.site = k.value ->> 0 AND p.local_id = k.value ->> 1",
        PatientRow::COLUMNS
    );
    for (organization, keys) in groups {
        let query = sqlx::query_as(AssertSqlSafe(sql.clone())).bind(organization).bind(codec::to_json(&keys));
        let rows: Vec<PatientRow> = query.fetch_all(&mut *connection).await.map_err(fault)?;
        for row in rows {
            snapshot.put_patient(row.record()?);
        }
    }
    Ok(())
}

async fn patients_of_orders(connection: &mut SqliteConnection, snapshot: &mut Snapshot) -> Result<(), Error> {
    let known = |patient: i64| snapshot.patient_by_id(patient).is_some();
    let missing: BTreeSet<i64> =
        snapshot.orders().map(|order| order.patient).filter(|patient| !known(*patient)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let sql = format!("SELECT {} FROM json_each($1) k CROSS JOIN patients p ON p.id = k.value", PatientRow::COLUMNS);
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(codec::to_json(&missing));
    let rows: Vec<PatientRow> = query.fetch_all(connection).await.map_err(fault)?;
    for row in rows {
        snapshot.put_patient(row.record()?);
    }
    Ok(())
}

/// The open orders of every patient of the snapshot.
async fn open_orders(connection: &mut SqliteConnection, snapshot: &mut Snapshot) -> Result<(), Error> {
    let patients: Vec<i64> = snapshot.patients().map(|patient| patient.id).collect();
    if patients.is_empty() {
        return Ok(());
    }
    let patients = codec::to_json(&patients);
    for slot in [1, 2] {
        let sql = format!(
            "SELECT {}, NULL AS content FROM json_each($1) k CROSS JOIN orders o ON o.patient = k.value \
                 AND o.slot = {slot}",
            OrderRow::COLUMNS
        );
        let rows: Vec<OrderRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(&patients).fetch_all(&mut *connection).await.map_err(fault)?;
        for row in rows {
            snapshot.put_order(row.record()?);
        }
    }
    Ok(())
}
