//! Read-only connections. Readers see the last commit and never wait for the writer.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::{Error, schema};

/// Most connections kept while idle.
const IDLE: usize = 8;

/// Read-only connections to one database.
pub(super) struct Readers {
    database: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(database: PathBuf) -> Self {
        Self { database, idle: Mutex::default() }
    }

    /// A connection of the caller's own until it is dropped.
    pub(super) fn take(self: &Arc<Self>) -> Result<Reader, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&self.database, flags)?;
                schema::configure(&connection)?;
                connection
            }
        };
        Ok(Reader { connection: Some(connection), readers: Arc::clone(self) })
    }
}

/// A connection on loan.
pub(super) struct Reader {
    connection: Option<Connection>,
    readers: Arc<Readers>,
}

impl Reader {
    /// From here until the reader is dropped, every look-up sees the same state of the database.
    pub(super) fn snapshot(&self) -> Result<(), Error> {
        self.execute_batch("BEGIN")?;
        Ok(())
    }
}

impl Deref for Reader {
    type Target = Connection;

    #[allow(clippy::expect_used)]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("present until dropped")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            return;
        }
        let mut idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
    }
}
