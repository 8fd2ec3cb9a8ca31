//! Listings of containers and blobs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;

use super::answer::Answer;
use super::blobs::tag_set;
use super::call::Call;
use super::failure::{Failure, Outcome};
use super::headers::base64;
use super::{date, xml};
use crate::store::lease::Lease;
use crate::store::{AccessTier, Blob, Entry, ListQuery, Pairs};

/// The beginning of every marker; the rest is the first name of the next page in base64.
const MARKER: &str = "1!";

fn marker(next: &str) -> String {
    format!("{MARKER}{}", STANDARD.encode(next))
}

fn next_name(call: &Call) -> Outcome<Option<String>> {
    let text = call.query.text("marker");
    if text.is_empty() {
        return Ok(None);
    }
    let decoded = text.strip_prefix(MARKER).and_then(|name| STANDARD.decode(name).ok());
    let name = decoded.and_then(|name| String::from_utf8(name).ok());
    name.map(Some).ok_or_else(|| Failure::query("marker"))
}

fn limit(call: &Call) -> Outcome<Option<usize>> {
    match call.number("maxresults")? {
        Some(0) => {
            Err(Failure::bad_request("OutOfRangeQueryParameterValue", "The query parameter maxresults is at least 1."))
        }
        limit => Ok(limit),
    }
}

fn includes(call: &Call, what: &str) -> bool {
    call.query.text("include").split(',').any(|part| part.trim().eq_ignore_ascii_case(what))
}

fn begin(call: &Call, attributes: &str) -> xml::Writer {
    let endpoint = call.endpoint().url().to_owned();
    let mut document = xml::Writer::new();
    document.open("EnumerationResults", &format!(" ServiceEndpoint=\"{}/\"{attributes}", xml::escape(&endpoint)));
    document.name("Prefix", call.query.text("prefix")).leaf("Marker", call.query.text("marker"));
    document.optional("MaxResults", call.query.get("maxresults"));
    document
}

fn lease(document: &mut xml::Writer, lease: &Lease) {
    let now = jiff::Timestamp::now();
    let state = lease.state(now);
    document.leaf("LeaseStatus", if state.locked() { "locked" } else { "unlocked" }).leaf("LeaseState", state.as_str());
    document.optional("LeaseDuration", lease.duration(now));
}

fn metadata(document: &mut xml::Writer, metadata: &Pairs) {
    document.open("Metadata", "");
    for (name, value) in metadata.iter() {
        document.leaf(name, value);
    }
    document.close("Metadata");
}

pub(super) async fn containers(call: &Call) -> Outcome<Answer> {
    let page = call.store.list_containers(call.query.text("prefix"), next_name(call)?.as_deref(), limit(call)?).await?;
    let mut document = begin(call, "");
    document.open("Containers", "");
    for container in &page.containers {
        document.open("Container", "").leaf("Name", container.name.as_str()).open("Properties", "");
        document
            .leaf("Last-Modified", date::format(container.modified))
            .leaf("Etag", format!("\"{}\"", container.etag));
        lease(&mut document, container.lease());
        document.leaf("DefaultEncryptionScope", "$account-encryption-key").leaf("DenyEncryptionScopeOverride", "false");
        document.leaf("HasImmutabilityPolicy", "false").leaf("HasLegalHold", "false").close("Properties");
        if includes(call, "metadata") {
            metadata(&mut document, container.metadata());
        }
        document.close("Container");
    }
    document.close("Containers").leaf("NextMarker", page.next.as_deref().map(marker).unwrap_or_default());
    document.close("EnumerationResults");
    Ok(Answer::new(StatusCode::OK).xml(document.finish()))
}

pub(super) async fn blobs(call: &Call) -> Outcome<Answer> {
    let container = call.container()?;
    let query = ListQuery {
        prefix: call.query.text("prefix").to_owned(),
        delimiter: call.query.get("delimiter").map(str::to_owned),
        from: next_name(call)?.max(call.query.get("startfrom").map(str::to_owned)),
        limit: limit(call)?,
        uncommitted: includes(call, "uncommittedblobs"),
    };
    let page = call.store.list_blobs(container, query).await?;
    let mut document = begin(call, &format!(" ContainerName=\"{container}\""));
    document.optional("Delimiter", call.query.get("delimiter")).open("Blobs", "");
    for entry in &page.entries {
        match entry {
            Entry::Prefix(prefix) => {
                document.open("BlobPrefix", "").name("Name", prefix).close("BlobPrefix");
            }
            Entry::Blob(blob) => describe(call, &mut document, blob),
        }
    }
    document.close("Blobs").leaf("NextMarker", page.next.as_deref().map(marker).unwrap_or_default());
    document.close("EnumerationResults");
    Ok(Answer::new(StatusCode::OK).xml(document.finish()))
}

fn describe(call: &Call, document: &mut xml::Writer, blob: &Blob) {
    let headers = blob.headers();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    document.open("Blob", "").name("Name", blob.name.as_str()).open("Properties", "");
    document.leaf("Creation-Time", date::format(blob.created)).leaf("Last-Modified", date::format(blob.modified));
    document.leaf("Etag", blob.etag.to_string()).leaf("Content-Length", blob.length.to_string());
    document.leaf("Content-Type", text(&headers.content_type));
    document.leaf("Content-Encoding", text(&headers.content_encoding));
    document.leaf("Content-Language", text(&headers.content_language)).leaf("Content-CRC64", "");
    document.leaf("Content-MD5", headers.content_md5.as_deref().map(base64).unwrap_or_default());
    document.leaf("Cache-Control", text(&headers.cache_control));
    document.leaf("Content-Disposition", text(&headers.content_disposition)).leaf("BlobType", "BlockBlob");
    document.leaf("AccessTier", blob.tier().unwrap_or(AccessTier::Hot).as_str());
    document.optional("AccessTierInferred", blob.tier().is_none().then_some("true"));
    document.optional("AccessTierChangeTime", blob.tier_since().map(date::format));
    document.optional("SmartAccessTier", (blob.tier() == Some(AccessTier::Smart)).then_some("Hot"));
    lease(document, blob.lease());
    document.leaf("ServerEncrypted", "true");
    if !blob.tags().is_empty() {
        document.leaf("TagCount", blob.tags().len().to_string());
    }
    if let (true, Some(copy)) = (includes(call, "copy"), blob.copy()) {
        document.leaf("CopyId", &copy.id).leaf("CopySource", &copy.source).leaf("CopyStatus", "success");
        document.leaf("CopyProgress", format!("{0}/{0}", copy.length));
        document.leaf("CopyCompletionTime", date::format(copy.completed));
    }
    document.close("Properties");
    if includes(call, "metadata") {
        metadata(document, blob.metadata());
    }
    if includes(call, "tags") && !blob.tags().is_empty() {
        document.open("Tags", "");
        tag_set(document, blob.tags());
        document.close("Tags");
    }
    // The service's sign that a listing contains nothing about object replication.
    document.leaf("OrMetadata", "").close("Blob");
}
