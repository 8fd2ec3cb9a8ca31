//! Dead letters of one queue or subscription: looking at them, and sending them back. For operators; the handler never
//! receives.
//!
//! Looking is *peeking*: nothing is locked and no delivery counted. Sending back locks a dead letter, sends a copy to
//! the queue or topic it was sent to, and only then completes it. If the process is killed in between, there are two,
//! and whoever handles the copy recognizes the repetition. The copy keeps body, properties and session. Its MessageId
//! is new, derived from the old one and the dead letter's number, so that a queue that still remembers the old one does
//! not drop the copy. The old one travels in [`MESSAGE_ID`], which the handler uses instead.

use super::namespace::{Namespace, watched};
use super::outcome::{Fault, of_attach, of_outcome};
use super::sender::StartError;
use super::token::Tokens;
use super::{Cause, Endpoint};
use crate::credential::Credential;
use crate::settings::{Lookup, ServiceBusSettings};
use bytes::Bytes;
use fe2o3_amqp::link::delivery::DeliveryInfo;
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::types::messaging::annotations::OwnedKey;
use fe2o3_amqp::types::messaging::message::__private::Deserializable;
use fe2o3_amqp::types::messaging::{Body, Message, MessageAnnotations, MessageId};
use fe2o3_amqp::types::primitives::{OrderedMap, SimpleValue, Symbol, Value};
use fe2o3_amqp::{Receiver, Sender};
use fe2o3_amqp_management::client::MgmtClient;
use fe2o3_amqp_management::error::Error as ManagementError;
use fe2o3_amqp_management::request::Request;
use fe2o3_amqp_management::response::Response;
use iris_model::names::property::{MESSAGE_ID, OWN};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

const REASON: &str = "DeadLetterReason";
const DESCRIPTION: &str = "DeadLetterErrorDescription";

/// Deadline of every wait on the network.
const DEADLINE: Duration = Duration::from_secs(30);
/// A dead-letter queue counts as empty when nothing has come for this long.
const QUIET: Duration = Duration::from_secs(3);
/// Dead letters held at once while looking for the wanted ones.
const MOST_HELD: usize = 2000;
/// Dead letters in one answer, at most: bodies are up to 1 MB.
const PEEKED_AT_ONCE: i32 = 50;

type Received = Message<Body<Value>>;

/// A dead letter. Everything except the numbers may be personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number in the dead-letter queue.
    pub sequence_number: i64,
    /// The sender's id.
    pub message_id: Option<String>,
    /// When the queue took it in.
    pub enqueued_time: Option<Timestamp>,
    /// How often it was delivered.
    pub delivery_count: u32,
    /// Why it was given up, in the words of the broker or a receiver.
    pub reason: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// The content. Content that is not bytes is shown as the library prints it.
    pub body: Bytes,
    /// Properties of sender and rules, as text.
    pub properties: BTreeMap<String, String>,
}

/// The dead letters of one queue or subscription, over a connection of their own.
pub struct DeadLetters {
    namespace: Namespace,
    entity: String,
}

impl DeadLetters {
    /// Connects. Needs the right to listen to the entity: a queue, or a subscription as `topic/subscriptions/name`.
    ///
    /// # Errors
    /// [`StartError`] when the settings cannot be used, a [`Cause`] when the broker cannot be reached or refuses.
    pub async fn open(settings: &ServiceBusSettings, lookup: Lookup<'_>, entity: &str) -> Result<Self, OpenError> {
        let (endpoint, tokens) = match settings {
            ServiceBusSettings::ConnectionString(text) => {
                let (endpoint, access) = Endpoint::parse(text.expose_secret()).map_err(StartError::from)?;
                (endpoint, Tokens::Shared(access))
            }
            ServiceBusSettings::Identity { namespace, identity } => {
                let credential = Credential::from_environment(identity, lookup).map_err(StartError::from)?;
                (Endpoint::of_namespace(namespace).map_err(StartError::from)?, Tokens::Identity(credential))
            }
        };
        let pace = super::link::Pace { deadline: DEADLINE, in_flight: 1, batch_bytes: 1 << 20 };
        let namespace = Namespace::open(&endpoint, &tokens, pace).await.map_err(Cause::unavailable)?;
        Ok(Self { namespace, entity: entity.to_owned() })
    }

