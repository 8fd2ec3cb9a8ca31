//! Statements about images. Keys are passed as one JSON text of arrays per organization; each database unfolds it in
//! its own way.

use super::dialect::{Connection, Database, ID_OF_KEY, KEYS, same_text};
use crate::codec::{self, DirectiveRow, ImageRow, OrderRow, PatientRow, id, states, to_json};
use crate::fault::Answered;
use crate::images::Images;
use crate::{Commit, Error, WantedImages};
use async_trait::async_trait;
use iris_model::{ClientGuid, LocalId};
use iris_rules::Snapshot;
use iris_rules::images::{DirectiveRecord, ImageRecord, ImageStatus};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

#[async_trait]
impl Images for Database {
    async fn images_due(&self, now: Timestamp, limit: u32) -> Result<Vec<ImageRecord>, Error> {
        let sql = format!(
            "SELECT {} FROM images i WHERE i.next_try_at <= $1 ORDER BY i.next_try_at LIMIT $2",
            ImageRow::COLUMNS
        );
        let query = sqlx::query_as(AssertSqlSafe(sql)).bind(now.as_microsecond()).bind(i64::from(limit));
        let rows: Vec<ImageRow> = query.fetch_all(self.reading().await?).answered().await?;
        rows.into_iter().map(ImageRow::record).collect()
    }

    async fn directives_due(&self, now: Timestamp, limit: u32) -> Result<Vec<(ClientGuid, DirectiveRecord)>, Error> {
        let pool = self.reading().await?;
        let sql = format!(
            "SELECT {} FROM image_directives d WHERE d.next_try_at <= $1 ORDER BY d.next_try_at LIMIT $2",
            DirectiveRow::COLUMNS
        );
        let query = sqlx::query_as(AssertSqlSafe(sql)).bind(now.as_microsecond()).bind(i64::from(limit));
        let rows: Vec<DirectiveRow> = query.fetch_all(pool).answered().await?;
        let mut directives = Vec::with_capacity(rows.len());
        for row in rows {
            let directive = row.record()?;
            let organization: Uuid = sqlx::query_scalar("SELECT organization FROM orders WHERE id = $1")
                .bind(id(directive.order)?)
                .fetch_one(pool)
                .answered()
                .await?;
            directives.push((ClientGuid(organization), directive));
        }
        Ok(directives)
    }

    async fn images_of(&self, order: i64) -> Result<Vec<ImageRecord>, Error> {
        let linked = states::image(ImageStatus::Linked);
        let sql = format!(
            "SELECT {} FROM images i WHERE i.order_id = $1 AND i.status = {linked} ORDER BY i.received_at, i.iris_id",
            ImageRow::COLUMNS
        );
        let rows: Vec<ImageRow> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(id(order)?).fetch_all(self.reading().await?).answered().await?;
        rows.into_iter().map(ImageRow::record).collect()
    }

    async fn unlinked_images(&self, organization: ClientGuid, limit: u32) -> Result<Vec<ImageRecord>, Error> {
        let linked = states::image(ImageStatus::Linked);
        let sql = format!(
            "SELECT {} FROM images i WHERE i.organization = $1 AND i.status <> {linked} \
                 ORDER BY i.received_at DESC LIMIT $2",
            ImageRow::COLUMNS
        );
        let query = sqlx::query_as(AssertSqlSafe(sql)).bind(organization.0).bind(i64::from(limit));
        let rows: Vec<ImageRow> = query.fetch_all(self.reading().await?).answered().await?;
        rows.into_iter().map(ImageRow::record).collect()
    }
}

/// Loads what is wanted of images, and for every order that an image may belong to, its content, directives and images.
pub(super) async fn load(
    connection: &mut Connection,
    wanted: &WantedImages,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    let mut orders = wanted.orders.clone();
    orders.extend(snapshot.orders().filter(|order| order.content.is_some()).map(|order| order.id));
    arrived(connection, wanted, snapshot, &mut orders).await?;
    named(connection, wanted, &mut orders).await?;
    of_studies(connection, wanted, snapshot, &mut orders).await?;
    let claimed = |local_id: &LocalId, organization| wanted.patients.contains(&(organization, local_id.clone()));
    let patients: Vec<i64> = snapshot
        .patients()
        .filter(|patient| claimed(&patient.key.local_id, patient.key.organization))
        .map(|patient| patient.id)
        .collect();
    for patient in patients {
        orders.extend(snapshot.open_orders(patient).into_iter().map(|order| order.id));
    }
    if orders.is_empty() {
        return Ok(());
    }
    surroundings(connection, &orders, snapshot).await
}

