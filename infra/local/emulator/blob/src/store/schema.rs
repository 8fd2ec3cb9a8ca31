//! The database: one row per container, blob, staged block and piece of content.
//!
//! - `blobs.document` and `containers.document` are JSON (headers, metadata, tags, lease).
//! - `chunks` are the pieces of content, counted by their users; a chunk's bytes are in the row (small) or in a file.
//! - `parts` is the content of a committed blob in order, `staged` the blocks waiting for a block list.

use rusqlite::Connection;

use super::Error;

/// Incremented with every change to the tables that an older program could not read.
const FORMAT: i64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), clock INTEGER NOT NULL);
INSERT OR IGNORE INTO state (id, clock) VALUES (1, 0);
CREATE TABLE IF NOT EXISTS containers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, etag INTEGER NOT NULL, modified INTEGER NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blobs (
    id INTEGER PRIMARY KEY, container INTEGER NOT NULL, name TEXT NOT NULL, committed INTEGER NOT NULL, etag INTEGER NOT NULL,
    created INTEGER NOT NULL, modified INTEGER NOT NULL, length INTEGER NOT NULL, document TEXT NOT NULL, UNIQUE (container, name));
CREATE INDEX IF NOT EXISTS uncommitted_blobs ON blobs (id) WHERE committed = 0;
CREATE TABLE IF NOT EXISTS chunks (id INTEGER PRIMARY KEY, users INTEGER NOT NULL, length INTEGER NOT NULL, file TEXT, bytes BLOB);
CREATE TABLE IF NOT EXISTS parts (
    blob INTEGER NOT NULL, ordinal INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL, chunk INTEGER NOT NULL,
    block BLOB, PRIMARY KEY (blob, ordinal)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS staged (
    blob INTEGER NOT NULL, block BLOB NOT NULL, length INTEGER NOT NULL, chunk INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (blob, block)) WITHOUT ROWID;
";

/// Settings of every connection. If it is to be durable, a commit waits for the disk.
pub(super) fn configure(connection: &Connection, durable: bool) -> Result<(), Error> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "OFF" })?;
    connection.pragma_update(None, "cache_size", -4_000)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// Creates the tables that are missing.
pub(super) fn create(connection: &Connection) -> Result<(), Error> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > FORMAT {
        return Err(Error::UnknownFormat);
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    Ok(())
}
