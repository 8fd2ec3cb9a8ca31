//! Receiving from one queue, for programs outside the Functions host: the proxy at a hospital.
//!
//! A message stays locked until it is settled. *Accepting* it is not confirmed by the broker: if the acceptance is
//! lost, the message comes again. *Completing* it is a request that the broker answers: after that the message never
//! comes again, whatever happens to this process. (The library's own acceptance cannot promise that: it returns when
//! the frame is queued in the process.)

use super::dead_letters::{OpenError, cause, content, id_text, of_management, of_management_attach, text};
use super::namespace::{Namespace, watched};
use super::{Cause, Endpoint};
use crate::servicebus::sender::StartError;
use crate::servicebus::token::Tokens;
use bytes::Bytes;
use fe2o3_amqp::Receiver;
use fe2o3_amqp::link::delivery::DeliveryInfo;
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::types::messaging::{Body, Message};
use fe2o3_amqp::types::primitives::{Array, OrderedMap, Value};
use fe2o3_amqp_management::client::MgmtClient;
use fe2o3_amqp_management::error::Error as ManagementError;
use fe2o3_amqp_management::request::Request;
use fe2o3_amqp_management::response::Response;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// Deadline of every wait on the network except the one for messages.
const DEADLINE: Duration = Duration::from_secs(30);

/// A message that was received, and is locked.
#[derive(Debug)]
pub struct ReceivedMessage {
    /// The content.
    pub body: Bytes,
    /// The sender's id.
    pub message_id: Option<String>,
    /// Media type of the content.
    pub content_type: Option<String>,
    /// Properties of sender and rules, as text.
    pub properties: BTreeMap<String, String>,
    /// The lock by which it is settled.
    pub lock: Lock,
}

/// Settles a received message.
#[derive(Debug)]
pub struct Lock {
    info: DeliveryInfo,
    token: Option<Uuid>,
}

/// Receives from one queue over a connection of its own. After an error it cannot be used any more.
pub struct ServiceBusReceiver {
    namespace: Namespace,
    receiver: Receiver,
    management: MgmtClient,
    queue: String,
    renew: Instant,
    /// The broker has been asked for a message.
    asked: bool,
}

impl Lock {
    /// The broker's name of the lock; `None` where a broker sends none.
    #[must_use]
    pub fn token(&self) -> Option<Uuid> {
        self.token
    }
}

impl ServiceBusReceiver {
    /// Connects, with a connection string that may listen to the queue.
    ///
    /// # Errors
    /// [`OpenError`] when the string cannot be used, or the broker cannot be reached or refuses.
    pub async fn open(connection_string: &str, queue: &str) -> Result<Self, OpenError> {
        let (endpoint, access) = Endpoint::parse(connection_string).map_err(StartError::from)?;
        let pace = super::link::Pace { deadline: DEADLINE, in_flight: 1, batch_bytes: 1 << 20 };
        let mut namespace =
            Namespace::open(&endpoint, &Tokens::Shared(access), pace).await.map_err(Cause::unavailable)?;
        let node = management_node(queue);
        let renew = namespace.authorize(queue).await.map_err(cause)?;
        namespace.authorize(&node).await.map_err(cause)?;
        let own = || format!("iris-{}", Uuid::new_v4().simple());
        let attaching = Receiver::builder()
            .name(own())
            .source(queue)
            .credit_mode(CreditMode::Manual)
            .attach(&mut namespace.session);
        let receiver = watched(&mut namespace.connection, DEADLINE, attaching)
            .await
            .map_err(cause)?
            .map_err(|_| Cause::unavailable("the queue cannot be received from"))?;
        let attaching =
            MgmtClient::builder().management_node_address(node).client_node_addr(own()).attach(&mut namespace.session);
        let management = watched(&mut namespace.connection, DEADLINE, attaching)
            .await
            .map_err(cause)?
            .map_err(|error| of_management_attach(&error))?;
        Ok(Self { namespace, receiver, management, queue: queue.to_owned(), renew, asked: false })
    }

