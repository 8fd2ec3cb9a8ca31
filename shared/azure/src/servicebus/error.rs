//! Why messages were not accepted, or are not known to be.

/// Some messages of a call were not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} messages not confirmed: {cause}", unconfirmed.len())]
pub struct Error {
    /// Why; if there are several reasons, the first permanent one, else the last.
    pub cause: Cause,
    /// Positions, in the call's list, of the messages that are not known to be accepted, ascending. All others were
    /// accepted.
    pub unconfirmed: Vec<usize>,
}

/// Why messages were not confirmed. Texts contain names of queues and conditions of the broker, never content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// One message is larger than the queue takes. Nothing of the call was sent.
    #[error("message {index} of {size} bytes is larger than the {limit} bytes the queue takes")]
    TooLarge {
        /// Position in the call's list.
        index: usize,
        /// Its encoded size in bytes.
        size: u64,
        /// The queue's limit in bytes.
        limit: u64,
    },
    /// The broker does not know the queue. Someone has to act.
    #[error("the queue does not exist")]
    EntityNotFound,
    /// The broker does not accept our credential for this queue. Someone has to act.
    #[error("access to the queue was refused ({condition})")]
    Unauthorized {
        /// Condition or status of the broker.
        condition: String,
    },
    /// The broker refuses these messages, and would again.
    #[error("the broker rejected messages ({condition})")]
    Rejected {
        /// Condition of the broker, e.g. `amqp:not-allowed`.
        condition: String,
    },
    /// The broker is busy or the queue is full. The broker said so, so these messages were not accepted.
    #[error("the broker is busy or the queue is full ({condition})")]
    Busy {
        /// Condition of the broker.
        condition: String,
    },
    /// There was no connection to send on.
    #[error("the broker cannot be reached ({reason})")]
    Unavailable {
        /// A technical reason.
        reason: String,
    },
    /// The connection was lost, or a deadline passed, with messages under way: they may or may not have been accepted.
    #[error("the connection was lost while messages were under way")]
    OutcomeUnknown,
    /// The sender was stopped, or this process is ending.
    #[error("the sender is stopped")]
    Stopped,
}

impl Cause {
    /// Whether sending the same again later may succeed without anyone's intervention.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Unavailable { .. } | Self::OutcomeUnknown => true,
            Self::TooLarge { .. }
            | Self::EntityNotFound
            | Self::Unauthorized { .. }
            | Self::Rejected { .. }
            | Self::Stopped => false,
        }
    }

    /// In one word, for measurements.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::EntityNotFound => "not-found",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Rejected { .. } => "rejected",
            Self::Busy { .. } => "busy",
            Self::Unavailable { .. } => "unavailable",
            Self::OutcomeUnknown => "unknown",
            Self::Stopped => "stopped",
        }
    }

    /// Whether messages may have been accepted without confirmation.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown)
    }

    pub(super) fn unavailable(reason: &str) -> Self {
        Self::Unavailable { reason: reason.to_owned() }
    }
}

impl Error {
    /// As [`Cause::is_transient`].
    pub fn is_transient(&self) -> bool {
        self.cause.is_transient()
    }

    /// Positions of the messages that are not known to be accepted.
    pub fn unconfirmed(&self) -> &[usize] {
        &self.unconfirmed
    }
}
