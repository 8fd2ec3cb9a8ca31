//! Building answers.

use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::body::{self, ResponseBody};
use super::call::Ids;
use super::failure::Failure;
use super::{date, xml};
use crate::etag::Etag;
use crate::store::Pairs;

/// A response being built.
pub(super) struct Answer {
    response: Response<ResponseBody>,
    /// Metadata headers with their letter case, which header maps do not keep.
    names: Vec<String>,
}

impl Answer {
    pub(super) fn new(status: StatusCode) -> Self {
        let mut response = Response::new(body::empty());
        *response.status_mut() = status;
        Self { response, names: Vec::new() }
    }

    /// Adds a header. A value that is not allowed in a header is left out.
    pub(super) fn header(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_bytes(value.as_ref().as_bytes()) {
            self.response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        self
    }

    pub(super) fn optional(self, name: &'static str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// `ETag` and `Last-Modified`.
    pub(super) fn version(self, etag: Etag, modified: jiff::Timestamp) -> Self {
        self.header("etag", format!("\"{etag}\"")).header("last-modified", date::format(modified))
    }

    pub(super) fn metadata(mut self, metadata: &Pairs) -> Self {
        for (name, value) in metadata.iter() {
            let header = HeaderName::from_bytes(format!("x-ms-meta-{name}").as_bytes());
            if let (Ok(header), Ok(value)) = (header, HeaderValue::from_bytes(value.as_bytes())) {
                self.response.headers_mut().insert(header, value);
                self.names.push(name.to_owned());
            }
        }
        self
    }

    pub(super) fn body(mut self, body: ResponseBody) -> Self {
        *self.response.body_mut() = body;
        self
    }

    pub(super) fn xml(self, text: String) -> Self {
        self.header("content-type", "application/xml").body(body::full(text))
    }

    pub(super) fn build(self) -> (Response<ResponseBody>, Vec<String>) {
        (self.response, self.names)
    }
}

/// A failure as an answer.
pub(super) fn failed(failure: &Failure, ids: &Ids) -> Answer {
    let answer = Answer::new(failure.status).header("x-ms-error-code", failure.code);
    let answer = answer.optional("content-range", failure.length.map(|length| format!("bytes */{length}")));
    let answer = match failure.status {
        StatusCode::UNAUTHORIZED => answer.header("www-authenticate", "SharedKey"),
        _ => answer,
    };
    if failure.status == StatusCode::NOT_MODIFIED {
        return answer;
    }
    let answer = match &failure.source {
        Some(source) => answer
            .header("x-ms-copy-source-status-code", source.status.as_str())
            .header("x-ms-copy-source-error-code", source.code),
        None => answer,
    };
    answer.xml(xml::error(failure, ids.request))
}
