//! Operations on whole blobs.

use http::StatusCode;
use md5::{Digest as _, Md5};

use super::answer::Answer;
use super::body::{self, RequestBody};
use super::call::Call;
use super::failure::{Failure, Outcome};
use super::headers::{base64, crc64_text};
use super::{date, xml};
use crate::crc64::Crc64;
use crate::not_offered::NotOffered;
use crate::store::{AccessTier, Blob, ContentHeaders, Pairs, PutOptions, Staged};

/// Most bytes in one Put Blob.
const PUT_BLOB: u64 = 5000 * 1024 * 1024;
/// Most bytes of a range whose digest can be asked for.
const DIGEST_RANGE: u64 = 4 * 1024 * 1024;
/// Most bytes of a tag document.
const TAG_DOCUMENT: usize = 64 * 1024;

impl Call {
    /// The options for content that is written.
    pub(super) fn put_options(&self, headers: ContentHeaders) -> Outcome<PutOptions> {
        Ok(PutOptions {
            headers,
            metadata: self.metadata()?,
            tags: self.tags()?.unwrap_or_default(),
            tier: self.tier()?,
            conditions: self.conditions()?,
            origin: self.origin(),
        })
    }

    /// Receives the body as content, and checks it against the digests sent along.
    pub(super) async fn receive(&self, body: &mut RequestBody, limit: u64) -> Outcome<Staged> {
        let digest = self.body_digest()?;
        let declared = self.header("content-length").and_then(|length| length.parse::<u64>().ok());
        if declared.is_some_and(|declared| declared > limit) {
            return Err(Failure::too_large());
        }
        let mut upload = self.store.upload();
        body.receive(&mut upload, limit).await?;
        let staged = upload.finish().await?;
        digest.check(&staged.md5, staged.crc64)?;
        Ok(staged)
    }
}

pub(super) async fn put(call: &Call, body: &mut RequestBody) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let options = call.put_options(call.put_headers()?)?;
    let staged = call.receive(body, PUT_BLOB).await?;
    if options.headers.content_md5.as_ref().is_some_and(|md5| *md5 != staged.md5) {
        return Err(Failure::md5_mismatch());
    }
    let (md5, crc64) = (staged.md5, staged.crc64);
    let blob = call.store.put_staged(container, name, staged, options).await?;
    Ok(Answer::new(StatusCode::CREATED)
        .version(blob.etag, blob.modified)
        .header("content-md5", base64(&md5))
        .header("x-ms-content-crc64", crc64_text(crc64))
        .header("x-ms-request-server-encrypted", "true"))
}

/// The headers that describe a blob or a part of it.
fn described(call: &Call, answer: Answer, blob: &Blob) -> Answer {
    let now = jiff::Timestamp::now();
    let (headers, over, state) = (blob.headers(), &call.grant.overrides, blob.lease().state(now));
    let own = |over: &Option<String>, own: &Option<String>| over.clone().or_else(|| own.clone());
    let answer = answer
        .version(blob.etag, blob.modified)
        .metadata(blob.metadata())
        .optional("content-type", own(&over.content_type, &headers.content_type))
        .optional("content-encoding", own(&over.content_encoding, &headers.content_encoding))
        .optional("content-language", own(&over.content_language, &headers.content_language))
        .optional("content-disposition", own(&over.content_disposition, &headers.content_disposition))
        .optional("cache-control", own(&over.cache_control, &headers.cache_control))
        .header("accept-ranges", "bytes")
        .header("x-ms-blob-type", "BlockBlob")
        .header("x-ms-creation-time", date::format(blob.created))
        .header("x-ms-lease-status", if state.locked() { "locked" } else { "unlocked" })
        .header("x-ms-lease-state", state.as_str())
        .optional("x-ms-lease-duration", blob.lease().duration(now))
        .header("x-ms-server-encrypted", "true");
    let answer = match blob.tags().len() {
        0 => answer,
        count => answer.header("x-ms-tag-count", count.to_string()),
    };
    match blob.copy() {
        None => answer,
        Some(copy) => answer
            .header("x-ms-copy-id", &copy.id)
            .header("x-ms-copy-source", &copy.source)
            .header("x-ms-copy-status", "success")
            .header("x-ms-copy-progress", format!("{0}/{0}", copy.length))
            .header("x-ms-copy-completion-time", date::format(copy.completed)),
    }
}

pub(super) async fn properties(call: &Call) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let blob = call.store.properties(container, name, &call.conditions()?).await?;
    let answer = described(call, Answer::new(StatusCode::OK), &blob)
        .optional("content-md5", blob.headers().content_md5.as_deref().map(base64))
        .header("x-ms-access-tier", blob.tier().unwrap_or(AccessTier::Hot).as_str())
        .optional("x-ms-access-tier-inferred", blob.tier().is_none().then_some("true"))
        .optional("x-ms-access-tier-change-time", blob.tier_since().map(date::format))
        // The tier that a self-managing tier has chosen.
        .optional("x-ms-smart-access-tier", (blob.tier() == Some(AccessTier::Smart)).then_some("Hot"));
    // Get Blob Metadata is a GET without a body.
    Ok(if call.method == http::Method::HEAD {
        answer.header("content-length", blob.length.to_string())
    } else {
        answer
    })
}

