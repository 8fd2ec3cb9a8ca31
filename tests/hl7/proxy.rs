//! The proxy between a hospital's system, played here, and the local host: what each of them sees when the other, or
//! the way between, fails.

use super::{GUID, grade, grading, sample, told, with_hospital};
use crate::support::{TestHost, until};
use iris_hl7::Message;
use iris_hl7::ack::{self, Acknowledgement, Answer, Code, Envelope, answer};
use iris_hl7::message::Limits;
use iris_hl7::mllp::{Decoder, Event as Heard, Options, encode};
use iris_model::event::EventKind;
use iris_proxy::Interface;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a hospital does with a message.
#[derive(Clone, Copy)]
enum Does {
    Takes,
    ClosesWithoutAnswer,
    SaysNothing,
}

/// A hospital's system that receives: keeps what it got.
struct Hospital {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Vec<u8>>>>,
    listening: JoinHandle<()>,
}

impl Hospital {
    /// What it does is decided by the kind of a message and how many of the kind there were before.
    async fn open(does: impl Fn(&str, usize) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (got, does) = (Arc::new(Mutex::new(Vec::new())), Arc::new(does));
        let listening = tokio::spawn({
            let got = Arc::clone(&got);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(receive(stream, Arc::clone(&got), Arc::clone(&does)));
                }
            }
        });
        Self { address, got, listening }
    }

    /// MSH-10 of the messages of a kind, in the order of their arrival.
    fn control_ids(&self, kind: &str) -> Vec<String> {
        let got = self.got.lock().unwrap();
        let of_kind = got.iter().filter(|message| kind_of(message) == kind);
        of_kind.map(|message| control_id(message)).collect()
    }

    fn count(&self, kind: &str) -> usize {
        self.control_ids(kind).len()
    }
}

impl Drop for Hospital {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn receive(
    mut stream: TcpStream,
    got: Arc<Mutex<Vec<Vec<u8>>>>,
    does: Arc<impl Fn(&str, usize) -> Does + Send + Sync>,
) {
    let mut decoder = Decoder::new(Options::RESULTS);
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count) = stream.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        for event in decoder.receive(&buffer[..count], Instant::now()) {
            let Heard::Frame(frame) = event else { panic!("the proxy sends frames and nothing else: {event:?}") };
            let kind = kind_of(&frame);
            let before = got.lock().unwrap().iter().filter(|message| kind_of(message) == kind).count();
            got.lock().unwrap().push(frame.clone());
            match does(&kind, before) {
                Does::Takes => {
                    let envelope = Envelope::read(&frame, &Limits::default()).unwrap();
                    let said =
                        Answer { code: Code::AA, fault: None, text: None, now: "20261120093000", control_id: "EMR-1" };
                    stream.write_all(&encode(&answer(&envelope, &said)).unwrap()).await.unwrap();
                }
                Does::ClosesWithoutAnswer => return,
                Does::SaysNothing => {}
            }
        }
    }
}

fn kind_of(message: &[u8]) -> String {
    Message::read(message, &Limits::default()).unwrap().kind().0
}

fn control_id(message: &[u8]) -> String {
    String::from_utf8(Message::read(message, &Limits::default()).unwrap().control_id().bytes().to_vec()).unwrap()
}

/// The way to the bus, which can be cut.
struct Way {
    bus: SocketAddr,
    address: SocketAddr,
    open: watch::Sender<bool>,
    going: JoinHandle<()>,
}

impl Way {
    async fn to_bus_of(host: &TestHost) -> Self {
        let access = host.host.credentials.caller(&host.organization).hl7;
        let bus = access.split("sb://").nth(1).unwrap().split(['/', ';']).next().unwrap();
        let bus: SocketAddr = bus.parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, is_open) = watch::channel(true);
        let going = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut = is_open.clone();
                tokio::spawn(async move {
                    if !*cut.borrow() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(bus).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { bus, address, open, going }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.going.abort();
    }
}

/// A proxy, as it runs at a hospital.
struct Proxy {
    listens: SocketAddr,
    running: JoinHandle<()>,
}

impl Proxy {
    async fn start(host: &TestHost, way: &Way, hospital: &Hospital, answer_ms: u64) -> Self {
        let listens = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        let interface = Interface {
            id: "main".to_owned(),
            listen: Some(listens),
            connect: Some(hospital.address.to_string()),
            answer_ms,
        };
        let mut configuration = host.host.credentials.proxy(&host.organization, vec![interface]);
        for access in [&mut configuration.orders, &mut configuration.results] {
            *access = access.replace(&way.bus.to_string(), &way.address.to_string());
            assert!(access.contains(&way.address.to_string()), "{access}");
        }
        let running = tokio::spawn(iris_proxy::emr::run(configuration).unwrap());
        Self { listens, running }
    }

