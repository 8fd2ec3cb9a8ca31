//! A connection driven by arbitrary bytes, for the fuzz target `amqp`, and for its corpus as an ordinary test.
//!
//! The bytes are a script: each step is a letter with arguments, and acts for one of two peers that share a broker.
//! Most steps are well-formed performatives with arbitrary fields, so that the script gets deep into sessions, locks
//! and settlement; others are raw bytes and raw frame bodies. Missing bytes count as zeros. After every script the
//! answers must be well-formed frames, and the queues' books must balance.

use super::machine::{MAX_FRAME, Machine};
use crate::access::{Access, AccessKey, Right};
use crate::broker::{
    Action, Broker, CorrelationFilter, Error, Filter, MessageState, QueueOptions, Rule, SubscriptionOptions,
};
use crate::codec::{Writer, put_described_binary};
use crate::message::{Message, PropertyValue, section};
use crate::wire::{self, FlowOut, FrameKind, Performative, ProtocolHeader, Raw, TransferOut};
use bytes::BytesMut;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Most steps of a script.
const STEPS: usize = 200;
/// Output of a peer that is kept until it is checked and discarded.
const OUTPUT: usize = 4 << 20;

const ADDRESSES: [&str; 14] = [
    "orders",
    "grouped",
    "topic",
    "topic/Subscriptions/all",
    "topic/subscriptions/some",
    "entry",
    "orders/$DeadLetterQueue",
    "grouped/$deadletterqueue",
    "$cbs",
    "orders/$management",
    "grouped/$management",
    "topic/subscriptions/some/$management",
    "amqps://127.0.0.1:5672/Orders",
    "nowhere",
];

const OPERATIONS: [&str; 16] = [
    "renew-lock",
    "schedule-message",
    "cancel-scheduled-message",
    "peek-message",
    "receive-by-sequence-number",
    "update-disposition",
    "renew-session-lock",
    "get-session-state",
    "set-session-state",
    "get-message-sessions",
    "add-rule",
    "remove-rule",
    "enumerate-rules",
    "put-token",
    "batch-delete-messages",
    "",
];

/// The script, read from the front; zeros after its end.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number that is usually small and sometimes any.
    fn number(&mut self) -> u32 {
        match self.byte() {
            255 => u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()]),
            small => small.into(),
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = match self.byte() {
            255 => usize::from(u16::from_be_bytes([self.byte(), self.byte()])),
            short => usize::from(short),
        };
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(usize::from(self.byte()) % from.len().max(1)).copied().unwrap_or_default()
    }

    fn channel(&mut self) -> u16 {
        u16::from(self.byte() % 3)
    }

    fn handle(&mut self) -> u32 {
        u32::from(self.byte() % 8)
    }

    fn text(&mut self) -> String {
        format!("{}", self.byte() % 4)
    }
}

/// Runs a script against a new broker. Panics are the findings.
pub(crate) fn run(script: &[u8]) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    runtime.block_on(async {
        let Ok(broker) = furnished().await else { return };
        act(&broker, Script(script)).await;
        check_books(&broker);
    });
}

/// A broker with one entity of each kind, and messages in them.
async fn furnished() -> Result<Broker, Error> {
    let broker = Broker::open(None).await?;
    let queue = QueueOptions {
        max_delivery_count: 2,
        duplicate_detection: Some(Duration::from_secs(60)),
        dead_letter_on_expiration: true,
        max_bytes: 1 << 20,
        ..QueueOptions::default()
    };
    broker.create_queue("orders", queue)?;
    broker.create_queue("grouped", QueueOptions { requires_session: true, ..QueueOptions::default() })?;
    broker.create_topic("topic")?;
    let everything = SubscriptionOptions { rules: vec![Rule::everything()], ..SubscriptionOptions::default() };
    broker.create_subscription("topic", "all", everything)?;
    let filter = CorrelationFilter { correlation_id: Some("1".to_owned()), ..CorrelationFilter::default() };
    let marked = Rule {
        name: "marked".to_owned(),
        filter: Filter::Correlation(Box::new(filter)),
        action: Action::setting(vec![("Mark".to_owned(), PropertyValue::Int(1))]),
    };
    let some = SubscriptionOptions { rules: vec![marked], ..SubscriptionOptions::default() };
    broker.create_subscription("topic", "some", some)?;
    broker.create_entry("entry", "orders", vec![("Stamp".to_owned(), "x".into())])?;
    for number in 0..3 {
        broker.send("orders", Message::new("m")).await?;
        let session_id = Some(format!("{}", number % 2));
        broker.send("grouped", Message { session_id, ..Message::new("g") }).await?;
    }
    Ok(broker)
}

