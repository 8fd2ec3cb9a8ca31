//! Choosing a port.

use std::net::{Ipv4Addr, TcpListener};

use uuid::Uuid;

/// Below the ranges from which systems take outgoing ports (Linux from 32768 on, others from 49152 on), above the
/// well-known services.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port that nobody listens on at the moment.
pub(super) fn free() -> std::io::Result<u16> {
    let mut last = std::io::Error::other("no free port");
    for _ in 0..200 {
        let random = Uuid::new_v4().as_bytes()[..2].iter().fold(0_u16, |sum, byte| sum << 8 | u16::from(*byte));
        let port = FIRST + random % COUNT;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}
