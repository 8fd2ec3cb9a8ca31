//! Refusals as Azure words them.

use crate::broker;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let (code, detail) = (self.status.as_u16(), escape(&self.detail));
        let mut response =
            Response::new(Full::from(format!("<Error><Code>{code}</Code><Detail>{detail}</Detail></Error>")));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("SharedAccessSignature"));
        }
        response
    }
}

fn escape(text: &str) -> String {
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    plain.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl From<broker::Error> for Refusal {
    fn from(error: broker::Error) -> Self {
        use broker::Error as E;
        let status = match error {
            E::NotFound(_) => StatusCode::NOT_FOUND,
            E::QueueFull => StatusCode::FORBIDDEN,
            E::Storage(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        // The disk's error belongs in the log, and is there.
        let detail = if status == StatusCode::INTERNAL_SERVER_ERROR {
            "The messages could not be stored.".to_owned()
        } else {
            error.to_string()
        };
        Self::new(status, detail)
    }
}