    fn address(&self) -> String {
        format!("{}/$deadletterqueue", self.entity)
    }

    /// Where messages of the entity are sent: for a subscription its topic, so that a copy passes its rules again.
    fn sent_to(&self) -> &str {
        let entity = self.entity.as_str();
        entity.to_ascii_lowercase().find("/subscriptions/").map_or(entity, |end| &entity[..end])
    }

    /// Dead letters with numbers from `from` on, in order, at most `limit`. Changes nothing.
    ///
    /// # Errors
    /// Why the broker does not list them.
    pub async fn peek(&mut self, from: i64, limit: usize) -> Result<Vec<DeadLetter>, Cause> {
        let node = format!("{}/$management", self.address());
        for audience in [self.address(), node.clone()] {
            self.namespace.authorize(&audience).await.map_err(cause)?;
        }
        let own = format!("iris-{}", Uuid::new_v4().simple());
        let attaching = MgmtClient::builder()
            .management_node_address(node)
            .client_node_addr(own)
            .attach(&mut self.namespace.session);
        let mut client = watched(&mut self.namespace.connection, DEADLINE, attaching)
            .await
            .map_err(cause)?
            .map_err(|error| of_management_attach(&error))?;
        let (mut found, mut from) = (Vec::new(), from);
        while found.len() < limit {
            let count = PEEKED_AT_ONCE.min(i32::try_from(limit - found.len()).unwrap_or(i32::MAX));
            let call = client.call(Peek { from, count });
            let answer = watched(&mut self.namespace.connection, DEADLINE, call).await.map_err(cause)?;
            let Peeked(messages) = answer.map_err(|error| of_management(&error))?;
            let Some(last) = messages.iter().map(|letter| letter.sequence_number).max() else { break };
            from = last.saturating_add(1);
            found.extend(messages);
        }
        let _ = watched(&mut self.namespace.connection, DEADLINE, client.close()).await;
        Ok(found)
    }

    /// Sends these dead letters back to where they were sent; returns the numbers of those that were. Dead letters that
    /// are not found are left out: somebody else holds them, or has dealt with them.
    ///
    /// # Errors
    /// Why the broker stopped it. What was sent back before that stays sent.
    pub async fn redrive(&mut self, wanted: &BTreeSet<i64>) -> Result<Vec<i64>, Cause> {
        let address = self.address();
        let back = self.sent_to().to_owned();
        for audience in [&back, &address] {
            self.namespace.authorize(audience).await.map_err(cause)?;
        }
        let name = || format!("iris-{}", Uuid::new_v4().simple());
        let attaching = Sender::attach(&mut self.namespace.session, name(), back);
        let mut sender = watched(&mut self.namespace.connection, DEADLINE, attaching)
            .await
            .map_err(cause)?
            .map_err(|error| cause(of_attach(&error)))?;
        let attaching = Receiver::builder()
            .name(name())
            .source(address)
            .credit_mode(CreditMode::Manual)
            .attach(&mut self.namespace.session);
        let mut receiver = watched(&mut self.namespace.connection, DEADLINE, attaching)
            .await
            .map_err(cause)?
            .map_err(|_| Cause::unavailable("the dead letters cannot be received"))?;
        let mut held = Vec::new();
        let done = self.send_back(&mut sender, &mut receiver, wanted, &mut held).await;
        // Releases what was only looked at now, not when its lock ends.
        let _ = timeout(DEADLINE, receiver.release_all(held)).await;
        let _ = timeout(DEADLINE, receiver.close()).await;
        let _ = timeout(DEADLINE, sender.close()).await;
        done
    }