    /// Waits for the next message. Cancel-safe: a message that arrives meanwhile is returned by the next call.
    ///
    /// # Errors
    /// Why there will be no more.
    pub async fn next(&mut self) -> Result<ReceivedMessage, Cause> {
        if !self.asked {
            self.receiver.set_credit(1).await.map_err(|_| Cause::unavailable("the link ended"))?;
            self.asked = true;
        }
        loop {
            let due = self.renew;
            let delivery = tokio::select! {
                received = self.receiver.recv::<Body<Value>>() => {
                    received.map_err(|_| Cause::unavailable("the link ended"))?
                }
                _ = self.namespace.connection.on_close() => return Err(Cause::unavailable("the connection ended")),
                () = sleep_until(due) => {
                    self.renew = self.namespace.authorize(&self.queue).await.map_err(cause)?;
                    let node = management_node(&self.queue);
                    self.namespace.authorize(&node).await.map_err(cause)?;
                    continue;
                }
            };
            self.asked = false;
            let info = DeliveryInfo::from(&delivery);
            // The lock's token is the delivery's tag, in .NET's byte order.
            let token = Uuid::from_slice_le(delivery.delivery_tag().as_ref()).ok();
            return Ok(received(delivery.into_message(), Lock { info, token }));
        }
    }

    /// Settles a message as handled, without waiting for the broker's confirmation.
    ///
    /// # Errors
    /// The link has ended: the message may come again.
    pub async fn accept(&mut self, lock: Lock) -> Result<(), Cause> {
        self.receiver.accept(lock.info).await.map_err(|_| Cause::OutcomeUnknown)
    }

    /// Gives a message back.
    ///
    /// # Errors
    /// The link has ended: the message comes again when its lock ends.
    pub async fn release(&mut self, lock: Lock) -> Result<(), Cause> {
        self.receiver.release(lock.info).await.map_err(|_| Cause::OutcomeUnknown)
    }

    /// Settles a message as handled. Once this returns `Ok`, the broker has confirmed that it will not come again.
    ///
    /// # Errors
    /// It is not known whether the message is settled.
    pub async fn complete(&mut self, lock: &Lock) -> Result<(), Cause> {
        let token = lock.token.ok_or_else(|| Cause::unavailable("the delivery has no lock"))?;
        let call = self.management.call(Complete(token));
        let answer = watched(&mut self.namespace.connection, DEADLINE, call).await.map_err(cause)?;
        answer.map(|Completed| ()).map_err(|error| of_management(&error))
    }

    /// Keeps a message locked for as long again as its queue locks messages.
    ///
    /// # Errors
    /// [`Cause::OutcomeUnknown`], [`Cause::Stopped`] or [`Cause::Unavailable`] when the connection is lost; anything else
    /// when the lock is: the message comes again.
    pub async fn renew(&mut self, token: Uuid) -> Result<(), Cause> {
        let call = self.management.call(Renew(token));
        let answer = watched(&mut self.namespace.connection, DEADLINE, call).await.map_err(cause)?;
        answer.map(|Completed| ()).map_err(|error| of_management(&error))
    }

    /// Closes the connection; locked messages are free again at once.
    pub async fn close(self) {
        self.namespace.abandon().await;
    }
}

fn management_node(queue: &str) -> String {
    format!("{queue}/$management")
}

fn received(message: Message<Body<Value>>, lock: Lock) -> ReceivedMessage {
    let properties = message.application_properties.as_ref();
    let properties = properties.map(|own| own.0.iter().map(|(name, value)| (name.clone(), text(value))).collect());
    let own = message.properties.as_ref();
    ReceivedMessage {
        message_id: own.and_then(|own| own.message_id.as_ref()).map(id_text),
        content_type: own.and_then(|own| own.content_type.as_ref()).map(|kind| kind.as_str().to_owned()),
        properties: properties.unwrap_or_default(),
        body: content(message.body),
        lock,
    }
}

/// Request: settle a message as handled.
struct Complete(Uuid);

/// Request: keep a message locked.
struct Renew(Uuid);

/// The answer to either.
struct Completed;

impl Request for Complete {
    const OPERATION: &'static str = "com.microsoft:update-disposition";
    type Response = Completed;
    type Body = OrderedMap<String, Value>;

    fn encode_body(self) -> Self::Body {
        let mut map = OrderedMap::new();
        map.insert("disposition-status".to_owned(), Value::String("completed".to_owned()));
        map.insert("lock-tokens".to_owned(), tokens(self.0));
        map
    }
}

impl Request for Renew {
    const OPERATION: &'static str = "com.microsoft:renew-lock";
    type Response = Completed;
    type Body = OrderedMap<String, Value>;

    fn encode_body(self) -> Self::Body {
        let mut map = OrderedMap::new();
        map.insert("lock-tokens".to_owned(), tokens(self.0));
        map
    }
}

fn tokens(token: Uuid) -> Value {
    Value::Array(Array::from(vec![Value::Uuid(token.into_bytes().into())]))
}

impl Response for Completed {
    const STATUS_CODE: u16 = 200;
    type Body = Body<Value>;
    type Error = ManagementError;

    fn decode_message(_: Message<Body<Value>>) -> Result<Self, Self::Error> {
        Ok(Self)
    }
}
