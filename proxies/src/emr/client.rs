//! Results out, the hospital's side: one connection, one message in flight, and its answer.
//!
//! | kind | steps | a crash leaves |
//! |---|---|---|
//! | ORU, MDM (at least once) | connect → write → answer → report → accept | the same message, with the same MSH-10, once more |
//! | DFT (at most once) | connect → **complete, confirmed by the broker** → write → answer → report | at worst a charge that was not sent |
//!
//! Once the first byte of a charge has been written, it is never written again, whatever happens.

use super::outbound::{Settle, Work};
use super::socket::prepare;
use super::uplink::Uplink;
use crate::Interface;
use iris_azure::blob::{BlobAddress, BlobStore, Error as BlobError};
use iris_hl7::Message;
use iris_hl7::ack::{Exchange, Outcome, Progress};
use iris_hl7::message::Limits;
use iris_hl7::mllp::{Decoder, Options, encode};
use iris_model::result::DocumentLocation;
use iris_model::{HL7_CONTENT, Hl7Answer, Hl7Reply};
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::{info, warn};
use uuid::Uuid;

/// Time limit for one attempt to connect, and for one to write.
const CONNECT: Duration = Duration::from_secs(5);
const WRITE: Duration = Duration::from_secs(10);
/// Pause between two attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a result is held while its hospital cannot be reached, before the platform is told.
const HELD: Duration = Duration::from_secs(20);
/// How long a charge is held: a little less than its lock, since a message cannot be given back after that.
const CHARGE_HELD: Duration = Duration::from_secs(240);
/// The largest message that is sent, in bytes.
const LARGEST: u64 = 16 << 20;