/// One peer's connection.
struct Peer {
    machine: Machine,
    input: BytesMut,
}

impl Peer {
    fn new(broker: &Broker, access: &Arc<Access>) -> Self {
        let notify = Arc::new(Notify::new());
        Self { machine: Machine::new(broker.clone(), access.clone(), notify), input: BytesMut::new() }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        self.machine.work(&mut self.input);
        let _ = (self.machine.deadline(), self.machine.patience(), self.machine.heartbeat());
        if self.machine.out.len() > OUTPUT {
            self.look();
        }
    }

    /// Checks that the answers are well-formed, whatever was sent.
    fn look(&mut self) {
        let mut out = BytesMut::from(&std::mem::take(&mut self.machine.out)[..]);
        while !out.is_empty() {
            if out.starts_with(b"AMQP") {
                assert!(matches!(wire::protocol_header(&mut out), Ok(Some(_))), "a broken protocol header was sent");
                continue;
            }
            let frame = wire::next_frame(&mut out, 1 << 24).ok().flatten();
            assert!(frame.is_some(), "a broken frame was sent");
            let Some(frame) = frame else { return };
            assert!(frame.body.len() <= 2 * MAX_FRAME as usize, "an overlong frame was sent");
            if frame.kind == FrameKind::Amqp && !frame.body.is_empty() {
                assert!(Performative::decode(&frame.body).is_ok(), "a broken performative was sent");
            }
        }
    }

    fn opening(&mut self, script: &mut Script<'_>) {
        let mut out = Vec::new();
        if script.flag() {
            out.extend_from_slice(&ProtocolHeader::Sasl.bytes());
            let mechanism = script.pick(&["ANONYMOUS", "PLAIN", "MSSBCBS", "OTHER"]);
            sasl_init(&mut out, mechanism, b"\0k\0secret");
        }
        out.extend_from_slice(&ProtocolHeader::Amqp.bytes());
        wire::open(&mut out, "peer", script.number(), 100, 60_000);
        wire::begin(&mut out, 0, 100, 100);
        self.say(&out);
    }
}

async fn act(broker: &Broker, mut script: Script<'_>) {
    let key = AccessKey { name: "k".into(), key: "secret".into(), entity: None, right: Right::Manage, known_as: None };
    let access = Arc::new(if script.flag() { Access::with_keys(vec![key]) } else { Access::open() });
    let mut peers = [Peer::new(broker, &access), Peer::new(broker, &access)];
    peers.iter_mut().for_each(|peer| peer.opening(&mut script));
    for _ in 0..STEPS {
        if script.0.is_empty() {
            break;
        }
        let choice = script.byte();
        let [first, second] = &mut peers;
        let peer = if choice & 0x80 == 0 { first } else { second };
        let mut out = Vec::new();
        match choice & 0x1f {
            0 => out = script.bytes(),
            1 => {
                let (channel, body) = (script.channel(), script.bytes());
                framed(&mut out, channel, &body);
            }
            2 => wire::begin(&mut out, script.channel(), script.number(), script.number()),
            3..=6 => attach(&mut out, &mut script),
            7..=11 => transfer(&mut out, &mut script),
            12..=15 => flow(&mut out, &mut script),
            16..=19 => disposition(&mut out, &mut script),
            20 => wire::detach(&mut out, script.channel(), script.handle(), None),
            21 => wire::end(&mut out, script.channel(), None),
            22 | 23 => {
                // A pair of links, so that requests have a way there and back.
                let (channel, address) = (script.channel(), script.pick(&ADDRESSES));
                for receiver in [true, false] {
                    link(&mut out, channel, u32::from(receiver) + 6, receiver, address, &None, &mut script);
                }
            }
            24..=26 => manage(&mut out, &mut script),
            27 => broker_side(broker, &mut script).await,
            28 => {
                *peer = Peer::new(broker, &access);
                peer.opening(&mut script);
            }
            29 => {
                peer.machine.check_grants();
                peer.machine.beat();
                peer.look();
            }
            30 => peer.machine.give_up(),
            _ => peer.machine.stop(),
        }
        peer.say(&out);
    }
    for peer in &mut peers {
        peer.look();
        peer.machine.stop();
        peer.look();
    }
}

