//! Sending to Service Bus over AMQP 1.0.
//!
//! A [`ServiceBusSender`] is a handle to one task per namespace. The task owns the connection, its session, the link on
//! which tokens are put (`$cbs`), and one sending link per queue, each in a task of its own so that a queue without
//! credit holds up nobody else. Callers exchange plain values with it; the AMQP library (`fe2o3-amqp`) appears nowhere
//! outside this module and can be replaced.
//!
//! # What a send promises
//!
//! [`ServiceBusSender::send`] returns `Ok` when the broker has accepted every message, durably. On an error,
//! [`Error::unconfirmed`] lists the messages for which that is not known. A lost connection is repaired and the
//! unconfirmed messages are sent again *with the same message ids*, several times, before the error is returned. So a
//! message can arrive twice, and a queue with duplicate detection drops the second one.
//!
//! # How losses are noticed
//!
//! Every wait on the network has a deadline, and a missed one tears the connection down. When a connection or session
//! stops, the sending links are dropped *first*: only that resolves sends still waiting in the library (measured:
//! otherwise they wait forever). The connection is rebuilt on the next send, after a delay that grows with every
//! failure. A link that the broker detaches for idleness is attached again on the next send. Tokens are renewed well
//! before they expire, since the broker detaches links whose token has expired.
//!
//! # How messages travel
//!
//! Several messages of one session go in one transfer (format 0x80013700) up to the link's size limit; many transfers
//! are under way at once. Messages of one call and one session are sent in their order.

mod actor;
mod dead_letters;
mod encode;
mod endpoint;
mod error;
mod link;
mod message;
mod namespace;
mod outcome;
mod receiver;
mod sender;
mod token;

pub use dead_letters::{DeadLetter, DeadLetters, OpenError};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use error::{Cause, Error};
pub use message::{OutgoingMessage, PropertyValue};
pub use receiver::{Lock, ReceivedMessage, ServiceBusReceiver};
pub use sender::{SenderOptions, ServiceBusSender, StartError};
