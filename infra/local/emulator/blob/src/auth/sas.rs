//! Shared access signatures: for one container or blob (service SAS), or for the account.
//!
//! A signature covers its own parameters, one per line, in an order that grew with the service's versions. Parameters
//! that the version in `sv` does not know are not signed and therefore ignored.

use std::net::IpAddr;

use jiff::Timestamp;

use super::{Account, Error, Grant, Key, Peer, Query, Resource, ResponseOverrides, Scope};
use crate::not_offered::NotOffered;

/// The oldest version whose signatures are accepted.
const OLDEST: &str = "2015-04-05";
/// From this version on, the kind of resource and the snapshot are signed.
const WITH_RESOURCE: &str = "2018-11-09";
/// From this version on, the encryption scope is signed.
const WITH_SCOPE: &str = "2020-12-06";

/// What a service SAS is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SasKind {
    /// One container and its blobs (`sr=c`).
    Container,
    /// One blob (`sr=b`).
    Blob,
    /// The account (`ss`, `srt`).
    Account,
}

/// A stored access policy, from which a signature takes its terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Not before.
    pub start: Option<String>,
    /// Not after.
    pub expiry: Option<String>,
    /// Permission letters.
    pub permissions: Option<String>,
}

/// The terms of a signature to be made.
#[derive(Debug, Clone)]
pub struct SasTerms {
    /// Permission letters in the service's order, such as `cw` or `rl` (`racwdxyltmeopfi`).
    pub permissions: String,
    /// Not after.
    pub expiry: Timestamp,
}

/// A signature as it appears in a query.
#[derive(Debug, Clone, Copy)]
pub struct SasToken<'a> {
    query: &'a Query,
    kind: SasKind,
}

impl<'a> SasToken<'a> {
    /// The signature in a query, if there is one.
    ///
    /// # Errors
    /// [`Error::Failed`] when it is of a kind or version that is not supported.
    pub fn find(query: &'a Query) -> Result<Option<Self>, Error> {
        if query.get("sig").is_none() {
            return Ok(None);
        }
        if query.text("sv") < OLDEST {
            return Err(Error::Failed("The version of the shared access signature (sv) is missing or too old."));
        }
        if query.get("ses").is_some_and(|scope| !scope.is_empty()) {
            return Err(Error::NotOffered(NotOffered::EncryptionScopes));
        }
        if query.get("skoid").is_some() {
            return Err(Error::NotOffered(NotOffered::UserDelegation));
        }
        let kind = match (query.get("sr"), query.get("ss")) {
            (Some("c"), _) => SasKind::Container,
            (Some("b"), _) => SasKind::Blob,
            (None, Some(_)) => SasKind::Account,
            _ => return Err(Error::Failed("The shared access signature is for an unknown type of resource.")),
        };
        Ok(Some(Self { query, kind }))
    }

    /// The id of the stored access policy that it takes its terms from.
    #[must_use]
    pub fn policy(&self) -> Option<&'a str> {
        self.query.get("si").filter(|id| !id.is_empty() && self.kind != SasKind::Account)
    }

    /// Verifies the signature for a resource; `policy` is the one it names, when the container has it.
    ///
    /// # Errors
    /// Why the signature is not valid.
    pub fn verify(
        &self,
        account: &Account,
        resource: &Resource,
        policy: Option<&Policy>,
        peer: Peer,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        let query = self.query;
        let (scope, text) = match self.kind {
            SasKind::Account => (account_scope(query), account_text(query, account.name())),
            kind => {
                let scope = match (kind, resource) {
                    (SasKind::Container, Resource::Container(container) | Resource::Blob(container, _)) => {
                        Scope::Container(container.clone())
                    }
                    (SasKind::Blob, Resource::Blob(container, name)) => Scope::Blob(container.clone(), name.clone()),
                    _ => return Err(Error::Failed("The shared access signature is for another type of resource.")),
                };
                let path = scope_path(&scope, account.name());
                (scope, service_text(query, &path))
            }
        };
        if !account.keys().iter().any(|key| key.verifies(&text, query.text("sig"))) {
            return Err(Error::Failed("The shared access signature does not match."));
        }
        if self.policy().is_some() && policy.is_none() {
            return Err(Error::Failed("The stored access policy of the shared access signature does not exist."));
        }
        let stored = policy.cloned().unwrap_or_default();
        let own = |name| query.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
        check_times(own("st").or(stored.start).as_deref(), own("se").or(stored.expiry).as_deref(), now)?;
        check_protocol(query, peer)?;
        check_address(query, peer.address)?;
        if self.kind == SasKind::Account && !query.text("ss").contains('b') {
            return Err(Error::ServiceMismatch);
        }
        let overrides = if self.kind == SasKind::Account { ResponseOverrides::default() } else { overrides(query) };
        Ok(Grant { scope, permissions: Some(own("sp").or(stored.permissions).unwrap_or_default()), overrides })
    }
}