    async fn send_back(
        &self,
        sender: &mut Sender,
        receiver: &mut Receiver,
        wanted: &BTreeSet<i64>,
        held: &mut Vec<DeliveryInfo>,
    ) -> Result<Vec<i64>, Cause> {
        let (mut done, mut seen) = (Vec::new(), BTreeSet::new());
        while done.len() < wanted.len() && held.len() < MOST_HELD {
            receiver.set_credit(1).await.map_err(|_| Cause::unavailable("the link ended"))?;
            let Ok(received) = timeout(QUIET, receiver.recv::<Body<Value>>()).await else { break };
            let delivery = received.map_err(|_| Cause::unavailable("the link ended"))?;
            let info = DeliveryInfo::from(&delivery);
            let number = sequence_number(delivery.message());
            // A message that comes again was held for longer than its lock, so everything has been looked at.
            if !seen.insert(number) {
                held.push(info);
                break;
            }
            if !wanted.contains(&number) {
                held.push(info);
                continue;
            }
            let copy = copy(&self.entity, number, delivery.into_message());
            let outcome = timeout(DEADLINE, sender.send(copy)).await;
            let sent = match outcome {
                Ok(Ok(outcome)) => of_outcome(&outcome),
                Ok(Err(_)) | Err(_) => Err(Cause::OutcomeUnknown),
            };
            if let Err(cause) = sent {
                held.push(info);
                return Err(cause);
            }
            receiver.accept(info).await.map_err(|_| Cause::OutcomeUnknown)?;
            done.push(number);
        }
        Ok(done)
    }

    /// Closes the connection.
    pub async fn close(self) {
        self.namespace.abandon().await;
    }
}

/// The dead letters cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The broker cannot be reached.
    #[error(transparent)]
    Broker(#[from] Cause),
}

pub(super) fn cause(fault: Fault) -> Cause {
    match fault {
        Fault::Queue(cause) => cause,
        Fault::Connection(reason) => Cause::unavailable(reason),
    }
}

pub(super) fn of_management_attach(error: &fe2o3_amqp_management::error::AttachError) -> Cause {
    match error {
        fe2o3_amqp_management::error::AttachError::Sender(error) => cause(of_attach(error)),
        fe2o3_amqp_management::error::AttachError::Receiver(_) => Cause::unavailable("attaching failed"),
    }
}

pub(super) fn of_management(error: &ManagementError) -> Cause {
    match error {
        ManagementError::Status(status) => match status.code.0.get() {
            401 | 403 => Cause::Unauthorized { condition: status.code.0.to_string() },
            404 => Cause::EntityNotFound,
            code => Cause::Unavailable { reason: format!("the broker answers {code}") },
        },
        _ => Cause::unavailable("the broker's answer cannot be read"),
    }
}

/// The copy that is sent back.
fn copy(entity: &str, number: i64, message: Received) -> Received {
    let mut properties = message.properties.unwrap_or_default();
    let mut own = message.application_properties.unwrap_or_default();
    own.0.swap_remove(REASON);
    own.0.swap_remove(DESCRIPTION);
    // It starts afresh: how long it waited, and that it was given up, no longer counts.
    for name in OWN {
        own.0.swap_remove(name);
    }
    let old = properties.message_id.as_ref().map(id_text).unwrap_or_default();
    if !old.is_empty() && !own.0.contains_key(MESSAGE_ID) {
        own.0.insert(MESSAGE_ID.to_owned(), SimpleValue::String(old.clone()));
    }
    let name = format!("{entity}\n{number}\n{old}");
    properties.message_id = Some(MessageId::String(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()));
    properties.absolute_expiry_time = None;
    Message {
        header: None,
        delivery_annotations: None,
        message_annotations: None,
        properties: Some(properties),
        application_properties: (!own.0.is_empty()).then_some(own),
        body: message.body,
        footer: None,
    }
}

pub(super) fn id_text(id: &MessageId) -> String {
    match id {
        MessageId::String(text) => text.clone(),
        MessageId::Ulong(number) => number.to_string(),
        MessageId::Uuid(uuid) => Uuid::from_bytes(uuid.clone().into_inner()).to_string(),
        MessageId::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn annotation<'a>(annotations: Option<&'a MessageAnnotations>, name: &str) -> Option<&'a Value> {
    annotations?.0.get(&OwnedKey::Symbol(Symbol::from(name)))
}

