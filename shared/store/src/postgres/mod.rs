//! PostgreSQL: the production database.
//!
//! Every statement is set-based (`UNNEST` of arrays), so that a batch costs a handful of round trips, whatever its
//! size. What a batch is based on is loaded in one transaction (REPEATABLE READ), so that it reflects a single moment.
//! Saving is READ COMMITTED: what was loaded is guarded by versions and unique indexes, and the epoch of a drop by a
//! share lock on its row.

mod dialect;
mod load;
mod password;
mod save;
mod schema;

#[path = "../both/administration.rs"]
mod administration;
#[path = "../both/batches.rs"]
mod batches;
#[path = "../both/deliveries.rs"]
mod deliveries;
#[path = "../both/drops.rs"]
mod drops;
#[path = "../both/images.rs"]
mod images;
#[path = "../both/inspection.rs"]
mod inspection;
#[path = "../both/outbox.rs"]
mod outbox;
#[path = "../both/retention.rs"]
mod retention;

pub use password::{Password, PasswordSource};

use crate::fault::{Answered, DEADLINE, fault};
use crate::orders::Orders;
use crate::{Administration, Commit, Error, IdKind, Store, Wanted, codec};
use async_trait::async_trait;
use iris_rules::Snapshot;
use jiff::Timestamp;
use password::Passwords;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::time::Duration;

/// How long an idle connection is kept: many small instances share the server's limit.
const IDLE: Duration = Duration::from_secs(120);

/// A connection used within this time is not tested before use.
const FRESH: Duration = Duration::from_secs(1);

/// How long a connection may take to answer the test.
const ALIVE: Duration = Duration::from_secs(2);

/// Every statement of ours looks rows up by index. Without these settings, a plan cached while a table was small would
/// keep scanning it.
const PLANS: [(&str, &str); 4] =
    [("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("jit", "off")];

/// Limits after which the server gives up, all shorter than our own ([`crate::fault`]): statements, lock waits,
/// transactions whose client fell silent, and connections whose peer no longer acknowledges.
const LIMITS: [(&str, &str); 7] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "15s"),
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "30000"),
];

/// Whether a connection answers. One that does not is closed: whatever was begun on it is lost, and its place in the
/// pool is free.
async fn heard(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(ALIVE, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_) => Err(sqlx::Error::Protocol(String::from("the connection does not answer"))),
    }
}

/// Settings of the connections.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user@host:5432/database?sslmode=verify-full`, with or without password.
    pub url: SecretString,
    /// Supplies the password instead of the one in the URL.
    pub password: Option<Arc<dyn PasswordSource>>,
    /// The most connections.
    pub connections: u32,
    /// How many batches to save at the same time; at most `connections`.
    pub writers: usize,
    /// How long to wait for a connection before the database is considered unavailable.
    pub acquire_timeout: Duration,
    /// True for the handler, which owns the schema and migrates it; false for other programs, which refuse a schema
    /// they do not know.
    pub migrates: bool,
}

impl PostgresOptions {
    /// The defaults, with this URL.
    #[must_use]
    pub fn new(url: SecretString) -> Self {
        let acquire_timeout = Duration::from_secs(5);
        Self { url, password: None, connections: 8, writers: 2, acquire_timeout, migrates: true }
    }
}

/// The store in PostgreSQL.
pub struct PostgresStore {
    pool: PgPool,
    writers: usize,
    passwords: Option<Passwords>,
}

impl PostgresStore {
    /// Connects, and migrates the schema or checks it.
    pub async fn connect(options: PostgresOptions) -> Result<Self, Error> {
        let url: PgConnectOptions = options.url.expose_secret().parse().map_err(fault)?;
        let mut connect = url.application_name("iris-orders").options(PLANS);
        let mut passwords = None;
        if let Some(source) = options.password {
            let (source, first) = Passwords::first(source).await?;
            connect = connect.password(first.expose_secret());
            passwords = Some(source);
        }
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .idle_timeout(IDLE)
            .acquire_timeout(options.acquire_timeout)
            // Both hooks test the connection with a time limit; the pool's own test would wait forever.
            .test_before_acquire(false)
            .before_acquire(|connection, used| {
                Box::pin(async move { if used.idle_for < FRESH { Ok(true) } else { heard(connection).await } })
            })
            .after_release(|connection, _| Box::pin(heard(connection)))
            .connect_with(connect.clone().options(LIMITS))
            .answered()
            .await?;
        if options.migrates {
            // A plain connection without the limits, since a migration may take its time.
            schema::migrate(&connect).await?;
        } else {
            schema::expect(&pool).await?;
        }
        Ok(Self { pool, writers: options.writers.max(1), passwords })
    }

    /// The pool, after renewing the password if necessary.
    async fn pool(&self) -> Result<&PgPool, Error> {
        if let Some(passwords) = &self.passwords
            && let Some(fresh) = passwords.renewed(Timestamp::now()).await?
        {
            let connect = self.pool.connect_options().as_ref().clone();
            self.pool.set_connect_options(connect.password(fresh.expose_secret()));
        }
        Ok(&self.pool)
    }
}

#[async_trait]
impl Orders for PostgresStore {
    fn writers(&self) -> usize {
        self.writers
    }

    async fn load(&self, wanted: &Wanted) -> Result<Snapshot, Error> {
        // One snapshot for all statements, so that versions, contents and everything derived from them are consistent.
        let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut transaction = self.pool().await?.begin_with(snapshot).answered().await?;
        let loaded = load::load(&mut transaction, wanted).await?;
        transaction.commit().answered().await?;
        Ok(loaded)
    }

    async fn save(&self, commit: &Commit) -> Result<Vec<i64>, Error> {
        let mut transaction = self.pool().await?.begin().answered().await?;
        let envelopes = save::save(&mut transaction, commit).await?;
        transaction.commit().answered().await?;
        Ok(envelopes)
    }

    async fn allocate(&self, kind: IdKind, count: u32) -> Result<i64, Error> {
        let first: i32 = sqlx::query_scalar("UPDATE ids SET next = next + $2 WHERE name = $1 RETURNING next - $2")
            .bind(kind.as_str())
            .bind(codec::id(i64::from(count))?)
            .fetch_one(self.pool().await?)
            .answered()
            .await?;
        Ok(i64::from(first))
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn administration(&self) -> &dyn Administration {
        self
    }

    async fn close(&self) {
        // Closing waits for every connection. One that is never given back must not keep the process from ending.
        if tokio::time::timeout(DEADLINE, self.pool.close()).await.is_err() {
            tracing::warn!("a connection to the database was not given back in time");
        }
    }
}
