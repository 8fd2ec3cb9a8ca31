//! Copies: Copy Blob, Put Blob From URL, Put Block From URL. The source is a blob of the same account, named by its address.

use futures::StreamExt as _;
use http::{StatusCode, Uri};

use super::answer::Answer;
use super::blocks::{PUT_BLOCK, block_id};
use super::call::{Call, resource};
use super::failure::{Failure, Outcome};
use super::headers::base64;
use super::server::stored_policy;
use crate::auth::{Query, Resource, SasToken};
use crate::names::{BlobName, ContainerName};
use crate::store::{Api, ContentHeaders, CopyOptions, CopySource};

struct Source {
    container: ContainerName,
    name: BlobName,
    url: String,
}

fn refused(message: &'static str) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "CannotVerifyCopySource", message)
}

/// Finds the source, and whether the caller may read it: by a signature in the address, or by the right it copies with.
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
        return Err(Failure::not_supported("Snapshots and versions"));
    }
    let grant = match SasToken::find(&query)? {
        Some(token) => {
            let policy = match token.policy() {
                Some(id) => stored_policy(call, &found, id).await?,
                None => None,
            };
            call.account.verify_address(&query, &found, policy.as_ref(), call.peer, jiff::Timestamp::now())?
        }
        None => call.grant.clone(),
    };
    grant.permit(&found, false, "r").map_err(|_| {
        Failure::new(
            StatusCode::FORBIDDEN,
            "CannotVerifyCopySource",
            "The source may not be read with these credentials.",
        )
    })?;
    let Resource::Blob(container, name) = found else { return Err(Failure::header(HEADER)) };
    let url = address.split('?').next().unwrap_or_default().to_owned();
    Ok(Source { container, name, url })
}

fn options(call: &Call, api: Api, headers: Option<ContentHeaders>) -> Outcome<CopyOptions> {
    let metadata = call.metadata()?;
    let keeps_tags =
        call.header("x-ms-copy-source-tag-option").is_some_and(|option| option.eq_ignore_ascii_case("copy"));
    Ok(CopyOptions {
        api,
        headers,
        metadata: (!metadata.is_empty()).then_some(metadata),
        tags: if keeps_tags { None } else { Some(call.tags()?.unwrap_or_default()) },
        tier: call.tier()?,
        conditions: call.conditions()?,
        origin: call.origin(),
    })
}

async fn copied(call: &Call, options: CopyOptions) -> Outcome<crate::store::Blob> {
    let Source { container, name, url } = source(call).await?;
    let from = CopySource { container, name, conditions: call.source_conditions()?, url };
    let (container, name) = call.blob()?;
    Ok(call.store.copy(from, container, name, options).await?)
}

pub(super) async fn copy(call: &Call) -> Outcome<Answer> {
    let blob = copied(call, options(call, Api::CopyBlob, None)?).await?;
    Ok(Answer::new(StatusCode::ACCEPTED)
        .version(blob.etag, blob.modified)
        .optional("x-ms-copy-id", blob.copy().map(|copy| copy.id.as_str()))
        .header("x-ms-copy-status", "success"))
}

pub(super) async fn put_from_url(call: &Call) -> Outcome<Answer> {
    let given = call.blob_headers()?;
    let headers = (given != ContentHeaders::default()).then_some(given);
    let blob = copied(call, options(call, Api::PutBlob, headers)?).await?;
    Ok(Answer::new(StatusCode::CREATED)
        .version(blob.etag, blob.modified)
        .optional("content-md5", blob.headers().content_md5.map(|md5| base64(&md5)))
        .header("x-ms-request-server-encrypted", "true"))
}

pub(super) async fn put_block_from_url(call: &Call) -> Outcome<Answer> {
    let id = block_id(call)?;
    let Source { container, name, .. } = source(call).await?;
    let range = call.range_named("x-ms-source-range")?;
    let download = call.store.read(&container, &name, range, &call.source_conditions()?).await?;
    if download.length > PUT_BLOCK {
        return Err(Failure::too_large());
    }
    let mut upload = call.store.upload();
    let mut stream = Box::pin(download.into_stream());
    while let Some(piece) = stream.next().await {
        upload.write(piece.map_err(crate::store::Error::from)?).await?;
    }
    let staged = upload.finish().await?;
    let md5 = staged.md5;
    if call.digest("x-ms-source-content-md5", "InvalidMd5")?.is_some_and(|given: [u8; 16]| given != md5) {
        return Err(Failure::md5_mismatch());
    }
    let (container, name) = call.blob()?;
    call.store.stage_block(container, name, id, staged, &call.conditions()?).await?;
    let answer = Answer::new(StatusCode::CREATED).header("content-md5", base64(&md5));
    Ok(answer.header("x-ms-request-server-encrypted", "true"))
}