fn sequence_number(message: &Received) -> i64 {
    match annotation(message.message_annotations.as_ref(), "x-opt-sequence-number") {
        Some(Value::Long(number)) => *number,
        _ => -1,
    }
}

fn letter(message: Received) -> DeadLetter {
    let mut properties: BTreeMap<String, String> = message
        .application_properties
        .as_ref()
        .map(|own| own.0.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        .unwrap_or_default();
    let enqueued = annotation(message.message_annotations.as_ref(), "x-opt-enqueued-time");
    DeadLetter {
        sequence_number: sequence_number(&message),
        message_id: message.properties.as_ref().and_then(|properties| properties.message_id.as_ref()).map(id_text),
        enqueued_time: match enqueued {
            Some(Value::Timestamp(at)) => Timestamp::from_millisecond(at.milliseconds()).ok(),
            _ => None,
        },
        delivery_count: message.header.as_ref().map_or(0, |header| header.delivery_count),
        reason: properties.remove(REASON),
        description: properties.remove(DESCRIPTION),
        body: content(message.body),
        properties,
    }
}

pub(super) fn text(value: &SimpleValue) -> String {
    match value {
        SimpleValue::String(text) => text.clone(),
        SimpleValue::Symbol(symbol) => symbol.as_str().to_owned(),
        SimpleValue::Bool(flag) => flag.to_string(),
        SimpleValue::Int(number) => number.to_string(),
        SimpleValue::Long(number) => number.to_string(),
        SimpleValue::Uint(number) => number.to_string(),
        SimpleValue::Ulong(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

pub(super) fn content(body: Body<Value>) -> Bytes {
    match body {
        Body::Data(sections) => sections.into_iter().flat_map(|section| section.0.into_vec()).collect(),
        Body::Value(value) => match value.0 {
            Value::String(text) => text.into(),
            Value::Binary(bytes) => bytes.into_vec().into(),
            other => format!("{other:?}").into(),
        },
        Body::Sequence(_) => Bytes::from_static(b"(a sequence)"),
        Body::Empty => Bytes::new(),
    }
}

/// Request: the next messages, without receiving them.
struct Peek {
    from: i64,
    count: i32,
}

/// Its answer, in order.
struct Peeked(Vec<DeadLetter>);

impl Request for Peek {
    const OPERATION: &'static str = "com.microsoft:peek-message";
    type Response = Peeked;
    type Body = OrderedMap<String, Value>;

    fn encode_body(self) -> Self::Body {
        let mut map = OrderedMap::new();
        map.insert("from-sequence-number".to_owned(), Value::Long(self.from));
        map.insert("message-count".to_owned(), Value::Int(self.count));
        map
    }
}

impl Response for Peeked {
    /// 204 when there are no more; see `from_message`.
    const STATUS_CODE: u16 = 200;
    type Body = Body<Value>;
    type Error = ManagementError;

    fn from_message(mut message: Received) -> Result<Self, Self::Error> {
        match Self::verify_status_code(&mut message) {
            Ok(_) => Self::decode_message(message),
            Err(ManagementError::Status(status)) if status.code.0.get() == 204 => Ok(Self(Vec::new())),
            Err(error) => Err(error),
        }
    }

    fn decode_message(message: Received) -> Result<Self, Self::Error> {
        let Body::Value(body) = message.body else { return Ok(Self(Vec::new())) };
        let Some(Value::List(entries)) = member(body.0, "messages") else { return Ok(Self(Vec::new())) };
        let decoded = entries.into_iter().filter_map(|entry| match member(entry, "message") {
            Some(Value::Binary(bytes)) => serde_amqp::from_slice::<Deserializable<Received>>(&bytes).ok(),
            _ => None,
        });
        Ok(Self(decoded.map(|message| letter(message.0)).collect()))
    }
}

fn member(value: Value, name: &str) -> Option<Value> {
    match value {
        Value::Map(mut map) => map.swap_remove(&Value::String(name.to_owned())),
        _ => None,
    }
}
