//! Requests to nodes, and `$cbs`, the node that receives tokens.

use super::link::{End, Node, Outlet, Source};
use super::machine::Machine;
use super::reply::Reply;
use crate::access::path;
use crate::broker::{Position, now};
use crate::codec::Value;
use crate::message::Encoded;
use crate::wire::{Request, Response};

/// HTTP-like status codes, as both nodes use them.
pub(super) mod status {
    pub(crate) const OK: i32 = 200;
    pub(crate) const ACCEPTED: i32 = 202;
    pub(crate) const NO_CONTENT: i32 = 204;
    pub(crate) const BAD_REQUEST: i32 = 400;
    pub(crate) const UNAUTHORIZED: i32 = 401;
    pub(crate) const NOT_FOUND: i32 = 404;
    pub(crate) const CONFLICT: i32 = 409;
    pub(crate) const GONE: i32 = 410;
    pub(crate) const INTERNAL: i32 = 500;
    pub(crate) const NOT_IMPLEMENTED: i32 = 501;
}

impl Machine {
    /// Answers a request on the link from which its sender reads answers.
    pub(super) fn request(&mut self, channel: u16, node: &Node, message: &Encoded) {
        let Ok(request) = Request::new(message) else { return };
        let Some((channel, handle)) = self.reply_link(channel, node, request.reply_to.as_deref()) else {
            tracing::debug!("a request names no link its answer could go to");
            return;
        };
        let (response, position) = match node {
            Node::Cbs => (self.put_token(&request), Position::default()),
            Node::Management(entity) => self.manage(entity, &request),
            Node::Entity(_) => return,
        };
        self.context.replies.push(position, Reply::Response { channel, handle, bytes: response.into_bytes() });
    }

    /// The link that a request's answer goes to: named by link name or by target address, or else the node's only one,
    /// with those in the same session first.
    fn reply_link(&self, channel: u16, node: &Node, reply_to: Option<&str>) -> Option<(u16, u32)> {
        let key = node.key();
        let mut best = None;
        for (at, session) in &self.sessions {
            for (handle, link) in &session.links {
                let End::Out(Outlet { source: Source::Answers { node, .. }, target, .. }) = &link.end else { continue };
                if *node != key {
                    continue;
                }
                let named = reply_to.is_some_and(|name| name == link.name);
                let addressed = reply_to.is_some() && target.as_deref() == reply_to;
                let score = (named, addressed, *at == channel);
                if best.is_none_or(|(known, _)| known < score) {
                    best = Some((score, (*at, *handle)));
                }
            }
        }
        best.map(|(_, link)| link)
    }

    /// Accepts a token, whatever type it claims to be (Python says `jwt` for signatures, too).
    fn put_token(&mut self, request: &Request<'_>) -> Response {
        let (status, text) = if self.context.access.is_open() {
            (status::ACCEPTED, "Accepted".to_owned())
        } else {
            match request.body() {
                Some(Value::String(token)) => self.check_token(token, request.text("name").unwrap_or_default()),
                _ => (status::BAD_REQUEST, "the body is the token's text".to_owned()),
            }
        };
        Response::cbs(request.message_id, status, &text)
    }

    fn check_token(&mut self, token: &str, audience: &str) -> (i32, String) {
        let now = now();
        match self.context.access.check_token(token, now) {
            Ok(grants) => {
                tracing::debug!(entity = path(audience), "a token was taken");
                self.context.grants.retain(|grant| grant.expires_at > now);
                for grant in grants {
                    // A renewed token replaces the old one.
                    self.context.grants.retain(|known| !known.renewed_by(&grant));
                    self.context.grants.push(grant);
                }
                (status::ACCEPTED, "Accepted".to_owned())
            }
            Err(refusal) => (status::UNAUTHORIZED, format!("InvalidSignature: {refusal}")),
        }
    }
}
