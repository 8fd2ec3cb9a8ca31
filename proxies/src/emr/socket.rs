//! Connections to hospitals' systems.

use socket2::{SockRef, TcpKeepalive};
use std::time::Duration;
use tokio::net::TcpStream;

/// Firewalls silently forget connections that are idle for ten minutes; this detects half-open ones after two.
fn keep_alive() -> TcpKeepalive {
    TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15)).with_retries(4)
}

/// Sets up a connection: frames are sent at once, and a dead peer is noticed. A system without these options goes
/// without.
pub(super) fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keep_alive());
}
