//! Orders in: frames from a hospital become messages on the bus.
//!
//! 1. A frame is complete. 2. Its header is examined: a kind that is not accepted is refused at once. 3. The bytes are
//!    handed in unchanged.
//! 4. Once the bus has them durably, the hospital is answered. If the bus cannot be reached, nothing is answered, every
//!    connection is closed, and the proxy does not listen until it is back.

use super::socket::prepare;
use super::uplink::Uplink;
use iris_hl7::ack::{Answer, Envelope, Refusal, Taken, answer};
use iris_hl7::message::Limits;
use iris_hl7::mllp::{Decoder, Event, Options, encode};
use iris_hl7::{control_id, fourteen_digits};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, info, warn};

/// What hospitals may send (iris-facts §9.1, R-26).
const TAKEN: Taken<'_> = &[("ORM", "O01")];
/// Simultaneous connections.
const CONNECTIONS: usize = 32;
/// How long a hospital may take to read an answer.
const WRITE: Duration = Duration::from_secs(10);
/// Pause between two attempts to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// Numbers the answers of this process.
static ANSWERS: AtomicU64 = AtomicU64::new(0);

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the peer is gone")]
    Peer,
    #[error("what came is not to be read on")]
    Garbage,
    #[error("the bus cannot be reached")]
    Bus,
}

/// Listens while the bus can be reached, forever.
pub(super) async fn run(uplink: Arc<Uplink>, interface: String, address: SocketAddr) {
    let mut reachable = uplink.watch();
    while reachable.wait_for(|reachable| *reachable).await.is_ok() {
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) => {
                warn!(interface, %address, %error, "cannot listen");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        info!(interface, %address, "listening for orders");
        // Dropped together: frames under way are not answered.
        let mut connections = JoinSet::new();
        tokio::select! {
            () = accept(&listener, &uplink, &interface, &mut connections) => {}
            _ = reachable.wait_for(|reachable| !*reachable) => {
                warn!(interface, "the bus cannot be reached; not listening, and nobody is answered");
            }
        }
    }
}

async fn accept(listener: &TcpListener, uplink: &Arc<Uplink>, interface: &str, connections: &mut JoinSet<()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(interface, %error, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            warn!(interface, "too many connections; one is refused");
            continue;
        };
        prepare(&stream);
        let (uplink, interface) = (Arc::clone(uplink), interface.to_owned());
        connections.spawn(async move {
            let ended = serve(stream, &uplink, &interface).await;
            debug!(interface, %ended, "a connection has ended");
            drop(place);
        });
    }
}

async fn serve(mut stream: TcpStream, uplink: &Uplink, interface: &str) -> End {
    let mut decoder = Decoder::new(Options::ORDERS);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        // Between frames a connection may be idle forever.
        let deadline = decoder.deadline().map(tokio::time::Instant::from_std);
        let expired = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let events = tokio::select! {
            read = stream.read(&mut buffer) => match read {
                Ok(0) | Err(_) => {
                    noted(&decoder.finish(), interface);
                    return End::Peer;
                }
                Ok(count) => decoder.receive(buffer.get(..count).unwrap_or_default(), Instant::now()),
            },
            () = expired => decoder.expire(Instant::now()),
        };
        noted(&events, interface);
        for event in events {
            let next = match event {
                Event::Frame(frame) => take(&mut stream, uplink, interface, frame).await,
                Event::TooLarge { head } => refuse(&mut stream, &head, Refusal::TooLarge).await,
                Event::Close(_) => Err(End::Garbage),
                Event::Dropped(_) | Event::Junk(_) | Event::Transport(_) => Ok(()),
            };
            if let Err(end) = next {
                return end;
            }
        }
    }
}

/// Logs what was not accepted, in numbers.
fn noted(events: &[Event], interface: &str) {
    for event in events {
        match event {
            Event::Dropped(dropped) => {
                warn!(interface, bytes = dropped.bytes, reason = %dropped.reason, "a frame is dropped and not answered");
            }
            Event::Junk(bytes) => warn!(interface, bytes, "bytes between frames"),
            Event::Close(why) => warn!(interface, %why, "a connection is closed"),
            Event::Frame(_) | Event::TooLarge { .. } | Event::Transport(_) => {}
        }
    }
}

async fn take(stream: &mut TcpStream, uplink: &Uplink, interface: &str, frame: Vec<u8>) -> Result<(), End> {
    let bytes = frame.len();
    let (stored, header) = match Envelope::read(&frame, &Limits::default()) {
        Err(refusal) => {
            info!(interface, bytes, %refusal, "a message is refused");
            return refuse(stream, &frame, refusal).await;
        }
        Ok(envelope) => match envelope.check(TAKEN) {
            Err(refusal) => {
                info!(interface, bytes, %refusal, "a message is refused");
                return refuse(stream, &frame, refusal).await;
            }
            Ok(()) => {
                let code = envelope.stored();
                (code, code.map(|code| acknowledgement(&envelope, &Answer { code, ..PLAIN })))
            }
        },
    };
    if let Err(error) = uplink.hand_in(interface, frame).await {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        warn!(interface, bytes, %error, cause, "a message is not answered: the bus has not said that it has it");
        return Err(End::Bus);
    }
    info!(interface, bytes, answer = stored.map(iris_hl7::ack::Code::text), "a message was handed in");
    match header {
        Some(answer) => write(stream, &answer).await,
        None => Ok(()),
    }
}

/// Refuses a message, if the sender wants an answer; one without a header that can be answered ends the connection.
async fn refuse(stream: &mut TcpStream, bytes: &[u8], refusal: Refusal) -> Result<(), End> {
    let envelope = Envelope::header(bytes).ok_or(End::Garbage)?;
    let Some(code) = envelope.refused(refusal) else { return Ok(()) };
    let (_, fault, location) = refusal.answer();
    write(stream, &acknowledgement(&envelope, &Answer { code, fault: Some((fault, location)), ..PLAIN })).await
}

/// What answers have in common.
const PLAIN: Answer<'static> =
    Answer { code: iris_hl7::ack::Code::AA, fault: None, text: None, now: "", control_id: "" };

fn acknowledgement(envelope: &Envelope<'_>, wanted: &Answer<'_>) -> Vec<u8> {
    let now = Timestamp::now();
    let own = control_id(now, ANSWERS.fetch_add(1, Ordering::Relaxed));
    answer(envelope, &Answer { now: &fourteen_digits(now, &TimeZone::UTC), control_id: &own, ..*wanted })
}

async fn write(stream: &mut TcpStream, message: &[u8]) -> Result<(), End> {
    let frame = encode(message).map_err(|_| End::Garbage)?;
    match timeout(WRITE, stream.write_all(&frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Peer),
    }
}
