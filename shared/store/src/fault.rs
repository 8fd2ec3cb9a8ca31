//! What the database's errors mean to us.

use crate::Error;
use futures::FutureExt;
use futures::future::Map;
use std::time::Duration;
use tokio::time::error::Elapsed;
use tokio::time::{Timeout, timeout};

/// How long to wait for an answer from the database. The server gives up earlier (see `postgres::LIMITS`), so only an
/// unreachable server takes this long; its connection is not used again.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// An answer with a deadline.
type InTime<F, T> = Map<Timeout<F>, fn(Result<Result<T, sqlx::Error>, Elapsed>) -> Result<T, Error>>;

/// A statement sent to the database.
pub(super) trait Answered<T>: Future<Output = Result<T, sqlx::Error>> + Sized {
    /// The database's answer, or why there is none.
    fn answered(self) -> InTime<Self, T> {
        timeout(DEADLINE, self).map(|answer| match answer {
            Ok(answer) => answer.map_err(fault),
            Err(_) => Err(Error::Unavailable(String::from("no answer in time"))),
        })
    }
}

impl<T, F: Future<Output = Result<T, sqlx::Error>>> Answered<T> for F {}

/// Classifies a driver error: conflict, transient trouble, or permanent refusal. Keeps no text from the database that
/// may quote values.
pub(super) fn fault(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            let constraint = database.constraint().unwrap_or_default().to_owned();
            if database.is_unique_violation() || is_conflict(&code) {
                Error::Conflict
            } else if is_passing(&code) {
                Error::Unavailable(format!("database error {code}"))
            } else {
                Error::Refused { code, constraint }
            }
        }
        sqlx::Error::Io(error) => Error::Unavailable(format!("connection: {}", error.kind())),
        sqlx::Error::Tls(_) => Error::Unavailable(String::from("TLS handshake failed")),
        sqlx::Error::Protocol(_) => Error::Unavailable(String::from("the connection broke off")),
        sqlx::Error::PoolTimedOut => Error::Unavailable(String::from("no connection in time")),
        sqlx::Error::PoolClosed => Error::Closed,
        sqlx::Error::WorkerCrashed => Error::Unavailable(String::from("the connection's worker ended")),
        sqlx::Error::RowNotFound => Error::Corrupt(String::from("a row is missing")),
        sqlx::Error::ColumnDecode { index, .. } => Error::Corrupt(format!("column {index}")),
        sqlx::Error::Configuration(_) => Error::Settings(String::from("the connection settings are refused")),
        _ => Error::Refused { code: String::from("driver"), constraint: String::new() },
    }
}

/// PostgreSQL: serialization failure and deadlock. SQLite: busy database or outdated snapshot.
fn is_conflict(code: &str) -> bool {
    matches!(code, "40001" | "40P01" | "5" | "6" | "261" | "517" | "773")
}

/// PostgreSQL: connection trouble (08), bad password (28P01: a token that just expired), resources (53), shutdown and
/// failover (57, 25006), timeouts. SQLite: I/O errors (10), full (13), cannot open (14).
fn is_passing(code: &str) -> bool {
    let class = code.get(..2).unwrap_or_default();
    let postgres =
        code.len() == 5 && (matches!(class, "08" | "53" | "57" | "58") || matches!(code, "28P01" | "25006" | "55P03"));
    let sqlite = code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 10 | 13 | 14));
    postgres || sqlite
}

#[cfg(test)]
mod tests {
    use super::{is_conflict, is_passing};

    #[test]
    fn codes_are_sorted() {
        assert!(is_conflict("40001") && is_conflict("517"));
        assert!(is_passing("57P01") && is_passing("08006") && is_passing("53300"));
        assert!(is_passing("10") && is_passing("13") && is_passing("522"));
        assert!(!is_passing("22021") && !is_passing("42601") && !is_passing("1") && !is_passing("19"));
    }
}
