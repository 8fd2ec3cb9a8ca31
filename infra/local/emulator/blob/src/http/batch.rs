//! Blob Batch: up to 256 deletes, or assignments of tiers, in one request.
//!
//! The body is `multipart/mixed`; each part is an HTTP request without body that carries its own authorization and is
//! answered by a part of its own, in order and with its `Content-ID`.

use std::fmt::Write as _;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use uuid::Uuid;

use super::answer::Answer;
use super::body::{self, RequestBody, ResponseBody};
use super::call::{Call, Ids, resource};
use super::failure::{Failure, Outcome};
use super::header_case::HeaderCase;
use super::server::{execute, finish};
use crate::auth::Resource;
use crate::not_offered::NotOffered;

/// Most requests in a batch.
const REQUESTS: usize = 256;
/// Most bytes of a batch.
const BATCH: usize = 4 * 1024 * 1024;

fn invalid() -> Failure {
    Failure::bad_request("InvalidInput", "The batch request body is malformed.")
}

pub(super) struct Part {
    id: String,
    request: http::request::Parts,
}

pub(super) async fn run(call: &Call, body: &mut RequestBody) -> Outcome<Answer> {
    let content_type = call.header("content-type").unwrap_or_default();
    let boundary = boundary(&content_type).ok_or_else(|| Failure::header("content-type"))?;
    let document = body.collect(BATCH).await?;
    let document = std::str::from_utf8(&document).map_err(|_| invalid())?;
    let parts = parse(document, &boundary)?;
    let own = format!("batchresponse_{}", Uuid::new_v4());
    let mut answers = String::new();
    for part in parts {
        let (response, _) = Box::pin(single(call, part.request)).await;
        let _ = write!(answers, "--{own}\r\nContent-Type: application/http\r\nContent-ID: {}\r\n\r\n", part.id);
        render(&mut answers, response).await;
    }
    let _ = write!(answers, "--{own}--\r\n");
    let answer = Answer::new(StatusCode::ACCEPTED).header("content-type", format!("multipart/mixed; boundary={own}"));
    Ok(answer.body(body::full(answers)))
}

async fn single(call: &Call, parts: http::request::Parts) -> (Response<ResponseBody>, Vec<String>) {
    let ids = Ids { version: call.ids.version.clone(), ..Ids::of(&parts.headers) };
    let sets_tier = parts.method == Method::PUT && parts.uri.query().is_some_and(|query| query.contains("comp=tier"));
    let outcome = if !is_within(&call.resource, parts.uri.path()) {
        Err(Failure::bad_request("InvalidInput", "The request is about something outside of the batch's container."))
    } else if parts.method == Method::DELETE || sets_tier {
        let server = Arc::clone(&call.server);
        execute(server, call.peer, &ids, parts, &mut RequestBody::Empty, HeaderCase::default()).await
    } else {
        Err(Failure::not_offered(NotOffered::OtherBatches))
    };
    finish(outcome, &ids)
}

/// Whether a request is allowed in a batch: an account's batch may contain any, a container's only those on the
/// container.
fn is_within(batch: &Resource, path: &str) -> bool {
    let Resource::Container(own) = batch else { return true };
    matches!(resource(path), Ok((_, Resource::Blob(container, _))) if container == *own)
}

async fn render(text: &mut String, response: Response<ResponseBody>) {
    let (parts, body) = response.into_parts();
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let _ = write!(text, "HTTP/1.1 {} {reason}\r\n", parts.status.as_u16());
    for (name, value) in &parts.headers {
        let _ = write!(text, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if !bytes.is_empty() {
        let _ = write!(text, "content-length: {}\r\n", bytes.len());
    }
    let _ = write!(text, "\r\n{}\r\n", String::from_utf8_lossy(&bytes));
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (1..=200).contains(&boundary.len()).then_some(boundary)
}

pub(super) fn parse(document: &str, boundary: &str) -> Outcome<Vec<Part>> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    // Text before the first delimiter is not a part; a part that begins with `--` ends the batch.
    for section in document.split(delimiter.as_str()).skip(1) {
        if section.starts_with("--") {
            return if parts.is_empty() { Err(invalid()) } else { Ok(parts) };
        }
        if parts.len() == REQUESTS {
            let message = "The batch operation exceeds maximum number of allowed subrequests.";
            return Err(Failure::bad_request("ExceedsMaxBatchRequestCount", message));
        }
        parts.push(parse_part(section)?);
    }
    Err(invalid())
}

fn parse_part(section: &str) -> Outcome<Part> {
    let mut lines = section.lines().map(str::trim_end).skip_while(|line| line.is_empty());
    let mut id = String::new();
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-id")
        {
            id = value.chars().filter(char::is_ascii_graphic).take(64).collect();
        }
    }
    let mut lines = lines.skip_while(|line| line.is_empty());
    let mut start = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (start.next(), start.next()) else { return Err(invalid()) };
    let mut headers = HeaderMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(invalid)?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| invalid())?;
        headers.append(name, HeaderValue::from_str(value.trim()).map_err(|_| invalid())?);
    }
    let request = Request::builder().method(method).uri(target).body(()).map_err(|_| invalid())?;
    let (mut request, ()) = request.into_parts();
    request.headers = headers;
    Ok(Part { id, request })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_their_ids_and_headers() {
        let document = "--b\r\nContent-Type: application/http\r\nContent-ID: 7\r\n\r\n\
                        DELETE /acct/c/a%20b?x=1 HTTP/1.1\r\nx-ms-date: now\r\nContent-Length: 0\r\n\r\n--b--\r\n";
        let parts = parse(document, "b").unwrap();
        assert_eq!((parts.len(), parts[0].id.as_str()), (1, "7"));
        assert_eq!(parts[0].request.uri.path(), "/acct/c/a%20b");
        assert_eq!(parts[0].request.headers["x-ms-date"], "now");
    }

    #[test]
    fn malformed_batches_are_refused() {
        for bad in [
            "",
            "--b--",
            "--b\r\n",
            "--b\r\n\r\n\r\n--b--",
            "--b\r\n\r\nDELETE\r\n\r\n--b--",
            "--b\r\n\r\nD E F\r\nx\r\n\r\n--b--",
        ] {
            assert!(parse(bad, "b").is_err(), "{bad:?}");
        }
        assert_eq!(boundary("multipart/mixed; boundary=\"x y\""), Some("x y".to_owned()));
        assert_eq!(boundary("text/plain; boundary=x"), None);
    }
}