fn framed(out: &mut Vec<u8>, channel: u16, body: &[u8]) {
    let size = u32::try_from(body.len() + 8).unwrap_or(u32::MAX);
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(&[2, 0]);
    out.extend_from_slice(&channel.to_be_bytes());
    out.extend_from_slice(body);
}

fn sasl_init(out: &mut Vec<u8>, mechanism: &str, response: &[u8]) {
    let mut body = Vec::new();
    Writer::new(&mut body).composite(0x41, |fields| {
        fields.symbol(mechanism);
        fields.binary(response);
    });
    let size = u32::try_from(body.len() + 8).unwrap_or(u32::MAX);
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(&[2, 1, 0, 0]);
    out.extend_from_slice(&body);
}

fn attach(out: &mut Vec<u8>, script: &mut Script<'_>) {
    let (channel, handle, receiver) = (script.channel(), script.handle(), script.flag());
    let address = script.pick(&ADDRESSES);
    let session = match script.byte() % 4 {
        0 => Some(None),
        1 => Some(Some(script.text())),
        _ => None,
    };
    link(out, channel, handle, receiver, address, &session, script);
}

/// An attach; `session`: ask for one, by id or the next free one.
fn link(
    out: &mut Vec<u8>,
    channel: u16,
    handle: u32,
    receiver: bool,
    address: &str,
    session: &Option<Option<String>>,
    script: &mut Script<'_>,
) {
    let (mut source, mut target) = (Vec::new(), Vec::new());
    Writer::new(&mut source).composite(0x28, |fields| {
        fields.string(address);
        (0..6).for_each(|_| fields.null());
        match session {
            None => fields.null(),
            Some(id) => fields.map(|map| {
                map.symbol(wire::SESSION_FILTER);
                map.optional_string(id.as_deref());
            }),
        }
        (0..3).for_each(|_| fields.null());
    });
    Writer::new(&mut target).composite(0x29, |fields| fields.string(address));
    let mode = |byte: u8| (byte % 4 < 3).then_some(byte % 3);
    let reply = wire::AttachReply {
        name: "link",
        handle,
        receiver,
        snd_settle_mode: mode(script.byte()),
        rcv_settle_mode: mode(script.byte()),
        source: Some(&source),
        target: Some(&target),
        max_message_size: 0,
        locked_until: None,
    };
    wire::attach(out, channel, &reply);
}

