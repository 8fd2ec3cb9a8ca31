//! A broker with an endpoint, and a connected client.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::link::delivery::Delivery;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::session::SessionHandle;
use fe2o3_amqp::types::messaging::{Batch, Body, Data, Message};
use fe2o3_amqp::types::primitives::Value;
use fe2o3_amqp::{Connection, Sendable, Session};
use iris_local_servicebus::access::Access;
use iris_local_servicebus::broker::{Broker, QueueOptions};
use iris_local_servicebus::{Endpoint, serve};
use tokio::net::TcpListener;

/// A serving broker.
pub(crate) struct Server {
    pub(crate) broker: Broker,
    pub(crate) endpoint: Endpoint,
}

impl Server {
    /// In memory, open to everyone, with these queues.
    pub(crate) async fn start(queues: &[&str]) -> Self {
        let broker = Broker::open(None).await.unwrap();
        for queue in queues {
            broker.create_queue(queue, QueueOptions::default()).unwrap();
        }
        Self::of(broker, Access::open()).await
    }

    /// With one queue.
    pub(crate) async fn with_queue(name: &str, options: QueueOptions) -> Self {
        let broker = Broker::open(None).await.unwrap();
        broker.create_queue(name, options).unwrap();
        Self::of(broker, Access::open()).await
    }

    /// For a broker.
    pub(crate) async fn of(broker: Broker, access: Access) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = serve(broker.clone(), listener, access).unwrap();
        Self { broker, endpoint }
    }
}

/// A connection with one session.
pub(crate) struct Client {
    pub(crate) connection: ConnectionHandle<()>,
    pub(crate) session: SessionHandle<()>,
}

impl Client {
    pub(crate) async fn connect(server: &Server) -> Self {
        Self::with_profile(server, SaslProfile::Anonymous).await
    }

    pub(crate) async fn with_profile(server: &Server, profile: SaslProfile) -> Self {
        let url = format!("amqp://{}", server.endpoint.address());
        let mut connection =
            Connection::builder().container_id("test").sasl_profile(profile).open(&url[..]).await.unwrap();
        let session = Session::begin(&mut connection).await.unwrap();
        Self { connection, session }
    }

    pub(crate) async fn close(mut self) {
        self.session.end().await.unwrap();
        self.connection.close().await.unwrap();
    }
}

/// A batch envelope.
pub(crate) fn batch(bodies: impl Iterator<Item = String>) -> Sendable<Body<Value>> {
    let messages: Vec<Data> = bodies
        .map(|body| {
            // A message may consist of a single data section.
            let encoded = serde_amqp::to_vec(&Data(body.into_bytes().into())).unwrap();
            Data(encoded.into())
        })
        .collect();
    let envelope = Message::builder().body(Body::Data(Batch::new(messages))).build();
    Sendable::builder().message(envelope).message_format(0x8001_3700_u32).build()
}

/// A delivery's body.
pub(crate) fn bytes(delivery: &Delivery<Body<Value>>) -> Vec<u8> {
    match delivery.body() {
        Body::Data(parts) => parts.iter().flat_map(|Data(part)| part.to_vec()).collect(),
        Body::Value(value) => match &value.0 {
            Value::String(text) => text.clone().into_bytes(),
            Value::Binary(bytes) => bytes.to_vec(),
            other => panic!("unexpected body {other:?}"),
        },
        other => panic!("unexpected body {other:?}"),
    }
}

/// A delivery's body as text.
pub(crate) fn text(delivery: &Delivery<Body<Value>>) -> String {
    String::from_utf8(bytes(delivery)).unwrap()
}
