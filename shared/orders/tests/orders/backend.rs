//! Databases to test with, and a publisher that can be made to fail.

use async_trait::async_trait;
use iris_orders::{Options, Orders, PublishError, Publisher};
use iris_store::postgres::PostgresOptions;
use iris_store::sqlite::SqliteOptions;
use iris_store::{Destination, OutboxMessage, Store};
use iris_store::{PostgresStore, SqliteStore};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// A separate database for one test.
pub(crate) enum Backend {
    Sqlite(tempfile::TempDir),
    Postgres { server: String, database: String },
}

impl Backend {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// `None` if no server is configured.
    pub(crate) async fn postgres() -> Option<Self> {
        let server = std::env::var("IRIS_TEST_POSTGRES").ok()?;
        let database = format!("iris_orders_{}", Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let create = AssertSqlSafe(format!("CREATE DATABASE {database}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        Some(Self::Postgres { server, database })
    }

    /// A new store, as another process would open it.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(folder) => {
                Arc::new(SqliteStore::open(SqliteOptions::new(folder.path().join("orders.db"))).await.unwrap())
            }
            Self::Postgres { server, database } => {
                let (base, _) = server.rsplit_once('/').unwrap();
                let url = format!("{base}/{database}");
                Arc::new(PostgresStore::connect(PostgresOptions::new(url.into())).await.unwrap())
            }
        }
    }

    /// How many transactions were aborted because of deadlocks.
    pub(crate) async fn deadlocks(&self) -> i64 {
        let Self::Postgres { server, database } = self else { return 0 };
        let mut connection = PgConnection::connect(server).await.unwrap();
        // Connections report their counts when they end; the test's connections are closed by now.
        let count = sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = $1").bind(database);
        count.fetch_one(&mut connection).await.unwrap()
    }

    pub(crate) async fn drop(self) {
        if let Self::Postgres { server, database } = self {
            let mut connection = PgConnection::connect(&server).await.unwrap();
            let drop = AssertSqlSafe(format!("DROP DATABASE {database} WITH (FORCE)"));
            sqlx::query(drop).execute(&mut connection).await.unwrap();
        }
    }
}

/// Runs an `async fn(&Backend)` on every database.
macro_rules! on_every_store {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let backend = crate::backend::Backend::sqlite();
                super::$name(&backend).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(backend) = crate::backend::Backend::postgres().await {
                    super::$name(&backend).await;
                    backend.drop().await;
                }
            })+
        }
    };
}
pub(crate) use on_every_store;

/// Records what is sent, and fails as planned.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) sent: Mutex<Vec<(Destination, OutboxMessage)>>,
    pub(crate) plan: Mutex<VecDeque<PublishError>>,
    pub(crate) down: AtomicBool,
    pub(crate) tries: Mutex<u32>,
}

impl Recorder {
    pub(crate) fn fail_next(&self, sent: usize, refused: bool) {
        self.plan.lock().unwrap().push_back(PublishError { sent, refused, reason: "planned".into() });
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.sent.lock().unwrap().iter().map(|(_, message)| message.id).collect()
    }

    pub(crate) fn bodies(&self) -> Vec<serde_json::Value> {
        self.sent.lock().unwrap().iter().map(|(_, message)| serde_json::from_str(&message.body).unwrap()).collect()
    }
}

#[async_trait]
impl Publisher for Recorder {
    async fn publish(&self, destination: &Destination, messages: &[OutboxMessage]) -> Result<(), PublishError> {
        *self.tries.lock().unwrap() += 1;
        let failure = if self.down.load(Ordering::SeqCst) {
            Some(PublishError { sent: 0, refused: false, reason: "down".into() })
        } else {
            self.plan.lock().unwrap().pop_front()
        };
        let sent = failure.as_ref().map_or(messages.len(), |failure| failure.sent);
        let mut log = self.sent.lock().unwrap();
        log.extend(messages.iter().take(sent).map(|message| (destination.clone(), message.clone())));
        failure.map_or(Ok(()), Err)
    }
}

pub(crate) fn options() -> Options {
    Options { back_off: Duration::from_millis(5), back_off_limit: Duration::from_millis(20), ..Options::default() }
}

/// A service with a recorder.
pub(crate) async fn service(backend: &Backend) -> (Orders, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let orders = Orders::open(backend.open().await, Arc::clone(&recorder) as Arc<dyn Publisher>, options());
    (orders, recorder)
}

/// Waits for a condition that something else brings about.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}");
        tokio::task::yield_now().await;
    }
}

/// Waits until the outbox is empty.
pub(crate) async fn published(orders: &Orders) {
    eventually("outbox empty", async || orders.store().outbox_depth().await.unwrap().envelopes == 0).await;
}
