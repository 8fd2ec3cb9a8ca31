//! Ten minutes of mixed load on the local endpoints, and the memory of this process every ten seconds.
//!
//! All at once, each at its own pace: messages sent and received over AMQP (singles and batches, on connections that
//! come and go), messages sent over HTTP, and blobs put, read and deleted, small and large. The endpoints and their
//! clients live in this process, so that a leak on either side shows. Everything sent is also received, so memory has
//! to stay flat.

use crate::report::{Section, Target::AtMost};
use crate::{Bench, memory};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::types::messaging::{Body, Message};
use fe2o3_amqp::types::primitives::Value;
use fe2o3_amqp::{Connection, Receiver, Sender, Session};
use iris_azure::blob::{BlobAddress, BlobStore, UploadOptions};
use iris_azure::servicebus::{OutgoingMessage, SenderOptions, ServiceBusSender};
use iris_local_blob::auth::Account;
use iris_local_blob::http::{Options, serve as serve_blobs};
use iris_local_blob::store::Store;
use iris_local_servicebus::access::{Access, connection_string, derive_key};
use iris_local_servicebus::broker::{Broker, QueueOptions};
use iris_local_servicebus::{serve, serve_http};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const QUEUE: &str = "soak";
const CONTAINER: &str = "soak";
const BODY: usize = 1000;
/// Messages a connection carries before it is closed and another takes its place.
const PER_CONNECTION: u32 = 2000;
/// Length of the large blobs in bytes; they are sent in blocks.
const LARGE: usize = 6 << 20;
/// How often memory is measured.
const LOOK: Duration = Duration::from_secs(10);

/// What was done so far.
#[derive(Debug, Default)]
struct Done {
    sent: AtomicU64,
    posted: AtomicU64,
    received: AtomicU64,
    blobs: AtomicU64,
}

impl Done {
    fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// Where everything listens.
#[derive(Debug, Clone, Copy)]
struct Site {
    amqp: SocketAddr,
    http: SocketAddr,
    until: Instant,
}

impl Site {
    fn over(self) -> bool {
        Instant::now() >= self.until
    }
}

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Section>> {
    let length = Duration::from_secs(bench.amount(600).into());
    let folder = tempfile::tempdir()?;
    let broker = Broker::open(Some(&folder.path().join("bus"))).await?;
    broker.create_queue(QUEUE, QueueOptions { max_bytes: 8 << 20, ..QueueOptions::default() })?;
    let amqp = serve(broker.clone(), TcpListener::bind("127.0.0.1:0").await?, Access::open())?;
    let http = serve_http(broker.clone(), TcpListener::bind("127.0.0.1:0").await?, Access::open())?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let account = Account::development();
    let blobs = BlobStore::from_connection_string(&account.endpoint(listener.local_addr()?).connection_string())?;
    let store = Store::open(folder.path().join("blobs"))?;
    let serving = tokio::spawn(serve_blobs(listener, [(account, store)], Options::default(), std::future::pending()));
    blobs.create_container_if_missing(CONTAINER).await?;

    let site = Site { amqp: amqp.address(), http: http.address(), until: Instant::now() + length };
    let done = Arc::new(Done::default());
    let mut load = JoinSet::new();
    load.spawn(singles(site, done.clone()));
    load.spawn(batches(site, done.clone()));
    load.spawn(posts(site, done.clone()));
    load.spawn(receives(site, done.clone(), broker.clone()));
    for worker in 0..4 {
        load.spawn(puts(site, done.clone(), blobs.clone(), worker));
    }
    let figures = watch(&mut load, site, &done).await?;
    ensure!(broker.status(QUEUE)?.active == 0, "messages were left behind");
    serving.abort();

    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let about = format!(
        "{} seconds of AMQP sends (singles and batches of 50), sends over HTTP, AMQP receives, and blobs of 1 KiB to \
         6 MiB put, read and deleted, all at once; endpoints and clients in one process, whose resident memory is \
         taken every {} seconds.",
        length.as_secs(),
        LOOK.as_secs()
    );
    let mut section = Section::new("Soak", about);
    section.figure("messages sent over AMQP", count(&done.sent), "messages");
    section.figure("messages sent over HTTP", count(&done.posted), "messages");
    section.figure("messages received and completed", count(&done.received), "messages");
    section.figure("blobs put, read and deleted", count(&done.blobs), "blobs");
    // The first fifth is warm-up: pools and caches fill.
    let steady = figures.get(figures.len() / 5..).unwrap_or_default();
    let (early, late) = steady.split_at(steady.len() / 2);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    section.figure("memory, highest", figures.iter().copied().fold(0.0, f64::max), "MB");
    section.figure("memory, mean of the earlier half after warming up", mean(early), "MB");
    section.figure("memory, mean of the later half", mean(late), "MB");
    section.ratio("… of the earlier", mean(late), mean(early), AtMost(1.1));
    Ok(vec![section])
}

/// Records memory until all work is done.
async fn watch(load: &mut JoinSet<Result<()>>, site: Site, done: &Done) -> Result<Vec<f64>> {
    let mut figures = Vec::new();
    let mut look = tokio::time::interval(LOOK);
    let started = Instant::now();
    loop {
        tokio::select! {
            ended = load.join_next() => match ended {
                None => return Ok(figures),
                Some(ended) => ended??,
            },
            _ = look.tick() => {
                let memory = memory::resident(std::process::id())?;
                // Receiving what is left after the end is not load any more.
                if !site.over() {
                    figures.push(memory);
                }
                let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                let _ = writeln!(
                    std::io::stderr(),
                    "{:>4} s  {memory:>6.1} MB  sent {}  posted {}  received {}  blobs {}",
                    started.elapsed().as_secs(),
                    count(&done.sent),
                    count(&done.posted),
                    count(&done.received),
                    count(&done.blobs),
                );
            }
        }
    }
}

async fn singles(site: Site, done: Arc<Done>) -> Result<()> {
    while !site.over() {
        let mut connection = Connection::builder()
            .container_id("soak-sender")
            .sasl_profile(SaslProfile::Anonymous)
            .open(&format!("amqp://{}", site.amqp)[..])
            .await?;
        let mut session = Session::begin(&mut connection).await?;
        let mut sender = Sender::attach(&mut session, "sender", QUEUE).await?;
        for _ in 0..PER_CONNECTION {
            if site.over() {
                break;
            }
            sender.send(Message::builder().data(vec![b'x'; BODY]).build()).await?;
            Done::add(&done.sent, 1);
        }
        sender.close().await?;
        session.end().await?;
        connection.close().await?;
    }
    Ok(())
}

async fn batches(site: Site, done: Arc<Done>) -> Result<()> {
    let text = connection_string(site.amqp, "Root", &derive_key(b"soak", "", "Root"), None);
    while !site.over() {
        let sender = ServiceBusSender::with_connection_string(&text, SenderOptions::default())?;
        for _ in 0..PER_CONNECTION / 50 {
            let batch = (0..50).map(|number: u32| OutgoingMessage {
                message_id: number.to_string(),
                body: vec![b'x'; BODY].into(),
                ..OutgoingMessage::default()
            });
            sender.send(QUEUE, batch.collect()).await?;
            Done::add(&done.sent, 50);
        }
    }
    Ok(())
}

async fn posts(site: Site, done: Arc<Done>) -> Result<()> {
    let body = "x".repeat(BODY);
    let request = format!(
        "POST /{QUEUE}/messages HTTP/1.1\r\nHost: localhost\r\nBrokerProperties: {{\"Label\":\"soak\"}}\r\n\
         Kind: \"soak\"\r\nContent-Length: {BODY}\r\n\r\n{body}"
    );
    while !site.over() {
        let mut stream = TcpStream::connect(site.http).await?;
        for _ in 0..PER_CONNECTION {
            if site.over() {
                break;
            }
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                answer.push(stream.read_u8().await.context("the endpoint hung up")?);
            }
            ensure!(answer.starts_with(b"HTTP/1.1 201"), "a message was refused: {}", String::from_utf8_lossy(&answer));
            Done::add(&done.posted, 1);
        }
    }
    Ok(())
}

