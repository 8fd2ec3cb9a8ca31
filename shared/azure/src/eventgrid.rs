//! `BlobCreated` events as they arrive in a queue (functions-host-contract §6.4, §6.5).
//!
//! One JSON object per message, in the Event Grid schema or as a CloudEvent. An event in the queue is only as
//! trustworthy as the right to send to that queue, so it is used only as a hint: the account must be ours, container
//! and name are taken from `subject` (the raw name, never percent-decoded), and the blob is then fetched from the
//! *configured* account with `If-Match`. `data.url` is never fetched.
//!
//! Only operations that leave the content complete count. `CreateFile` and `SftpCreate` make an empty file that is
//! filled later, and on an account with a hierarchical namespace `CopyBlob` is announced when the copy is *started*.
//! Events can be lost, repeated and out of order: a blob is identified by container, name and [`Etag`], and two events
//! about the same blob are ordered by their [`Sequencer`].

use crate::blob::{BlobAddress, Etag};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::cmp::Ordering;

/// Operations after which the content is complete on any account.
const COMPLETING: [&str; 4] = ["PutBlob", "PutBlockList", "FlushWithClose", "SftpCommit"];

/// The message is not an event of our account. Names members, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not JSON, or neither an object nor an array of one object.
    #[error("the message is not one JSON event")]
    NotJson,
    /// A member that every event has is missing or of the wrong type.
    #[error("the event has no usable {member}")]
    Member {
        /// Path of the member.
        member: &'static str,
    },
    /// The event is about another storage account.
    #[error("the event is of a foreign storage account")]
    ForeignAccount,
}

/// What is known about our own account.
#[derive(Debug, Clone, Copy, Default)]
pub struct Account<'a> {
    /// Its name; `None` = unknown, so that events of any account are accepted.
    pub name: Option<&'a str>,
    /// Whether it has a hierarchical namespace.
    pub hierarchical_namespace: bool,
}

/// What an event means for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A blob is complete.
    Created(Box<BlobCreated>),
    /// Nothing to do: another kind of event, or the content is not complete yet.
    Ignored {
        /// Why, as a fixed word: `event-type`, `incomplete` or `unknown-operation`.
        reason: &'static str,
    },
}

/// A blob whose content is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobCreated {
    /// Which blob.
    pub address: BlobAddress,
    /// Which version of it.
    pub etag: Etag,
    /// Its length in bytes, if the event says so.
    pub content_length: Option<u64>,
    /// Orders events about the same blob.
    pub sequencer: Option<Sequencer>,
    /// The event's id: the same in every redelivery, but not in another event about the same version.
    pub id: String,
    /// When it happened, if the event says so readably.
    pub time: Option<Timestamp>,
}

/// Orders events about the same blob name, and only those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequencer(String);

impl Sequencer {
    /// Any text; it is compared as if padded with zeros on the left.
    pub fn new(text: &str) -> Self {
        Self(text.trim_start_matches('0').to_ascii_lowercase())
    }
}

impl Ord for Sequencer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Sequencer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The members of both schemas; what differs has two names.
#[derive(Deserialize)]
struct Members {
    #[serde(alias = "source")]
    topic: Option<String>,
    subject: Option<String>,
    #[serde(rename = "eventType", alias = "type")]
    event_type: Option<String>,
    #[serde(rename = "eventTime", alias = "time")]
    event_time: Option<String>,
    id: Option<String>,
    #[serde(default)]
    data: Value,
}

/// Reads the body of a message of the `drops` queue.
///
/// # Errors
/// [`Error`] when the message is no event or not of our account. Another delivery would not help, so record it and be
/// done.
pub fn parse(body: &[u8], account: Account<'_>) -> Result<Event, Error> {
    let members = members(body)?;
    let event_type = members.event_type.ok_or(Error::Member { member: "event type" })?;
    if event_type != "Microsoft.Storage.BlobCreated" {
        return Ok(Event::Ignored { reason: "event-type" });
    }
    check_account(members.topic.as_deref(), account)?;
    let api = text(&members.data, "api").ok_or(Error::Member { member: "data.api" })?;
    if let Some(reason) = ignored(api, text(&members.data, "url"), account) {
        return Ok(Event::Ignored { reason });
    }
    let subject = members.subject.ok_or(Error::Member { member: "subject" })?;
    let etag = text(&members.data, "eTag").and_then(Etag::parse).ok_or(Error::Member { member: "data.eTag" })?;
    Ok(Event::Created(Box::new(BlobCreated {
        address: address(&subject).ok_or(Error::Member { member: "subject" })?,
        etag,
        content_length: members.data.get("contentLength").and_then(Value::as_u64),
        sequencer: text(&members.data, "sequencer").map(Sequencer::new),
        id: members.id.ok_or(Error::Member { member: "id" })?,
        time: members.event_time.and_then(|time| time.parse().ok()),
    })))
}

/// Webhooks get arrays, queues single objects; an array of one is unambiguous and accepted, too.
fn members(body: &[u8]) -> Result<Members, Error> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let value: Value = serde_json::from_slice(body).map_err(|_| Error::NotJson)?;
    let object = match value {
        Value::Array(mut events) if events.len() == 1 => events.remove(0),
        other => other,
    };
    serde_json::from_value(object).map_err(|_| Error::NotJson)
}

/// The topic is a resource id that ends in `/providers/Microsoft.Storage/storageAccounts/{account}`; resource ids are
/// case-insensitive.
fn check_account(topic: Option<&str>, account: Account<'_>) -> Result<(), Error> {
    let Some(ours) = account.name else { return Ok(()) };
    let topic = topic.ok_or(Error::Member { member: "topic" })?.to_ascii_lowercase();
    let name = topic.rsplit_once("/providers/microsoft.storage/storageaccounts/").map(|(_, name)| name);
    if name.is_some_and(|name| name.trim_end_matches('/').eq_ignore_ascii_case(ours)) {
        Ok(())
    } else {
        Err(Error::ForeignAccount)
    }
}

fn ignored(api: &str, url: Option<&str>, account: Account<'_>) -> Option<&'static str> {
    let hierarchical = account.hierarchical_namespace || url.is_some_and(|url| url.contains(".dfs."));
    match api {
        "CopyBlob" if !hierarchical => None,
        "CopyBlob" | "CreateFile" | "SftpCreate" => Some("incomplete"),
        api if COMPLETING.contains(&api) => None,
        _ => Some("unknown-operation"),
    }
}

/// `/blobServices/default/containers/{container}/blobs/{name}`; the name is raw and may itself contain anything,
/// `/blobs/` included.
fn address(subject: &str) -> Option<BlobAddress> {
    let (container, name) = subject.strip_prefix("/blobServices/default/containers/")?.split_once("/blobs/")?;
    BlobAddress::new(container, name).ok()
}

fn text<'a>(data: &'a Value, member: &str) -> Option<&'a str> {
    data.get(member)?.as_str()
}

#[cfg(test)]
mod tests;
