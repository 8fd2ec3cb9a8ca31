//! Passwords that expire: tokens of a managed identity.
//!
//! PostgreSQL asks for the password only when a connection is made. So a new one is fetched well before the old one
//! expires, by whoever next needs a connection; the others go on with the old one in the meantime. If no new one can be
//! obtained, the old one is used until it expires, and existing connections stay usable beyond that.

use crate::Error;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::warn;

/// The latest time before its expiry at which a password is replaced.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// How long to wait before asking a source again after it failed.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// How long the source may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A password and its expiry.
#[derive(Debug, Clone)]
pub struct Password {
    /// The password.
    pub secret: SecretString,
    /// When it stops being accepted.
    pub expires: Timestamp,
}

/// Supplies the password for new connections, e.g. a managed-identity token.
#[async_trait]
pub trait PasswordSource: Send + Sync + 'static {
    /// The currently valid password.
    ///
    /// # Errors
    /// The reason, which is shown as it is and must not contain secrets.
    async fn password(&self) -> Result<Password, String>;
}

/// A source, and the times of the password in use.
pub(super) struct Passwords {
    source: Arc<dyn PasswordSource>,
    times: std::sync::Mutex<Times>,
    /// Held while a password is being fetched.
    fetching: Mutex<()>,
}

/// When the password in use is replaced, and when it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    replace: Timestamp,
    end: Timestamp,
}

impl Times {
    /// Replaced after half its remaining life, and at least [`AHEAD`] of its end, but not within half a minute, in case
    /// the source keeps returning one that is about to expire.
    fn of(end: Timestamp, now: Timestamp) -> Self {
        let half = now + (end.duration_since(now) / 2);
        Self { replace: half.min(end - AHEAD).max(now + AGAIN), end }
    }
}

impl Passwords {
    /// Fetches the first password.
    pub(super) async fn first(source: Arc<dyn PasswordSource>) -> Result<(Self, SecretString), Error> {
        let password = ask(&source).await.map_err(|reason| unavailable(&reason))?;
        let times = std::sync::Mutex::new(Times::of(password.expires, Timestamp::now()));
        Ok((Self { source, times, fetching: Mutex::default() }, password.secret))
    }

    /// A new password, if the one in use is due for replacement.
    pub(super) async fn renewed(&self, now: Timestamp) -> Result<Option<SecretString>, Error> {
        let times = self.times();
        if now < times.replace {
            return Ok(None);
        }
        let _fetching = match self.fetching.try_lock() {
            Ok(fetching) => fetching,
            Err(_) if now < times.end => return Ok(None),
            Err(_) => self.fetching.lock().await,
        };
        // Somebody may have fetched one while this call waited.
        let times = self.times();
        if now < times.replace {
            return Ok(None);
        }
        match ask(&self.source).await {
            Ok(password) => {
                self.set(Times::of(password.expires, now));
                Ok(Some(password.secret))
            }
            Err(reason) if now < times.end => {
                warn!(reason, "no new database password; the old one is used on");
                self.set(Times { replace: now + AGAIN, ..times });
                Ok(None)
            }
            Err(reason) => Err(unavailable(&reason)),
        }
    }

    fn times(&self) -> Times {
        *self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, times: Times) {
        *self.times.lock().unwrap_or_else(PoisonError::into_inner) = times;
    }
}

async fn ask(source: &Arc<dyn PasswordSource>) -> Result<Password, String> {
    let asked = tokio::time::timeout(LIMIT, source.password());
    asked.await.unwrap_or_else(|_| Err("the source of passwords did not answer".to_owned()))
}

fn unavailable(reason: &str) -> Error {
    Error::Unavailable(format!("no database password: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Returns numbered passwords that are valid for an hour, until told to fail.
    #[derive(Default)]
    struct Source {
        asked: AtomicUsize,
        failing: std::sync::atomic::AtomicBool,
    }

    #[async_trait]
    impl PasswordSource for Source {
        async fn password(&self) -> Result<Password, String> {
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            if self.failing.load(Ordering::Relaxed) {
                return Err("the identity endpoint is away".to_owned());
            }
            let expires = Timestamp::now() + SignedDuration::from_hours(1);
            Ok(Password { secret: format!("token {number}").into(), expires })
        }
    }

    async fn passwords() -> (Arc<Source>, Passwords) {
        let source = Arc::new(Source::default());
        let (passwords, first) = Passwords::first(source.clone()).await.unwrap();
        assert_eq!(first.expose_secret(), "token 0");
        (source, passwords)
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::now() + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn it_is_replaced_half_way_and_well_before_its_end() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let replaced = |lives: SignedDuration| Times::of(now + lives, now).replace.duration_since(now).as_secs();
        assert_eq!(replaced(SignedDuration::from_hours(24)), 12 * 3600);
        assert_eq!(replaced(SignedDuration::from_mins(8)), 180);
        assert_eq!(replaced(SignedDuration::from_mins(1)), 30);
        assert_eq!(replaced(SignedDuration::from_mins(-1)), 30);
    }

    #[tokio::test]
    async fn a_fresh_one_is_kept_and_an_old_one_is_replaced() {
        let (source, passwords) = passwords().await;
        assert!(passwords.renewed(at(5)).await.unwrap().is_none());
        assert_eq!(source.asked.load(Ordering::Relaxed), 1);
        assert_eq!(passwords.renewed(at(31)).await.unwrap().unwrap().expose_secret(), "token 1");
    }

    #[tokio::test]
    async fn while_none_can_be_had_the_old_one_serves_until_its_end() {
        let (source, passwords) = passwords().await;
        source.failing.store(true, Ordering::Relaxed);
        assert!(passwords.renewed(at(40)).await.unwrap().is_none());
        assert!(passwords.renewed(at(40)).await.unwrap().is_none());
        assert_eq!(source.asked.load(Ordering::Relaxed), 2, "a failing source is not asked at every turn");
        let error = passwords.renewed(at(61)).await.unwrap_err();
        assert!(matches!(&error, Error::Unavailable(_)) && error.to_string().contains("identity endpoint"), "{error}");
        source.failing.store(false, Ordering::Relaxed);
        assert!(passwords.renewed(at(62)).await.unwrap().is_some());
    }
}
