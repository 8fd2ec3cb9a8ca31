//! Shared access signatures: `SharedAccessSignature sr={address}&sig={signature}&se={expiry}&skn={key name}`.
//!
//! The signature is HMAC-SHA256, keyed with the key's text as written, over the address as encoded in the token, a line
//! feed, and the expiry in seconds since 1970.

use super::{Access, AccessKey, BASE64, Right, mac};
use crate::not_offered::NotOffered;
use base64::Engine as _;
use hmac::Mac as _;
use percent_encoding::percent_decode_str;

/// The beginning of directory tokens: `{"` in Base64.
const JSON_WEB_TOKEN: &str = "eyJ";

/// Rights at an address until an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Lower-case path below the host; empty for the namespace.
    scope: String,
    right: Right,
    /// Milliseconds since 1970.
    pub(crate) expires_at: i64,
    /// The key's second name for its entity, and that entity; both in lower case.
    known_as: Option<(String, String)>,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the token is not a shared access signature")]
    Malformed,
    #[error("{0}")]
    NotOffered(NotOffered),
    #[error("the token has expired")]
    Expired,
    #[error("no key of that name is valid for the address")]
    UnknownKey,
    #[error("the signature does not match")]
    Signature,
}

/// The entity part of an address: without scheme and host, without leading or trailing slashes, in lower case.
pub(crate) fn path(address: &str) -> String {
    let rest = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => address,
    };
    rest.trim_matches('/').to_ascii_lowercase()
}

/// Whether an entity is at or below a scope.
fn covers(scope: &str, entity: &str) -> bool {
    scope.is_empty() || entity.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Grant {
    /// Whether it allows `right` at `entity` (a lower-case path).
    pub(crate) fn allows(&self, entity: &str, right: Right, now: i64) -> bool {
        now < self.expires_at && covers(&self.scope, entity) && (self.right == right || self.right == Right::Manage)
    }

    /// Whether another grant says the same for at least as long.
    pub(crate) fn renewed_by(&self, other: &Self) -> bool {
        let same = self.scope == other.scope && self.right == other.right && self.known_as == other.known_as;
        same && self.expires_at <= other.expires_at
    }

    /// The entity (a lower-case path) that the holder means by a second name.
    pub(crate) fn meant_by(&self, name: &str) -> Option<String> {
        let (known_as, entity) = self.known_as.as_ref()?;
        covers(known_as, name).then(|| format!("{entity}{}", name.get(known_as.len()..).unwrap_or_default()))
    }
}

impl AccessKey {
    fn scope(&self) -> String {
        self.entity.as_deref().map(path).unwrap_or_default()
    }

    /// What the key grants at an address, given as a lower-case path, until an instant; `None` elsewhere.
    fn grant(&self, address: &str, expires_at: i64) -> Option<Grant> {
        let known_as = self.known_as.as_deref().map(|name| (path(name), self.scope()));
        let whole = Grant { scope: self.scope(), right: self.right, expires_at, known_as };
        let scope = if covers(&whole.scope, address) { address.to_owned() } else { whole.meant_by(address)? };
        Some(Grant { scope, ..whole })
    }
}

impl Access {
    /// Looks a token up and checks it.
    pub(crate) fn check_token(&self, token: &str, now: i64) -> Result<Vec<Grant>, Refusal> {
        if token.trim().starts_with(JSON_WEB_TOKEN) {
            return Err(Refusal::NotOffered(NotOffered::EntraTokens));
        }
        let fields = token.trim().strip_prefix("SharedAccessSignature ").ok_or(Refusal::Malformed)?;
        let (mut resource, mut signature, mut expiry, mut name) = (None, None, None, None);
        for (key, value) in fields.split('&').filter_map(|field| field.split_once('=')) {
            match key {
                "sr" => resource = Some(value),
                "sig" => signature = Some(value),
                "se" => expiry = Some(value),
                "skn" => name = Some(value),
                _ => {}
            }
        }
        let (Some(resource), Some(signature), Some(expiry), Some(name)) = (resource, signature, expiry, name) else {
            return Err(Refusal::Malformed);
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        let (Ok(address), Ok(signature), Ok(name)) = (decoded(resource), decoded(signature), decoded(name)) else {
            return Err(Refusal::Malformed);
        };
        let signature = BASE64.decode(signature).map_err(|_| Refusal::Malformed)?;
        let expires_at = expiry.parse::<i64>().ok().and_then(|s| s.checked_mul(1000)).ok_or(Refusal::Malformed)?;
        if expires_at <= now {
            return Err(Refusal::Expired);
        }
        // JavaScript's client signs separately for an entity's management node, which is part of the entity.
        let scope = path(&address);
        let scope = scope.strip_suffix("/$management").map_or(scope.clone(), str::to_owned);
        let named = self.keys.iter().filter(|key| key.name == name);
        let known: Vec<_> = named.filter_map(|key| Some((key, key.grant(&scope, expires_at)?))).collect();
        if known.is_empty() {
            return Err(Refusal::UnknownKey);
        }
        let signed = |key: &AccessKey| {
            mac(key.key.as_bytes(), &[resource.as_bytes(), b"\n", expiry.as_bytes()])
                .is_some_and(|mac| mac.verify_slice(&signature).is_ok())
        };
        let grants: Vec<Grant> = known.into_iter().filter(|(key, _)| signed(key)).map(|(_, grant)| grant).collect();
        if grants.is_empty() { Err(Refusal::Signature) } else { Ok(grants) }
    }

    /// What SASL PLAIN with a key's name and secret grants: all of the key's rights, as long as the connection lasts.
    pub(crate) fn check_password(&self, name: &str, password: &str) -> Vec<Grant> {
        let same = |key: &&AccessKey| {
            // Compared through a MAC, so that the time taken reveals nothing about the secret.
            let proof = super::sign(b"plain", &[key.key.as_bytes()]);
            key.name == name
                && mac(b"plain", &[password.as_bytes()]).is_some_and(|mac| mac.verify_slice(&proof).is_ok())
        };
        self.keys.iter().filter(same).filter_map(|key| key.grant(&key.scope(), i64::MAX)).collect()
    }
}
