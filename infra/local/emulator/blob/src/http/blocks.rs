//! Blocks and block lists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;

use super::answer::Answer;
use super::body::RequestBody;
use super::call::Call;
use super::failure::{Failure, Outcome};
use super::headers::{base64, crc64_text};
use super::xml;
use crate::store::{Block, BlockSource, MAX_BLOCKS};

/// Most bytes in one block.
pub(super) const PUT_BLOCK: u64 = 4000 * 1024 * 1024;
/// Most bytes of a block list: 50,000 ids of 64 bytes in base64, with their tags, twice over.
const BLOCK_LIST: usize = 16 * 1024 * 1024;
/// Most bytes in a decoded block id.
const BLOCK_ID: usize = 64;

/// The block id of the request, decoded.
pub(super) fn block_id(call: &Call) -> Outcome<Vec<u8>> {
    let id = STANDARD.decode(call.query.text("blockid")).unwrap_or_default();
    if id.is_empty() || id.len() > BLOCK_ID {
        return Err(Failure::query("blockid"));
    }
    Ok(id)
}

pub(super) async fn put(call: &Call, body: &mut RequestBody) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let id = block_id(call)?;
    let staged = call.receive(body, PUT_BLOCK).await?;
    if staged.length == 0 {
        return Err(Failure::header("content-length"));
    }
    let (md5, crc64) = (staged.md5, staged.crc64);
    call.store.stage_block(container, name, id, staged, &call.conditions()?).await?;
    Ok(Answer::new(StatusCode::CREATED)
        .header("content-md5", base64(&md5))
        .header("x-ms-content-crc64", crc64_text(crc64))
        .header("x-ms-request-server-encrypted", "true"))
}

pub(super) async fn commit(call: &Call, body: &mut RequestBody) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let options = call.put_options(call.blob_headers()?)?;
    let document = body.collect(BLOCK_LIST).await?;
    let (md5, crc64) = call.body_digest()?.check_document(&document)?;
    let blob = call.store.commit_blocks(container, name, parse(&document)?, options).await?;
    Ok(Answer::new(StatusCode::CREATED)
        .version(blob.etag, blob.modified)
        .header("content-md5", base64(&md5))
        .header("x-ms-content-crc64", crc64_text(crc64))
        .header("x-ms-request-server-encrypted", "true"))
}

fn parse(document: &[u8]) -> Outcome<Vec<(BlockSource, Vec<u8>)>> {
    let leaves = xml::leaves(document)?;
    if leaves.len() > MAX_BLOCKS {
        return Err(crate::store::Error::BlockListTooLong.into());
    }
    let blocks = leaves.into_iter().filter(|leaf| leaf.parent == "BlockList").map(|leaf| {
        let source = match leaf.name.as_str() {
            "Committed" => BlockSource::Committed,
            "Uncommitted" => BlockSource::Uncommitted,
            "Latest" => BlockSource::Latest,
            _ => return Err(Failure::body()),
        };
        let id = STANDARD.decode(leaf.text).map_err(|_| Failure::from(crate::store::Error::InvalidBlockList))?;
        Ok((source, id))
    });
    blocks.collect()
}

pub(super) async fn list(call: &Call) -> Outcome<Answer> {
    let (container, name) = call.blob()?;
    let (committed, uncommitted) = match call.query.get("blocklisttype").map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "committed") => (true, false),
        Some("uncommitted") => (false, true),
        Some("all") => (true, true),
        Some(_) => return Err(Failure::query("blocklisttype")),
    };
    let lists = call.store.block_lists(container, name, &call.conditions()?).await?;
    let mut document = xml::Writer::new();
    document.open("BlockList", "");
    let mut section = |element: &str, blocks: &[Block]| {
        document.open(element, "");
        for block in blocks {
            document
                .open("Block", "")
                .leaf("Name", base64(&block.id))
                .leaf("Size", block.length.to_string())
                .close("Block");
        }
        document.close(element);
    };
    if committed {
        section("CommittedBlocks", &lists.committed);
    }
    if uncommitted {
        section("UncommittedBlocks", &lists.uncommitted);
    }
    document.close("BlockList");
    let answer = Answer::new(StatusCode::OK)
        .header("x-ms-blob-content-length", lists.blob.length.to_string())
        .xml(document.finish());
    Ok(if lists.blob.committed { answer.version(lists.blob.etag, lists.blob.modified) } else { answer })
}
