//! Frames and performatives of AMQP 1.0 (specification part 2 and the security layer of part 5), and the layout of
//! delivered messages.
//!
//! Decoding borrows from the frame and never panics; what cannot be decoded is an [`Error`] with the AMQP condition
//! that the connection is closed with. Encoding writes every field of every performative, including nulls, because
//! Python's client indexes fields by position.

mod decode;
mod delivery;
mod encode;
mod frame;
mod outcome;
mod request;

pub(crate) use decode::{Attach, Begin, Disposition, Flow, Open, Performative, Sasl, Transfer};
pub(crate) use delivery::{batch, put_delivery};
pub(crate) use encode::{
    AttachReply, FlowOut, Raw, SESSION_FILTER, TransferOut, attach, begin, close, detach, disposition, end, flow, open,
    sasl_mechanisms, sasl_outcome, source_with_session, terminus_or_empty, transfer,
};
pub(crate) use frame::{Frame, FrameKind, ProtocolHeader, empty_frame, next_frame, protocol_header};
pub(crate) use outcome::{Condition, Outcome};
pub(crate) use request::{Request, Response};

/// Error conditions, AMQP's own and those Service Bus adds.
pub(crate) mod condition {
    pub(crate) const DECODE: &str = "amqp:decode-error";
    pub(crate) const FRAMING: &str = "amqp:connection:framing-error";
    pub(crate) const FORCED: &str = "amqp:connection:forced";
    pub(crate) const NOT_FOUND: &str = "amqp:not-found";
    pub(crate) const NOT_ALLOWED: &str = "amqp:not-allowed";
    pub(crate) const NOT_IMPLEMENTED: &str = "amqp:not-implemented";
    pub(crate) const UNAUTHORIZED: &str = "amqp:unauthorized-access";
    pub(crate) const INTERNAL: &str = "amqp:internal-error";
    pub(crate) const INVALID_FIELD: &str = "amqp:invalid-field";
    pub(crate) const SERVER_BUSY: &str = "com.microsoft:server-busy";
    pub(crate) const RESOURCE_LIMIT: &str = "amqp:resource-limit-exceeded";
    pub(crate) const UNATTACHED_HANDLE: &str = "amqp:session:unattached-handle";
    pub(crate) const HANDLE_IN_USE: &str = "amqp:session:handle-in-use";
    pub(crate) const WINDOW_VIOLATION: &str = "amqp:session:window-violation";
    pub(crate) const MESSAGE_SIZE: &str = "amqp:link:message-size-exceeded";
    pub(crate) const TRANSFER_LIMIT: &str = "amqp:link:transfer-limit-exceeded";
    pub(crate) const LOCK_LOST: &str = "com.microsoft:message-lock-lost";
    pub(crate) const SESSION_LOCK_LOST: &str = "com.microsoft:session-lock-lost";
    pub(crate) const SESSION_LOCKED: &str = "com.microsoft:session-cannot-be-locked";
    pub(crate) const MESSAGE_NOT_FOUND: &str = "com.microsoft:message-not-found";
    pub(crate) const EXISTS: &str = "com.microsoft:entity-already-exists";
    pub(crate) const TIMEOUT: &str = "com.microsoft:timeout";
    pub(crate) const ARGUMENT: &str = "com.microsoft:argument-error";
    pub(crate) const DEAD_LETTER: &str = "com.microsoft:dead-letter";
}

/// Why a connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{condition}: {description}")]
pub(crate) struct Error {
    pub(crate) condition: &'static str,
    pub(crate) description: String,
}

impl Error {
    pub(crate) fn new(condition: &'static str, description: impl Into<String>) -> Self {
        Self { condition, description: description.into() }
    }
}

impl From<crate::codec::Error> for Error {
    fn from(error: crate::codec::Error) -> Self {
        Self::new(condition::DECODE, error.to_string())
    }
}

#[cfg(test)]
mod tests;
