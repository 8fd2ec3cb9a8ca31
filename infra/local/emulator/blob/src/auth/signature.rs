//! Account keys and what is signed with them: HMAC-SHA256, in base64.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// An account key. It is never shown by `Debug`.
#[derive(Clone)]
pub struct Key {
    bytes: Vec<u8>,
    /// Keyed and ready to sign.
    mac: Hmac<Sha256>,
}

/// Text that is not a key: not base64, or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account key is base64 text")]
pub struct InvalidKey;

impl Key {
    /// Reads a key as written in connection strings.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_base64(text: &str) -> Result<Self, InvalidKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| InvalidKey)?;
        if bytes.is_empty() {
            return Err(InvalidKey);
        }
        let mac = Hmac::new_from_slice(&bytes).map_err(|_| InvalidKey)?;
        Ok(Self { bytes, mac })
    }

    /// Makes a new key of 64 bytes, as long as Azure's.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 64];
        for part in bytes.as_chunks_mut::<16>().0 {
            *part = uuid::Uuid::new_v4().into_bytes();
        }
        Self { bytes: bytes.to_vec(), mac: Hmac::new(&bytes.into()) }
    }

    /// The key as written in connection strings.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// Signs text.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        STANDARD.encode(self.mac(text).finalize().into_bytes())
    }

    /// Whether `signature` (base64) is this key's signature of `text`; takes the same time for all wrong ones.
    #[must_use]
    pub fn verifies(&self, text: &str, signature: &str) -> bool {
        STANDARD.decode(signature).is_ok_and(|signature| self.mac(text).verify_slice(&signature).is_ok())
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        mac
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_verified_by_its_key_only() {
        let (key, other) = (Key::random(), Key::random());
        let signature = key.sign("text");
        assert!(key.verifies("text", &signature));
        assert!(!key.verifies("texT", &signature) && !other.verifies("text", &signature) && !key.verifies("text", "?"));
        assert_eq!(Key::from_base64(&key.to_base64()), Ok(key));
        assert_eq!(Key::from_base64(""), Err(InvalidKey));
    }
}
