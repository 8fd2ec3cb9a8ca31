//! `Authorization: SharedKey account:signature` and its shorter form `SharedKeyLite`.
//!
//! What is signed: the method, eleven standard headers, all `x-ms-` headers in the service's own order, and the
//! resource: `/account` followed by the path *as sent* (percent-encoded, and on this path-style endpoint naming the
//! account a second time) and the decoded query, sorted.

use http::{HeaderMap, HeaderName, Method};
use jiff::{SignedDuration, Timestamp};

use super::{Account, Error, Query, header_order};
use crate::not_offered::NotOffered;

/// How far the request's date may be off.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(15);

/// The parts of a request that are signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path as sent, still percent-encoded.
    pub path: &'a str,
    /// The decoded query.
    pub query: &'a Query,
    /// The headers.
    pub headers: &'a HeaderMap,
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).unwrap_or_default().trim()
}

fn canonical_headers(headers: &HeaderMap) -> String {
    let mut own: Vec<&HeaderName> = headers.keys().filter(|name| name.as_str().starts_with("x-ms-")).collect();
    own.sort_by(|left, right| header_order::compare(left.as_str(), right.as_str()));
    let lines = own.into_iter().map(|name| {
        let values = headers.get_all(name).iter();
        let values = values.map(|value| std::str::from_utf8(value.as_bytes()).unwrap_or_default().trim());
        format!("{name}:{}\n", values.collect::<Vec<_>>().join(","))
    });
    lines.collect()
}

/// The text that is signed for `SharedKey`.
fn text_to_sign(request: &Request<'_>, account: &str) -> String {
    let headers = request.headers;
    let length = match header(headers, "content-length") {
        "0" => "",
        length => length,
    };
    let date = if headers.contains_key("x-ms-date") { "" } else { header(headers, "date") };
    let standard = [
        request.method.as_str(),
        header(headers, "content-encoding"),
        header(headers, "content-language"),
        length,
        header(headers, "content-md5"),
        header(headers, "content-type"),
        date,
        header(headers, "if-modified-since"),
        header(headers, "if-match"),
        header(headers, "if-none-match"),
        header(headers, "if-unmodified-since"),
        header(headers, "range"),
    ];
    let mut resource = format!("/{account}{}", request.path);
    let mut last = None;
    for (name, value) in request.query.sorted() {
        if last == Some(name) {
            resource.push(',');
        } else {
            resource.push_str(&format!("\n{name}:"));
        }
        resource.push_str(value);
        last = Some(name);
    }
    format!("{}\n{}{resource}", standard.join("\n"), canonical_headers(headers))
}

/// The text that is signed for `SharedKeyLite`.
fn text_to_sign_lite(request: &Request<'_>, account: &str) -> String {
    let headers = request.headers;
    let date = if headers.contains_key("x-ms-date") { "" } else { header(headers, "date") };
    let standard = [request.method.as_str(), header(headers, "content-md5"), header(headers, "content-type"), date];
    let comp = request.query.get("comp").map(|comp| format!("?comp={comp}")).unwrap_or_default();
    format!("{}\n{}/{account}{}{comp}", standard.join("\n"), canonical_headers(headers), request.path)
}

/// Verifies an `Authorization` header against the account's keys.
pub(super) fn verify(request: &Request<'_>, account: &Account, now: Timestamp) -> Result<(), Error> {
    let (scheme, proof) = header(request.headers, "authorization")
        .split_once(' ')
        .ok_or(Error::Failed("The Authorization header is malformed."))?;
    let text = match scheme {
        "SharedKey" => text_to_sign(request, account.name()),
        "SharedKeyLite" => text_to_sign_lite(request, account.name()),
        "Bearer" => return Err(Error::NotOffered(NotOffered::EntraTokens)),
        _ => {
            return Err(Error::Failed(
                "The authorization scheme is not supported; use SharedKey or a shared access signature.",
            ));
        }
    };
    let (name, signature) =
        proof.trim().split_once(':').ok_or(Error::Failed("The Authorization header is malformed."))?;
    if name != account.name() {
        return Err(Error::Failed("The Authorization header names another account."));
    }
    let date = match header(request.headers, "x-ms-date") {
        "" => header(request.headers, "date"),
        date => date,
    };
    let date = crate::http::date::parse(date).ok_or(Error::Failed("The request has no readable date."))?;
    if date.duration_since(now).abs() > CLOCK_SKEW {
        return Err(Error::Failed("The request's date is more than 15 minutes off."));
    }
    if account.keys().iter().any(|key| key.verifies(&text, signature)) {
        Ok(())
    } else {
        Err(Error::Failed("The signature in the Authorization header does not match the request."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_text_follows_the_published_form() {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-version", "2026-04-06".parse().unwrap());
        headers.insert("x-ms-date", "Fri, 20 Nov 2026 09:15:02 GMT".parse().unwrap());
        headers.insert("x-ms-meta-m1", " v1 ".parse().unwrap());
        headers.insert("content-length", "0".parse().unwrap());
        headers.insert("range", "bytes=0-1".parse().unwrap());
        let query = Query::parse("restype=container&comp=metadata&timeout=20").unwrap();
        let request = Request { method: &Method::GET, path: "/acct/my%20container", query: &query, headers: &headers };
        assert_eq!(
            text_to_sign(&request, "acct"),
            "GET\n\n\n\n\n\n\n\n\n\n\nbytes=0-1\nx-ms-date:Fri, 20 Nov 2026 09:15:02 GMT\nx-ms-meta-m1:v1\n\
             x-ms-version:2026-04-06\n/acct/acct/my%20container\ncomp:metadata\nrestype:container\ntimeout:20"
        );
        assert_eq!(
            text_to_sign_lite(&request, "acct"),
            "GET\n\n\n\nx-ms-date:Fri, 20 Nov 2026 09:15:02 GMT\nx-ms-meta-m1:v1\nx-ms-version:2026-04-06\n\
             /acct/acct/my%20container?comp=metadata"
        );
    }

    /// Python's and JavaScript's libraries sort like this, and their requests are refused unless the endpoint does,
    /// too.
    #[test]
    fn headers_are_signed_in_the_order_of_the_service() {
        let mut headers = HeaderMap::new();
        for name in ["x-ms-meta-a1", "x-ms-meta-a_1", "x-ms-meta-ab"] {
            headers.insert(HeaderName::from_static(name), "v".parse().unwrap());
        }
        assert_eq!(canonical_headers(&headers), "x-ms-meta-a_1:v\nx-ms-meta-a1:v\nx-ms-meta-ab:v\n");
    }
}
