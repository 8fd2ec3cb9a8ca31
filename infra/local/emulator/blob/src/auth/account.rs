//! Accounts, and the credentials they issue.

use std::net::SocketAddr;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::signature::Key;
use super::{Error, Grant, Peer, Policy, Query, Request, Resource, SasTerms, SasToken, Scope, sas, shared_key};
use crate::names::{BlobName, ContainerName};

/// Name of the account every emulator has (`UseDevelopmentStorage=true`).
pub const DEVELOPMENT_ACCOUNT: &str = "devstoreaccount1";
/// Its key, which is published and protects nothing.
const DEVELOPMENT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Kept as they are in a blob's path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// An account: its name and its keys. Each key has all rights; there are two, so that they can be rotated.
#[derive(Debug, Clone)]
pub struct Account {
    name: String,
    keys: Vec<Key>,
}

impl Account {
    /// An account with one key. Names have 3 to 24 lower-case letters and digits in Azure; others work here.
    #[must_use]
    pub fn new(name: impl Into<String>, key: Key) -> Self {
        Self { name: name.into(), keys: vec![key] }
    }

    /// The account every emulator has, with its published key.
    #[must_use]
    pub fn development() -> Self {
        let keys = Key::from_base64(DEVELOPMENT_KEY).into_iter().collect();
        Self { name: DEVELOPMENT_ACCOUNT.to_owned(), keys }
    }

    /// Accepts another key as well.
    #[must_use]
    pub fn with_key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its keys; the first signs the credentials that the account issues.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The account's address on this machine.
    #[must_use]
    pub fn endpoint(&self, address: SocketAddr) -> Endpoint<'_> {
        Endpoint { account: self, protocol: "http", url: format!("http://{address}/{}", self.name) }
    }

    /// The same where the endpoint speaks TLS.
    #[must_use]
    pub fn secure_endpoint(&self, address: SocketAddr) -> Endpoint<'_> {
        Endpoint { account: self, protocol: "https", url: format!("https://{address}/{}", self.name) }
    }

    /// Verifies a request; `policy` finds the stored access policy with an id.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify(
        &self,
        request: &Request<'_>,
        resource: &Resource,
        policy: Option<&Policy>,
        peer: Peer,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        if let Some(token) = SasToken::find(request.query)? {
            return token.verify(self, resource, policy, peer, now);
        }
        if !request.headers.contains_key("authorization") {
            return Err(Error::Missing);
        }
        shared_key::verify(request, self, now)?;
        Ok(Grant::everything())
    }

    /// Verifies the signature in the query of an address, such as a copy's source.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify_address(
        &self,
        query: &Query,
        resource: &Resource,
        policy: Option<&Policy>,
        peer: Peer,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        SasToken::find(query)?.ok_or(Error::Missing)?.verify(self, resource, policy, peer, now)
    }
}

/// An account at an address: addresses and credentials as callers use them.
#[derive(Debug, Clone)]
pub struct Endpoint<'a> {
    account: &'a Account,
    protocol: &'static str,
    url: String,
}

impl Endpoint<'_> {
    /// The account's address, `http://127.0.0.1:PORT/ACCOUNT`, or with `https`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The connection string with the account key: all rights.
    #[must_use]
    pub fn connection_string(&self) -> String {
        let key = self.account.keys.first().map(Key::to_base64).unwrap_or_default();
        let (name, url, protocol) = (&self.account.name, &self.url, self.protocol);
        format!("DefaultEndpointsProtocol={protocol};AccountName={name};AccountKey={key};BlobEndpoint={url};")
    }

    /// A container's address.
    #[must_use]
    pub fn container_url(&self, container: &ContainerName) -> String {
        format!("{}/{container}", self.url)
    }

    /// A blob's address.
    #[must_use]
    pub fn blob_url(&self, container: &ContainerName, name: &BlobName) -> String {
        format!("{}/{container}/{}", self.url, utf8_percent_encode(name.as_str(), PATH))
    }

    /// A container's address with a signature: such as `cw` for callers that only drop files, `rl` for those that only
    /// fetch them.
    #[must_use]
    pub fn container_sas_url(&self, container: &ContainerName, terms: &SasTerms) -> String {
        format!("{}?{}", self.container_url(container), self.sas(&Scope::Container(container.clone()), terms))
    }

    /// A blob's address with a signature.
    #[must_use]
    pub fn blob_sas_url(&self, container: &ContainerName, name: &BlobName, terms: &SasTerms) -> String {
        format!("{}?{}", self.blob_url(container, name), self.sas(&Scope::Blob(container.clone(), name.clone()), terms))
    }

    fn sas(&self, scope: &Scope, terms: &SasTerms) -> String {
        self.account.keys.first().map(|key| sas::make(key, &self.account.name, scope, terms)).unwrap_or_default()
    }
}
