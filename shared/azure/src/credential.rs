//! Identities, and the tokens made from them.
//!
//! In Azure the function app signs in with its managed identity: the platform sets `IDENTITY_ENDPOINT` and issues
//! tokens there. Anywhere else a developer's own sign-in is used (Azure CLI, then Azure Developer CLI). There is no
//! chain that tries one thing after another: the environment alone decides what is used.

use crate::settings::{IdentitySettings, Lookup};
use azure_core::credentials::TokenCredential;
use azure_identity::{
    DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use jiff::Timestamp;
use secrecy::SecretString;
use std::sync::Arc;

/// Scope of tokens for Service Bus.
pub const SERVICE_BUS_SCOPE: &str = "https://servicebus.azure.net/.default";

/// Scope of tokens that serve as passwords of Azure Database for PostgreSQL.
pub const POSTGRES_SCOPE: &str = "https://ossrdbms-aad.database.windows.net/.default";

/// No credential, or no token from it. The text contains the identity library's reason, which names endpoints and ids
/// but no secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The environment offers no identity of the wanted kind.
    #[error("no identity is available: {reason}")]
    Unavailable {
        /// The library's reason.
        reason: String,
    },
    /// The identity exists, but issued no token. Usually worth another try.
    #[error("no token for {scope}: {reason}")]
    NoToken {
        /// What the token was for.
        scope: &'static str,
        /// The library's reason.
        reason: String,
    },
}

/// A token and its expiry.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub secret: SecretString,
    /// When it expires.
    pub expires: Timestamp,
}

/// An identity that can get tokens. Clones share one cache.
#[derive(Debug, Clone)]
pub struct Credential(Arc<dyn TokenCredential>);

impl Credential {
    /// The identity the environment offers: a managed one when the platform set `IDENTITY_ENDPOINT`, otherwise the
    /// developer's sign-in.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the environment is that of a platform whose identities are not supported.
    pub fn from_environment(identity: &IdentitySettings, lookup: Lookup<'_>) -> Result<Self, Error> {
        let unavailable = |error: azure_core::Error| Error::Unavailable { reason: error.to_string() };
        if lookup("IDENTITY_ENDPOINT").is_some_and(|endpoint| !endpoint.is_empty()) {
            let options = ManagedIdentityCredentialOptions {
                user_assigned_id: identity.client_id.clone().map(UserAssignedId::ClientId),
                ..Default::default()
            };
            Ok(Self(ManagedIdentityCredential::new(Some(options)).map_err(unavailable)?))
        } else {
            Ok(Self(DeveloperToolsCredential::new(None).map_err(unavailable)?))
        }
    }

    /// Any other source of tokens, for instance a fixed one in a test.
    pub fn new(source: Arc<dyn TokenCredential>) -> Self {
        Self(source)
    }

    /// A token for `scope`, from the library's cache while it is fresh.
    ///
    /// # Errors
    /// [`Error::NoToken`].
    pub async fn token(&self, scope: &'static str) -> Result<Token, Error> {
        let token = self
            .0
            .get_token(&[scope], None)
            .await
            .map_err(|error| Error::NoToken { scope, reason: error.to_string() })?;
        let expires = Timestamp::from_second(token.expires_on.unix_timestamp()).unwrap_or(Timestamp::MAX);
        Ok(Token { secret: SecretString::from(token.token.secret()), expires })
    }

    /// A password for Azure Database for PostgreSQL.
    ///
    /// # Errors
    /// [`Error::NoToken`].
    pub async fn postgres_password(&self) -> Result<Token, Error> {
        self.token(POSTGRES_SCOPE).await
    }

    /// The source itself, for clients of the Azure SDK.
    pub(crate) fn source(&self) -> Arc<dyn TokenCredential> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use azure_core::credentials::{AccessToken, TokenRequestOptions};
    use azure_core::time::OffsetDateTime;
    use secrecy::ExposeSecret;

    /// Always the same token, valid until the given second of the Unix epoch.
    #[derive(Debug)]
    pub(crate) struct StaticToken(pub(crate) i64);

    #[async_trait::async_trait]
    impl TokenCredential for StaticToken {
        async fn get_token(
            &self,
            scopes: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            let expires = OffsetDateTime::from_unix_timestamp(self.0).expect("a time");
            Ok(AccessToken::new(format!("token for {}", scopes.join(" ")), expires))
        }
    }

    #[tokio::test]
    async fn a_token_carries_its_scope_and_its_end() {
        let credential = Credential::new(Arc::new(StaticToken(1_800_000_000)));
        let token = credential.postgres_password().await.unwrap();
        assert_eq!(token.secret.expose_secret(), &format!("token for {POSTGRES_SCOPE}"));
        assert_eq!(token.expires.as_second(), 1_800_000_000);
    }

    #[test]
    fn without_a_platform_identity_the_developer_signs_in() {
        assert!(Credential::from_environment(&IdentitySettings::default(), &|_| None).is_ok());
    }
}
