//! Opens the database the settings name.

use crate::credential::{Credential, Error as CredentialError};
use crate::settings::{DatabaseSettings, Lookup};
use async_trait::async_trait;
use iris_store::Store;
use iris_store::postgres::{Password, PasswordSource, PostgresOptions, PostgresStore};
use iris_store::sqlite::{SqliteOptions, SqliteStore};
use secrecy::ExposeSecret;
use std::sync::Arc;

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is of no known kind.
    #[error("the URL begins with neither postgres: nor sqlite:")]
    Scheme,
    /// The identity that is to sign in cannot be used.
    #[error("the database's identity is not usable")]
    Identity(#[source] CredentialError),
    /// The database cannot be opened.
    #[error("the database cannot be opened")]
    Store(#[from] iris_store::Error),
}

/// Connects and brings the schema up to date. `lookup` is asked for what the platform says about identities.
pub async fn open(settings: &DatabaseSettings, lookup: Lookup<'_>) -> Result<Arc<dyn Store>, Error> {
    connect(settings, lookup, true).await
}

/// Connects to the database of a handler. Only the handler changes PostgreSQL's schema; it has to be the one this
/// program knows.
pub async fn visit(settings: &DatabaseSettings, lookup: Lookup<'_>) -> Result<Arc<dyn Store>, Error> {
    connect(settings, lookup, false).await
}

async fn connect(settings: &DatabaseSettings, lookup: Lookup<'_>, migrates: bool) -> Result<Arc<dyn Store>, Error> {
    let url = settings.url.expose_secret();
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Arc::new(SqliteStore::open(SqliteOptions::new(path)).await?));
    }
    if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
        return Err(Error::Scheme);
    }
    let mut options = PostgresOptions::new(settings.url.clone());
    options.migrates = migrates;
    options.connections = settings.max_connections;
    // One connection is left for reads.
    options.writers =
        options.writers.min(usize::try_from(settings.max_connections.saturating_sub(1)).unwrap_or(usize::MAX)).max(1);
    if let Some(identity) = &settings.token_identity {
        options.password =
            Some(Arc::new(Token(Credential::from_environment(identity, lookup).map_err(Error::Identity)?)));
    }
    Ok(Arc::new(PostgresStore::connect(options).await?))
}

/// A managed identity's token as password.
struct Token(Credential);

#[async_trait]
impl PasswordSource for Token {
    async fn password(&self) -> Result<Password, String> {
        let token = self.0.postgres_password().await.map_err(|error| error.to_string())?;
        Ok(Password { secret: token.secret, expires: token.expires })
    }
}
