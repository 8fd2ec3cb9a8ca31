//! Empty databases for single measurements.

use anyhow::{Context, Result};
use iris_store::Store;
use iris_store::postgres::{PostgresOptions, PostgresStore};
use iris_store::sqlite::{SqliteOptions, SqliteStore};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

/// The kind of database that orders are stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Where databases come from.
pub(crate) struct Databases {
    server: Option<String>,
    folder: TempDir,
}

/// A new database.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) kind: Kind,
    /// As in the handler's setting.
    pub(crate) url: String,
}

impl Databases {
    pub(crate) fn new(server: Option<String>) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("iris-bench-").tempdir().context("no temporary folder can be made")?;
        Ok(Self { server, folder })
    }

    /// The kinds that are measured.
    pub(crate) fn kinds(&self) -> &'static [Kind] {
        if self.server.is_some() { &[Kind::Sqlite, Kind::Postgres] } else { &[Kind::Sqlite] }
    }

    /// An empty database.
    pub(crate) async fn create(&self, kind: Kind) -> Result<Database> {
        let name = format!("iris_{}", Uuid::new_v4().simple());
        let url = match kind {
            Kind::Sqlite => format!("sqlite:{}", self.folder.path().join(name).display()),
            Kind::Postgres => {
                let server = self.server.as_deref().context("there is no PostgreSQL")?;
                let mut connection = PgConnection::connect(server).await?;
                // Flushed now, so that pages from earlier measurements are not written during this one.
                sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await?;
                sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
                let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
                format!("{base}/{name}")
            }
        };
        Ok(Database { kind, url })
    }

    /// Removes a database, so that the server's housekeeping does not work on it during the next measurement.
    pub(crate) async fn remove(&self, database: Database) -> Result<()> {
        match (&self.server, database.kind) {
            (Some(server), Kind::Postgres) => {
                let name = database.url.rsplit_once('/').map(|(_, name)| name).context("the URL names a database")?;
                let mut connection = PgConnection::connect(server).await?;
                sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
                    .execute(&mut connection)
                    .await?;
            }
            _ => std::fs::remove_file(database.path())?,
        }
        Ok(())
    }
}

impl Database {
    /// Opens it with the handler's options, and brings its schema up to date.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(match self.kind {
            Kind::Sqlite => Arc::new(SqliteStore::open(SqliteOptions::new(self.path())).await?),
            Kind::Postgres => Arc::new(PostgresStore::connect(PostgresOptions::new(self.url.clone().into())).await?),
        })
    }

    /// The file of an SQLite database.
    pub(crate) fn path(&self) -> PathBuf {
        self.url.trim_start_matches("sqlite:").into()
    }
}
