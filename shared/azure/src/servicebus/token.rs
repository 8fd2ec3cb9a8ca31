//! Tokens that the broker requires before a queue may be used.
//!
//! From a shared access key: `SharedAccessSignature sr={audience}&sig={signature}&se={expiry}&skn={name}`, where the
//! signature is over the encoded audience and the expiry, in seconds since 1970. From an identity: its token (JWT) for
//! Service Bus.

use super::endpoint::SharedAccess;
use crate::credential::{Credential, SERVICE_BUS_SCOPE};
use azure_core::credentials::Secret;
use azure_core::hmac::hmac_sha256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

/// How long our signatures are valid.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where tokens come from.
#[derive(Debug, Clone)]
pub(super) enum Tokens {
    Shared(SharedAccess),
    Identity(Credential),
}

/// A token as it is put.
#[derive(Debug)]
pub(super) struct QueueToken {
    pub(super) value: SecretString,
    /// The broker's name for this kind of token.
    pub(super) kind: &'static str,
    pub(super) expires: Timestamp,
}

/// No token could be made or obtained.
#[derive(Debug, thiserror::Error)]
#[error("no token: {0}")]
pub(super) struct NoToken(String);

impl Tokens {
    /// A token for the audience, valid from `now` on.
    pub(super) async fn token(&self, audience: &str, now: Timestamp) -> Result<QueueToken, NoToken> {
        const SIGNATURE: &str = "servicebus.windows.net:sastoken";
        match self {
            Self::Shared(SharedAccess::Key { name, key }) => {
                let expires = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
                Ok(QueueToken { value: signature(audience, name, key, expires)?, kind: SIGNATURE, expires })
            }
            Self::Shared(SharedAccess::Signature(value)) => {
                let expires = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
                Ok(QueueToken { value: value.clone(), kind: SIGNATURE, expires })
            }
            Self::Identity(credential) => {
                let token = credential.token(SERVICE_BUS_SCOPE).await.map_err(|error| NoToken(error.to_string()))?;
                Ok(QueueToken { value: token.secret, kind: "jwt", expires: token.expires })
            }
        }
    }
}

fn signature(audience: &str, name: &str, key: &SecretString, expires: Timestamp) -> Result<SecretString, NoToken> {
    let resource = utf8_percent_encode(audience, UNRESERVED).to_string();
    let expiry = expires.as_second();
    // The key is used as text; the function below expects base64 and decodes it.
    let key = Secret::new(STANDARD.encode(key.expose_secret()));
    let signature =
        hmac_sha256(&format!("{resource}\n{expiry}"), &key).map_err(|error| NoToken(error.kind().to_string()))?;
    let signature = utf8_percent_encode(&signature, UNRESERVED);
    let name = utf8_percent_encode(name, UNRESERVED);
    Ok(SecretString::from(format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::tests::StaticToken;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_signature_is_made_as_documented() {
        let access = SharedAccess::Key { name: "Root Key".into(), key: SecretString::from("secret+key=") };
        let now: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
        let token = Tokens::Shared(access).token("sb://acme.servicebus.windows.net/q", now).await.unwrap();
        assert_eq!(token.kind, "servicebus.windows.net:sastoken");
        assert_eq!(token.expires, "2026-11-20T10:00:00Z".parse().unwrap());
        // Computed with Python: hmac.new(b"secret+key=", b"sb%3A%2F%2Facme.servicebus.windows.net%2Fq\n1795168800",
        // "sha256").
        assert_eq!(
            token.value.expose_secret(),
            "SharedAccessSignature \
             sr=sb%3A%2F%2Facme.servicebus.windows.net%2Fq&sig=%2BnL89ciUOt5LmOW1iprs%2BUk2bvY0lmf839JchI1qoMQ%3D&se=1795168800&skn=Root%20Key"
        );
        assert!(!format!("{token:?}").contains("sig="));
    }

    #[tokio::test]
    async fn an_identity_gives_its_own_token() {
        let tokens = Tokens::Identity(Credential::new(Arc::new(StaticToken(1_800_000_000))));
        let token = tokens.token("sb://acme/q", Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!((token.kind, token.expires.as_second()), ("jwt", 1_800_000_000));
        assert_eq!(token.value.expose_secret(), &format!("token for {SERVICE_BUS_SCOPE}"));
    }
}
