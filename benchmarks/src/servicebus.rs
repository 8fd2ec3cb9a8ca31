//! The local Service Bus with its journal on disk, reached over AMQP.

use crate::report::{Section, Target::AtLeast, number};
use crate::{Bench, clock};
use anyhow::{Context, Result, ensure};
use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::session::SessionHandle;
use fe2o3_amqp::types::messaging::{Body, Message, Outcome};
use fe2o3_amqp::types::primitives::Value;
use fe2o3_amqp::{Connection, Receiver, Sender, Session};
use futures::stream::{FuturesUnordered, StreamExt};
use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_local_servicebus::access::{Access, connection_string, derive_key};
use iris_local_servicebus::broker::{Broker, QueueOptions};
use iris_local_servicebus::{Endpoint, serve};
use std::time::Instant;
use tokio::net::TcpListener;

/// Sends awaiting their outcome.
const IN_FLIGHT: usize = 100;
/// A message's body in bytes: about an OrderRequest.
const BODY: usize = 500;
const QUEUE: &str = "bench";

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Section>> {
    let count = bench.amount(100_000);
    let (mut singles, mut batches, mut received): (f64, f64, f64) = (0.0, 0.0, 0.0);
    for _ in 0..bench.repeats() {
        let folder = tempfile::tempdir()?;
        let broker = Broker::open(Some(folder.path())).await?;
        broker.create_queue(QUEUE, QueueOptions::default())?;
        let endpoint = serve(broker.clone(), TcpListener::bind("127.0.0.1:0").await?, Access::open())?;
        let (mut connection, mut session) = connect(&endpoint).await?;
        singles = singles.max(send(&mut session, count).await?);
        received = received.max(receive(&mut session, count).await?);
        broker.drained(QUEUE).await?;
        session.end().await?;
        connection.close().await?;
        batches = batches.max(send_batches(&endpoint, count).await?);
        ensure!(broker.status(QUEUE)?.active == count as usize, "messages are missing");
        endpoint.shutdown().await;
    }
    let about = format!(
        "{} messages of {BODY} bytes over AMQP to the local endpoint, its journal on disk; client and endpoint share \
         the machine. The Rust client is `fe2o3-amqp`; batches are sent by the platform's own sender, which rests on \
         it.",
        number(f64::from(count))
    );
    let mut section = Section::new("Local Service Bus", about);
    section.aim("single sends, 100 in flight", singles, "messages/s", AtLeast(50_000.0));
    section.aim("batches of 100, 16 calls under way", batches, "messages/s", AtLeast(150_000.0));
    section.aim("receive + complete", received, "messages/s", AtLeast(20_000.0));
    Ok(vec![section])
}

async fn connect(endpoint: &Endpoint) -> Result<(ConnectionHandle<()>, SessionHandle<()>)> {
    let url = format!("amqp://{}", endpoint.address());
    let mut connection =
        Connection::builder().container_id("bench").sasl_profile(SaslProfile::Anonymous).open(&url[..]).await?;
    let session = Session::begin(&mut connection).await?;
    Ok((connection, session))
}

async fn send(session: &mut SessionHandle<()>, count: u32) -> Result<f64> {
    let mut sender = Sender::attach(session, "sender", QUEUE).await?;
    let mut pending = FuturesUnordered::new();
    let started = Instant::now();
    for _ in 0..count {
        let message = Message::builder().data(vec![b'x'; BODY]).build();
        pending.push(sender.send_batchable(message).await?);
        if pending.len() >= IN_FLIGHT {
            let outcome = pending.next().await.context("a send is under way")??;
            ensure!(matches!(outcome, Outcome::Accepted(_)), "a message was not accepted");
        }
    }
    while let Some(outcome) = pending.next().await {
        ensure!(matches!(outcome?, Outcome::Accepted(_)), "a message was not accepted");
    }
    let rate = clock::rate(count, started);
    sender.close().await?;
    Ok(rate)
}

async fn receive(session: &mut SessionHandle<()>, count: u32) -> Result<f64> {
    let mut receiver = Receiver::attach(session, "receiver", QUEUE).await?;
    let started = Instant::now();
    for _ in 0..count {
        let delivery = receiver.recv::<Body<Value>>().await?;
        receiver.accept(&delivery).await?;
    }
    let rate = clock::rate(count, started);
    receiver.close().await?;
    Ok(rate)
}

async fn send_batches(endpoint: &Endpoint, count: u32) -> Result<f64> {
    let text = connection_string(endpoint.address(), "Root", &derive_key(b"bench", "", "Root"), None);
    let sender = ServiceBusSender::with_connection_string(&text, SenderOptions::default())?;
    let message = |number: u32| OutgoingMessage {
        message_id: number.to_string(),
        body: vec![b'x'; BODY].into(),
        ..OutgoingMessage::default()
    };
    let batches: Vec<Vec<OutgoingMessage>> =
        (0..count / 100).map(|batch| (batch * 100..(batch + 1) * 100).map(message).collect()).collect();
    let started = Instant::now();
    let mut sends =
        futures::stream::iter(batches.into_iter().map(|batch| sender.send(QUEUE, batch))).buffer_unordered(16);
    while let Some(sent) = sends.next().await {
        sent?;
    }
    Ok(clock::rate(count, started))
}