pub(super) async fn get(call: &Call) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let range = call.range();
    let wants = |name: &str| call.header(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let (wants_md5, wants_crc64) = (wants("x-ms-range-get-content-md5"), wants("x-ms-range-get-content-crc64"));
    if wants_md5 && wants_crc64 {
        return Err(Failure::bad_request(
            "BothCrc64AndMd5RangeHeaderPresent",
            "Both x-ms-range-get-content-crc64 header and x-ms-range-get-content-md5 header are present.",
        ));
    }
    if (wants_md5 || wants_crc64) && range.is_none() {
        return Err(Failure::missing_header("x-ms-range"));
    }
    let download = call.store.read(container, name, range, &call.conditions()?).await?;
    let (blob, start, length) = (download.blob.clone(), download.start, download.length);
    let whole = blob.headers().content_md5.as_deref().map(base64);
    let answer = if range.is_some() {
        Answer::new(StatusCode::PARTIAL_CONTENT)
            .header("content-range", format!("bytes {start}-{}/{}", (start + length).saturating_sub(1), blob.length))
            .optional("x-ms-blob-content-md5", whole)
    } else {
        Answer::new(StatusCode::OK).optional("content-md5", whole)
    };
    let answer = described(call, answer, &blob).header("content-length", length.to_string());
    if wants_md5 || wants_crc64 {
        if length > DIGEST_RANGE {
            return Err(Failure::bad_request("OutOfRangeInput", "The digest of a range is computed up to 4 MiB."));
        }
        let bytes = download.bytes().await?;
        let mut crc64 = Crc64::default();
        crc64.update(&bytes);
        let answer = answer
            .optional("content-md5", wants_md5.then(|| base64(&Md5::digest(&bytes))))
            .optional("x-ms-content-crc64", wants_crc64.then(|| crc64_text(crc64.finish())));
        return Ok(answer.body(body::full(bytes)));
    }
    Ok(answer.body(body::download(download, call.server.faults.cut())))
}

pub(super) async fn delete(call: &Call) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    match call.header("x-ms-delete-snapshots").as_deref() {
        None | Some("include") => {}
        Some("only") => return Err(Failure::not_offered(NotOffered::Snapshots)),
        Some(_) => return Err(Failure::header("x-ms-delete-snapshots")),
    }
    call.store.delete(container, name, &call.conditions()?).await?;
    Ok(Answer::new(StatusCode::ACCEPTED).header("x-ms-delete-type-permanent", "true"))
}

pub(super) async fn set_metadata(call: &Call) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let blob = call.store.set_metadata(container, name, call.metadata()?, &call.conditions()?).await?;
    let answer = Answer::new(StatusCode::OK).version(blob.etag, blob.modified);
    Ok(answer.header("x-ms-request-server-encrypted", "true"))
}

pub(super) async fn set_headers(call: &Call) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let blob = call.store.set_headers(container, name, call.blob_headers()?, &call.conditions()?).await?;
    Ok(Answer::new(StatusCode::OK).version(blob.etag, blob.modified))
}

pub(super) async fn set_tier(call: &Call) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let tier = call.tier()?.ok_or_else(|| Failure::missing_header("x-ms-access-tier"))?;
    call.store.set_tier(container, name, tier, &call.conditions()?).await?;
    Ok(Answer::new(StatusCode::OK))
}

pub(super) async fn tags(call: &Call) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let blob = call.store.properties(container, name, &call.conditions()?).await?;
    let mut document = xml::Writer::new();
    document.open("Tags", "");
    tag_set(&mut document, blob.tags());
    document.close("Tags");
    Ok(Answer::new(StatusCode::OK).xml(document.finish()))
}

pub(super) fn tag_set(document: &mut xml::Writer, tags: &Pairs) {
    document.open("TagSet", "");
    for (name, value) in tags.iter() {
        document.open("Tag", "").leaf("Key", name).leaf("Value", value).close("Tag");
    }
    document.close("TagSet");
}

pub(super) async fn set_tags(call: &Call, body: &mut RequestBody) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let document = body.collect(TAG_DOCUMENT).await?;
    call.body_digest()?.check_document(&document)?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    for leaf in xml::leaves(&document)? {
        match (leaf.name.as_str(), pairs.last_mut()) {
            ("Key", _) => pairs.push((leaf.text, String::new())),
            ("Value", Some((_, value))) => *value = leaf.text,
            _ => {}
        }
    }
    let tags = Pairs::tags(pairs).map_err(|_| Failure::bad_request("InvalidTag", "The tags specified are invalid."))?;
    call.store.set_tags(container, name, tags, &call.conditions()?).await?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}
