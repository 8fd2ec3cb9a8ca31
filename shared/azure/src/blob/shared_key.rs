//! Signing requests with the account key ("Shared Key").
//!
//! The SDK has no account-key credential. As a per-try policy this one sees the request as it will be sent, and signs
//! again on every retry.
//!
//! The signed text is the verb, eleven standard headers, all `x-ms-*` headers and the resource, each on its own line;
//! the resource is the account, the path exactly as sent (percent-encoded), and the query parameters decoded,
//! lower-cased and sorted.

use azure_core::credentials::Secret;
use azure_core::hmac::hmac_sha256;
use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use url::Url;

/// Headers that are signed by value alone, in this order; `content-length` comes third and is special.
const SIGNED: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// Signs every request of one account.
#[derive(Debug)]
pub(super) struct SharedKey {
    pub(super) account: String,
    pub(super) key: Secret,
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the implementation has to look the same")]
#[async_trait::async_trait]
impl Policy for SharedKey {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let now = DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&Timestamp::now())
            .map_err(|error| azure_core::Error::new(azure_core::error::ErrorKind::Other, error))?;
        request.insert_header("x-ms-date", now);
        let headers: BTreeMap<String, String> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_ascii_lowercase(), value.as_str().trim().to_owned()))
            .collect();
        let text = signed_text(request.method().as_ref(), request.url(), &headers, request.body().len(), &self.account);
        let signature = hmac_sha256(&text, &self.key)?;
        let authorization = HeaderName::from_static("authorization");
        request.insert_header(authorization, format!("SharedKey {}:{signature}", self.account));
        match next.split_first() {
            Some((policy, rest)) => policy.send(context, request, rest).await,
            None => Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Other, "no transport policy")),
        }
    }
}

fn signed_text(
    method: &str,
    url: &Url,
    headers: &BTreeMap<String, String>,
    body: Option<u64>,
    account: &str,
) -> String {
    let mut text = format!("{method}\n");
    for name in SIGNED {
        let value = match name {
            "content-length" => headers
                .get(name)
                .cloned()
                .or_else(|| body.map(|length| length.to_string()))
                .filter(|length| length != "0")
                .unwrap_or_default(),
            _ => headers.get(name).cloned().unwrap_or_default(),
        };
        text.push_str(&value);
        text.push('\n');
    }
    for (name, value) in headers.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
        let _ = writeln!(text, "{name}:{value}");
    }
    let _ = write!(text, "/{account}{}", url.path());
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        parameters.entry(name.to_lowercase()).or_default().push(value.into_owned());
    }
    for (name, mut values) in parameters {
        values.sort();
        let _ = write!(text, "\n{name}:{}", values.join(","));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_put_is_signed_as_documented() {
        let url = Url::parse("http://127.0.0.1:10000/dev/drops/a%2Fb%20c?comp=block&blockid=YQ%3D%3D").unwrap();
        let headers = headers(&[
            ("x-ms-date", "Fri, 20 Nov 2026 09:15:02 GMT"),
            ("x-ms-version", "2026-04-06"),
            ("content-type", "application/octet-stream"),
            ("content-length", "5"),
            ("accept", "*/*"),
        ]);
        assert_eq!(
            signed_text("PUT", &url, &headers, Some(5), "dev"),
            "PUT\n\n\n5\n\napplication/octet-stream\n\n\n\n\n\n\n\
             x-ms-date:Fri, 20 Nov 2026 09:15:02 GMT\nx-ms-version:2026-04-06\n\
             /dev/dev/drops/a%2Fb%20c\nblockid:YQ==\ncomp:block"
        );
    }

    #[test]
    fn a_length_of_zero_is_signed_as_nothing_and_parameters_are_sorted() {
        let url =
            Url::parse("https://acme.blob.core.windows.net/drops?restype=container&prefix=sp+ace&Comp=list").unwrap();
        let headers = headers(&[("if-match", "\"0x1\""), ("content-length", "0")]);
        assert_eq!(
            signed_text("GET", &url, &headers, Some(0), "acme"),
            "GET\n\n\n\n\n\n\n\n\"0x1\"\n\n\n\n/acme/drops\ncomp:list\nprefix:sp ace\nrestype:container"
        );
    }
}
