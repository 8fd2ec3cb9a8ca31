//! A custom handler that follows the instructions in its messages, for the tests of the host.
//!
//! Every request is written to standard output as one JSON line. A message's body may be a JSON object of instructions:
//!
//! | member | effect |
//! |---|---|
//! | `until` | the other instructions apply only to deliveries (or retries) before this one; then the answer is `{}` |
//! | `status` | answer with this status |
//! | `answer`, `type` | answer with this body and content type |
//! | `exit` | leave with this exit code |
//! | `hang` | never answer |
//! | `hold` | answer after this many milliseconds |
//!
//! Setting `START` to `exit:N` makes it exit at start; `deaf` makes it never listen. Functions whose names start with
//! `fail` fail until the host's second retry.

use std::convert::Infallible;
use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    say(&json!({
        "start": std::env::args().skip(1).collect::<Vec<_>>(),
        "folder": std::env::current_dir()?,
        "environment": std::env::vars().collect::<std::collections::BTreeMap<_, _>>(),
    }));
    let start = std::env::var("START").unwrap_or_default();
    if let Some(code) = start.strip_prefix("exit:") {
        say_error("leaving at once");
        leave(code.parse()?);
    }
    if start == "deaf" {
        std::future::pending::<()>().await;
    }
    say_error("this is a warning");
    let port: u16 = std::env::var("FUNCTIONS_CUSTOMHANDLER_PORT")?.parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A broken connection is the host's problem.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let path = head.uri.path().to_owned();
    if path == "/" {
        return Ok(reply(404, "text/plain", "not here"));
    }
    // Measurements are not slowed down by a log.
    if path == "/quiet" {
        return Ok(reply(200, "application/json", "{}"));
    }
    let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    say(&json!({ "method": head.method.as_str(), "path": path, "headers": headers, "body": parsed }));
    let tries = parsed["Metadata"]["RetryContext"]["RetryCount"].as_u64();
    if path.starts_with("/fail") && tries.is_some_and(|tries| tries < 2) {
        return Ok(reply(500, "application/json", "{}"));
    }
    Ok(obey(&parsed).await)
}

/// Follows the instructions in the trigger's value.
async fn obey(request: &Value) -> Response<Full<Bytes>> {
    let done = reply(200, "application/json", "{}");
    let value = request["Data"].as_object().and_then(|data| data.values().next()).and_then(Value::as_str);
    let bytes = value.and_then(|value| base64::engine::general_purpose::STANDARD.decode(value).ok());
    let orders: Value = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let delivery: u64 = request["Metadata"]["DeliveryCount"].as_str().and_then(|count| count.parse().ok()).unwrap_or(1);
    if orders["until"].as_u64().is_some_and(|until| delivery >= until) {
        return done;
    }
    if let Some(code) = orders["exit"].as_i64() {
        leave(i32::try_from(code).unwrap_or(1));
    }
    if orders["hang"] == true {
        std::future::pending::<()>().await;
    }
    if let Some(millis) = orders["hold"].as_u64() {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    let status = orders["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    match orders["answer"].as_str() {
        Some(body) => reply(status, orders["type"].as_str().unwrap_or("application/json"), body),
        None => reply(status, "application/json", "{}"),
    }
}

fn reply(status: u16, content_type: &str, body: &str) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header(CONTENT_TYPE, content_type);
    response.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap_or_default()
}

fn say(line: &Value) {
    // A host that no longer listens is about to kill this process.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn say_error(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[allow(clippy::disallowed_methods, reason = "leaving is what these tests are about")]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}