fn account_scope(query: &Query) -> Scope {
    let types = query.text("srt");
    Scope::Account { service: types.contains('s'), container: types.contains('c'), object: types.contains('o') }
}

fn scope_path(scope: &Scope, account: &str) -> String {
    match scope {
        Scope::Container(container) => format!("/blob/{account}/{container}"),
        Scope::Blob(container, name) => format!("/blob/{account}/{container}/{name}"),
        Scope::Everything | Scope::Account { .. } => String::new(),
    }
}

fn service_text(query: &Query, path: &str) -> String {
    let value = |name| query.text(name);
    let version = value("sv");
    let mut lines = vec![value("sp"), value("st"), value("se"), path, value("si"), value("sip"), value("spr"), version];
    if version >= WITH_RESOURCE {
        lines.extend([value("sr"), value("snapshot")]);
    }
    if version >= WITH_SCOPE {
        lines.push(value("ses"));
    }
    lines.extend([value("rscc"), value("rscd"), value("rsce"), value("rscl"), value("rsct")]);
    lines.join("\n")
}

fn account_text(query: &Query, account: &str) -> String {
    let value = |name| query.text(name);
    let version = value("sv");
    let mut lines = vec![
        account,
        value("sp"),
        value("ss"),
        value("srt"),
        value("st"),
        value("se"),
        value("sip"),
        value("spr"),
        version,
    ];
    if version >= WITH_SCOPE {
        lines.push(value("ses"));
    }
    lines.push("");
    lines.join("\n")
}

/// A time as signatures carry it: a date, or a date and time in UTC with or without seconds.
fn time(text: &str) -> Result<Timestamp, Error> {
    let malformed = Error::Failed("A time in the shared access signature is malformed.");
    let text = if text.len() == "2026-11-20".len() { format!("{text}T00:00Z") } else { text.to_owned() };
    text.parse().map_err(|_| malformed)
}

fn check_times(start: Option<&str>, expiry: Option<&str>, now: Timestamp) -> Result<(), Error> {
    let Some(expiry) = expiry else { return Err(Error::Failed("The shared access signature has no expiry (se).")) };
    if now >= time(expiry)? {
        return Err(Error::Failed("The shared access signature has expired."));
    }
    match start {
        Some(start) if now < time(start)? => Err(Error::Failed("The shared access signature is not valid yet.")),
        _ => Ok(()),
    }
}

fn check_protocol(query: &Query, peer: Peer) -> Result<(), Error> {
    match query.get("spr") {
        None | Some("" | "https,http") => Ok(()),
        Some("https") if peer.encrypted => Ok(()),
        Some("https") => Err(Error::ProtocolMismatch),
        Some(_) => Err(Error::Failed("The protocol (spr) of the shared access signature is malformed.")),
    }
}

fn check_address(query: &Query, peer: IpAddr) -> Result<(), Error> {
    let Some(range) = query.get("sip").filter(|range| !range.is_empty()) else { return Ok(()) };
    let malformed = Error::Failed("The address range (sip) of the shared access signature is malformed.");
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (Ok(first), Ok(last)) = (first.parse::<IpAddr>(), last.parse::<IpAddr>()) else { return Err(malformed) };
    if (first..=last).contains(&peer) { Ok(()) } else { Err(Error::SourceAddressMismatch) }
}

fn overrides(query: &Query) -> ResponseOverrides {
    let own = |name| query.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    ResponseOverrides {
        cache_control: own("rscc"),
        content_disposition: own("rscd"),
        content_encoding: own("rsce"),
        content_language: own("rscl"),
        content_type: own("rsct"),
    }
}

/// Makes a service SAS: the query, without `?`.
pub(super) fn make(key: &Key, account: &str, scope: &Scope, terms: &SasTerms) -> String {
    const VERSION: &str = "2022-11-02";
    let kind = if matches!(scope, Scope::Blob(..)) { "b" } else { "c" };
    let expiry = terms.expiry.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let unsigned = format!("sv={VERSION}&sr={kind}&sp={}&se={}", terms.permissions, expiry.replace(':', "%3A"));
    let query = Query::parse(&unsigned).unwrap_or_default();
    let signature = key.sign(&service_text(&query, &scope_path(scope, account)));
    let signature = percent_encoding::utf8_percent_encode(&signature, percent_encoding::NON_ALPHANUMERIC);
    format!("{unsigned}&sig={signature}")
}
