//! One request, from its line to its answer.

use super::Server;
use super::header_names::Names;
use super::message::{self, Parts};
use super::refusal::Refusal;
use crate::access::{Right, path};
use crate::broker::{self, now};
use crate::message::Message;
use crate::not_offered::NotOffered;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// Largest body, in bytes; the same as for a message over AMQP.
const BODY: usize = 1 << 20;
/// Most bytes of a refused body that are read and discarded, so that the client sees the answer instead of a broken
/// connection.
const DRAIN: usize = 64 << 20;
/// How long a send waits while the queue is full, unless the query says otherwise.
const WAIT: Duration = Duration::from_secs(60);
/// How long a client may take to send the body.
const SLOWEST: Duration = Duration::from_secs(120);

pub(super) async fn answer(server: &Server, request: Request<Incoming>, names: &Names) -> Response<Full<Bytes>> {
    let (head, mut body) = request.into_parts();
    let allowed = entity(&head).and_then(|entity| permit(server, &head, entity));
    let done = match allowed {
        Ok(entity) => send(server, &entity, &head, &mut body, names).await,
        Err(refusal) => Err(refusal),
    };
    match done {
        Ok(()) => {
            let mut created = Response::new(Full::default());
            *created.status_mut() = StatusCode::CREATED;
            created
        }
        Err(refusal) => {
            let _ = tokio::time::timeout(SLOWEST, drain(&mut body)).await;
            tracing::debug!(status = refusal.status.as_u16(), "a message sent over HTTP was refused");
            refusal.into_response()
        }
    }
}

/// The entity of `/{entity}/messages`, in lower case.
fn entity(head: &hyper::http::request::Parts) -> Result<String, Refusal> {
    let decoded = percent_decode_str(head.uri.path()).decode_utf8();
    let decoded = decoded.map_err(|_| Refusal::bad_request("The path is not valid UTF-8."))?;
    let address = path(&decoded);
    let Some(entity) = address.strip_suffix("/messages").filter(|entity| !entity.is_empty()) else {
        let offer = match address.as_str() {
            "" => None,
            "$servicebus/websocket" => Some(NotOffered::WebSockets),
            address if address.ends_with("/messages/head") => Some(NotOffered::HttpReceive),
            _ => Some(NotOffered::Administration),
        };
        return Err(match offer {
            Some(offer) => Refusal::new(StatusCode::NOT_IMPLEMENTED, offer.to_string()),
            None => Refusal::new(
                StatusCode::NOT_FOUND,
                "There is nothing here. Messages are sent with POST to /{queue or topic}/messages.",
            ),
        });
    };
    if head.method != Method::POST {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Over HTTP, messages can be sent (POST); to receive them use AMQP.",
        ));
    }
    Ok(entity.trim_end_matches('/').to_owned())
}

/// Checks that the signature allows sending to the entity; returns the entity that is meant.
fn permit(server: &Server, head: &hyper::http::request::Parts, entity: String) -> Result<String, Refusal> {
    if server.access.is_open() {
        return Ok(entity);
    }
    let token = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.ok_or_else(|| Refusal::unauthorized("MissingToken: the Authorization header is missing."))?;
    let now = now();
    let grants = server.access.check_token(token, now);
    let grants = grants.map_err(|refusal| Refusal::unauthorized(format!("InvalidSignature: {refusal}.")))?;
    // A signature may name the address that is posted to, the entity, or the whole namespace.
    let entity = grants.iter().find_map(|grant| grant.meant_by(&entity)).unwrap_or(entity);
    let address = format!("{entity}/messages");
    if grants.iter().any(|grant| grant.allows(&address, Right::Send, now)) {
        Ok(entity)
    } else {
        Err(Refusal::unauthorized("Unauthorized access. 'Send' claim(s) are required to perform this operation."))
    }
}

async fn send(
    server: &Server,
    entity: &str,
    head: &hyper::http::request::Parts,
    body: &mut Incoming,
    names: &Names,
) -> Result<(), Refusal> {
    server.broker.inner().entity(entity).map_err(|error| not_found(head, error))?;
    let collected = tokio::time::timeout(SLOWEST, collect(head, body)).await;
    let body = collected.map_err(|_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "The body took too long."))??;
    let messages = message::read(&Parts { headers: &head.headers, names, body })?;
    check_size(&messages)?;
    match tokio::time::timeout(wait(head), server.broker.send_all(entity, messages)).await {
        Ok(sent) => Ok(sent?),
        Err(_) => Err(broker::Error::QueueFull.into()),
    }
}

/// A missing entity is named with its full address, as by Azure.
fn not_found(head: &hyper::http::request::Parts, error: broker::Error) -> Refusal {
    match error {
        broker::Error::NotFound(entity) => {
            let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
            let detail = format!("The messaging entity 'sb://{host}/{entity}' could not be found.");
            Refusal::new(StatusCode::NOT_FOUND, detail)
        }
        other => other.into(),
    }
}

fn check_size(messages: &[Message]) -> Result<(), Refusal> {
    let mut total = 0;
    for message in messages {
        total += message.encode().map_err(broker::Error::from)?.bytes().len();
    }
    if total > BODY { Err(too_large()) } else { Ok(()) }
}

fn wait(head: &hyper::http::request::Parts) -> Duration {
    let pairs = head.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let seconds = pairs.filter(|(name, _)| *name == "timeout").find_map(|(_, value)| value.parse().ok());
    seconds.map_or(WAIT, Duration::from_secs).min(WAIT)
}

fn too_large() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The message exceeds the limit of {BODY} bytes."))
}

async fn collect(head: &hyper::http::request::Parts, body: &mut Incoming) -> Result<Bytes, Refusal> {
    let declared = head.headers.get("content-length").and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|declared| declared > BODY) {
        return Err(too_large());
    }
    let mut all = Vec::with_capacity(declared.unwrap_or_default());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::bad_request("The body ended early."))?;
        if let Ok(piece) = frame.into_data() {
            if all.len() + piece.len() > BODY {
                return Err(too_large());
            }
            all.extend_from_slice(&piece);
        }
    }
    Ok(all.into())
}

async fn drain(body: &mut Incoming) {
    let mut left = DRAIN;
    while let (Some(Ok(frame)), true) = (body.frame().await, left > 0) {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
    }
}