/// A message with everything that the broker reads.
fn message(script: &mut Script<'_>) -> Vec<u8> {
    let bits = script.byte();
    let set = |bit: u8| bits & (1 << bit) != 0;
    if set(7) {
        return script.bytes();
    }
    let now = jiff::Timestamp::now();
    let built = Message {
        message_id: set(0).then(|| script.text()),
        session_id: set(1).then(|| script.text()),
        correlation_id: set(2).then(|| script.text()),
        scheduled_enqueue_time: set(3).then(|| now + jiff::SignedDuration::from_secs(i64::from(script.byte()) - 8)),
        time_to_live: set(4).then(|| Duration::from_millis(script.number().into())),
        application_properties: if set(5) { vec![(script.text(), script.text().into())] } else { Vec::new() },
        ..Message::new(if set(6) { script.bytes() } else { Vec::new() })
    };
    built.encode().map(|encoded| encoded.bytes().to_vec()).unwrap_or_default()
}

fn transfer(out: &mut Vec<u8>, script: &mut Script<'_>) {
    let (channel, handle, bits) = (script.channel(), script.handle(), script.byte());
    let payload = if bits & 4 != 0 {
        let mut batch = Vec::new();
        for _ in 0..script.byte() % 4 {
            put_described_binary(&mut batch, section::DATA, &message(script));
        }
        batch
    } else {
        message(script)
    };
    let mut body = Vec::new();
    Writer::new(&mut body).composite(0x14, |fields| {
        fields.uint(handle);
        fields.optional_uint((bits & 16 == 0).then(|| script.number()));
        fields.binary(b"t");
        fields.uint(if bits & 4 != 0 { 0x8001_3700 } else { 0 });
        fields.bool(bits & 1 != 0);
        fields.bool(bits & 2 != 0);
        fields.null();
        fields.null();
        fields.bool(false);
        fields.bool(bits & 8 != 0);
    });
    body.extend_from_slice(&payload);
    framed(out, channel, &body);
    if bits & 32 != 0 {
        // The same frame many times, like a large message in pieces.
        let frame = out.clone();
        (0..script.byte()).for_each(|_| out.extend_from_slice(&frame));
    }
}

fn flow(out: &mut Vec<u8>, script: &mut Script<'_>) {
    let channel = script.channel();
    let link = script.flag().then(|| (script.handle(), script.number(), script.number()));
    let flow = FlowOut {
        next_incoming_id: script.number(),
        incoming_window: script.number(),
        link,
        drain: script.flag(),
        ..FlowOut::default()
    };
    wire::flow(out, channel, &flow);
}

fn disposition(out: &mut Vec<u8>, script: &mut Script<'_>) {
    let (channel, receiver) = (script.channel(), !script.byte().is_multiple_of(8));
    let (first, last) = (script.number(), script.number());
    let outcome = match script.byte() % 5 {
        0 => Raw::Accepted,
        1 => Raw::Released,
        2 => Raw::Rejected(script.flag().then(|| wire::Condition::new("a:b", "c"))),
        3 => Raw::Modified { undeliverable_here: true },
        _ => Raw::Modified { undeliverable_here: false },
    };
    wire::disposition(out, channel, receiver, first, last, &outcome);
}

/// A request to a node.
fn manage(out: &mut Vec<u8>, script: &mut Script<'_>) {
    let operation = script.pick(&OPERATIONS);
    let mut payload = Vec::new();
    Writer::new(&mut payload).composite(section::PROPERTIES, |fields| {
        fields.string(&script.text());
        (0..3).for_each(|_| fields.null());
        fields.string(script.pick(&["link", "orders", "elsewhere"]));
    });
    Writer::new(&mut payload).described(section::APPLICATION_PROPERTIES, |inner| {
        inner.map(|map| {
            map.string("operation");
            map.string(&format!("com.microsoft:{operation}"));
            map.string("name");
            map.string("orders");
        });
    });
    Writer::new(&mut payload).described(section::VALUE, |inner| {
        if script.byte().is_multiple_of(8) {
            return inner.string("SharedAccessSignature sr=sb%3A%2F%2Fh%2F&sig=eA%3D%3D&se=9999999999&skn=k");
        }
        inner.map(|map| {
            let numbers = [i64::from(script.number()), i64::from(script.byte()) - 1];
            map.string("sequence-numbers");
            map.longs(&numbers);
            map.string("from-sequence-number");
            map.long(numbers[0]);
            map.string("message-count");
            map.int(i32::from(script.byte()) - 1);
            map.string("lock-tokens");
            map.list(|list| list.uuid(&[script.byte(); 16]));
            map.string("disposition-status");
            map.string(script.pick(&["completed", "abandoned", "defered", "suspended", "?"]));
            map.string("session-id");
            map.string(&script.text());
            map.string("session-state");
            map.binary(&[script.byte()]);
            map.string("skip");
            map.int(i32::from(script.byte()) - 1);
            map.string("top");
            map.int(i32::from(script.byte()) - 1);
            map.string("rule-name");
            map.string(&script.text());
            map.string("rule-description");
            rule(map, script);
            map.string("messages");
            map.list(|list| {
                list.map(|entry| {
                    entry.string("message");
                    entry.binary(&message(script));
                });
            });
        });
    });
    let channel = script.channel();
    let head = TransferOut { handle: 6, delivery_id: script.number(), tag: b"t", settled: script.flag(), more: false };
    wire::transfer(out, channel, &head, &payload);
}

