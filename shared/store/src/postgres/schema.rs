//! The schema: the handler owns it and migrates it; operators' programs only check that it is the one they know.

use crate::Error;
use crate::fault::{Answered, fault};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;

/// PostgreSQL's error code for insufficient privileges.
const NO_RIGHT: &str = "42501";

fn migrations() -> Migrator {
    sqlx::migrate!("migrations/postgres")
}

/// Migrates the schema. A newer one is left alone: migrations only add, so an older handler can work with it.
pub(super) async fn migrate(connect: &PgConnectOptions) -> Result<(), Error> {
    let mut connection = PgConnection::connect_with(connect).answered().await?;
    let done = migrations().set_ignore_missing(true).run(&mut connection).await;
    done.map_err(|error| Error::Migration(crate::migration(&error)))?;
    connection.close().answered().await
}

/// Refuses a schema that this program does not know. Changes nothing.
pub(super) async fn expect(pool: &PgPool) -> Result<(), Error> {
    let exists = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL");
    let exists: bool = exists.fetch_one(pool).answered().await?;
    if !exists {
        return Err(Error::Schema("is not there: start the handler, which makes it"));
    }
    let applied = sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success");
    let applied: Vec<i64> = applied.fetch_all(pool).await.map_err(|error| match fault(error) {
        Error::Refused { code, .. } if code == NO_RIGHT => {
            Error::Schema("may not be read with this login: it has to be granted iris_operators")
        }
        error => error,
    })?;
    let applied: BTreeSet<i64> = applied.into_iter().collect();
    let known: BTreeSet<i64> = migrations().iter().map(|migration| migration.version).collect();
    if !applied.is_subset(&known) {
        return Err(Error::Schema("is newer than this program: use the release that is deployed"));
    }
    if applied != known {
        return Err(Error::Schema("is older than this program: use the release that is deployed, or deploy this one"));
    }
    Ok(())
}
