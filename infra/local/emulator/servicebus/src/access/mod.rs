//! Who may do what: shared access keys, the tokens signed with them, and connection strings.
//!
//! A caller gets a key for one entity with one right, as in Azure. Its SDK signs a token for an address with that key
//! and presents it to `$cbs`; the token then grants the key's rights at that address until it expires.

mod sas;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::net::SocketAddr;

pub(crate) use sas::{Grant, path};

/// Name of the key that may do everything, as Azure names it.
pub const ROOT_KEY_NAME: &str = "RootManageSharedAccessKey";

/// Kept as they are in a signature.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To send.
    Send,
    /// To receive and settle.
    Listen,
    /// Everything.
    Manage,
}

/// A shared access key.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Name, unique for its entity.
    pub name: String,
    /// The secret, as it stands in connection strings.
    pub key: String,
    /// The entity it is for; `None`: the whole namespace.
    pub entity: Option<String>,
    /// What it allows.
    pub right: Right,
    /// A second name for its entity, for the holder of the key: as if the key belonged to a namespace of the holder's
    /// own, in which the entity has that name. Needed by clients that hard-code their queue names.
    pub known_as: Option<String>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("name", &self.name).field("entity", &self.entity).finish_non_exhaustive()
    }
}

/// The keys an endpoint knows.
#[derive(Debug, Clone, Default)]
pub struct Access {
    keys: Vec<AccessKey>,
}

impl Access {
    /// Everyone who reaches the endpoint may do everything; tokens are accepted unchecked.
    pub fn open() -> Self {
        Self::default()
    }

    /// Only holders of these keys are admitted. Without any keys this equals [`Access::open`].
    pub fn with_keys(keys: Vec<AccessKey>) -> Self {
        Self { keys }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.keys.is_empty()
    }
}

/// The port of AMQP, which clients use when an address has none.
const AMQP_PORT: u16 = 5672;

/// A connection string that the Azure SDKs accept: development mode, so without TLS. The port is left out if it is the
/// default, because some clients cannot read it.
pub fn connection_string(address: SocketAddr, key_name: &str, key: &str, entity: Option<&str>) -> String {
    let path = entity.map(|entity| format!(";EntityPath={entity}")).unwrap_or_default();
    let host = if address.port() == AMQP_PORT { address.ip().to_string() } else { address.to_string() };
    format!(
        "Endpoint=sb://{host};SharedAccessKeyName={key_name};SharedAccessKey={key};UseDevelopmentEmulator=true{path}"
    )
}

/// The port of AMQP in TLS.
const AMQPS_PORT: u16 = 5671;

/// A connection string for an endpoint in TLS, like those of Azure. The certificate is for `localhost`, so that is the
/// host.
pub fn secure_connection_string(port: u16, key_name: &str, key: &str, entity: Option<&str>) -> String {
    let path = entity.map(|entity| format!(";EntityPath={entity}")).unwrap_or_default();
    let port = if port == AMQPS_PORT { String::new() } else { format!(":{port}") };
    format!("Endpoint=sb://localhost{port}/;SharedAccessKeyName={key_name};SharedAccessKey={key}{path}")
}

/// A shared access signature for an address (such as `http://127.0.0.1:5300/orders`) and everything below it: the value
/// of a request's `Authorization` header.
pub fn shared_access_signature(address: &str, key_name: &str, key: &str, expiry: jiff::Timestamp) -> String {
    let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let (resource, expiry) = (encode(address), expiry.as_second().to_string());
    let signature = BASE64.encode(sign(key.as_bytes(), &[resource.as_bytes(), b"\n", expiry.as_bytes()]));
    format!("SharedAccessSignature sr={resource}&sig={}&se={expiry}&skn={}", encode(&signature), encode(key_name))
}

/// A key that is always the same for the same seed, entity and name, so that connection strings survive a restart
/// without being stored. `entity` is empty for the namespace.
pub fn derive_key(seed: &[u8], entity: &str, name: &str) -> String {
    BASE64.encode(sign(seed, &[entity.to_ascii_lowercase().as_bytes(), b"\n", name.as_bytes()]))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<sha2::Sha256>> {
    // HMAC accepts keys of any length, so this cannot fail.
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

fn sign(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    mac(key, parts).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