/// A rule's description, as `add-rule` takes it.
fn rule(map: &mut Writer<'_>, script: &mut Script<'_>) {
    let kind = script.byte();
    map.map(|rule| {
        rule.string(script.pick(&["correlation-filter", "sql-filter", "other"]));
        rule.map(|filter| {
            filter.string(script.pick(&["correlation-id", "expression", "properties"]));
            if kind & 1 == 0 {
                filter.string(script.pick(&["1", "1=1", "1=0", "color = 'red'"]));
            } else {
                filter.map(|properties| {
                    properties.string("0");
                    properties.string("1");
                });
            }
        });
        rule.string("sql-rule-action");
        if kind & 2 == 0 {
            rule.null();
        } else {
            rule.map(|action| {
                action.string("expression");
                action.string(script.pick(&["SET Mark = 'x'", "SET a = 1; SET b = 'it''s'", "REMOVE a", "SET"]));
            });
        }
    });
}

/// What others do with the broker meanwhile. Refusals are valid answers.
async fn broker_side(broker: &Broker, script: &mut Script<'_>) {
    let entity = script.pick(&ADDRESSES);
    match script.byte() % 5 {
        0 => {
            let message = Message { session_id: Some(script.text()), ..Message::new(script.bytes()) };
            // A full queue would make this wait.
            let _ = tokio::time::timeout(Duration::ZERO, broker.send(entity, message)).await;
        }
        1 => {
            let taken = broker.receive(entity, 2, Duration::ZERO).await.unwrap_or_default();
            for delivery in taken {
                let _ = match script.byte() % 3 {
                    0 => broker.complete(entity, delivery.lock_token).await,
                    1 => broker.abandon(entity, delivery.lock_token).await,
                    _ => broker.dead_letter(entity, delivery.lock_token, "reason", "why").await,
                };
            }
        }
        2 => drop(broker.purge(entity).await),
        3 => drop(broker.redrive(entity).await),
        _ => broker.duplicate_deliveries(script.flag()),
    }
}

/// Counts and bytes agree with what is there.
fn check_books(broker: &Broker) {
    for queue in broker.inner().all_queues() {
        let tally = queue.tally();
        queue.read(|state| {
            let bytes: u64 = state.from(0).map(|(_, slot)| slot.cost()).sum();
            assert_eq!(bytes, tally.bytes, "bytes of {}", queue.name);
            let count = state.from(0).count();
            assert_eq!(
                count,
                tally.ready + tally.locked + tally.deferred + tally.scheduled,
                "messages of {}",
                queue.name
            );
            let deferred = state.peek(0, None, usize::MAX);
            let deferred = deferred.iter().filter(|taken| taken.state == MessageState::Deferred).count();
            assert!(deferred >= tally.deferred, "deferred messages of {}", queue.name);
        });
    }
}
