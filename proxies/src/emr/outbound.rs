//! Results out, the bus's side: takes messages from the organization's queue, passes them to the hospitals' clients,
//! and settles them.
//!
//! One task owns the connection. It is rebuilt when it is lost; its state tells the listeners whether the bus can be
//! reached.

use super::uplink::Uplink;
use crate::Configuration;
use iris_azure::servicebus::{Cause, Lock, ReceivedMessage, ServiceBusReceiver};
use iris_model::names::property::{DESTINATION, INTERFACE, MESSAGE, TRANSACTION};
use iris_model::{Hl7Answer, Hl7Reply};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tracing::{error, info, warn};
use uuid::Uuid;

/// Pause between two attempts to connect, at first and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How often locks are renewed: well within the five minutes of the queue.
const RENEWAL: Duration = Duration::from_secs(60);
/// How long reporting a result that is given back may take.
const GIVING_BACK: Duration = Duration::from_secs(20);
/// Places that results leave for charges.
pub(super) const CHARGES: usize = 400;

/// MSH-9.1 of charges.
const CHARGE: &str = "DFT";

/// A message on its way to a hospital.
pub(super) struct Work {
    pub(super) transaction_id: Uuid,
    pub(super) destination: String,
    pub(super) is_charge: bool,
    pub(super) message: ReceivedMessage,
    /// The connection it was received on: its lock is meaningless on any other.
    pub(super) connection: u64,
}

/// How a message is to be settled.
pub(super) enum Settle {
    /// It is handled.
    Accept(u64, Lock),
    /// It is to come again.
    Release(u64, Lock),
    /// It must never come again. Sends true once the broker has confirmed that.
    Complete(u64, Lock, oneshot::Sender<bool>),
}

type Clients = Vec<(String, mpsc::Sender<Work>)>;

