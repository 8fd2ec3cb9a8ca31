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
use tracing::{error, info, warn};
use uuid::Uuid;

/// Pause between two attempts to connect, at first and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The message type of charges.
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
                let ended = serve(receiver, connection, &uplink, &clients, &mut settle).await;
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
    // A message that its client has no room for yet; no more are taken until it has.
    let mut held: Option<(&mpsc::Sender<Work>, Work)> = None;
    loop {
        let client = held.as_ref().map(|(client, _)| *client);
        let place = async {
            match client {
                Some(client) => client.reserve().await.ok(),
                None => std::future::pending().await,
            }
        };
        let done = tokio::select! {
            place = place => {
                if let (Some(place), Some((_, work))) = (place, held.take()) {
                    place.send(work);
                }
                Ok(())
            }
            received = receiver.next(), if client.is_none() => match received {
                Ok(message) => match sorted(message, connection, clients) {
                    Ok(work) => {
                        held = Some(work);
                        Ok(())
                    }
                    Err(stray) => not_ours(&mut receiver, stray, uplink).await,
                },
                Err(cause) => Err(cause),
            },
            Some(wanted) = settle.recv() => settled(&mut receiver, wanted, connection).await,
            // Handing in an order failed because the bus is lost; rebuilding this connection shows when it is back.
            () = lost(&mut reachable) => Err(Cause::OutcomeUnknown),
        };
        if let Err(cause) = done {
            receiver.close().await;
            return cause;
        }
    }
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
/// later; a charge stays in the queue.
async fn not_ours(
    receiver: &mut ServiceBusReceiver,
    stray: Box<ReceivedMessage>,
    uplink: &Uplink,
) -> Result<(), Cause> {
    error!(alert = true, "a message is for an interface that this proxy has not");
    let property = |name: &str| stray.properties.get(name).cloned().unwrap_or_default();
    let transaction_id = Uuid::parse_str(&property(TRANSACTION));
    match transaction_id {
        Ok(transaction_id) if property(MESSAGE) != CHARGE => {
            let reply = Hl7Reply::NotConnected;
            let (destination, at) = (property(DESTINATION), Timestamp::now());
            uplink.report(&Hl7Answer { transaction_id, destination, at, took_ms: 0, reply }).await;
            receiver.accept(stray.lock).await
        }
        Ok(_) | Err(_) => {
            tokio::time::sleep(LONGEST_PAUSE).await;
            receiver.release(stray.lock).await
        }
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
