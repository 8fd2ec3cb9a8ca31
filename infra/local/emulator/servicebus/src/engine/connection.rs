//! A connection's task: reads, writes and sleeps on behalf of its [`Machine`].
//!
//! Reading stops while much output is waiting to be written, so that a peer that sends without reading costs a bounded
//! amount of memory.

use super::Order;
use super::machine::Machine;
use crate::access::Access;
use crate::broker::Broker;
use bytes::BytesMut;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// The amount of pending output at which no more input is read and no more messages are handed out.
pub(super) const MUCH_OUTPUT: usize = 512 * 1024;
/// Buffers larger than this are freed once they are empty.
const KEPT_BUFFER: usize = 256 * 1024;
const READ_SIZE: usize = 64 * 1024;
/// How long a peer may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// How long a peer may take to read the last output and disconnect.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves a connection from its first byte on, with TLS if the endpoint has it.
pub(super) async fn run(
    broker: Broker,
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    access: Arc<Access>,
    orders: watch::Receiver<Order>,
) {
    let done = match tls {
        None => {
            let (reader, writer) = stream.into_split();
            talk(broker, reader, writer, |reader| acknowledge(reader.as_ref()), access, orders).await
        }
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let (reader, writer) = tokio::io::split(stream);
                talk(broker, reader, writer, |_| (), access, orders).await
            }
            Ok(Err(error)) => Err(error),
            Err(elapsed) => Err(elapsed.into()),
        },
    };
    if let Err(error) = done {
        tracing::debug!(%error, "an AMQP connection broke");
    }
}

/// `acknowledge` is called when everything that was read has been answered, or needs no answer.
async fn talk<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    broker: Broker,
    mut reader: R,
    mut writer: W,
    acknowledge: impl Fn(&R),
    access: Arc<Access>,
    mut orders: watch::Receiver<Order>,
) -> io::Result<()> {
    let notify = Arc::new(Notify::new());
    let mut committed = broker.commits();
    let mut machine = Machine::new(broker, access, notify.clone());
    let mut input = BytesMut::with_capacity(READ_SIZE);
    let mut written = 0;
    let mut last_write = Instant::now();
    let mut last_read = Instant::now();
    loop {
        machine.work(&mut input);
        if machine.finished() {
            break;
        }
        if machine.out.is_empty() {
            acknowledge(&reader);
        }
        let waiting = machine.out.len() - written;
        // Pending output serves as a sign of life.
        let heartbeat = machine.heartbeat().filter(|_| waiting == 0).map(|every| last_write + every);
        let silence = machine.patience().map(|patience| last_read + patience);
        let deadline = [heartbeat, silence, machine.deadline()].into_iter().flatten().min();
        input.reserve(READ_SIZE);
        tokio::select! {
            read = reader.read_buf(&mut input), if waiting < MUCH_OUTPUT => {
                if read? == 0 {
                    return Ok(());
                }
                last_read = Instant::now();
            }
            wrote = writer.write(machine.out.get(written..).unwrap_or_default()), if waiting > 0 => {
                written += wrote?;
                last_write = Instant::now();
                if written == machine.out.len() {
                    written = 0;
                    machine.out.clear();
                    if machine.out.capacity() > KEPT_BUFFER {
                        machine.out = Vec::new();
                    }
                }
            }
            () = notify.notified() => {}
            Ok(()) = committed.changed(), if machine.awaits_commit() => {}
            changed = orders.changed() => {
                let order = *orders.borrow_and_update();
                match order {
                    Order::Cut(_) => return Ok(()),
                    Order::Close => machine.stop(),
                    Order::Serve if changed.is_err() => return Ok(()),
                    Order::Serve => {}
                }
            }
            () = sleep_until(deadline), if deadline.is_some() => {
                let now = Instant::now();
                if heartbeat.is_some_and(|at| at <= now) {
                    machine.beat();
                }
                if silence.is_some_and(|at| at <= now) {
                    machine.give_up();
                }
                machine.check_grants();
            }
        }
        if input.is_empty() && input.capacity() > KEPT_BUFFER {
            input = BytesMut::new();
        }
    }
    let rest = machine.out.get(written..).unwrap_or_default();
    let farewell = async {
        writer.write_all(rest).await?;
        writer.shutdown().await?;
        // Closing a socket with unread input would reset the connection, and the peer would never see the last output.
        while reader.read_buf(&mut input).await? > 0 {
            input.clear();
        }
        Ok(())
    };
    tokio::time::timeout(LAST_WORDS, farewell).await.unwrap_or(Ok(()))
}

/// Makes the system acknowledge at once what was read and needs no answer. Clients that leave Nagle's algorithm on
/// (fe2o3-amqp) hold back their next settlements until then, and a delayed acknowledgement would limit them to 25 round
/// trips a second.
fn acknowledge(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    {
        // Only a hint; if it fails, things are slower.
        let _ = stream.set_quickack(true);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stream;
}

async fn sleep_until(deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        tokio::time::sleep_until(deadline).await;
    }
}