pub(super) async fn run(
    configuration: Configuration,
    uplink: Arc<Uplink>,
    clients: Clients,
    mut settle: mpsc::Receiver<Settle>,
) {
    let queue = configuration.organization.hl7_out_queue();
    let (mut pause, mut connection) = (PAUSE, 0);
    loop {
        match ServiceBusReceiver::open(&configuration.results, &queue).await {
            Ok(receiver) => {
                pause = PAUSE;
                connection += 1;
                info!("the bus is reached");
                uplink.set_reachable(true);
                let ended = Box::pin(serve(receiver, connection, &uplink, &clients, &mut settle)).await;
                uplink.set_reachable(false);
                warn!(%ended, "the bus is lost");
            }
            Err(error) => {
                warn!(%error, "the bus cannot be reached");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn serve(
    mut receiver: ServiceBusReceiver,
    connection: u64,
    uplink: &Uplink,
    clients: &Clients,
    settle: &mut mpsc::Receiver<Settle>,
) -> Cause {
    let mut reachable = uplink.watch();
    let mut locks = Locks::default();
    let mut renewal = tokio::time::interval_at(Instant::now() + RENEWAL, RENEWAL);
    loop {
        let done = tokio::select! {
            received = receiver.next() => match received {
                Ok(message) => match sorted(message, connection, clients) {
                    Ok((client, work)) => hand_over(&mut receiver, &mut locks, client, work, uplink).await,
                    Err(stray) => not_ours(&mut receiver, *stray, uplink).await,
                },
                Err(cause) => Err(cause),
            },
            Some(wanted) = settle.recv() => {
                locks.forget(&wanted);
                settled(&mut receiver, wanted, connection).await
            }
            _ = renewal.tick() => locks.renew(&mut receiver).await,
            // Handing in an order failed because the bus is lost; rebuilding this connection shows when it is back.
            () = lost(&mut reachable) => Err(Cause::OutcomeUnknown),
        };
        if let Err(cause) = done {
            receiver.close().await;
            return cause;
        }
    }
}

/// Locks of the messages that wait for a hospital or are being sent to it. A slow hospital may take longer than its
/// queue locks them.
#[derive(Default)]
struct Locks(Vec<Uuid>);

impl Locks {
    fn forget(&mut self, settled: &Settle) {
        let (Settle::Accept(_, lock) | Settle::Release(_, lock) | Settle::Complete(_, lock, _)) = settled;
        self.0.retain(|kept| Some(*kept) != lock.token());
    }

    async fn renew(&mut self, receiver: &mut ServiceBusReceiver) -> Result<(), Cause> {
        for token in std::mem::take(&mut self.0) {
            match receiver.renew(token).await {
                Ok(()) => self.0.push(token),
                Err(cause @ (Cause::OutcomeUnknown | Cause::Stopped | Cause::Unavailable { .. })) => return Err(cause),
                // The message comes again.
                Err(cause) => warn!(%cause, "a lock is lost"),
            }
        }
        Ok(())
    }
}

/// Gives a message to the client of its hospital. One hospital's backlog must not hold up the others: a result for
/// which there is no room is given back, and comes again later; charges are few, small, and kept.
async fn hand_over(
    receiver: &mut ServiceBusReceiver,
    locks: &mut Locks,
    client: &mpsc::Sender<Work>,
    work: Work,
    uplink: &Uplink,
) -> Result<(), Cause> {
    if !work.is_charge && client.capacity() <= CHARGES {
        return give_back(receiver, work, uplink).await;
    }
    let lock = work.message.lock.token();
    // A charge without room is not kept: its lock ends, and it comes again.
    if client.try_send(work).is_ok() {
        locks.0.extend(lock);
    }
    Ok(())
}

/// Tells the platform that a result was not sent.
async fn give_back(receiver: &mut ServiceBusReceiver, work: Work, uplink: &Uplink) -> Result<(), Cause> {
    let Work { transaction_id, destination, message, .. } = work;
    let (at, reply) = (Timestamp::now(), Hl7Reply::NotConnected);
    let answer = Hl7Answer { transaction_id, destination, at, took_ms: 0, reply };
    // While this waits, nothing else is taken or renewed: the connection is rebuilt instead, and the message comes again.
    timeout(GIVING_BACK, uplink.report(&answer)).await.map_err(|_| Cause::OutcomeUnknown)?;
    receiver.accept(message.lock).await
}

/// Waits until somebody reports that the bus is lost.
async fn lost(reachable: &mut watch::Receiver<bool>) {
    let _ = reachable.wait_for(|reachable| !*reachable).await;
}

/// A message with the client that it is for.
fn sorted(
    message: ReceivedMessage,
    connection: u64,
    clients: &Clients,
) -> Result<(&mpsc::Sender<Work>, Work), Box<ReceivedMessage>> {
    let property = |name: &str| message.properties.get(name).map(String::as_str);
    let client = property(INTERFACE).and_then(|id| clients.iter().find(|(known, _)| known == id));
    let transaction_id = property(TRANSACTION).and_then(|id| Uuid::parse_str(id).ok());
    let (Some((_, client)), Some(transaction_id)) = (client, transaction_id) else { return Err(Box::new(message)) };
    let destination = property(DESTINATION).unwrap_or_default().to_owned();
    let is_charge = property(MESSAGE) == Some(CHARGE);
    Ok((client, Work { transaction_id, destination, is_charge, message, connection }))
}

/// A message for no interface of this proxy. A result is reported as not sent, so that the platform sends it again
/// later; a charge stays in the queue, and comes again when its lock ends.
async fn not_ours(receiver: &mut ServiceBusReceiver, stray: ReceivedMessage, uplink: &Uplink) -> Result<(), Cause> {
    error!(alert = true, code = "unknown-interface", "a message is for an interface that this proxy has not");
    let property = |name: &str| stray.properties.get(name).cloned().unwrap_or_default();
    let is_charge = property(MESSAGE) == CHARGE;
    match Uuid::parse_str(&property(TRANSACTION)) {
        Ok(transaction_id) if !is_charge => {
            let destination = property(DESTINATION);
            let work = Work { transaction_id, destination, is_charge, message: stray, connection: 0 };
            give_back(receiver, work, uplink).await
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn settled(receiver: &mut ServiceBusReceiver, wanted: Settle, connection: u64) -> Result<(), Cause> {
    match wanted {
        Settle::Accept(of, lock) if of == connection => receiver.accept(lock).await,
        Settle::Release(of, lock) if of == connection => receiver.release(lock).await,
        Settle::Complete(of, lock, told) if of == connection => {
            let completed = receiver.complete(&lock).await;
            let _ = told.send(completed.is_ok());
            // A lost lock does not mean that the connection is broken.
            match completed {
                Err(cause @ (Cause::OutcomeUnknown | Cause::Stopped)) => Err(cause),
                _ => Ok(()),
            }
        }
        // The connection is gone, and its locks with it.
        Settle::Complete(_, _, told) => {
            let _ = told.send(false);
            Ok(())
        }
        Settle::Accept(..) | Settle::Release(..) => Ok(()),
    }
}
