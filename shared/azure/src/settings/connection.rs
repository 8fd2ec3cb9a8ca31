//! Where the handler's three neighbors (broker, storage, database) are, and how it signs in to them.

use super::read::{Error, Lookup, bounded, flag, invalid, optional};
use secrecy::SecretString;
use url::Url;

/// Which identity signs in when no connection string is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentitySettings {
    /// Client id of a user-assigned managed identity; `None` = the system-assigned one, or a developer's own sign-in.
    pub client_id: Option<String>,
}

/// The Service Bus namespace.
#[derive(Debug, Clone)]
pub enum ServiceBusSettings {
    /// `Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…`
    ConnectionString(SecretString),
    /// A namespace reached with an identity (role Azure Service Bus Data Sender).
    Identity {
        /// Host of the namespace, e.g. `acme.servicebus.windows.net`.
        namespace: String,
        /// Who signs in.
        identity: IdentitySettings,
    },
}

/// How the storage account is reached.
#[derive(Debug, Clone)]
pub enum StorageConnection {
    /// A connection string with an account key or a SAS, or a service URL that carries a SAS.
    ConnectionString(SecretString),
    /// A service URL reached with an identity (role Storage Blob Data Contributor).
    Identity {
        /// URL of the Blob service, e.g. `https://acme.blob.core.windows.net`.
        service: Url,
        /// Who signs in.
        identity: IdentitySettings,
    },
}

/// The storage account.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// How it is reached.
    pub connection: StorageConnection,
    /// Whether the account has a hierarchical namespace, where `CopyBlob` events come before the copy is complete
    /// (functions-host-contract §6.4).
    pub hierarchical_namespace: bool,
}

/// The database.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// `postgres://…` or `sqlite:…`; may contain a password.
    pub url: SecretString,
    /// `Some` = PostgreSQL is signed in to with a token of this identity instead of a password.
    pub token_identity: Option<IdentitySettings>,
    /// Most connections in the pool.
    pub max_connections: u32,
}

impl ServiceBusSettings {
    pub(super) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, Error> {
        if let Some(text) = optional(lookup, "ServiceBus") {
            return Ok(Self::ConnectionString(SecretString::from(text)));
        }
        let namespace = optional(lookup, "ServiceBus__fullyQualifiedNamespace").ok_or(Error::Missing {
            variable: "ServiceBus",
            remedy: "set it to the namespace's connection string, or set ServiceBus__fullyQualifiedNamespace to the host of the \
                     namespace (e.g. acme.servicebus.windows.net) to sign in with an identity",
        })?;
        if !namespace.contains('.') || namespace.contains(['/', ':', ' ', '@']) {
            return Err(invalid(
                "ServiceBus__fullyQualifiedNamespace",
                "use the host alone, without scheme, port or path, e.g. acme.servicebus.windows.net",
            ));
        }
        let identity = identity(lookup, "ServiceBus__credential", "ServiceBus__clientId")?;
        Ok(Self::Identity { namespace, identity })
    }
}

impl StorageSettings {
    pub(super) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, Error> {
        let hierarchical_namespace = flag(lookup, "Storage__hierarchicalNamespace")?;
        if let Some(text) = optional(lookup, "Storage") {
            let connection = StorageConnection::ConnectionString(SecretString::from(text));
            return Ok(Self { connection, hierarchical_namespace });
        }
        let text = optional(lookup, "Storage__blobServiceUri").ok_or(Error::Missing {
            variable: "Storage",
            remedy: "set it to the account's connection string or a service URL with a SAS, or set Storage__blobServiceUri to the \
                     URL of the Blob service (e.g. https://acme.blob.core.windows.net) to sign in with an identity",
        })?;
        let service = Url::parse(&text)
            .ok()
            .filter(|url| url.scheme() == "https" && url.has_host() && url.query().is_none())
            .ok_or_else(|| {
                invalid(
                    "Storage__blobServiceUri",
                    "use an https URL without a query, e.g. https://acme.blob.core.windows.net; a URL with a SAS goes \
                     into Storage",
                )
            })?;
        let identity = identity(lookup, "Storage__credential", "Storage__clientId")?;
        Ok(Self { connection: StorageConnection::Identity { service, identity }, hierarchical_namespace })
    }
}

impl DatabaseSettings {
    pub(super) fn from_lookup(lookup: Lookup<'_>) -> Result<Self, Error> {
        let url = optional(lookup, "Database").ok_or(Error::Missing {
            variable: "Database",
            remedy: "set it to postgres://user@host/database or sqlite:path",
        })?;
        let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        if !postgres && !url.starts_with("sqlite:") {
            return Err(invalid("Database", "use a URL that starts with postgres:// or sqlite:"));
        }
        let by_token = flag(lookup, "Database__managedIdentity")?;
        if by_token && !postgres {
            return Err(invalid("Database__managedIdentity", "only PostgreSQL takes tokens; remove it for SQLite"));
        }
        let client_id = optional(lookup, "Database__clientId");
        let max_connections = bounded(lookup, "Database__maxConnections", 8, 1, 1000)?;
        Ok(Self {
            url: SecretString::from(url),
            token_identity: by_token.then_some(IdentitySettings { client_id }),
            max_connections: u32::try_from(max_connections).unwrap_or(u32::MAX),
        })
    }
}

fn identity(lookup: Lookup<'_>, credential: &'static str, client_id: &'static str) -> Result<IdentitySettings, Error> {
    if optional(lookup, credential).is_some_and(|kind| !kind.eq_ignore_ascii_case("managedidentity")) {
        return Err(invalid(
            credential,
            "the only kind is managedidentity; remove the setting to use the default identity",
        ));
    }
    Ok(IdentitySettings { client_id: optional(lookup, client_id) })
}
