//! Connections to hospitals' systems.

use socket2::{SockRef, TcpKeepalive};
use std::time::Duration;
use tokio::net::TcpStream;

/// Firewalls forget connections that are silent for ten minutes, without telling anybody: half-open ones are noticed
/// after two.
fn keep_alive() -> TcpKeepalive {
    TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15)).with_retries(4)
}

/// Sets a connection up: frames are sent at once, and a peer that is gone is noticed. A system that knows no such
/// options has it without.
pub(super) fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keep_alive());
}
