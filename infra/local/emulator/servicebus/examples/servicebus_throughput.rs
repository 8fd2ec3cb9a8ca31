//! Messages per second over loopback: `cargo run -p iris-local-servicebus --example servicebus_throughput -- [FOLDER]`.
//!
//! One connection of the fe2o3-amqp client, bodies of 1 KB: single sends with 1, 100 and 1,000 in flight, batches of
//! 100, and receiving with one settlement per message. With a folder, messages are durable.

#![allow(clippy::print_stdout, reason = "a program for people")]

use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::types::messaging::{Batch, Body, Data, Message};
use fe2o3_amqp::types::primitives::Value;
use fe2o3_amqp::{Connection, Receiver, Sendable, Sender, Session};
use iris_local_servicebus::access::Access;
use iris_local_servicebus::broker::{Broker, QueueOptions};
use iris_local_servicebus::serve;
use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

const SIZE: usize = 1024;

fn report(what: &str, count: usize, start: Instant) {
    println!("{what:<28} {:>9.0} messages/s", count as f64 / start.elapsed().as_secs_f64());
}

async fn singles(sender: &mut Sender, in_flight: usize, count: usize) -> Result<(), Failure> {
    let start = Instant::now();
    let mut pending: VecDeque<fe2o3_amqp::link::delivery::DeliveryFut<_>> = VecDeque::new();
    for _ in 0..count {
        if pending.len() == in_flight
            && let Some(oldest) = pending.pop_front()
        {
            let outcome: fe2o3_amqp::types::messaging::Outcome = oldest.await?;
            assert!(outcome.is_accepted());
        }
        pending.push_back(sender.send_batchable(Message::builder().data(vec![b'x'; SIZE]).build()).await?);
    }
    for future in pending {
        future.await?;
    }
    report(&format!("single, {in_flight} in flight"), count, start);
    Ok(())
}

async fn batches(sender: &mut Sender, count: usize) -> Result<(), Failure> {
    let message = serde_amqp::to_vec(&Data(vec![b'x'; SIZE].into()))?;
    let start = Instant::now();
    for _ in 0..count / 100 {
        let parts: Vec<Data> = (0..100).map(|_| Data(message.clone().into())).collect();
        let envelope = Message::builder().body(Body::<Value>::Data(Batch::new(parts))).build();
        sender.send(Sendable::builder().message(envelope).message_format(0x8001_3700_u32).build()).await?;
    }
    report("batches of 100", count, start);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1);
    let broker = Broker::open(folder.as_deref().map(Path::new)).await?;
    broker.create_queue("bench", QueueOptions { max_bytes: 4 << 30, ..QueueOptions::default() })?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = serve(broker.clone(), listener, Access::open())?;
    let url = format!("amqp://{}", endpoint.address());
    let mut connection =
        Connection::builder().container_id("bench").sasl_profile(SaslProfile::Anonymous).open(&url[..]).await?;
    let mut session = Session::begin(&mut connection).await?;
    let mut sender = Sender::attach(&mut session, "sender", "bench").await?;
    singles(&mut sender, 1, 5_000).await?;
    singles(&mut sender, 100, 100_000).await?;
    singles(&mut sender, 1_000, 100_000).await?;
    batches(&mut sender, 200_000).await?;
    let mut receiver = Receiver::attach(&mut session, "receiver", "bench").await?;
    let start = Instant::now();
    let mut count = 0;
    let all = broker.status("bench")?.active;
    while count < all {
        let delivery = receiver.recv::<Body<Value>>().await?;
        receiver.accept(&delivery).await?;
        count += 1;
    }
    report("receive and complete", count, start);
    broker.drained("bench").await?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default());
    receiver.close().await?;
    sender.close().await?;
    session.end().await?;
    connection.close().await?;
    endpoint.shutdown().await;
    Ok(())
}