async fn receives(site: Site, done: Arc<Done>, broker: Broker) -> Result<()> {
    loop {
        let mut connection = Connection::builder()
            .container_id("soak-receiver")
            .sasl_profile(SaslProfile::Anonymous)
            .open(&format!("amqp://{}", site.amqp)[..])
            .await?;
        let mut session = Session::begin(&mut connection).await?;
        let mut receiver = Receiver::attach(&mut session, "receiver", QUEUE).await?;
        for _ in 0..5 * PER_CONNECTION {
            let next = tokio::time::timeout(Duration::from_secs(5), receiver.recv::<Body<Value>>());
            let Ok(delivery) = next.await else { break };
            receiver.accept(&delivery?).await?;
            Done::add(&done.received, 1);
        }
        receiver.close().await?;
        session.end().await?;
        connection.close().await?;
        // Everything sent is confirmed, so an empty queue after the end stays empty.
        if site.over() && broker.status(QUEUE)?.active == 0 {
            return Ok(());
        }
    }
}

async fn puts(site: Site, done: Arc<Done>, blobs: BlobStore, worker: u32) -> Result<()> {
    for number in 0_u32.. {
        if site.over() {
            break;
        }
        let length = match number % 100 {
            0 => LARGE,
            few if few % 10 == 0 => 200_000,
            _ => 1024,
        };
        let address = BlobAddress::new(CONTAINER, &format!("{worker}/{}", number % 50))?;
        if length == LARGE {
            let piece = vec![b'x'; 1 << 20];
            let mut writer = blobs.writer(&address, UploadOptions::default());
            for _ in 0..length >> 20 {
                writer.write(&piece).await?;
            }
            writer.finish().await?;
        } else {
            blobs.upload(&address, Bytes::from(vec![b'x'; length]), UploadOptions::default()).await?;
        }
        let mut reader = blobs.reader(&address, None).await?;
        let mut read = 0;
        while let Some(piece) = reader.next().await? {
            read += piece.len();
        }
        ensure!(read == length, "{read} bytes came back of {length}");
        if number % 3 == 0 {
            blobs.delete(&address, None).await?;
        }
        Done::add(&done.blobs, 1);
    }
    Ok(())
}
