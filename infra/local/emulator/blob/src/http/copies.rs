//! Copies: Copy Blob, Put Blob From URL, Put Block From URL. The source is a blob of the same account, named by its
//! address.
//!
//! A copy that may take its time (Copy Blob) fails like any other operation when the source cannot be read. The others
//! are done while the caller waits; their errors say that the source could not be verified, and what was wrong with it.

use futures::StreamExt as _;
use http::{StatusCode, Uri};

use super::answer::Answer;
use super::blocks::{PUT_BLOCK, block_id};
use super::call::{Call, resource};
use super::failure::{Failure, Outcome};
use super::headers::{base64, crc64_text};
use super::server::stored_policy;
use crate::auth::{Query, Resource, SasToken};
use crate::names::{BlobName, ContainerName};
use crate::not_offered::NotOffered;
use crate::store::{
    self, Api, Blob, ByteRange, Conditions, ContentHeaders, CopyOptions, CopySource, Pairs, Staged, Versions,
};

struct Source {
    container: ContainerName,
    name: BlobName,
    url: String,
}

fn refused(message: &'static str) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "CannotVerifyCopySource", message)
}

/// Finds the source, and checks that the caller may read it: by a signature in the address, or by the right it copies
/// with.
async fn source(call: &Call) -> Outcome<Source> {
    const HEADER: &str = "x-ms-copy-source";
    let address = call.header(HEADER).unwrap_or_default();
    let uri: Uri = address.parse().map_err(|_| Failure::header(HEADER))?;
    let authority = uri.authority().map(|authority| authority.as_str().to_ascii_lowercase());
    let host = call.header("host").unwrap_or_default().to_ascii_lowercase();
    if authority.is_none_or(|authority| authority != host && authority != call.server.address.to_string()) {
        return Err(refused("The source is not in this storage account."));
    }
    let (account, found) = resource(uri.path())?;
    let query = Query::parse(uri.query().unwrap_or_default()).ok_or_else(|| Failure::header(HEADER))?;
    if account != call.account.name() {
        return Err(refused("The source is not in this storage account."));
    }
    if query.get("snapshot").is_some() || query.get("versionid").is_some() {
        return Err(Failure::not_offered(NotOffered::Snapshots));
    }
    let grant = match SasToken::find(&query)? {
        Some(token) => {
            let policy = match token.policy() {
                Some(id) => stored_policy(call, &found, id).await?,
                None => None,
            };
            let now = jiff::Timestamp::now();
            let granted = call.account.verify_address(&query, &found, policy.as_ref(), call.peer, now);
            granted.map_err(|error| Failure::from(error).of_source())?
        }
        None => call.grant.clone(),
    };
    grant.permit(&found, false, "r").map_err(|error| Failure::from(error).of_source())?;
    let Resource::Blob(container, name) = found else { return Err(Failure::header(HEADER)) };
    let url = address.split('?').next().unwrap_or_default().to_owned();
    Ok(Source { container, name, url })
}

/// The tags of a copy: those of the request, or the source's (`None`) if a case-sensitive keyword says so.
fn copied_tags(call: &Call) -> Outcome<Option<Pairs>> {
    const NAME: &str = "x-ms-copy-source-tag-option";
    match (call.header(NAME).as_deref(), call.tags()?) {
        (Some("COPY"), None) => Ok(None),
        (None | Some("REPLACE"), tags) => Ok(Some(tags.unwrap_or_default())),
        _ => Err(Failure::header(NAME)),
    }
}

fn options(call: &Call, api: Api, headers: ContentHeaders, keeps_headers: bool) -> Outcome<CopyOptions> {
    let metadata = call.metadata()?;
    Ok(CopyOptions {
        api,
        headers,
        keeps_headers,
        metadata: (!metadata.is_empty()).then_some(metadata),
        tags: copied_tags(call)?,
        tier: call.tier()?,
        conditions: call.conditions()?,
        origin: call.origin(),
    })
}

async fn copied(call: &Call, from: Source, conditions: Conditions, options: CopyOptions) -> Result<Blob, CopyFailure> {
    let (container, name) = call.blob().map_err(CopyFailure::Request)?;
    // Problems with the source are distinguished from problems with the destination.
    let looked_up = call.store.properties(&from.container, &from.name, &conditions).await;
    looked_up.map_err(CopyFailure::Source)?;
    let from = CopySource { container: from.container, name: from.name, conditions, url: from.url };
    call.store.copy(from, container, name, options).await.map_err(|error| CopyFailure::Request(error.into()))
}

