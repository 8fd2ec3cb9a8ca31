//! How fast orders are stored, next to bare loops on the same schema.
//!
//! `cargo run --release -p iris-orders --example throughput -- [rows]`; PostgreSQL takes part when `IRIS_TEST_POSTGRES` holds the URL of a
//! server on which databases may be created. Absolute figures depend on the machine; the ratios of one run count.

mod bare;
#[path = "../../tests/orders/requests.rs"]
mod requests;

use async_trait::async_trait;
use iris_model::Organization;
use iris_model::request::{Address, HealthPlan, Name, PersonGender, Provider};
use iris_model::{Gender, GenderContext};
use iris_orders::drops::{NewDrop, RowDetail};
use iris_orders::store::postgres::PostgresOptions;
use iris_orders::store::sqlite::SqliteOptions;
use iris_orders::store::{PostgresStore, SqliteStore};
use iris_orders::{Destination, Incoming, Options, Orders, OutboxMessage, PublishError, Publisher, Store};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use uuid::Uuid;

/// Rows per batch.
const BATCH: u32 = 1_000;
/// Concurrent callers that submit messages.
const CALLERS: u32 = 256;

/// Confirms everything at once.
struct Sink;

#[async_trait]
impl Publisher for Sink {
    async fn publish(&self, _: &Destination, _: &[OutboxMessage]) -> Result<(), PublishError> {
        Ok(())
    }
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let rows: u32 = std::env::args().nth(1).map_or(Ok(50_000), |text| text.parse())?;
    if let Ok(server) = std::env::var("IRIS_TEST_POSTGRES") {
        postgres(&server, rows).await?;
    }
    sqlite(rows).await
}

fn say(line: &str) {
    // Nobody to tell when the terminal is gone.
    let _ = writeln!(std::io::stdout(), "{line}");
}

async fn postgres(server: &str, rows: u32) -> Outcome<()> {
    for connections in [1, 2] {
        let database = Database::create(server).await?;
        database.store(connections).await?.close().await;
        let bare = bare::unnest(&database.url(), rows, connections).await?;
        database.drop().await?;

        let database = Database::create(server).await?;
        let ours = load(database.store(connections).await?, rows, connections + 1).await?;
        database.drop().await?;
        say(&format!(
            "PostgreSQL, {connections} writers: rows {ours:.0}/s, bare UNNEST {bare:.0}/s, ratio {:.2}",
            ours / bare
        ));
    }
    let database = Database::create(server).await?;
    let ours = messages(database.store(2).await?, rows).await?;
    database.drop().await?;
    let database = Database::create(server).await?;
    let single = one_by_one(database.store(2).await?, rows / 20).await?;
    database.drop().await?;
    say(&format!("PostgreSQL: messages {ours:.0}/s, one per transaction {single:.0}/s, ratio {:.2}", ours / single));
    Ok(())
}

async fn sqlite(rows: u32) -> Outcome<()> {
    for durable in [true, false] {
        let open = async || -> Outcome<(tempfile::TempDir, Arc<dyn Store>)> {
            let folder = tempfile::tempdir()?;
            let options = SqliteOptions { durable, ..SqliteOptions::new(folder.path().join("orders.db")) };
            let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).await?);
            Ok((folder, store))
        };
        let (folder, store) = open().await?;
        store.close().await;
        let path = folder.path().join("orders.db");
        let bare = tokio::task::spawn_blocking(move || {
            bare::prepared(&path, rows, durable).map_err(|error| error.to_string())
        })
        .await??;
        let (_folder, store) = open().await?;
        let ours = load(store, rows, 2).await?;
        let (_folder, store) = open().await?;
        let messages = messages(store, rows / 2).await?;
        say(&format!(
            "SQLite, durable {durable}: rows {ours:.0}/s, prepared loop {bare:.0}/s, ratio {:.2}; messages {messages:.0}/s",
            ours / bare
        ));
    }
    Ok(())
}

/// A database that is created and dropped.
struct Database {
    server: String,
    name: String,
}

impl Database {
    async fn create(server: &str) -> Outcome<Self> {
        let name = format!("iris_throughput_{}", Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(server).await?;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        Ok(Self { server: server.to_owned(), name })
    }

    fn url(&self) -> String {
        let base = self.server.rsplit_once('/').map_or(self.server.as_str(), |(base, _)| base);
        format!("{base}/{}", self.name)
    }

    async fn store(&self, writers: usize) -> Outcome<Arc<dyn Store>> {
        let options = PostgresOptions { writers, ..PostgresOptions::new(self.url().into()) };
        Ok(Arc::new(PostgresStore::connect(options).await?))
    }

    async fn drop(self) -> Outcome<()> {
        let mut connection = PgConnection::connect(&self.server).await?;
        sqlx::query(AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.name)))
            .execute(&mut connection)
            .await?;
        Ok(())
    }
}