/// Patients with the wanted ids at sites that no document lists.
pub(super) async fn patients_of_created_sites(
    connection: &mut Connection,
    wanted: &WantedImages,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    if wanted.patients.is_empty() {
        return Ok(());
    }
    let keys: Vec<(String, &str)> =
        wanted.patients.iter().map(|(organization, local_id)| (hex(*organization), local_id.as_str())).collect();
    let sql = format!(
        "SELECT {} FROM {KEYS} sites s ON s.organization = {ID_OF_KEY} \
         JOIN patients p ON p.organization = s.organization AND p.site = s.local_id AND p.local_id = k.value ->> 1",
        PatientRow::COLUMNS
    );
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(to_json(&keys));
    let rows: Vec<PatientRow> = query.fetch_all(connection).answered().await?;
    for row in rows {
        snapshot.put_patient(row.record()?);
    }
    Ok(())
}

fn hex(organization: ClientGuid) -> String {
    organization.0.simple().to_string()
}

/// Images by id, by name, and, as long as they are not linked, by what they say about themselves.
async fn arrived(
    connection: &mut Connection,
    wanted: &WantedImages,
    snapshot: &mut Snapshot,
    orders: &mut BTreeSet<i64>,
) -> Result<(), Error> {
    let mut found: Vec<ImageRow> = Vec::new();
    if !wanted.ids.is_empty() {
        let keys: Vec<[String; 1]> = wanted.ids.iter().map(|id| [id.simple().to_string()]).collect();
        let sql = format!("SELECT {} FROM {KEYS} images i ON i.id = {ID_OF_KEY}", ImageRow::COLUMNS);
        found.extend(images(connection, sql, to_json(&keys)).await?);
    }
    if !wanted.blobs.is_empty() {
        let sql = format!(
            "SELECT {} FROM {KEYS} images i ON i.organization = {ID_OF_KEY} AND i.container = k.value ->> 1 AND {}",
            ImageRow::COLUMNS,
            same_text("i.file_name", "k.value ->> 2")
        );
        found.extend(images(connection, sql, blob_keys(wanted)).await?);
    }
    if !wanted.claims.is_empty() {
        let keys: Vec<(String, &str)> =
            wanted.claims.iter().map(|(organization, text)| (hex(*organization), text.as_str())).collect();
        let linked = states::image(ImageStatus::Linked);
        let by = |column: &str| {
            format!(
                "SELECT {} FROM {KEYS} images i ON i.organization = {ID_OF_KEY} AND i.status <> {linked} AND {}",
                ImageRow::COLUMNS,
                same_text(&format!("i.{column}"), "k.value ->> 1")
            )
        };
        let sql = [by("accession"), by("patient"), by("study")].join(" UNION ALL ");
        found.extend(images(connection, sql, to_json(&keys)).await?);
    }
    for row in found {
        let image = row.record()?;
        orders.extend(image.order);
        snapshot.images.put_image(image);
    }
    Ok(())
}

async fn images(connection: &mut Connection, sql: String, keys: String) -> Result<Vec<ImageRow>, Error> {
    sqlx::query_as(AssertSqlSafe(sql)).bind(keys).fetch_all(connection).answered().await
}

/// Organization, container and name of every wanted blob.
fn blob_keys(wanted: &WantedImages) -> String {
    let keys: Vec<(String, &str, &str)> = wanted
        .blobs
        .iter()
        .map(|blob| (hex(blob.organization), blob.container.as_str(), blob.file_name.as_str()))
        .collect();
    to_json(&keys)
}

/// The orders whose directives name a wanted blob.
async fn named(connection: &mut Connection, wanted: &WantedImages, orders: &mut BTreeSet<i64>) -> Result<(), Error> {
    if wanted.blobs.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT o.id FROM {KEYS} image_directives d ON d.container = k.value ->> 1 AND {} \
         JOIN orders o ON o.id = d.order_id AND o.organization = {ID_OF_KEY}",
        same_text("d.file_name", "k.value ->> 2")
    );
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(blob_keys(wanted));
    let ids: Vec<i32> = query.fetch_all(connection).answered().await?;
    orders.extend(ids.into_iter().map(i64::from));
    Ok(())
}