enum CopyFailure {
    Source(store::Error),
    Request(Failure),
}

impl CopyFailure {
    /// For a copy that may take its time.
    fn of_copy(self) -> Failure {
        match self {
            Self::Source(store::Error::NotModified | store::Error::ConditionNotMet) => {
                store::Error::SourceConditionNotMet.into()
            }
            Self::Source(error) => error.into(),
            Self::Request(failure) => failure,
        }
    }

    /// For a copy that is done while the caller waits.
    fn of_source(self) -> Failure {
        match self {
            Self::Source(error) => Failure::from(error).of_source(),
            Self::Request(failure) => failure,
        }
    }
}

pub(super) async fn copy(call: &Call) -> Outcome<Answer> {
    let waits = call.header("x-ms-requires-sync").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let options = options(call, Api::CopyBlob, ContentHeaders::default(), true)?;
    let copied = copied(call, source(call).await?, call.source_conditions()?, options).await;
    let blob = copied.map_err(|failure| if waits { failure.of_source() } else { failure.of_copy() })?;
    Ok(Answer::new(StatusCode::ACCEPTED)
        .version(blob.etag, blob.modified)
        .optional("x-ms-copy-id", blob.copy().map(|copy| copy.id.as_str()))
        .header("x-ms-copy-status", "success"))
}

pub(super) async fn put_from_url(call: &Call) -> Outcome<Answer> {
    const KEEPS: &str = "x-ms-copy-source-blob-properties";
    let keeps_headers = match call.header(KEEPS).map(|value| value.to_ascii_lowercase()).as_deref() {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => return Err(Failure::header(KEEPS)),
    };
    let options = options(call, Api::PutBlob, call.blob_headers()?, keeps_headers)?;
    let from = source(call).await?;
    let mut conditions = call.source_conditions()?;
    let content = if call.asks_for_source_digest() {
        let (staged, blob) = fetch(call, &from, None, &conditions, u64::MAX).await?;
        // The content that is copied must be the one that was checked.
        conditions.if_match = Some(Versions::These(vec![blob.etag.to_string()]));
        Some(staged)
    } else {
        None
    };
    let blob = copied(call, from, conditions, options).await.map_err(CopyFailure::of_source)?;
    Ok(Answer::new(StatusCode::CREATED)
        .version(blob.etag, blob.modified)
        .optional("content-md5", blob.headers().content_md5.as_deref().map(base64))
        .optional("x-ms-content-crc64", content.map(|staged| crc64_text(staged.crc64)))
        .header("x-ms-request-server-encrypted", "true"))
}

pub(super) async fn put_block_from_url(call: &Call) -> Outcome<Answer> {
    let id = block_id(call)?;
    let from = source(call).await?;
    let (staged, _) = fetch(call, &from, call.source_range()?, &call.source_conditions()?, PUT_BLOCK).await?;
    let (md5, crc64) = (staged.md5, staged.crc64);
    let (container, name) = call.blob()?;
    call.store.stage_block(container, name, id, staged, &call.conditions()?).await?;
    Ok(Answer::new(StatusCode::CREATED)
        .header("content-md5", base64(&md5))
        .header("x-ms-content-crc64", crc64_text(crc64))
        .header("x-ms-request-server-encrypted", "true"))
}

/// Reads a source, and compares it with the digest that the caller knows.
async fn fetch(
    call: &Call,
    from: &Source,
    range: Option<ByteRange>,
    conditions: &Conditions,
    longest: u64,
) -> Outcome<(Staged, Blob)> {
    let digest = call.source_digest()?;
    let download = call.store.read(&from.container, &from.name, range, conditions).await;
    let download = download.map_err(|error| Failure::from(error).of_source())?;
    if download.length > longest {
        return Err(Failure::too_large());
    }
    let blob = download.blob.clone();
    let mut upload = call.store.upload();
    let mut stream = Box::pin(download.into_stream());
    while let Some(piece) = stream.next().await {
        upload.write(piece.map_err(store::Error::from)?).await?;
    }
    let staged = upload.finish().await?;
    digest.check(&staged.md5, staged.crc64)?;
    Ok((staged, blob))
}
