//! Listening on 127.0.0.1, and nowhere else.

use anyhow::{Context, Result};
use std::io::ErrorKind;
use tokio::net::TcpListener;

/// Listens on the requested port; without a request, on the usual one, or on a free one when that is taken. 0 is any
/// free one.
pub(crate) async fn listen(wished: Option<u16>, usual: u16, what: &str) -> Result<TcpListener> {
    match wished {
        Some(port) => bind(port).await.with_context(|| {
            format!("the port {port} for {what} is not available; choose another, or 0 for any free one")
        }),
        None => match bind(usual).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                bind(0).await.with_context(|| format!("no free port for {what}"))
            }
            bound => bound.with_context(|| format!("cannot listen for {what}")),
        },
    }
}

async fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_usual_port_gives_way_and_a_taken_wished_port_is_an_error() {
        let taken = listen(Some(0), 0, "a test").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let other = listen(None, port, "a test").await.unwrap();
        assert_ne!(other.local_addr().unwrap().port(), port);
        assert!(other.local_addr().unwrap().ip().is_loopback());
        let refused = listen(Some(port), 0, "a test").await.unwrap_err();
        assert!(refused.to_string().contains("choose another"), "{refused}");
    }
}
