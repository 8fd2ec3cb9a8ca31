//! Pieces of content and who uses them.
//!
//! A chunk is written once and never changed. Every part of a committed blob and every staged block that refers to it
//! counts as a user; copying a blob and committing blocks therefore moves no bytes.

use rusqlite::{Connection, OptionalExtension, params};

use super::Error;
use super::content::{Staged, StagedContent};

/// Adds a chunk with `users` users. The content's file now belongs to the database.
pub(super) fn insert(connection: &Connection, content: &Staged, users: i64) -> Result<i64, Error> {
    let length = content.length.cast_signed();
    let mut statement =
        connection.prepare_cached("INSERT INTO chunks (users, length, file, bytes) VALUES (?1, ?2, ?3, ?4)")?;
    match &content.content {
        StagedContent::Inline(bytes) => statement.execute(params![users, length, None::<&str>, bytes.as_ref()])?,
        StagedContent::File(file) => statement.execute(params![users, length, file.path(), None::<&[u8]>])?,
    };
    Ok(connection.last_insert_rowid())
}

/// Adds users to a chunk.
pub(super) fn retain(connection: &Connection, chunk: i64, users: i64) -> Result<(), Error> {
    connection.prepare_cached("UPDATE chunks SET users = users + ?2 WHERE id = ?1")?.execute([chunk, users])?;
    Ok(())
}

/// Removes users from a chunk. When none is left the chunk is deleted; its file, if it has one, is returned for
/// deletion after the commit.
pub(super) fn release(connection: &Connection, chunk: i64, users: i64) -> Result<Option<String>, Error> {
    let left: Option<(i64, Option<String>)> = connection
        .prepare_cached("UPDATE chunks SET users = users - ?2 WHERE id = ?1 RETURNING users, file")?
        .query_row([chunk, users], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match left {
        Some((left, file)) if left <= 0 => {
            connection.prepare_cached("DELETE FROM chunks WHERE id = ?1")?.execute([chunk])?;
            Ok(file)
        }
        _ => Ok(None),
    }
}