    /// Connects, once it listens.
    async fn connect(&self) -> TcpStream {
        let mut stream = None;
        until("the proxy to listen", async || {
            stream = TcpStream::connect(self.listens).await.ok();
            stream.is_some()
        })
        .await;
        stream.unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Sends a message as a hospital does, and gives what it is told; nothing where the connection ends.
async fn send(stream: &mut TcpStream, message: &[u8]) -> Option<Acknowledgement> {
    stream.write_all(&encode(message).unwrap()).await.ok()?;
    let mut decoder = Decoder::new(Options::ANSWERS);
    let mut buffer = vec![0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        let mut events = decoder.receive(&buffer[..count], Instant::now());
        assert!(events.len() <= 1, "one message has one answer: {events:?}");
        match events.pop() {
            Some(Heard::Frame(frame)) => return Some(ack::read(&frame).unwrap()),
            Some(other) => panic!("an answer is a frame: {other:?}"),
            None => {}
        }
    }
}

/// The answer's code, and whether it names the message.
fn said(answer: Option<&Acknowledgement>, message: &[u8]) -> (Code, bool) {
    let answer = answer.unwrap();
    (answer.code, answer.control_id == control_id(message).into_bytes())
}

async fn receipts(host: &TestHost, count: usize) -> Vec<(String, bool)> {
    let of = |event: &iris_model::Event| event.result_object_type == EventKind::ResultsDeliveryReceipt;
    until("receipts", async || host.events(1).await.iter().filter(|event| of(event)).count() >= count).await;
    let all = host.events(1).await.into_iter().filter(of);
    let mut told: Vec<_> = all.map(|event| (event.endpoint.unwrap(), event.success)).collect();
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_comes_in_and_its_result_document_and_charge_go_out() {
    let host = with_hospital(None).await;
    let hospital = Hospital::open(|_, _| Does::Takes).await;
    let way = Way::to_bus_of(&host).await;
    let proxy = Proxy::start(&host, &way, &hospital, 5_000).await;
    let mut stream = proxy.connect().await;
    let order = sample("order.hl7");
    let answered = send(&mut stream, &order).await;
    assert_eq!(said(answered.as_ref(), &order), (Code::AA, true));
    // What is no order is refused at once, over the same connection.
    let other = sample("not-an-order.hl7");
    let answered = send(&mut stream, &other).await;
    assert_eq!(said(answered.as_ref(), &other), (Code::AR, true));
    let events = host.events(1).await;
    assert_eq!(told(&events), [(EventKind::OrderCreationReceipt, "HV-ORD-1", true)]);
    grade(&host, "g1", &grading("HV-ORD-1", &json!({}))).await;
    let delivered = ["emr-dft", "emr-mdm", "emr-oru"].map(|id| (id.to_owned(), true));
    assert_eq!(receipts(&host, 3).await, delivered);
    assert_eq!(["ORU", "MDM", "DFT"].map(|kind| hospital.count(kind)), [1, 1, 1]);
    host.settled().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_nobody_answered_comes_again_with_its_control_id_and_a_charge_never() {
    let host = with_hospital(None).await;
    let hospital = Hospital::open(|kind, before| match (kind, before) {
        ("ORU", 0) | ("DFT", _) => Does::ClosesWithoutAnswer,
        ("MDM", 0) => Does::SaysNothing,
        _ => Does::Takes,
    })
    .await;
    let way = Way::to_bus_of(&host).await;
    let proxy = Proxy::start(&host, &way, &hospital, 500).await;
    let order = sample("order.hl7");
    assert_eq!(said(send(&mut proxy.connect().await, &order).await.as_ref(), &order), (Code::AA, true));
    host.events(1).await;
    grade(&host, "g1", &grading("HV-ORD-1", &json!({}))).await;
    assert_eq!(receipts(&host, 2).await, ["emr-mdm", "emr-oru"].map(|id| (id.to_owned(), true)));
    for kind in ["ORU", "MDM"] {
        let ids = hospital.control_ids(kind);
        assert_eq!(ids.len(), 2, "{kind}");
        assert_eq!(ids[0], ids[1], "{kind}");
    }
    until("the alert", async || host.log().contains("charge-open")).await;
    // A result sent again charges nobody.
    let again = json!({ "Version": "2.3.1", "ClientGuid": GUID, "OrderControlCode": "ResendResult",
        "Site": { "LocalId": "HV-SEA" }, "Order": { "LocalId": "HV-ORD-1" } });
    host.post(vec![crate::support::message("resend", &again)]).await;
    until("the result again", async || hospital.count("ORU") == 3 && hospital.count("MDM") == 3).await;
    host.settled().await;
    assert_eq!(hospital.count("DFT"), 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bus_is_away_nobody_is_told_no_and_nobody_listens() {
    let host = with_hospital(None).await;
    let hospital = Hospital::open(|_, _| Does::Takes).await;
    let way = Way::to_bus_of(&host).await;
    let proxy = Proxy::start(&host, &way, &hospital, 5_000).await;
    let mut stream = proxy.connect().await;
    way.open.send(false).unwrap();
    // No answer: the connection ends, and there is no other.
    let order = sample("order.hl7");
    assert!(send(&mut stream, &order).await.is_none());
    until("the proxy to stop listening", async || TcpStream::connect(proxy.listens).await.is_err()).await;
    way.open.send(true).unwrap();
    let mut stream = proxy.connect().await;
    // As a hospital that got no answer does: twice, to be sure.
    for _ in 0..2 {
        assert_eq!(said(send(&mut stream, &order).await.as_ref(), &order), (Code::AA, true));
    }
    host.events(1).await;
    host.settled().await;
    let created = host.events(1).await.iter().filter(|event| event.success).count();
    assert_eq!(created, 1);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_ends_the_connection_and_disturbs_no_other() {
    let host = with_hospital(None).await;
    let hospital = Hospital::open(|_, _| Does::Takes).await;
    let way = Way::to_bus_of(&host).await;
    let proxy = Proxy::start(&host, &way, &hospital, 5_000).await;
    let mut good = proxy.connect().await;
    let mut bad = proxy.connect().await;
    bad.write_all(b"\x0bno header at all\x1c\r").await.unwrap();
    let mut rest = Vec::new();
    // Reset or closed, nothing is said.
    let _ = bad.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
    let order = sample("order.hl7");
    assert_eq!(said(send(&mut good, &order).await.as_ref(), &order), (Code::AA, true));
    host.events(1).await;
    host.stop().await;
}