async fn of_studies(
    connection: &mut Connection,
    wanted: &WantedImages,
    snapshot: &mut Snapshot,
    orders: &mut BTreeSet<i64>,
) -> Result<(), Error> {
    if wanted.studies.is_empty() {
        return Ok(());
    }
    let keys: Vec<(String, &str)> =
        wanted.studies.iter().map(|(organization, study)| (hex(*organization), study.as_str())).collect();
    let sql = format!(
        "SELECT s.organization, s.study, s.order_id \
         FROM {KEYS} order_studies s ON s.organization = {ID_OF_KEY} AND s.study = k.value ->> 1"
    );
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(to_json(&keys));
    let rows: Vec<(Uuid, String, i32)> = query.fetch_all(connection).answered().await?;
    for (organization, study, order) in rows {
        snapshot.images.put_study(ClientGuid(organization), &study, i64::from(order));
        orders.insert(i64::from(order));
    }
    Ok(())
}

/// The content, directives and images of orders, and their patients.
async fn surroundings(
    connection: &mut Connection,
    orders: &BTreeSet<i64>,
    snapshot: &mut Snapshot,
) -> Result<(), Error> {
    let keys: Vec<[i64; 1]> = orders.iter().map(|order| [*order]).collect();
    let keys = to_json(&keys);
    let known = |order: &i64| snapshot.order_by_id(*order).is_some_and(|order| order.content.is_some());
    let missing: Vec<[i64; 1]> = orders.iter().filter(|order| !known(order)).map(|order| [*order]).collect();
    let by_id =
        |columns: &str, table: &str| format!("SELECT {columns} FROM {KEYS} {table} = CAST(k.value ->> 0 AS INTEGER)");
    if !missing.is_empty() {
        let columns = format!("{}, o.content", OrderRow::COLUMNS);
        let query = sqlx::query_as(AssertSqlSafe(by_id(&columns, "orders o ON o.id")));
        let rows: Vec<OrderRow> = query.bind(to_json(&missing)).fetch_all(&mut *connection).answered().await?;
        for row in rows {
            snapshot.put_order(row.record()?);
        }
    }
    let sql = format!("{} JOIN patients p ON p.id = o.patient", by_id(PatientRow::COLUMNS, "orders o ON o.id"));
    let query = sqlx::query_as(AssertSqlSafe(sql));
    let rows: Vec<PatientRow> = query.bind(&keys).fetch_all(&mut *connection).answered().await?;
    for row in rows {
        let patient = row.record()?;
        if snapshot.patient_by_id(patient.id).is_none() {
            snapshot.put_patient(patient);
        }
    }
    let query = sqlx::query_as(AssertSqlSafe(by_id(DirectiveRow::COLUMNS, "image_directives d ON d.order_id")));
    let rows: Vec<DirectiveRow> = query.bind(&keys).fetch_all(&mut *connection).answered().await?;
    let mut directives: BTreeMap<i64, Vec<DirectiveRecord>> = BTreeMap::new();
    for row in rows {
        let directive = row.record()?;
        directives.entry(directive.order).or_default().push(directive);
    }
    for (order, mut directives) in directives {
        directives.sort_by_key(|directive| directive.ordinal);
        snapshot.images.put_directives(order, directives);
    }
    let query = sqlx::query_as(AssertSqlSafe(by_id(ImageRow::COLUMNS, "images i ON i.order_id")));
    let rows: Vec<ImageRow> = query.bind(&keys).fetch_all(&mut *connection).answered().await?;
    for row in rows {
        snapshot.images.put_image(row.record()?);
    }
    Ok(())
}

