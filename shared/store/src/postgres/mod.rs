//! PostgreSQL: the production database.
//!
//! Every statement is set-based (`UNNEST` of arrays), so that a batch costs a handful of round trips whatever its size.
//! What a batch rests on is loaded in one transaction (REPEATABLE READ), so that it is of one moment. Saving is READ
//! COMMITTED: what was loaded is guarded by versions and unique indexes, and the epoch of a drop by a share lock on its
//! row.

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

/// How long a connection waits for work before it is given back: many small instances share what the server allows.
const IDLE: Duration = Duration::from_secs(120);

/// A connection that was used so recently is not asked whether it still answers.
const FRESH: Duration = Duration::from_secs(1);

/// How long a connection may take to say that it is alive.
const ALIVE: Duration = Duration::from_secs(2);

/// Every statement of ours is a look-up by index. Without this, plans made and kept while a table was small would scan
/// it for good.
const PLANS: [(&str, &str); 4] =
    [("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("jit", "off")];

/// What the server ends by itself, all before we stop waiting for it ([`crate::fault`]): statements, waiting for locks,
/// transactions whose client fell silent, and connections whose other end does not acknowledge any more.
const LIMITS: [(&str, &str); 7] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "15s"),
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "30000"),
];

/// Whether a connection answers. One that does not is closed: whatever was begun on it is over for us, and its place in
/// the pool is free.
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
    /// Asked for the password instead of the one in the URL.
    pub password: Option<Arc<dyn PasswordSource>>,
    /// Most connections.
    pub connections: u32,
    /// How many batches are saved at the same time; at most `connections`.
    pub writers: usize,
    /// How long to wait for a connection before the database counts as unavailable.
    pub acquire_timeout: Duration,
    /// True for the handler, which owns the schema and brings it up to date; false for others, who find it as they know
    /// it or refuse it.
    pub migrates: bool,
}

impl PostgresOptions {
    /// The defaults with this URL.
    #[must_use]
    pub fn new(url: SecretString) -> Self {
        let acquire_timeout = Duration::from_secs(5);
        Self { url, password: None, connections: 8, writers: 2, acquire_timeout, migrates: true }
    }
}

/// Orders in PostgreSQL.
pub struct PostgresStore {
    pool: PgPool,
    writers: usize,
    passwords: Option<Passwords>,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date or checks it.
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
            // Both hooks ask whether the connection answers, which the pool's own test would wait for without end.
            .test_before_acquire(false)
            .before_acquire(|connection, used| {
                Box::pin(async move { if used.idle_for < FRESH { Ok(true) } else { heard(connection).await } })
            })
            .after_release(|connection, _| Box::pin(heard(connection)))
            .connect_with(connect.clone().options(LIMITS))
            .answered()
            .await?;
        if options.migrates {
            // Without the limits: a migration may take its time.
            schema::migrate(&connect).await?;
        } else {
            schema::expect(&pool).await?;
        }
        Ok(Self { pool, writers: options.writers.max(1), passwords })
    }

    /// The pool, with a password that is fresh enough for a new connection.
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
        // One snapshot for all statements: versions, contents and everything that follows from them are of the same
        // moment.
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
        // It waits for every place of the pool. One that never comes back must not keep a process from ending.
        if tokio::time::timeout(DEADLINE, self.pool.close()).await.is_err() {
            tracing::warn!("a connection to the database was not given back in time");
        }
    }
}
