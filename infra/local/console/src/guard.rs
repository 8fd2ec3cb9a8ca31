//! Keeping other web sites out.
//!
//! The console is open to anyone who can reach 127.0.0.1, and that includes a browser acting for any site a person has
//! open. Four measures:
//!
//! 1. `Host` must be ours. A site that rebinds its own name to 127.0.0.1 sends its own name.
//! 2. Anything but a GET needs an `Origin` that is ours. Browsers always send it then, and scripts cannot forge it.
//! 3. Answers tell the browser not to show them in frames, not to give them to other sites, and to run and load only
//!    files of ours.
//! 4. A GET changes nothing.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;

/// What the browser may do with a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The names the server goes by: `127.0.0.1:7071` and `localhost:7071`.
#[derive(Clone)]
pub(crate) struct Own(Arc<[String]>);

impl Own {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let port = address.port();
        Self(Arc::new([address.to_string(), format!("localhost:{port}")]))
    }

    fn host<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next()?.to_str().ok()?;
        (hosts.next().is_none() && self.0.iter().any(|own| own == host)).then_some(host)
    }
}

/// Refuses requests that do not come from the console's own pages, and tells the browser to be strict.
pub(crate) async fn check(State(own): State<Own>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&own, request.method(), request.headers()) {
        Some((status, reason)) => (status, reason).into_response(),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refusal(own: &Own, method: &Method, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    let Some(host) = own.host(headers) else {
        return Some((StatusCode::MISDIRECTED_REQUEST, "The console answers under 127.0.0.1 and localhost alone.\n"));
    };
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let same = origin.and_then(|origin| origin.strip_prefix("http://")) == Some(host);
    let safe = method == Method::GET || method == Method::HEAD;
    (!safe && !same).then_some((StatusCode::FORBIDDEN, "Actions are for the console's own pages.\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt;

    async fn answer(method: &str, headers: &[(&str, &str)]) -> Response {
        let address = SocketAddr::from(([127, 0, 0, 1], 7071));
        let pages = Router::new().route("/", get(async || "page").post(async || "done"));
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let guarded = pages.layer(from_fn_with_state(Own::new(address), check));
        guarded.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn only_our_own_names_are_answered() {
        for (host, status) in [
            ("127.0.0.1:7071", 200),
            ("localhost:7071", 200),
            ("rebound.example:7071", 421),
            ("127.0.0.1", 421),
            ("127.0.0.1:7072", 421),
            ("127.0.0.1:7071.example", 421),
            ("", 421),
        ] {
            assert_eq!(answer("GET", &[("host", host)]).await.status().as_u16(), status, "{host:?}");
        }
        assert_eq!(answer("GET", &[]).await.status().as_u16(), 421);
        let two = [("host", "127.0.0.1:7071"), ("host", "rebound.example")];
        assert_eq!(answer("GET", &two).await.status().as_u16(), 421);
    }

    #[tokio::test]
    async fn actions_need_our_own_origin() {
        let host = ("host", "127.0.0.1:7071");
        for (origin, status) in [
            ("http://127.0.0.1:7071", 200),
            ("http://localhost:7071", 403),
            ("https://127.0.0.1:7071", 403),
            ("http://attacker.example", 403),
            ("null", 403),
        ] {
            assert_eq!(answer("POST", &[host, ("origin", origin)]).await.status().as_u16(), status, "{origin}");
        }
        assert_eq!(answer("POST", &[host]).await.status().as_u16(), 403);
        assert_eq!(answer("GET", &[host, ("origin", "http://attacker.example")]).await.status().as_u16(), 200);
    }

    #[tokio::test]
    async fn every_answer_is_strict() {
        for host in ["127.0.0.1:7071", "rebound.example"] {
            let answer = answer("GET", &[("host", host)]).await;
            let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(answer.headers()[header::X_FRAME_OPTIONS], "DENY");
            assert_eq!(answer.headers()["cross-origin-resource-policy"], "same-origin");
            assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
            assert!(answer.headers().get("access-control-allow-origin").is_none());
        }
    }
}