/// Saves changed directives, studies and images; new directives are saved with their orders.
pub(super) async fn save(connection: &mut Connection, commit: &Commit) -> Result<(), Error> {
    // In key order, like every statement that changes several rows; otherwise two transactions could deadlock.
    let mut changed: Vec<_> = commit.changed_directives.iter().collect();
    changed.sort_by_key(|(directive, _)| (directive.order, directive.ordinal));
    for (directive, expected) in changed {
        let result = sqlx::query(
            "UPDATE image_directives SET version = $4, state = $5, tries = $6, next_try_at = $7, give_up_at = $8 \
             WHERE order_id = $1 AND ordinal = $2 AND version = $3 AND container = $9 AND file_name = $10",
        )
        .bind(id(directive.order)?)
        .bind(directive.ordinal)
        .bind(*expected)
        .bind(directive.version)
        .bind(codec::directive_state_column(directive.state))
        .bind(directive.wait.tries)
        .bind(directive.wait.next_try_at.map(Timestamp::as_microsecond))
        .bind(directive.wait.give_up_at.as_microsecond())
        .bind(&directive.container)
        .bind(&directive.file_name)
        .execute(&mut *connection)
        .answered()
        .await?;
        if result.rows_affected() != 1 {
            return Err(Error::Conflict);
        }
    }
    for (organization, study, order) in &commit.studies {
        sqlx::query(
            "INSERT INTO order_studies (organization, study, order_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(organization.0)
        .bind(study)
        .bind(id(*order)?)
        .execute(&mut *connection)
        .answered()
        .await?;
    }
    let mut changed: Vec<_> = commit.changed_images.iter().collect();
    changed.sort_by_key(|(image, _)| image.id);
    for (image, expected) in changed {
        changed_image(connection, image, *expected).await?;
    }
    for image in &commit.new_images {
        new_image(connection, image).await?;
    }
    Ok(())
}

async fn changed_image(connection: &mut Connection, image: &ImageRecord, expected: i32) -> Result<(), Error> {
    let result = sqlx::query(
        "UPDATE images SET version = $3, order_id = $4, tries = $5, next_try_at = $6, give_up_at = $7, status = $8, \
             laterality = $9, context = $10, local_id = $11, reason = $12 \
         WHERE id = $1 AND version = $2",
    )
    .bind(image.id)
    .bind(expected)
    .bind(image.version)
    .bind(image.order.map(id).transpose()?)
    .bind(image.wait.tries)
    .bind(image.wait.next_try_at.map(Timestamp::as_microsecond))
    .bind(image.wait.give_up_at.as_microsecond())
    .bind(codec::image_status_column(image.status))
    .bind(image.laterality.map(|eye| eye.code()))
    .bind(image.context.code())
    .bind(image.local_id.as_deref())
    .bind(image.reason.map(|code| code.as_str()))
    .execute(connection)
    .answered()
    .await?;
    if result.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict) }
}

async fn new_image(connection: &mut Connection, image: &ImageRecord) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO images (id, iris_id, version, order_id, tries, received_at, next_try_at, give_up_at, size, \
             status, \
             organization, container, file_name, format, archive, accession, patient, study, device, own_laterality, \
             laterality, context, local_id, taken, reason, defect, details) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
             $23, \
             $24, $25, $26, $27)",
    )
    .bind(image.id)
    .bind(id(image.iris_id)?)
    .bind(image.version)
    .bind(image.order.map(id).transpose()?)
    .bind(image.wait.tries)
    .bind(image.received_at.as_microsecond())
    .bind(image.wait.next_try_at.map(Timestamp::as_microsecond))
    .bind(image.wait.give_up_at.as_microsecond())
    .bind(i64::try_from(image.size).unwrap_or(i64::MAX))
    .bind(codec::image_status_column(image.status))
    .bind(image.blob.organization.0)
    .bind(&image.blob.container)
    .bind(&image.blob.file_name)
    .bind(&image.format)
    .bind(&image.archive)
    .bind(image.claims.accession.as_deref())
    .bind(image.claims.patient.as_deref())
    .bind(image.claims.study.as_deref())
    .bind(image.claims.device.as_deref())
    .bind(image.claims.laterality.map(|eye| eye.code()))
    .bind(image.laterality.map(|eye| eye.code()))
    .bind(image.context.code())
    .bind(image.local_id.as_deref())
    .bind(image.claims.taken.map(|taken| taken.to_string()))
    .bind(image.reason.map(|code| code.as_str()))
    .bind(image.defect.as_deref())
    .bind(&image.details)
    .execute(connection)
    .answered()
    .await?;
    Ok(())
}
