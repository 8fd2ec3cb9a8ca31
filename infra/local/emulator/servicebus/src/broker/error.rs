//! Reasons for refusals by the broker.

/// Why an operation was not done. Nothing was changed, unless it is [`Error::Storage`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No entity has this name.
    #[error("the messaging entity '{0}' could not be found")]
    NotFound(String),
    /// An entity of this name is there already.
    #[error("the messaging entity '{0}' already exists")]
    Exists(String),
    /// The entity's name or an option cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// The lock expired, or the message was settled before.
    #[error("the lock supplied is invalid: it expired, or the message has been removed from the queue")]
    LockLost,
    /// The session's lock expired or is not held.
    #[error("the session lock has expired or is not held")]
    SessionLockLost,
    /// Another receiver holds the session.
    #[error("the session is locked by another receiver")]
    SessionLocked,
    /// No message has this sequence number (any more).
    #[error("no message has that sequence number")]
    MessageNotFound,
    /// The queue holds as many bytes as it may.
    #[error("the queue is full")]
    QueueFull,
    /// The queue is held back for a while (see [`Broker::hold`](super::Broker::hold)).
    #[error("the queue takes no messages at the moment; try again later")]
    Held,
    /// The message cannot be accepted.
    #[error(transparent)]
    Message(#[from] crate::message::Error),
    /// The operation does not fit the entity: receiving from a topic, a session operation on a queue without sessions,
    /// and the like.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The log could not be written; the outcome is unknown, and the broker accepts nothing more.
    #[error("the message log could not be written: {0}")]
    Storage(String),
}
