//! A request, parsed.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::failure::{Failure, Outcome};
use super::header_case::HeaderCase;
use super::server::Server;
use crate::auth::{Access, Account, Endpoint, Grant, Peer, Query, Resource};
use crate::names::{BlobName, ContainerName};
use crate::store::{Origin, Store};

/// What identifies a request in answers, events and logs.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    /// Made by us.
    pub(super) request: Uuid,
    /// Given by the client.
    pub(super) client: Option<String>,
    /// The protocol version the client speaks, a date; echoed.
    pub(super) version: String,
}

impl Ids {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str, longest: usize| {
            let value = headers.get(name)?.to_str().ok()?.trim();
            (!value.is_empty() && value.len() <= longest).then(|| value.to_owned())
        };
        Self {
            request: Uuid::new_v4(),
            client: text("x-ms-client-request-id", 1024),
            version: text("x-ms-version", 32)
                .filter(|text| is_version(text))
                .unwrap_or_else(|| "2026-04-06".to_owned()),
        }
    }
}

/// Whether a text can be a version of the protocol. Versions are dates, and later ones than those known here are
/// accepted, because clients are newer.
fn is_version(text: &str) -> bool {
    text.len() == "2026-04-06".len() && text.parse::<jiff::civil::Date>().is_ok()
}

/// A request of a known account, about a well-formed resource. Once authorized, `grant` and `access` say what it may
/// do.
pub(super) struct Call {
    pub(super) server: Arc<Server>,
    pub(super) account: Account,
    pub(super) store: Store,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) case: HeaderCase,
    pub(super) resource: Resource,
    pub(super) ids: Ids,
    pub(super) peer: Peer,
    pub(super) grant: Grant,
    pub(super) access: Access,
}

impl Call {
    pub(super) fn parse(server: Arc<Server>, peer: Peer, ids: Ids, parts: Parts, case: HeaderCase) -> Outcome<Self> {
        let path = parts.uri.path().to_owned();
        let query = Query::parse(parts.uri.query().unwrap_or_default())
            .ok_or_else(|| Failure::bad_request("InvalidUri", "The query is not valid UTF-8."))?;
        const VERSION: &str = "x-ms-version";
        if parts.headers.get(VERSION).is_some_and(|version| !is_version(&text(version.as_bytes()))) {
            return Err(Failure::header(VERSION));
        }
        let (name, resource) = resource(&path)?;
        let Some((account, store)) = server.account(&name) else {
            return Err(crate::auth::Error::Failed("The account does not exist.").into());
        };
        Ok(Self {
            account: account.clone(),
            store: store.clone(),
            server,
            method: parts.method,
            path,
            query,
            headers: parts.headers,
            case,
            resource,
            ids,
            peer,
            grant: Grant::everything(),
            access: Access::Full,
        })
    }

    /// A header as text. Bytes that are not UTF-8 are taken as Latin-1.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| text(value.as_bytes()))
    }

    /// The account's address, as this client reaches it.
    pub(super) fn endpoint(&self) -> Endpoint<'_> {
        let address = self.server.address;
        if self.peer.encrypted { self.account.secure_endpoint(address) } else { self.account.endpoint(address) }
    }

    pub(super) fn origin(&self) -> Origin {
        Origin { client_request_id: self.ids.client.clone(), request_id: Some(self.ids.request) }
    }

    pub(super) fn container(&self) -> Outcome<&ContainerName> {
        match &self.resource {
            Resource::Container(container) | Resource::Blob(container, _) => Ok(container),
            Resource::Service => Err(Failure::method()),
        }
    }

    pub(super) fn blob(&self) -> Outcome<(&ContainerName, &BlobName)> {
        match &self.resource {
            Resource::Blob(container, name) => Ok((container, name)),
            Resource::Container(_) | Resource::Service => Err(Failure::method()),
        }
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// `/account[/container[/blob]]`, each percent-decoded. The blob's name is everything after the container, including
/// slashes; a backslash counts as one, as in Azure.
pub(super) fn resource(path: &str) -> Outcome<(String, Resource)> {
    let decode = |part: &str| {
        let decoded = percent_decode_str(part).decode_utf8();
        decoded
            .map(|part| part.into_owned())
            .map_err(|_| Failure::bad_request("InvalidUri", "The path is not valid UTF-8."))
    };
    let mut parts = path.trim_start_matches('/').splitn(3, '/');
    let account = decode(parts.next().unwrap_or_default())?;
    let resource = match (parts.next().filter(|name| !name.is_empty()), parts.next().filter(|name| !name.is_empty())) {
        (None, None) => Resource::Service,
        (None, Some(_)) => return Err(Failure::bad_request("InvalidUri", "The path names no container.")),
        (Some(container), None) => Resource::Container(ContainerName::new(decode(container)?)?),
        (Some(container), Some(name)) => {
            Resource::Blob(ContainerName::new(decode(container)?)?, BlobName::new(decode(name)?.replace('\\', "/"))?)
        }
    };
    Ok((account, resource))
}