/// Why there is nothing to send.
enum Unavailable {
    /// It may be there later.
    Now(&'static str),
    /// It never will be.
    Ever(&'static str),
}

/// A hospital's system that gets results.
pub(super) struct Client {
    interface: String,
    address: String,
    answer_within: Duration,
    documents: BlobStore,
    uplink: Arc<Uplink>,
    settle: mpsc::Sender<Settle>,
    connection: Option<TcpStream>,
    /// Charges of which a byte was, or may have been, written since the start.
    written: HashSet<(Uuid, String)>,
}

impl Client {
    pub(super) fn new(
        interface: &Interface,
        address: String,
        documents: BlobStore,
        uplink: Arc<Uplink>,
        settle: mpsc::Sender<Settle>,
    ) -> Self {
        Self {
            interface: interface.id.clone(),
            address,
            answer_within: interface.answer_within(),
            documents,
            uplink,
            settle,
            connection: None,
            written: HashSet::new(),
        }
    }

    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Work>) {
        while let Some(work) = waiting.recv().await {
            self.deliver(work).await;
        }
    }

    async fn deliver(&mut self, work: Work) {
        let Work { transaction_id, destination, is_charge, message, connection } = work;
        let (at, started) = (Timestamp::now(), Instant::now());
        let took_ms = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let answer =
            |reply| Hl7Answer { transaction_id, destination: destination.clone(), at, took_ms: took_ms(), reply };
        let content = match self.content(message.content_type.as_deref(), &message.body).await {
            Ok(content) => content,
            Err(Unavailable::Now(reason)) => {
                warn!(interface = self.interface, reason, "a message cannot be fetched; it comes again");
                tokio::time::sleep(PAUSE).await;
                return self.settle(Settle::Release(connection, message.lock)).await;
            }
            Err(Unavailable::Ever(reason)) => {
                warn!(interface = self.interface, reason, "a message can never be sent");
                self.uplink.report(&answer(Hl7Reply::NoFrame)).await;
                return self.settle(Settle::Accept(connection, message.lock)).await;
            }
        };
        let (Ok(frame), Some(mut exchange)) = (encode(&content), exchange(&content)) else {
            self.uplink.report(&answer(Hl7Reply::NoFrame)).await;
            return self.settle(Settle::Accept(connection, message.lock)).await;
        };
        let Some(mut stream) = self.connected(if is_charge { CHARGE_HELD } else { HELD }).await else {
            if is_charge {
                // Nothing was written, so it is still to be sent.
                return self.settle(Settle::Release(connection, message.lock)).await;
            }
            self.uplink.report(&answer(Hl7Reply::NotConnected)).await;
            return self.settle(Settle::Accept(connection, message.lock)).await;
        };
        let lock = if is_charge {
            let is_settled = self.completed(connection, message.lock).await;
            if !is_settled || !self.written.insert((transaction_id, destination.clone())) {
                // Not known to be settled, so it must not be written; or it was written before.
                self.connection = Some(stream);
                return;
            }
            None
        } else {
            Some(message.lock)
        };
        let outcome = converse(&mut stream, &frame, &mut exchange, self.answer_within).await;
        // A late answer must not be taken for that of the next message.
        if matches!(outcome, Outcome::Answered(_)) {
            self.connection = Some(stream);
        }
        let reply = Hl7Reply::of(&outcome).unwrap_or(Hl7Reply::Silence { noise: false });
        info!(
            interface = self.interface,
            bytes = content.len(),
            charge = is_charge,
            said = reply.said(),
            "a message was sent"
        );
        self.uplink.report(&answer(reply)).await;
        if let Some(lock) = lock {
            self.settle(Settle::Accept(connection, lock)).await;
        }
    }

    /// The message: what came, or, if that only says where the message is, what is there.
    async fn content(&self, kind: Option<&str>, body: &[u8]) -> Result<Vec<u8>, Unavailable> {
        if kind == Some(HL7_CONTENT) {
            return Ok(body.to_vec());
        }
        let place: DocumentLocation =
            serde_json::from_slice(body).map_err(|_| Unavailable::Ever("it says nothing that can be read"))?;
        let address = BlobAddress::new(&place.container, &place.file_name)
            .map_err(|_| Unavailable::Ever("its place has no usable name"))?;
        match self.documents.get(&address, None, LARGEST).await {
            Ok(found) => Ok(found.content.to_vec()),
            Err(BlobError::Refused { status: 413, .. }) => Err(Unavailable::Ever("it is larger than hospitals take")),
            Err(_) => Err(Unavailable::Now("the storage does not give it")),
        }
    }

    /// The kept connection if its peer is still there, or a new one; `None` if the hospital cannot be reached for a
    /// while.
    async fn connected(&mut self, held: Duration) -> Option<TcpStream> {
        if let Some(stream) = self.connection.take().filter(is_alive) {
            return Some(stream);
        }
        let until = Instant::now() + held;
        loop {
            match timeout(CONNECT, TcpStream::connect(&self.address)).await {
                Ok(Ok(stream)) => {
                    prepare(&stream);
                    return Some(stream);
                }
                Ok(Err(_)) | Err(_) if Instant::now() >= until => {
                    warn!(interface = self.interface, "the hospital cannot be reached");
                    return None;
                }
                Ok(Err(_)) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn completed(&self, connection: u64, lock: iris_azure::servicebus::Lock) -> bool {
        let (told, said) = oneshot::channel();
        self.settle(Settle::Complete(connection, lock, told)).await;
        said.await.unwrap_or(false)
    }

    async fn settle(&self, wanted: Settle) {
        // The receiving task lasts as long as the process.
        let _ = self.settle.send(wanted).await;
    }
}

/// Waits for the answer to this message.
fn exchange(content: &[u8]) -> Option<Exchange> {
    let message = Message::read(content, &Limits::default()).ok()?;
    Some(Exchange::new(message.control_id().bytes(), false))
}

/// Whether the peer has not closed it. Bytes it sent since the last answer belong to no message.
fn is_alive(stream: &TcpStream) -> bool {
    let mut rest = [0; 4096];
    loop {
        match stream.try_read(&mut rest) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}

async fn converse(stream: &mut TcpStream, frame: &[u8], exchange: &mut Exchange, within: Duration) -> Outcome {
    exchange.writing();
    match timeout(WRITE, stream.write_all(frame)).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) | Err(_) => return exchange.ended(),
    }
    let mut decoder = Decoder::new(Options::ANSWERS);
    let mut buffer = vec![0; 16 * 1024];
    let reading = async {
        loop {
            let events = match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return exchange.ended(),
                Ok(count) => decoder.receive(buffer.get(..count).unwrap_or_default(), Instant::now()),
            };
            for event in events {
                match exchange.event(&event) {
                    Progress::Done(outcome) => return outcome,
                    Progress::Foreign => warn!("an answer to another message is set aside"),
                    Progress::Waiting | Progress::Committed => {}
                }
            }
        }
    };
    match timeout(within, reading).await {
        Ok(outcome) => outcome,
        Err(_) => exchange.ended(),
    }
}