/// A request with most of the fifty intake fields filled.
pub(crate) fn full(number: u32) -> requests::Request {
    let mut request = requests::new_order(&format!("ORD-{number:08}"), &format!("MRN{number:08}"))
        .camera("C1")
        .info("Pupils dilated");
    let provider = |npi: &str| Provider {
        npi: Some(npi.to_owned()),
        name: Some(Name { first: Some("Casey".into()), last: Some("Example".into()), ..Name::default() }),
        ..Provider::default()
    };
    let body = &mut request.request;
    body.ordering_provider = Some(provider("1234567893"));
    body.referring_provider = Some(provider("1245319599"));
    body.camera_operator_user_name = Some("operator@acme.example".into());
    body.health_plan = Some(HealthPlan {
        local_id: Some("PLAN-7".into()),
        name: Some("Synthetic Advantage".into()),
        member_id: Some(format!("M{number:09}")),
        ..HealthPlan::default()
    });
    if let Some(patient) = &mut body.patient {
        patient.genders = vec![PersonGender { context: GenderContext::Birth, gender: Gender::Female }];
        patient.race = Some("2106-3".into());
        patient.ethnicity = Some("2186-5".into());
        patient.primary_language = Some("en".into());
        patient.email = Some(format!("patient{number}@mail.example"));
        patient.phone = Some("555-0100".into());
        patient.dx_code = Some("E119".into());
        patient.address = Some(Address {
            street1: Some(format!("{number} Sample Street")),
            city: Some("Austin".into()),
            state: Some("TX".into()),
            postal_code: Some("78701".into()),
            ..Address::default()
        });
    }
    if let Some(order) = &mut body.order {
        order.department_id = Some("D-12".into());
        order.encounter_number = Some(format!("E{number:08}"));
        order.scheduled_time = Some(jiff::civil::datetime(2026, 11, 20, 9, 30, 0, 0));
        order.state = Some("TX".into());
    }
    request
}

/// Loads a drop of this many rows; rows per second.
async fn load(store: Arc<dyn Store>, rows: u32, in_flight: usize) -> Outcome<f64> {
    let orders = Orders::open(store, Arc::new(Sink), Options::default());
    let acme = Arc::new(requests::organization());
    let drop = NewDrop {
        id: Uuid::from_u128(1),
        organization: acme.client_guid,
        container: "acme-drops".into(),
        name: "throughput.csv".into(),
        etag: "1".into(),
        size: 0,
        received_at: Timestamp::now(),
    };
    let lease = orders.begin_drop(&drop).await?.lease.ok_or("the drop is over")?;
    let batches: Vec<Vec<(Incoming, RowDetail)>> =
        (0..rows / BATCH).map(|batch| rows_of(&acme, drop.id, batch)).collect();
    let limit = Arc::new(tokio::sync::Semaphore::new(in_flight));
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (number, batch) in (0u32..).zip(batches) {
        let permit = Arc::clone(&limit).acquire_owned().await?;
        let (orders, lease) = (orders.clone(), lease.clone());
        tasks.spawn(async move {
            let answers = orders.submit_rows(&lease, number, batch).await;
            std::mem::drop(permit);
            answers.map(|_| ())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let rate = f64::from(rows) / started.elapsed().as_secs_f64();
    orders.close().await;
    Ok(rate)
}

fn rows_of(acme: &Arc<Organization>, drop: Uuid, batch: u32) -> Vec<(Incoming, RowDetail)> {
    let row =
        |number: u32| (full(number).row(acme, drop, number + 2), RowDetail { row: number + 2, ..RowDetail::default() });
    (batch * BATCH..(batch + 1) * BATCH).map(row).collect()
}

/// Submits messages from many callers; messages per second.
async fn messages(store: Arc<dyn Store>, total: u32) -> Outcome<f64> {
    let orders = Orders::open(store, Arc::new(Sink), Options::default());
    let rate = callers(&orders, total, CALLERS).await?;
    orders.close().await;
    Ok(rate)
}

/// The same with batches of one.
async fn one_by_one(store: Arc<dyn Store>, total: u32) -> Outcome<f64> {
    let options = Options { batch: 1, ..Options::default() };
    let orders = Orders::open(store, Arc::new(Sink), options);
    let rate = callers(&orders, total, CALLERS).await?;
    orders.close().await;
    Ok(rate)
}

async fn callers(orders: &Orders, total: u32, callers: u32) -> Outcome<f64> {
    let acme = Arc::new(requests::organization());
    let next = Arc::new(AtomicU32::new(0));
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (orders, acme, next) = (orders.clone(), Arc::clone(&acme), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return Ok(());
                }
                orders.submit(full(number).message(&acme, u128::from(number) + 1)).await.map(|_| ())?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        let done: Result<(), iris_orders::Error> = done?;
        done?;
    }
    Ok(f64::from(total) / started.elapsed().as_secs_f64())
}
